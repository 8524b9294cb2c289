//! Time.

use super::strftime::{offset_text, strftime, weekday, zone_name};
use super::take::{float, int, text};
use crate::interp::{Args, Call, Reply};
use crate::value::{Unwind, Value};
use jiff::{Timestamp, ToSpan, Zoned, tz::TimeZone};
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "strftime",
    "to_i",
    "tv_sec",
    "to_f",
    "to_r",
    "year",
    "month",
    "mon",
    "day",
    "mday",
    "hour",
    "min",
    "sec",
    "usec",
    "nsec",
    "wday",
    "yday",
    "zone",
    "utc",
    "gmtime",
    "getutc",
    "getgm",
    "localtime",
    "getlocal",
    "utc?",
    "gmt?",
    "utc_offset",
    "gmt_offset",
    "+",
    "-",
    "<",
    ">",
    "<=",
    ">=",
    "<=>",
    "between?",
    "to_a",
    "to_time",
    "to_date",
    "iso8601",
    "xmlschema",
    "rfc2822",
    "httpdate",
    "round",
    "dst?",
    "monday?",
    "tuesday?",
    "wednesday?",
    "thursday?",
    "friday?",
    "saturday?",
    "sunday?",
    "ctime",
    "asctime",
    "next_day",
    "prev_day",
];

fn is_utc(time: &Zoned) -> bool {
    *time.time_zone() == TimeZone::UTC
}

pub(crate) fn time_to_s(time: &Zoned) -> String {
    strftime(time, if is_utc(time) { "%Y-%m-%d %H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S %z" })
}

fn wrap(time: Zoned) -> Value {
    Value::Time(Rc::new(time))
}

/// Seconds since the epoch, in a zone.
fn at_seconds(call: &Call, seconds: f64, zone: TimeZone) -> Result<Value, Unwind> {
    let out_of_range = |_| call.raise("RangeError", "time out of range");
    #[allow(clippy::cast_possible_truncation, reason = "a fraction of a second is below 10^9")]
    let nanos = (seconds.fract() * 1e9).round() as i32;
    #[allow(clippy::cast_possible_truncation, reason = "a cast saturates, and that is out of range for a time")]
    let stamp = Timestamp::new(seconds.trunc() as i64, nanos).map_err(out_of_range)?;
    Ok(wrap(stamp.to_zoned(zone)))
}

fn shifted(call: &Call, this: &Zoned, seconds: &Value, sign: i64) -> Result<Value, Unwind> {
    let out_of_range = |_| call.raise("RangeError", "time out of range");
    let span = match seconds {
        Value::Int(n) => n.checked_mul(sign).ok_or(()).and_then(|s| {
            jiff::SignedDuration::try_from(std::time::Duration::from_secs(s.unsigned_abs()))
                .map(|d| if s < 0 { -d } else { d })
                .map_err(drop)
        }),
        other => {
            #[allow(clippy::cast_precision_loss, reason = "the sign is 1 or -1")]
            let s = float(call, other)? * sign as f64;
            jiff::SignedDuration::try_from_secs_f64(s).map_err(drop)
        }
    };
    let span = span.map_err(|()| call.raise("RangeError", "time out of range"))?;
    this.checked_add(span).map(wrap).map_err(out_of_range)
}

pub(super) fn call(call: &Call, this: &Rc<Zoned>, name: &str, args: &Args) -> Reply {
    let seconds = |t: &Zoned| t.timestamp().as_duration().as_secs_f64();
    Ok(Some(match name {
        "strftime" => Value::from(strftime(this, &text(call, &args.at(0))?)),
        "to_i" | "tv_sec" => Value::Int(this.timestamp().as_second()),
        "to_f" | "to_r" => Value::Float(seconds(this)),
        "year" => Value::Int(i64::from(this.year())),
        "month" | "mon" => Value::Int(i64::from(this.month())),
        "day" | "mday" => Value::Int(i64::from(this.day())),
        "hour" => Value::Int(i64::from(this.hour())),
        "min" => Value::Int(i64::from(this.minute())),
        "sec" => Value::Int(i64::from(this.second())),
        "usec" => Value::Int(i64::from(this.subsec_nanosecond()) / 1000),
        "nsec" => Value::Int(i64::from(this.subsec_nanosecond())),
        "wday" => Value::Int(weekday(this)),
        "yday" => Value::Int(i64::from(this.day_of_year())),
        "zone" => Value::from(zone_name(this)),
        "utc" | "gmtime" | "getutc" | "getgm" => wrap(this.with_time_zone(TimeZone::UTC)),
        "localtime" | "getlocal" => wrap(this.with_time_zone(match args.get(0) {
            Some(Value::Str(offset)) => zone_of(call, &offset.to_text())?,
            _ => call.interp().effects().time_zone(),
        })),
        "utc?" | "gmt?" => Value::Bool(is_utc(this)),
        "utc_offset" | "gmt_offset" | "gmtoff" => Value::Int(i64::from(this.offset().seconds())),
        "dst?" | "isdst" => Value::Bool(this.time_zone().to_offset_info(this.timestamp()).dst().is_dst()),
        "+" if matches!(args.at(0), Value::Time(_)) => return Err(call.type_error("time + time?")),
        "+" => shifted(call, this, &args.at(0), 1)?,
        "-" => match args.at(0) {
            Value::Time(other) => Value::Float(seconds(this) - seconds(&other)),
            other => shifted(call, this, &other, -1)?,
        },
        "<" | ">" | "<=" | ">=" => {
            let Some(order) = Value::Time(this.clone()).compare(&args.at(0)) else {
                return Err(call.argument_error(format!("comparison of Time with {} failed", args.at(0).inspect())));
            };
            Value::Bool(match name {
                "<" => order.is_lt(),
                ">" => order.is_gt(),
                "<=" => order.is_le(),
                _ => order.is_ge(),
            })
        }
        "between?" => return super::number::bounds(call, &Value::Time(this.clone()), name, args),
        "to_time" | "round" => Value::Time(this.clone()),
        "to_date" => crate::stdlib::date(this.date()),
        "iso8601" | "xmlschema" => {
            let zone = if is_utc(this) { "Z".to_owned() } else { offset_text(this, 1) };
            let places = super::take::int_or(call, args, 0, 0)?;
            let fraction = if places > 0 { strftime(this, &format!(".%{places}N")) } else { String::new() };
            Value::from(format!("{}{fraction}{zone}", strftime(this, "%Y-%m-%dT%H:%M:%S")))
        }
        "rfc2822" | "rfc822" => Value::from(strftime(this, "%a, %d %b %Y %H:%M:%S %z")),
        "httpdate" => Value::from(strftime(&this.with_time_zone(TimeZone::UTC), "%a, %d %b %Y %H:%M:%S GMT")),
        "ctime" | "asctime" => Value::from(strftime(this, "%c")),
        "to_a" => {
            let parts = [
                i64::from(this.second()),
                i64::from(this.minute()),
                i64::from(this.hour()),
                i64::from(this.day()),
                i64::from(this.month()),
                i64::from(this.year()),
            ];
            Value::array(
                parts
                    .into_iter()
                    .map(Value::Int)
                    .chain([Value::Int(weekday(this)), Value::Int(i64::from(this.day_of_year()))])
                    .collect(),
            )
        }
        "sunday?" | "monday?" | "tuesday?" | "wednesday?" | "thursday?" | "friday?" | "saturday?" => {
            Value::Bool(strftime(this, "%A").to_lowercase() == name.trim_end_matches('?'))
        }
        "next_day" | "prev_day" => {
            let days = if name == "next_day" { 1.day() } else { (-1).days() };
            this.checked_add(days).map(wrap).map_err(|_| call.raise("RangeError", "time out of range"))?
        }
        _ => return Ok(None),
    }))
}

fn zone_of(call: &Call, text: &str) -> Result<TimeZone, Unwind> {
    if matches!(text, "UTC" | "Z") {
        return Ok(TimeZone::UTC);
    }
    let wrong = || call.argument_error("\"+HH:MM\", \"-HH:MM\", \"UTC\" expected for utc_offset");
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let hours: i32 = digits.get(..2).and_then(|d| d.parse().ok()).ok_or_else(wrong)?;
    let minutes: i32 = digits.get(2..4).and_then(|d| d.parse().ok()).unwrap_or(0);
    let offset = jiff::tz::Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| wrong())?;
    Ok(TimeZone::fixed(offset))
}

pub(super) fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    let effects = call.interp().effects();
    Ok(Some(match name {
        "now" => wrap(effects.now().to_zoned(effects.time_zone())),
        "new" if args.is_empty() => wrap(effects.now().to_zoned(effects.time_zone())),
        "at" => match args.at(0) {
            Value::Time(t) => Value::Time(t),
            Value::Int(seconds) => {
                let stamp =
                    Timestamp::from_second(seconds).map_err(|_| call.raise("RangeError", "time out of range"))?;
                let zone = args.option("in").map(|zone| zone_of(call, &zone.to_s())).transpose()?;
                wrap(stamp.to_zoned(zone.unwrap_or_else(|| effects.time_zone())))
            }
            other => at_seconds(call, float(call, &other)?, effects.time_zone())?,
        },
        "new" | "local" | "mktime" => from_parts(call, args, effects.time_zone())?,
        "utc" | "gm" => from_parts(call, args, TimeZone::UTC)?,
        "strptime" => strptime(call, &text(call, &args.at(0))?, &text(call, &args.at(1))?)?,
        "parse" | "iso8601" | "xmlschema" => parse(call, &text(call, &args.at(0))?)?,
        _ => return Ok(None),
    }))
}

/// `Time.strptime`: what the format does not name is midnight, local time.
fn strptime(call: &Call, given: &str, format: &str) -> Result<Value, Unwind> {
    let wrong = || call.argument_error(format!("invalid date or strptime format - `{given}' `{format}'"));
    let parts = jiff::fmt::strtime::parse(format, given).map_err(|_| wrong())?;
    let date = parts.to_date().map_err(|_| wrong())?;
    let time = parts.to_time().unwrap_or(jiff::civil::Time::midnight());
    let zone = parts.offset().map_or_else(|| call.interp().effects().time_zone(), TimeZone::fixed);
    date.to_datetime(time).to_zoned(zone).map(wrap).map_err(|_| wrong())
}

fn from_parts(call: &Call, args: &Args, zone: TimeZone) -> Result<Value, Unwind> {
    let part = |i: usize, default: i64| match args.at(i) {
        Value::Nil => Ok(default),
        Value::Str(s) => Ok(s.to_text().parse().unwrap_or(default)),
        other => int(call, &other),
    };
    let wrong = || call.argument_error("argument out of range");
    let small = |n: i64| i8::try_from(n).map_err(|_| wrong());
    let micros = match args.get(6) {
        Some(Value::Int(micros)) => {
            i32::try_from(*micros).ok().filter(|m| (0..1_000_000).contains(m)).ok_or_else(wrong)?
        }
        _ => 0,
    };
    let year = i16::try_from(part(0, 1970)?).map_err(|_| wrong())?;
    let civil = jiff::civil::DateTime::new(
        year,
        small(part(1, 1)?)?,
        small(part(2, 1)?)?,
        small(part(3, 0)?)?,
        small(part(4, 0)?)?,
        small(part(5, 0)?)?,
        micros * 1000,
    )
    .map_err(|_| wrong())?;
    let zone = match args.get(6) {
        Some(Value::Str(offset)) => zone_of(call, &offset.to_text())?,
        _ => zone,
    };
    civil.to_zoned(zone).map(wrap).map_err(|_| wrong())
}

/// ISO 8601, `YYYY-MM-DD hh:mm:ss [zone]`, RFC 2822, or a date alone.
fn parse(call: &Call, text: &str) -> Result<Value, Unwind> {
    let zone = call.interp().effects().time_zone();
    let text = text.trim();
    if let Ok(stamp) = text.parse::<Timestamp>() {
        let utc = text.ends_with('Z');
        return Ok(wrap(stamp.to_zoned(if utc { TimeZone::UTC } else { offset_of(call, text) })));
    }
    if let Some(plain) = text.strip_suffix(" UTC")
        && let Ok(civil) = plain.parse::<jiff::civil::DateTime>()
        && let Ok(time) = civil.to_zoned(TimeZone::UTC)
    {
        return Ok(wrap(time));
    }
    for format in ["%Y-%m-%d %H:%M:%S %z", "%a %b %e %H:%M:%S %Y %z", "%Y%m%d%H%M%S %z"] {
        if let Ok(time) = Zoned::strptime(format, text) {
            return Ok(wrap(time));
        }
    }
    if let Ok(time) = jiff::fmt::rfc2822::parse(text) {
        return Ok(wrap(time));
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok();
    let civil = civil.or_else(|| jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text).ok());
    match civil.and_then(|c| c.to_zoned(zone).ok()) {
        Some(time) => Ok(wrap(time)),
        None => Err(call.argument_error(format!("no time information in {}", Value::str(text).inspect()))),
    }
}

fn offset_of(call: &Call, text: &str) -> TimeZone {
    let at = text.rfind(['+', '-']).unwrap_or(0);
    zone_of(call, text.get(at..).unwrap_or_default()).unwrap_or(TimeZone::UTC)
}
