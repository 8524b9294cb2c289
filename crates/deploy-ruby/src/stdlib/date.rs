//! Date, on top of the calendar of the time library.

use crate::core::{int, strftime, text};
use crate::interp::{Args, Call, Object, Reply};
use crate::value::{Unwind, Value};
use async_trait::async_trait;
use jiff::{Span, civil};
use std::cmp::Ordering;
use std::rc::Rc;

struct Date(civil::Date);

/// A calendar day.
pub(crate) fn date(day: civil::Date) -> Value {
    Value::object(Date(day))
}

fn wrong(call: &Call) -> Unwind {
    call.raise("Date::Error", "invalid date")
}

pub(super) fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    let effects = call.interp().effects();
    Ok(Some(match name {
        "today" => date(effects.now().to_zoned(effects.time_zone()).date()),
        "now" => Value::Time(Rc::new(effects.now().to_zoned(effects.time_zone()))),
        "new" | "civil" => {
            let part = |i: usize, default: i64| args.get(i).map_or(Ok(default), |v| int(call, v));
            let year = i16::try_from(part(0, 1)?).map_err(|_| wrong(call))?;
            let (month, day) = (
                i8::try_from(part(1, 1)?).map_err(|_| wrong(call))?,
                i8::try_from(part(2, 1)?).map_err(|_| wrong(call))?,
            );
            date(civil::Date::new(year, month, day).map_err(|_| wrong(call))?)
        }
        "parse" | "iso8601" => {
            let given = text(call, &args.at(0))?;
            let day = given.get(..10).unwrap_or(&given).parse::<civil::Date>();
            date(
                day.or_else(|_| civil::Date::strptime("%Y%m%d", given.get(..8).unwrap_or(&given)))
                    .map_err(|_| wrong(call))?,
            )
        }
        "strptime" => {
            let format = args.get(1).map_or(Ok("%F".to_owned()), |f| text(call, f))?;
            date(civil::Date::strptime(&format, text(call, &args.at(0))?).map_err(|_| wrong(call))?)
        }
        "valid_date?" => {
            let at = |i: usize| args.at(i).as_int().unwrap_or(0);
            let fits = (i16::try_from(at(0)), i8::try_from(at(1)), i8::try_from(at(2)));
            Value::Bool(matches!(fits, (Ok(y), Ok(m), Ok(d)) if civil::Date::new(y, m, d).is_ok()))
        }
        _ => return Ok(None),
    }))
}

#[async_trait(?Send)]
impl Object for Date {
    fn class_name(&self) -> String {
        "Date".to_owned()
    }

    fn to_s(&self) -> String {
        self.0.to_string()
    }

    fn inspect(&self) -> String {
        format!("#<Date: {}>", self.0)
    }

    fn equals(&self, other: &Value) -> bool {
        other.downcast::<Date>().is_some_and(|o| o.0 == self.0)
    }

    fn compare(&self, other: &Value) -> Option<Ordering> {
        other.downcast::<Date>().map(|o| self.0.cmp(&o.0))
    }

    fn hash_code(&self) -> u64 {
        u64::try_from(self.0.day_of_year()).unwrap_or(0)
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let day = self.0;
        let moved = |span: Span| day.checked_add(span).map(date).map_err(|_| wrong(call));
        let count = |sign: i64| args.get(0).map_or(Ok(sign), |v| int(call, v).map(|n| n.saturating_mul(sign)));
        let span = |n: i64| Span::new().try_days(n).map_err(|_| wrong(call));
        let months = |n: i64| Span::new().try_months(n).map_err(|_| wrong(call));
        Ok(Some(match name {
            "year" => Value::Int(i64::from(day.year())),
            "month" | "mon" => Value::Int(i64::from(day.month())),
            "day" | "mday" => Value::Int(i64::from(day.day())),
            "wday" => Value::Int(i64::from(day.weekday().to_sunday_zero_offset())),
            "yday" => Value::Int(i64::from(day.day_of_year())),
            "cweek" => Value::Int(i64::from(day.iso_week_date().week())),
            "to_s" | "iso8601" => Value::from(day.to_string()),
            "strftime" => {
                let format = args.get(0).map_or(Ok("%F".to_owned()), |f| text(call, f))?;
                let noon = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong(call))?;
                Value::from(strftime(&noon, &format))
            }
            "-" if args.at(0).downcast::<Date>().is_some() => {
                let other = args.at(0).downcast::<Date>().map_or(day, |o| o.0);
                Value::Int(i64::from((day - other).get_days()))
            }
            "+" | "next_day" => moved(span(count(1)?)?)?,
            "-" | "prev_day" => moved(span(count(-1)?)?)?,
            "next" | "succ" => moved(span(1)?)?,
            ">>" | "next_month" => moved(months(count(1)?)?)?,
            "<<" | "prev_month" => moved(months(count(-1)?)?)?,
            "<" | ">" | "<=" | ">=" => {
                let Some(order) = self.compare(&args.at(0)) else {
                    return Err(call.argument_error("comparison of Date failed"));
                };
                Value::Bool(match name {
                    "<" => order.is_lt(),
                    ">" => order.is_gt(),
                    "<=" => order.is_le(),
                    _ => order.is_ge(),
                })
            }
            "to_date" => Value::Object(self),
            "to_time" => {
                let zone = call.interp().effects().time_zone();
                Value::Time(Rc::new(day.to_zoned(zone).map_err(|_| wrong(call))?))
            }
            "saturday?" | "sunday?" | "monday?" | "tuesday?" | "wednesday?" | "thursday?" | "friday?" => {
                let wanted = name.trim_end_matches('?');
                let names = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
                let index = usize::try_from(day.weekday().to_sunday_zero_offset()).unwrap_or(0);
                Value::Bool(names.get(index) == Some(&wanted))
            }
            _ => return Ok(None),
        }))
    }
}
