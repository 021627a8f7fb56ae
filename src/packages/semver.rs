//! Versions and version ranges as dbt's package hub has them.
//!
//! A version is `MAJOR.MINOR.PATCH` with an optional `-PRERELEASE` (or `PRERELEASE`, from a letter on) and `+BUILD`; precedence is that of semver.org 2.0.
//! A specifier is a version with an optional `=`, `>`, `>=`, `<` or `<=` directly in front of it. Nothing else is
//! accepted (dbt-core 1.10): no `v`, no `~`, no `*`, no blanks.
use std::cmp::Ordering;

/// A version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    prerelease: String,
    build: String,
}

impl Version {
    /// Reads a version.
    pub fn read(text: &str) -> Option<Self> {
        let (rest, build) = match text.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (text, None),
        };
        // The dash may be left out before a letter, as Python's versions do: `1.6.0rc2`.
        let core = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let (core, prerelease) = match core.strip_prefix('-') {
            Some(pre) => (&rest[..rest.len() - core.len()], Some(pre)),
            None if core.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                (&rest[..rest.len() - core.len()], Some(core))
            }
            None => (rest, None),
        };
        let mut numbers = [0u64; 3];
        let parts: Vec<&str> = core.split('.').collect();
        if parts.len() != 3 {
            return None;
        }
        for (number, part) in numbers.iter_mut().zip(parts) {
            let padded = part.len() > 1 && part.starts_with('0');
            if part.is_empty() || padded || !part.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            *number = part.parse().ok()?;
        }
        let words = |text: Option<&str>| -> Option<String> {
            let Some(text) = text else {
                return Some(String::new());
            };
            let word = |w: &str| {
                !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            };
            text.split('.').all(word).then(|| text.to_string())
        };
        Some(Self {
            numbers,
            prerelease: words(prerelease)?,
            build: words(build)?,
        })
    }

    /// Whether it is a version before a release.
    pub fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build)?;
        }
        Ok(())
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let released = self.prerelease.is_empty().cmp(&other.prerelease.is_empty());
        self.numbers
            .cmp(&other.numbers)
            .then(released)
            .then_with(|| words(&self.prerelease, &other.prerelease))
            .then_with(|| self.build.cmp(&other.build))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Dot-separated words: numbers by value and before other words, those by their bytes, fewer words first.
fn words(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match (x.parse::<u64>(), y.parse::<u64>()) {
                (Ok(x), Ok(y)) => x.cmp(&y),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => x.cmp(y),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// How a version must compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matcher {
    /// `=`
    Equal,
    /// `>`
    Above,
    /// `>=`
    From,
    /// `<`
    Below,
    /// `<=`
    To,
}

/// A condition on a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specifier {
    /// How.
    pub matcher: Matcher,
    /// With what.
    pub version: Version,
}

impl Specifier {
    /// Reads a specifier.
    pub fn read(text: &str) -> Option<Self> {
        let table = [
            (">=", Matcher::From),
            ("<=", Matcher::To),
            (">", Matcher::Above),
            ("<", Matcher::Below),
            ("=", Matcher::Equal),
        ];
        let (matcher, rest) = table
            .iter()
            .find_map(|(sign, m)| text.strip_prefix(sign).map(|rest| (*m, rest)))
            .unwrap_or((Matcher::Equal, text));
        let version = Version::read(rest)?;
        Some(Self { matcher, version })
    }

    /// Whether a version meets it.
    pub fn allows(&self, v: &Version) -> bool {
        match self.matcher {
            Matcher::Equal => *v == self.version,
            Matcher::Above => *v > self.version,
            Matcher::From => *v >= self.version,
            Matcher::Below => *v < self.version,
            Matcher::To => *v <= self.version,
        }
    }
}

impl std::fmt::Display for Specifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = match self.matcher {
            Matcher::Equal => "=",
            Matcher::Above => ">",
            Matcher::From => ">=",
            Matcher::Below => "<",
            Matcher::To => "<=",
        };
        write!(f, "{sign}{}", self.version)
    }
}

/// Versions that meet several specifiers, with those that say nothing beyond the others left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    lower: Option<Specifier>,
    upper: Option<Specifier>,
}

impl Range {
    /// The range that all specifiers leave.
    ///
    /// # Errors
    /// `Err(())` if they contradict each other whatever versions there are.
    pub fn of(specifiers: &[Specifier]) -> Result<Self, ()> {
        let mut range = Self::default();
        for s in specifiers {
            let (low, high) = match s.matcher {
                Matcher::Equal => (true, true),
                Matcher::Above | Matcher::From => (true, false),
                Matcher::Below | Matcher::To => (false, true),
            };
            if low {
                range.raise(s);
            }
            if high {
                range.drop_to(s);
            }
        }
        match (&range.lower, &range.upper) {
            (Some(low), Some(high)) => match low.version.cmp(&high.version) {
                Ordering::Less => Ok(range),
                Ordering::Equal if low.allows(&high.version) && high.allows(&low.version) => {
                    Ok(range)
                }
                _ => Err(()),
            },
            _ => Ok(range),
        }
    }

    fn raise(&mut self, s: &Specifier) {
        let stricter = match &self.lower {
            None => true,
            Some(old) => match s.version.cmp(&old.version) {
                Ordering::Greater => true,
                Ordering::Equal => old.matcher == Matcher::From || s.matcher == Matcher::Above,
                Ordering::Less => false,
            },
        };
        if stricter {
            self.lower = Some(s.clone());
        }
    }

    fn drop_to(&mut self, s: &Specifier) {
        let stricter = match &self.upper {
            None => true,
            Some(old) => match s.version.cmp(&old.version) {
                Ordering::Less => true,
                Ordering::Equal => old.matcher == Matcher::To || s.matcher == Matcher::Below,
                Ordering::Greater => false,
            },
        };
        if stricter {
            self.upper = Some(s.clone());
        }
    }

    /// Whether a version lies in it.
    pub fn allows(&self, v: &Version) -> bool {
        let meets = |s: &Option<Specifier>| s.as_ref().is_none_or(|s| s.allows(v));
        meets(&self.lower) && meets(&self.upper)
    }

    /// Whether it names a version before a release, which then may be chosen.
    pub fn names_prerelease(&self) -> bool {
        let pre = |s: &Option<Specifier>| s.as_ref().is_some_and(|s| s.version.is_prerelease());
        pre(&self.lower) || pre(&self.upper)
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.lower, &self.upper) {
            (Some(low), Some(high)) if low == high => write!(f, "{low}"),
            (Some(low), Some(high)) => write!(f, "{low}, {high}"),
            (Some(one), None) | (None, Some(one)) => write!(f, "{one}"),
            (None, None) => f.write_str("any version"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v(text: &str) -> Version {
        Version::read(text).unwrap()
    }

    #[test]
    fn a_prerelease_may_follow_without_a_dash() {
        assert_eq!(v("1.6.0rc2"), v("1.6.0-rc2"));
        assert!(v("1.6.0rc2") < v("1.6.0"));
        assert!(Specifier::read(">=1.6.0rc2").is_some());
        for bad in ["1.6rc2", "1.6.0.rc2", "1.6.01", "rc2", "1.6.0-"] {
            assert_eq!(Version::read(bad), None, "{bad}");
        }
    }

    fn range(specifiers: &[&str]) -> Result<String, ()> {
        let read: Vec<Specifier> = specifiers
            .iter()
            .map(|s| Specifier::read(s).unwrap())
            .collect();
        Range::of(&read).map(|r| r.to_string())
    }

    #[test]
    fn precedence_is_that_of_the_specification() {
        let order = [
            "0.9.0",
            "1.0.0-1",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
        ];
        for pair in order.windows(2) {
            assert!(v(pair[0]) < v(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn what_dbt_refuses_is_refused() {
        for bad in [
            "1",
            "1.0",
            "v1.0.0",
            "1.0.0 ",
            " 1.0.0",
            "==1.0.0",
            "~=1.0",
            "*",
            "",
            "1.0.0-",
            "1.0.0+",
            "01.0.0",
            "1.0.x",
            "> 1.0.0",
            "1.0.0.0",
            "99999999999999999999.0.0",
        ] {
            assert!(Specifier::read(bad).is_none(), "{bad}");
        }
        for good in [
            "1.0.0",
            "=1.0.0",
            ">=1.0.0-rc1",
            "<2.0.0+build.5",
            "1.2.0-b1",
        ] {
            assert!(Specifier::read(good).is_some(), "{good}");
        }
    }

    #[test]
    fn ranges_are_reduced_or_found_impossible() {
        assert_eq!(
            range(&[">=1.0.0", ">=1.1.0", "<3.0.0", "<=2.0.0"]),
            Ok(">=1.1.0, <=2.0.0".into())
        );
        assert_eq!(range(&[">1.0.0", ">=1.0.0"]), Ok(">1.0.0".into()));
        assert_eq!(range(&["1.1.0", ">=1.0.0"]), Ok("=1.1.0".into()));
        assert_eq!(
            range(&[">=1.0.0", "<=1.0.0"]),
            Ok(">=1.0.0, <=1.0.0".into())
        );
        assert_eq!(range(&["1.0.0", "1.1.0"]), Err(()));
        assert_eq!(range(&[">2.0.0", "<1.0.0"]), Err(()));
        assert_eq!(range(&["2.0.0", ">=1.0.0", "<2.0.0"]), Err(()));
        assert_eq!(range(&[">1.0.0", "<1.0.0"]), Err(()));
    }

    proptest! {
        #[test]
        fn a_range_allows_what_all_its_specifiers_allow(
            specs in proptest::collection::vec((0usize..5, 0u64..4, 0u64..4), 1..5),
            at in (0u64..4, 0u64..4),
        ) {
            let signs = ["=", ">", ">=", "<", "<="];
            let specs: Vec<Specifier> = specs
                .iter()
                .map(|(s, a, b)| Specifier::read(&format!("{}{a}.{b}.0", signs[*s])).unwrap())
                .collect();
            let at = v(&format!("{}.{}.0", at.0, at.1));
            let all = specs.iter().all(|s| s.allows(&at));
            match Range::of(&specs) {
                Ok(range) => prop_assert_eq!(range.allows(&at), all),
                Err(()) => prop_assert!(!all),
            }
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".{0,20}") {
            if let Some(s) = Specifier::read(&text) {
                prop_assert_eq!(Specifier::read(&s.to_string()), Some(s));
            }
        }
    }
}
