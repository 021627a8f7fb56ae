//! Functions of dates and times.
use super::functions::Args;
use super::{Checked, Compiler, Typed, mismatch};
use crate::simulate::calendar::{self, DAY, MINUTE, SECOND, WEEKDAYS};
use crate::simulate::frame::Code;
use crate::simulate::value::{Type, as_float, boolean, float, int};

impl Compiler<'_> {
    /// The time function of this name, if it is one.
    pub(super) fn time_function(&mut self, name: &str, args: &mut Args) -> Checked<Option<Typed>> {
        Ok(Some(match name {
            "hour" | "minute" => {
                let code = args.take(self, &Type::Timestamp)?;
                let (unit, round) = if name == "hour" {
                    (60 * MINUTE, 24)
                } else {
                    (MINUTE, 60)
                };
                Typed::new(
                    Type::Int,
                    Code::new(move |f| int((code.get(f)? as i64).rem_euclid(DAY) / unit % round)),
                )
            }
            "weekday" => {
                let day = self.day_argument(args)?;
                let names = WEEKDAYS.map(|d| u64::from(self.constants.text(d)));
                Typed::new(
                    Type::Text,
                    Code::new(move |f| Some(names[calendar::weekday(day.get(f)? as i64)])),
                )
            }
            "isodow" => self.of_day(args, |d| calendar::weekday(d) as i64 + 1)?,
            "month" => self.of_day(args, |d| calendar::to_civil(d).1)?,
            "year" => self.of_day(args, |d| calendar::to_civil(d).0)?,
            "day_of_month" => self.of_day(args, |d| calendar::to_civil(d).2)?,
            "week" => self.of_day(args, iso_week)?,
            "day_number" => {
                let day = self.day_argument(args)?;
                Typed::new(
                    Type::Int,
                    Code::new(move |f| int(day.get(f)? as i64 - f.world.calendar.start)),
                )
            }
            "is_weekend" => {
                let day = self.day_argument(args)?;
                Typed::new(
                    Type::Bool,
                    Code::new(move |f| boolean(calendar::weekday(day.get(f)? as i64) > 4)),
                )
            }
            "date" | "timestamp" => self.cast(name, args)?,
            "seconds" => self.length(args, SECOND)?,
            "minutes" => self.length(args, MINUTE)?,
            "hours" => self.length(args, 60 * MINUTE)?,
            "days" => self.length(args, DAY)?,
            "round_minutes" => {
                let time = args.take(self, &Type::Timestamp)?;
                let minutes = args.number(self)?;
                Typed::new(
                    Type::Timestamp,
                    Code::new(move |f| {
                        let time = time.get(f)? as i64;
                        let unit = (as_float(minutes.get(f)?) * MINUTE as f64) as i64;
                        int(if unit <= 0 {
                            time
                        } else {
                            time.div_euclid(unit) * unit
                        })
                    }),
                )
            }
            _ => return Ok(None),
        }))
    }

    /// A date or timestamp argument as a day number.
    fn day_argument(&mut self, args: &mut Args) -> Checked<Code> {
        match args.list.first() {
            Some((t, _)) if t.ty == Type::Timestamp => {
                let code = args.take(self, &Type::Timestamp)?;
                Ok(Code::new(move |f| {
                    int((code.get(f)? as i64).div_euclid(DAY))
                }))
            }
            _ => args.take(self, &Type::Date),
        }
    }

    fn of_day(&mut self, args: &mut Args, of: fn(i64) -> i64) -> Checked {
        let day = self.day_argument(args)?;
        Ok(Typed::new(
            Type::Int,
            Code::new(move |f| int(of(day.get(f)? as i64))),
        ))
    }

    fn cast(&mut self, name: &str, args: &mut Args) -> Checked {
        let to = if name == "date" {
            Type::Date
        } else {
            Type::Timestamp
        };
        if to == Type::Date && matches!(args.list.first(), Some((t, _)) if t.ty == Type::Timestamp)
        {
            return Ok(Typed::new(to, self.day_argument(args)?));
        }
        if let Some((typed, span)) = args.list.first()
            && let Some(text) = &typed.text
        {
            let known = if to == Type::Date {
                calendar::parse_date(text)
            } else {
                calendar::parse_timestamp(text)
            };
            if known.is_none() {
                return Err(mismatch(span, format!("'{text}' is no {name}"))
                    .help("write 'YYYY-MM-DD' or 'YYYY-MM-DD HH:MM:SS'"));
            }
        }
        let code = args.take(self, &to)?;
        Ok(Typed::new(to, code))
    }

    /// A number of units as an interval, or an interval as a number of units.
    fn length(&mut self, args: &mut Args, unit: i64) -> Checked {
        if matches!(args.list.first(), Some((t, _)) if t.ty == Type::Interval) {
            let code = args.take(self, &Type::Interval)?;
            return Ok(Typed::new(
                Type::Float,
                Code::new(move |f| float(code.get(f)? as i64 as f64 / unit as f64)),
            ));
        }
        let code = args.number(self)?;
        Ok(Typed::new(
            Type::Interval,
            Code::new(move |f| {
                let micros = libm::rint(as_float(code.get(f)?) * unit as f64);
                if micros.abs() < 9e18 {
                    int(micros as i64)
                } else {
                    f.fail("an interval is too long")
                }
            }),
        ))
    }
}

/// The ISO 8601 week of a day.
fn iso_week(day: i64) -> i64 {
    // The week belongs to the year of its Thursday.
    let thursday = day - calendar::weekday(day) as i64 + 3;
    let (year, ..) = calendar::to_civil(thursday);
    (thursday - calendar::from_civil(year, 1, 1)) / 7 + 1
}
