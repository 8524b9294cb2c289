//! Range.

use super::take::{count, int, to_usize};
use crate::interp::{Args, Call, Reply};
use crate::value::{Proc, Range, Unwind, Value};
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

/// Whether iteration over it does not end by itself.
pub(super) fn is_endless(range: &Range) -> bool {
    match (&range.low, &range.high) {
        (Value::Int(_), Value::Float(f)) => f.is_infinite() && *f > 0.0,
        (Value::Int(_) | Value::Str(_), Value::Nil) => true,
        _ => false,
    }
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
        (Value::Nil, _) => Err(call.type_error("can't iterate from NilClass")),
        (_, Value::Nil) => Err(call.raise("RangeError", "cannot convert endless range to an array")),
        (low, _) => Err(call.type_error(format!("can't iterate from {}", call.interp().class_name(low)))),
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
        "first" | "last" | "min" | "max" | "minmax" | "to_a" | "each" | "map" if unbounded(this, name) => {
            let what = match name {
                "first" | "min" => {
                    if name == "min" {
                        "get the minimum of beginless range".to_owned()
                    } else {
                        "get the first element of beginless range".to_owned()
                    }
                }
                "last" | "max" => {
                    if name == "max" {
                        "get the maximum of endless range".to_owned()
                    } else {
                        "get the last element of endless range".to_owned()
                    }
                }
                _ => "iterate from NilClass".to_owned(),
            };
            return match name {
                "first" | "min" | "last" | "max" => Err(call.raise("RangeError", format!("cannot {what}"))),
                _ => Err(call.type_error(format!("can't {what}"))),
            };
        }
        "first" if args.is_empty() => this.low.clone(),
        "first" => Value::array(first(call, this, count(call, &args.at(0))?)?),
        "last" if args.is_empty() => this.high.clone(),
        "last" => {
            let all = items(call, this)?;
            let skip = all.len().saturating_sub(count(call, &args.at(0))?);
            Value::array(all.into_iter().skip(skip).collect())
        }
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
            _ if this.low.compare(&this.high).is_none_or(Ordering::is_gt) => Value::Nil,
            _ if name == "min" => this.low.clone(),
            (Value::Str(_), _) if this.exclusive => items(call, this)?.pop().unwrap_or_default(),
            _ => this.high.clone(),
        },
        "sum" if args.is_empty() && matches!(this.low, Value::Int(_)) => {
            let (low, high) = (i128::from(int(call, &this.low)?), i128::from(last_int(call, this)?));
            let total = if high < low { 0 } else { (low + high) * (high - low + 1) / 2 };
            Value::Int(i64::try_from(total).map_err(|_| call.raise("RangeError", "integer beyond 64 bits"))?)
        }
        "to_a" | "to_ary" | "entries" => Value::array(items(call, this)?),
        "step" | "%" if args.block.is_none() => {
            let whole = Value::range(this.low.clone(), this.high.clone(), this.exclusive);
            super::enumerate::enumerator(&whole, "step", args)
        }
        "each" | "step" | "%" => return Ok(None),
        "==" | "!=" | "eql?" | "equal?" | "hash" | "inspect" | "to_s" | "class" | "dup" | "is_a?" | "nil?"
        | "respond_to?" | "frozen?" => return Ok(None),
        "lazy" | "chain" => return Ok(None),
        _ if is_endless(this) => return Ok(None),
        _ if super::enumerable::NAMES.contains(&name) => {
            return super::enumerable::call(call, &items(call, this)?, name, args);
        }
        _ => return Ok(None),
    }))
}

/// Whether a method asks for an end that the range has not.
fn unbounded(range: &Range, name: &str) -> bool {
    match name {
        "last" | "max" => range.high.is_nil(),
        "to_a" => range.low.is_nil() && !range.high.is_nil(),
        _ => range.low.is_nil(),
    }
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

/// `step` and `%`: every so many elements, each given to a block.
pub(super) async fn step(call: &Call, this: &Range, args: &Args, block: &Proc) -> Result<(), Unwind> {
    let by = args.get(0).cloned().unwrap_or(Value::Int(1));
    if matches!(by, Value::Int(..=0)) || matches!(by, Value::Float(f) if f <= 0.0) {
        let zero = matches!(by, Value::Int(0)) || matches!(by, Value::Float(0.0));
        let message = if zero { "step can't be 0" } else { "step can't be negative" };
        return Err(call.argument_error(message));
    }
    match (&this.low, &by) {
        (Value::Str(_), by) => {
            let by = to_usize(int(call, by)?);
            for item in items(call, this)?.into_iter().step_by(by.max(1)) {
                call.call_proc(block, vec![item]).await?;
            }
            Ok(())
        }
        (low @ Value::Int(_), Value::Int(_)) if !matches!(this.high, Value::Float(_)) || is_endless(this) => {
            let mut at = low.clone();
            while is_endless(this) || covers(this, &at) {
                call.call_proc(block, vec![at.clone()]).await?;
                at = super::enumerable::add(call, &at, &by, "+")?;
            }
            Ok(())
        }
        (low, by) => {
            let low = super::take::float(call, low)?;
            let high = if this.high.is_nil() { f64::INFINITY } else { super::take::float(call, &this.high)? };
            float_steps(call, low, high, super::take::float(call, by)?, this.exclusive, block).await
        }
    }
}

/// Steps of floats: counted, not summed, so that errors do not add up.
pub(super) async fn float_steps(
    call: &Call,
    low: f64,
    high: f64,
    by: f64,
    exclusive: bool,
    block: &Proc,
) -> Result<(), Unwind> {
    let slack = ((low.abs() + high.abs() + (high - low).abs()) / by.abs() * f64::EPSILON).min(0.5);
    let count = ((high - low) / by + slack).floor();
    let mut i = 0.0;
    while i <= count {
        let at = i * by + low;
        if exclusive && at >= high {
            break;
        }
        call.call_proc(block, vec![Value::Float(if by > 0.0 { at.min(high) } else { at.max(high) })]).await?;
        i += 1.0;
    }
    Ok(())
}
