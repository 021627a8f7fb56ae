//! Distributions by inverse CDF: one uniform number in, one value out, so a value costs exactly one draw.
//!
//! Truncation is exact (the uniform number is mapped between the CDF's values at the limits): nothing is rejected
//! and nothing piles up at the ends. Transcendental functions come from `libm`, the same bits on every machine.

/// The standard normal CDF.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The standard normal quantile: Wichura's algorithm AS 241 (PPND16), relative error about 1e-16.
#[expect(clippy::excessive_precision, reason = "coefficients as published")]
#[expect(clippy::unreadable_literal, reason = "coefficients as published")]
pub fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 8] = [
        3.3871328727963666080e0,
        1.3314166789178437745e+2,
        1.9715909503065514427e+3,
        1.3731693765509461125e+4,
        4.5921953931549871457e+4,
        6.7265770927008700853e+4,
        3.3430575583588128105e+4,
        2.5090809287301226727e+3,
    ];
    const B: [f64; 8] = [
        1.0,
        4.2313330701600911252e+1,
        6.8718700749205790830e+2,
        5.3941960214247511077e+3,
        2.1213794301586595867e+4,
        3.9307895800092710610e+4,
        2.8729085735721942674e+4,
        5.2264952788528545610e+3,
    ];
    const C: [f64; 8] = [
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ];
    const E: [f64; 8] = [
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ];
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * poly(&A, r) / poly(&B, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return if q < 0.0 {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
    }
    let r = libm::sqrt(-libm::log(tail));
    let x = if r <= 5.0 {
        poly(&C, r - 1.6) / poly(&D, r - 1.6)
    } else {
        poly(&E, r - 5.0) / poly(&F, r - 5.0)
    };
    if q < 0.0 { -x } else { x }
}

fn poly(c: &[f64; 8], x: f64) -> f64 {
    c.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// A normal distribution cut off at both ends, prepared for many draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truncated {
    mean: f64,
    sd: f64,
    low: f64,
    high: f64,
    from: f64,
    width: f64,
    mirrored: bool,
}

impl Truncated {
    /// Mean and standard deviation of the uncut curve, and the limits (infinite for none).
    pub fn new(mean: f64, sd: f64, low: f64, high: f64) -> Self {
        if sd.is_nan() || sd <= 0.0 || low >= high {
            let low = if low >= high {
                low
            } else {
                mean.clamp(low, high)
            };
            return Self {
                mean: low,
                sd: 0.0,
                low,
                high: low,
                from: 0.0,
                width: 0.0,
                mirrored: false,
            };
        }
        let (mut a, mut b) = ((low - mean) / sd, (high - mean) / sd);
        // Far in the upper tail the CDF is 1 to the last bit; the mirrored lower tail keeps its precision.
        let mirrored = a > 0.0;
        if mirrored {
            (a, b) = (-b, -a);
        }
        let from = normal_cdf(a);
        Self {
            mean,
            sd,
            low,
            high,
            from,
            width: normal_cdf(b) - from,
            mirrored,
        }
    }

    /// The value at a uniform number.
    #[inline]
    pub fn at(&self, u: f64) -> f64 {
        if self.sd == 0.0 {
            return self.mean;
        }
        let u = if self.mirrored { 1.0 - u } else { u };
        let z = normal_quantile(self.from + self.width * u);
        let z = if self.mirrored { -z } else { z };
        // Rounding may step over a limit by one bit.
        (self.mean + self.sd * z).clamp(self.low, self.high)
    }
}

/// An exponential value with this mean.
pub fn exponential(u: f64, mean: f64) -> f64 {
    -mean * libm::log(u)
}

/// The number of failures before the first success, with this mean.
pub fn geometric(u: f64, mean: f64) -> i64 {
    if mean.is_nan() || mean <= 0.0 {
        return 0;
    }
    libm::floor(libm::log(u) / libm::log(mean / (1.0 + mean))) as i64
}

/// A Poisson count: exact inversion to a mean of 200, above it the Cornish–Fisher expansion to the third moment.
pub fn poisson(u: f64, mean: f64) -> i64 {
    if mean.is_nan() || mean <= 0.0 {
        return 0;
    }
    if mean > 200.0 {
        return expansion(u, mean, libm::sqrt(mean), 1.0 / libm::sqrt(mean)).max(0);
    }
    let mut p = libm::exp(-mean);
    let mut sum = p;
    let mut n = 0i64;
    while u > sum && n < 2000 {
        n += 1;
        p *= mean / n as f64;
        sum += p;
    }
    n
}

/// A binomial count of `n` trials: exact inversion while the rarer outcome has a mean up to 200.
pub fn binomial(u: f64, n: i64, p: f64) -> i64 {
    if n <= 0 || p.is_nan() || p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    if p > 0.5 {
        return n - binomial(1.0 - u, n, 1.0 - p);
    }
    let mean = n as f64 * p;
    if mean > 200.0 {
        let sd = libm::sqrt(mean * (1.0 - p));
        return expansion(u, mean, sd, (1.0 - 2.0 * p) / sd).clamp(0, n);
    }
    let odds = p / (1.0 - p);
    let mut weight = libm::exp(n as f64 * libm::log1p(-p));
    let mut sum = weight;
    let mut k = 0i64;
    while u > sum && k < n {
        k += 1;
        weight *= odds * (n - k + 1) as f64 / k as f64;
        sum += weight;
    }
    k
}

/// Rounds the Cornish–Fisher quantile of a count with this mean, standard deviation and skewness.
fn expansion(u: f64, mean: f64, sd: f64, skew: f64) -> i64 {
    let z = normal_quantile(u);
    libm::floor(mean + sd * (z + skew * (z * z - 1.0) / 6.0) + 0.5) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::draw::{mix, unit};

    fn sample(n: u64, f: impl Fn(f64) -> f64) -> (f64, f64) {
        let values: Vec<f64> = (0..n).map(|i| f(unit(mix(5, i)))).collect();
        let mean = values.iter().sum::<f64>() / n as f64;
        let var = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64;
        (mean, libm::sqrt(var))
    }

    #[test]
    fn quantiles_invert_the_cdf() {
        for i in 1..4000 {
            let p = f64::from(i) / 4000.0;
            assert!((normal_cdf(normal_quantile(p)) - p).abs() < 1e-14, "{p}");
        }
        // Tables of the normal distribution.
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
        assert!((normal_quantile(1e-12) + 7.034_483_825_301_131).abs() < 1e-9);
    }

    #[test]
    fn moments_are_those_of_the_textbook() {
        let near = |got: f64, want: f64, by: f64| assert!((got - want).abs() < by, "{got} {want}");
        let (m, s) = sample(200_000, |u| poisson(u, 3.7) as f64);
        near(m, 3.7, 0.02);
        near(s, libm::sqrt(3.7), 0.02);
        let (m, s) = sample(200_000, |u| poisson(u, 900.0) as f64);
        near(m, 900.0, 0.3);
        near(s, 30.0, 0.2);
        let (m, s) = sample(200_000, |u| binomial(u, 150, 0.85) as f64);
        near(m, 127.5, 0.05);
        near(s, libm::sqrt(150.0 * 0.85 * 0.15), 0.05);
        let (m, _) = sample(200_000, |u| binomial(u, 10_000, 0.3) as f64);
        near(m, 3000.0, 0.5);
        let (m, _) = sample(200_000, |u| geometric(u, 0.8) as f64);
        near(m, 0.8, 0.01);
        let (m, s) = sample(200_000, |u| exponential(u, 5.0));
        near(m, 5.0, 0.05);
        near(s, 5.0, 0.1);
    }

    #[test]
    fn truncation_is_exact_and_nothing_piles_up_at_the_ends() {
        let t = Truncated::new(10.0, 5.0, 8.0, 12.0);
        let values: Vec<f64> = (0..50_000u64).map(|i| t.at(unit(mix(8, i)))).collect();
        assert!(values.iter().all(|v| (8.0..=12.0).contains(v)));
        assert_eq!(
            values.iter().filter(|v| **v <= 8.0 || **v >= 12.0).count(),
            0
        );
        // Nearly flat over so short a range: each quarter holds about a quarter.
        for q in 0..4 {
            let low = 8.0 + f64::from(q);
            let share = values
                .iter()
                .filter(|v| **v >= low && **v < low + 1.0)
                .count() as f64
                / 50_000.0;
            assert!((share - 0.25).abs() < 0.01, "{share}");
        }
        let far = Truncated::new(0.0, 1.0, 9.0, 10.0);
        assert!((9.0..9.5).contains(&far.at(0.5)));
        assert!((Truncated::new(3.0, 0.0, 0.0, 9.0).at(0.2) - 3.0).abs() < 1e-12);
        assert!((Truncated::new(3.0, 1.0, 7.0, 7.0).at(0.2) - 7.0).abs() < 1e-12);
    }

    #[test]
    fn golden_values_never_change() {
        let golden: Vec<String> = [1u64, 2, 3]
            .iter()
            .flat_map(|i| {
                let u = unit(mix(42, *i));
                [
                    format!("{:016x}", mix(42, *i)),
                    format!("{:016x}", normal_quantile(u).to_bits()),
                    format!("{:016x}", exponential(u, 3.0).to_bits()),
                    format!(
                        "{} {} {}",
                        poisson(u, 9.0),
                        geometric(u, 2.0),
                        binomial(u, 40, 0.6)
                    ),
                ]
            })
            .collect();
        insta::assert_snapshot!(golden.join("\n"));
    }
}
