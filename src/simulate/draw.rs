//! Keyed draws: every random number is a pure function of a key, so there is no stream and no order.
//!
//! In: the seed, names, numbers of parents, days, occurrences and turns. Out: 64 well-mixed bits. Nothing here
//! knows tables or fields. The functions of this module can never change: the same seed must give the same rows
//! for ever, and the tests pin golden values.

const P0: u64 = 0xa076_1d64_78bd_642f;
const P1: u64 = 0xe703_7ed1_a0b4_28db;
const P2: u64 = 0x8ebc_6af0_9c88_c6e3;
const P3: u64 = 0x5899_65cc_7537_4cc3;

/// The two halves of a 128-bit product, folded.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Mixes a number into a key: two 64 × 64 → 128 multiplications, one after the other.
#[inline]
pub fn mix(key: u64, x: u64) -> u64 {
    let inner = fold(key ^ P0, x ^ P1);
    fold(inner ^ P2, x.rotate_left(32) ^ key ^ P3) ^ inner
}

/// The key of a name: of a simulation, a field, or a field's k-th draw.
pub fn salt(name: &str) -> u64 {
    let mut key = mix(P3, name.len() as u64);
    for chunk in name.as_bytes().chunks(8) {
        let mut word = [0u8; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        key = mix(key, u64::from_le_bytes(word));
    }
    key
}

/// A number in the open interval (0, 1), from the upper 53 bits.
#[inline]
pub fn unit(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
}

/// A whole number in `0..n`; the bias is below n / 2^64.
#[inline]
pub fn below(bits: u64, n: u64) -> u64 {
    ((u128::from(bits) * u128::from(n)) >> 64) as u64
}

/// The image of `i` under a keyed permutation of `0..n`: a Feistel network on the next power of two, walked until
/// it lands inside. Nothing is stored, so it serves for 36^9 codes as well as for 150 seats.
pub fn permute(key: u64, i: u64, n: u64) -> u64 {
    if n < 2 || i >= n {
        return i;
    }
    let bits = (64 - (n - 1).leading_zeros()).max(2);
    let (low_bits, high_bits) = (bits / 2, bits - bits / 2);
    let (low_mask, high_mask) = ((1u64 << low_bits) - 1, (1u64 << high_bits) - 1);
    let mut x = i;
    loop {
        let (mut high, mut low) = (x >> low_bits, x & low_mask);
        for round in 0..5u64 {
            high = (high ^ mix(key ^ (2 * round), low)) & high_mask;
            low = (low ^ mix(key ^ (2 * round + 1), high)) & low_mask;
        }
        x = high << low_bits | low;
        if x < n {
            return x;
        }
    }
}

/// Hashes bytes quickly; for digests and lookups, never for draws of values.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut state = P2 ^ bytes.len() as u64;
    let mut pairs = bytes.chunks_exact(16);
    for pair in &mut pairs {
        state = fold(word(&pair[..8]) ^ P0 ^ state, word(&pair[8..]) ^ P1);
    }
    let rest = pairs.remainder();
    if rest.len() > 8 {
        state = fold(
            word(&rest[..8]) ^ P0 ^ state,
            tail(bytes, rest.len() - 8) ^ P1,
        );
    } else {
        state = fold(tail(bytes, rest.len()) ^ P0 ^ state, P1);
    }
    fold(state ^ P3, P0 ^ bytes.len() as u64)
}

/// The last `n` bytes, at most eight, as a word filled up with zeros; read whole where there are eight to read.
#[inline]
fn tail(bytes: &[u8], n: usize) -> u64 {
    match bytes.last_chunk::<8>() {
        Some(_) if n == 0 => 0,
        Some(last) => u64::from_le_bytes(*last) >> (8 * (8 - n)),
        None => word(bytes),
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0u8; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Neighbours in each position of a key — parent, day, occurrence, turn, field — are as independent as strangers.
    #[test]
    fn neighbours_in_every_position_are_independent() {
        let at = |place: [u64; 5]| unit(place.into_iter().fold(mix(1, 2), mix)) - 0.5;
        for position in 0..5 {
            for lag in [1, 2, 7, 64] {
                let n = 40_000u64;
                let sum: f64 = (0..n)
                    .map(|i| {
                        let mut place = [5, 3, 2, 1, 9];
                        place[position] = i;
                        let first = at(place);
                        place[position] += lag;
                        first * at(place)
                    })
                    .sum();
                // The product of two uniform numbers around 0 has a standard deviation of 1/12.
                let z = sum * 12.0 / libm::sqrt(n as f64);
                assert!(z.abs() < 3.5, "position {position}, lag {lag}: z = {z}");
            }
        }
    }

    #[test]
    fn permutations_hit_every_number_once() {
        for n in [1u64, 2, 3, 5, 7, 8, 150, 1000, 4097] {
            let mut seen: Vec<u64> = (0..n).map(|i| permute(99, i, n)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..n).collect::<Vec<_>>(), "{n}");
        }
        let big = 36u64.pow(9);
        assert!((0..1000).all(|i| permute(7, i, big) < big));
    }

    #[test]
    fn each_place_of_a_permutation_is_equally_likely() {
        // Where does seat 0 of 10 go under 20,000 keys? χ² with 9 degrees of freedom stays below 27.9 (p = 0.001).
        let mut counts = [0f64; 10];
        for key in 0..20_000u64 {
            counts[permute(mix(1, key), 0, 10) as usize] += 1.0;
        }
        let chi: f64 = counts
            .iter()
            .map(|c| (c - 2000.0) * (c - 2000.0) / 2000.0)
            .sum();
        assert!(chi < 27.9, "{chi}");
    }

    #[test]
    fn hashes_differ_with_every_byte_and_length() {
        let mut seen = std::collections::BTreeSet::new();
        for len in 0..70usize {
            let base = vec![7u8; len];
            assert!(seen.insert(hash_bytes(&base)), "{len}");
            for i in 0..len {
                let mut other = base.clone();
                other[i] ^= 1;
                assert!(seen.insert(hash_bytes(&other)), "{len} {i}");
            }
        }
    }
}
