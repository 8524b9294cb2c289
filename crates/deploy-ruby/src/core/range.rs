//! Range.

use super::take::{count, int, int_or};
use crate::interp::{Args, Call, Reply};
use crate::value::{Range, Unwind, Value};
use std::cmp::Ordering;

pub(super) const NAMES: &[&str] = &[
    "first",
    "begin",
    "last",
    "end",
    "min",
    "max",
    "size",
    "count",
    "cover?",
    "include?",
    "member?",
    "===",
    "exclude_end?",
    "to_a",
    "to_ary",
    "entries",
    "sum",
    "step",
    "%",
    "each",
];

/// Whether a value lies in the range.
pub(super) fn covers(range: &Range, value: &Value) -> bool {
    let above = range.low.is_nil() || range.low.compare(value).is_some_and(Ordering::is_le);
    let below = range.high.is_nil()
        || match value.compare(&range.high) {
            Some(Ordering::Less) => true,
            Some(Ordering::Equal) => !range.exclusive,
            _ => false,
        };
    above && below
}

/// All elements.
pub(super) fn items(call: &Call, range: &Range) -> Result<Vec<Value>, Unwind> {
    match (&range.low, &range.high) {
        (Value::Int(low), Value::Int(_) | Value::Float(_)) => {
            let high = last_int(call, range)?;
            let size =
                high.checked_sub(*low).and_then(|n| n.checked_add(1)).map(|n| usize::try_from(n.max(0)).unwrap_or(0));
            call.interp().check_size(call.context(), size.and_then(|s| s.checked_mul(24)))?;
            Ok((*low..=high).map(Value::Int).collect())
        }
        (Value::Str(low), Value::Str(high)) => text_items(call, &low.to_text(), &high.to_text(), range.exclusive),
        (_, Value::Nil) => Err(call.raise("RangeError", "cannot convert endless range to an array")),
        (low, _) => Err(call.type_error(format!("can't iterate from {}", super::kind(call, low)))),
    }
}

fn last_int(call: &Call, range: &Range) -> Result<i64, Unwind> {
    Ok(match &range.high {
        Value::Float(f) => (if range.exclusive && f.fract() == 0.0 { f - 1.0 } else { f.floor() }) as i64,
        high => int(call, high)?.saturating_sub(i64::from(range.exclusive)),
    })
}

fn text_items(call: &Call, low: &str, high: &str, exclusive: bool) -> Result<Vec<Value>, Unwind> {
    let mut out = Vec::new();
    let mut at = low.to_owned();
    while at.chars().count() <= high.chars().count() {
        call.interp().burn(call.context())?;
        let end = at == high;
        if end && exclusive {
            break;
        }
        if at.chars().count() == high.chars().count() && at.as_str() > high && !end {
            break;
        }
        out.push(Value::str(&at));
        if end || out.len() > 1_000_000 {
            break;
        }
        at = super::string_parse::succ(&at);
    }
    Ok(out)
}

pub(super) fn call(call: &Call, this: &Range, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "begin" => this.low.clone(),
        "end" => this.high.clone(),
        "first" => match args.get(0) {
            None => this.low.clone(),
            Some(n) => Value::array(first(call, this, count(call, n)?)?),
        },
        "last" if args.is_empty() => this.high.clone(),
        "exclude_end?" => Value::Bool(this.exclusive),
        "cover?" | "include?" | "member?" | "===" => match args.at(0) {
            Value::Range(inner) => Value::Bool(covers(this, &inner.low) && covers(this, &inner.high)),
            value => Value::Bool(covers(this, &value)),
        },
        "size" | "count" if args.is_empty() => match (&this.low, &this.high) {
            (Value::Int(low), Value::Int(_)) => {
                Value::Int((last_int(call, this)?.saturating_sub(*low)).saturating_add(1).max(0))
            }
            (Value::Int(_), Value::Nil) => Value::Float(f64::INFINITY),
            _ if name == "size" => Value::Nil,
            _ => Value::from(items(call, this)?.len()),
        },
        "min" | "max" if args.is_empty() => match (&this.low, &this.high) {
            (Value::Int(low), Value::Int(_)) => {
                let high = last_int(call, this)?;
                if *low > high { Value::Nil } else { Value::Int(if name == "min" { *low } else { high }) }
            }
            _ if name == "min" => this.low.clone(),
            _ => this.high.clone(),
        },
        "sum" if args.is_empty() && matches!(this.low, Value::Int(_)) => {
            let (low, high) = (i128::from(int(call, &this.low)?), i128::from(last_int(call, this)?));
            let total = if high < low { 0 } else { (low + high) * (high - low + 1) / 2 };
            Value::Int(i64::try_from(total).map_err(|_| call.raise("RangeError", "integer beyond 64 bits"))?)
        }
        "to_a" | "to_ary" | "entries" => Value::array(items(call, this)?),
        "step" | "%" => Value::array(stepped(call, this, args)?),
        "each" => return Ok(None),
        "==" | "!=" | "eql?" | "equal?" | "hash" | "inspect" | "to_s" | "class" | "dup" | "is_a?" | "nil?"
        | "respond_to?" | "frozen?" => return Ok(None),
        _ if super::enumerable::NAMES.contains(&name) => {
            return super::enumerable::call(call, &items(call, this)?, name, args);
        }
        _ => return Ok(None),
    }))
}

fn first(call: &Call, this: &Range, n: usize) -> Result<Vec<Value>, Unwind> {
    match (&this.low, &this.high) {
        (Value::Int(low), Value::Nil) => {
            call.interp().check_size(call.context(), n.checked_mul(24))?;
            Ok((0..n).map(|i| Value::Int(low.saturating_add(i64::try_from(i).unwrap_or(i64::MAX)))).collect())
        }
        _ => Ok(items(call, this)?.into_iter().take(n).collect()),
    }
}

fn stepped(call: &Call, this: &Range, args: &Args) -> Result<Vec<Value>, Unwind> {
    if let (Value::Int(_), Value::Int(_) | Value::Nil) = (&this.low, args.at(0)) {
        let by = int_or(call, args, 0, 1)?;
        if by <= 0 {
            return Err(call.argument_error("step can't be 0 or negative"));
        }
        let by = usize::try_from(by).unwrap_or(usize::MAX);
        return Ok(items(call, this)?.into_iter().step_by(by).collect());
    }
    let (mut at, end, by) = (
        super::take::float(call, &this.low)?,
        super::take::float(call, &this.high)?,
        super::take::float(call, &args.at(0))?,
    );
    if by <= 0.0 {
        return Err(call.argument_error("step can't be 0 or negative"));
    }
    let mut out = Vec::new();
    while at < end || (!this.exclusive && at <= end) {
        call.interp().burn(call.context())?;
        out.push(Value::Float(at));
        call.interp().check_size(call.context(), out.len().checked_mul(24))?;
        at += by;
    }
    Ok(out)
}
