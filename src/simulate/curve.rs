//! Curves: tables of numbers over time or over a number, called like functions in expressions.

use super::calendar;
use super::value::{Val, float};
use super::world::Calendar;
use std::sync::OnceLock;

/// What a curve is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Dates.
    Date,
    /// Whole numbers, one value each.
    Integer,
    /// Numbers.
    Number,
    /// `Mon` … `Sun`.
    Weekday,
    /// 1 … 12.
    Month,
    /// 0 … 23.
    Hour,
}

impl Over {
    /// Every kind with its name in files.
    pub const ALL: [(&'static str, Self); 6] = [
        ("date", Self::Date),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("weekday", Self::Weekday),
        ("month", Self::Month),
        ("hour", Self::Hour),
    ];
}

/// How values between the given keys are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// Straight lines between neighbours, level outside.
    Linear,
    /// A value holds until the next key; hours go round the clock.
    Step,
    /// Only the keys have values.
    Exact,
}

/// A curve ready to be read; keys ascend (dates as day numbers, weekdays 0 … 6).
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What it is over.
    pub over: Over,
    /// How values between keys are found.
    pub between: Between,
    /// Keys and values, ascending.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// The value at a key; `None` where an exact curve has none.
    pub fn at(&self, x: f64) -> Option<f64> {
        let after = if self.points.len() <= 16 {
            self.points
                .iter()
                .position(|p| p.0 > x)
                .unwrap_or(self.points.len())
        } else {
            self.points.partition_point(|p| p.0 <= x)
        };
        let before = after.checked_sub(1).map(|i| self.points[i]);
        match (self.between, before, self.points.get(after)) {
            (Between::Exact, Some((key, value)), _) => {
                (key.to_bits() == x.to_bits()).then_some(value)
            }
            (Between::Exact, None, _) => None,
            (Between::Step, Some((_, value)), _) => Some(value),
            (Between::Step, None, _) if self.over == Over::Hour => self.points.last().map(|p| p.1),
            (Between::Linear, Some((a, ya)), Some((b, yb))) => {
                Some(ya + (yb - ya) * (x - a) / (b - a))
            }
            (Between::Linear, Some((_, y)), None) => Some(y),
            (_, None, next) => next.map(|p| p.1),
        }
    }

    /// The key of a day number for a curve over dates, weekdays or months.
    pub fn key_of_day(&self, day: i64) -> f64 {
        match self.over {
            Over::Weekday => calendar::weekday(day) as f64,
            Over::Month => calendar::to_civil(day).1 as f64,
            _ => day as f64,
        }
    }
}

/// Values of a curve on the project's days, worked out when the first one is asked for.
#[derive(Debug, Default)]
pub struct KnownDays(OnceLock<(i64, Vec<Val>)>);

/// Longer projects work out the days after these one by one.
const MOST_DAYS: i64 = 4_000;

impl KnownDays {
    /// The value on a day; nothing for a day that is not known, or that has no value.
    #[inline]
    pub fn of(&self, curve: &Curve, calendar: Calendar, day: i64) -> Val {
        let (start, values) = self.0.get_or_init(|| {
            let value = |d| {
                curve
                    .at(curve.key_of_day(calendar.start + d))
                    .and_then(float)
            };
            let days = 0..calendar.days.min(MOST_DAYS);
            (calendar.start, days.map(value).collect())
        });
        *values.get(usize::try_from(day.checked_sub(*start)?).ok()?)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_the_keys() {
        let points = vec![(6.0, 1.0), (10.0, 3.0), (21.0, 5.0)];
        let curve = |over, between| Curve {
            over,
            between,
            points: points.clone(),
        };
        let linear = curve(Over::Number, Between::Linear);
        assert_eq!(
            [0.0, 8.0, 30.0].map(|x| linear.at(x)),
            [Some(1.0), Some(2.0), Some(5.0)]
        );
        let hours = curve(Over::Hour, Between::Step);
        assert_eq!(
            [3.0, 6.0, 9.0, 23.0].map(|x| hours.at(x)),
            [Some(5.0), Some(1.0), Some(1.0), Some(5.0)]
        );
        let exact = curve(Over::Integer, Between::Exact);
        assert_eq!([6.0, 7.0].map(|x| exact.at(x)), [Some(1.0), None]);
    }

    #[test]
    fn known_days_are_those_of_the_project() {
        let start = calendar::parse_date("2024-02-27").unwrap();
        let week = Curve {
            over: Over::Weekday,
            between: Between::Exact,
            // No value on Sundays.
            points: (0..6u8)
                .map(|d| (f64::from(d), f64::from(d) * 1.5))
                .collect(),
        };
        let (known, calendar) = (KnownDays::default(), Calendar { start, days: 10 });
        for day in start..start + 10 {
            let want = week.at(week.key_of_day(day)).and_then(float);
            assert_eq!(known.of(&week, calendar, day), want);
        }
        for day in [start - 1, start + 10, i64::MIN, i64::MAX] {
            assert_eq!(known.of(&week, calendar, day), None);
        }
    }

    #[test]
    fn days_become_keys() {
        let day = calendar::parse_date("2025-07-06").unwrap();
        let curve = |over| Curve {
            over,
            between: Between::Exact,
            points: Vec::new(),
        };
        assert_eq!(curve(Over::Weekday).key_of_day(day) as i64, 6);
        assert_eq!(curve(Over::Month).key_of_day(day) as i64, 7);
    }
}
