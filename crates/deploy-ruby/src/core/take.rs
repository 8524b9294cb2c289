//! Implicit conversions of arguments, with Ruby's wording where they fail.

use crate::interp::{Args, Call};
use crate::value::{Unwind, Value};

/// How a value is called in "no implicit conversion of …".
pub(crate) fn kind(call: &Call, value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Bool(b) => b.to_string(),
        other => call.interp().class_name(other),
    }
}

/// An integer, or a float cut to one.
pub(crate) fn int(call: &Call, value: &Value) -> Result<i64, Unwind> {
    match value {
        Value::Int(i) => Ok(*i),
        Value::Float(f) if f.is_finite() => Ok(*f as i64),
        Value::Nil => Err(call.type_error("no implicit conversion from nil to integer")),
        other => Err(call.type_error(format!("no implicit conversion of {} into Integer", kind(call, other)))),
    }
}

/// The integer argument at an index, or a default.
pub(crate) fn int_or(call: &Call, args: &Args, index: usize, default: i64) -> Result<i64, Unwind> {
    match args.get(index) {
        None | Some(Value::Nil) => Ok(default),
        Some(value) => int(call, value),
    }
}

/// A number that is not negative.
pub(crate) fn count(call: &Call, value: &Value) -> Result<usize, Unwind> {
    let number = int(call, value)?;
    usize::try_from(number).map_err(|_| call.argument_error("negative argument"))
}

pub(crate) fn float(call: &Call, value: &Value) -> Result<f64, Unwind> {
    match value {
        Value::Int(i) => Ok(*i as f64),
        Value::Float(f) => Ok(*f),
        Value::Nil => Err(call.type_error("can't convert nil into Float")),
        other => Err(call.type_error(format!("can't convert {} into Float", kind(call, other)))),
    }
}

/// Text of a string, or of an object that stands for one (a path).
pub(crate) fn opt_text(value: &Value) -> Option<String> {
    match value {
        Value::Str(s) => Some(s.to_text()),
        Value::Object(o) => o.to_str(),
        _ => None,
    }
}

/// Text, or TypeError.
pub(crate) fn text(call: &Call, value: &Value) -> Result<String, Unwind> {
    opt_text(value)
        .ok_or_else(|| call.type_error(format!("no implicit conversion of {} into String", kind(call, value))))
}

/// A name given as a string or symbol.
pub(crate) fn name_of(call: &Call, value: &Value) -> Result<String, Unwind> {
    value.as_name().ok_or_else(|| call.type_error(format!("{} is not a symbol nor a string", value.inspect())))
}

/// An array, or TypeError.
pub(crate) fn list(call: &Call, value: &Value) -> Result<Vec<Value>, Unwind> {
    match value {
        Value::Array(a) => Ok(a.to_vec()),
        Value::Object(o) => o
            .items()
            .ok_or_else(|| call.type_error(format!("no implicit conversion of {} into Array", kind(call, value)))),
        other => Err(call.type_error(format!("no implicit conversion of {} into Array", kind(call, other)))),
    }
}

/// A range of positions `(start, length)` for a sequence of this length, as `[]` understands it.
pub(crate) fn slice_of(call: &Call, range: &crate::value::Range, len: usize) -> Result<Option<(usize, usize)>, Unwind> {
    let size = i64::try_from(len).unwrap_or(i64::MAX);
    let low = if range.low.is_nil() { 0 } else { int(call, &range.low)? };
    let high = if range.high.is_nil() { -1 } else { int(call, &range.high)? };
    let low = if low < 0 { low.saturating_add(size) } else { low };
    let high = if high < 0 { high.saturating_add(size) } else { high };
    if low < 0 || low > size {
        return Ok(None);
    }
    let open = range.high.is_nil() || !range.exclusive;
    let end = if open { high.saturating_add(1) } else { high };
    let end = end.clamp(low, size);
    Ok(Some((to_usize(low), to_usize(end - low))))
}

/// Start and length for `[start, length]`; `None` outside.
pub(crate) fn start_len(start: i64, length: i64, len: usize) -> Option<(usize, usize)> {
    let size = i64::try_from(len).unwrap_or(i64::MAX);
    let start = if start < 0 { start.saturating_add(size) } else { start };
    if start < 0 || start > size || length < 0 {
        return None;
    }
    Some((to_usize(start), to_usize(length.min(size - start))))
}

/// Index from the front, or from the back if negative; `None` outside.
pub(crate) fn index(at: i64, len: usize) -> Option<usize> {
    let size = i64::try_from(len).unwrap_or(i64::MAX);
    let at = if at < 0 { at.saturating_add(size) } else { at };
    usize::try_from(at).ok().filter(|i| *i < len)
}

pub(crate) fn to_usize(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}
