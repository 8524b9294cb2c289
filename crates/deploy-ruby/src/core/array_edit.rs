//! Array: what changes an array in place.

use super::object::block;
use super::take::{count, index, int, int_or, list, slice_of, start_len, to_usize};
use crate::interp::{Args, Call, Reply};
use crate::value::{Array, Unwind, Value};
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "<<",
    "push",
    "append",
    "pop",
    "shift",
    "unshift",
    "prepend",
    "insert",
    "[]=",
    "concat",
    "replace",
    "clear",
    "delete",
    "delete_at",
    "slice!",
    "fill",
    "compact!",
    "flatten!",
    "uniq!",
    "reverse!",
    "rotate!",
    "shuffle!",
    "sort!",
    "each",
    "each_index",
    "reverse_each",
    "map!",
    "collect!",
    "select!",
    "filter!",
    "keep_if",
    "reject!",
    "delete_if",
    "sort_by!",
    "fetch",
    "cycle",
];

fn thaw(call: &Call, this: &Rc<Array>) -> Result<(), Unwind> {
    if this.is_frozen() {
        let shown = Value::Array(this.clone()).inspect();
        return Err(super::frozen_error(
            call,
            Value::Array(this.clone()),
            format!("can't modify frozen Array: {shown}"),
        ));
    }
    Ok(())
}

fn changes(name: &str) -> bool {
    NAMES.contains(&name) && !matches!(name, "each" | "each_index" | "reverse_each" | "fetch" | "cycle")
}

pub(super) fn call(call: &Call, this: &Rc<Array>, name: &str, args: &Args) -> Reply {
    if !changes(name) {
        return Ok(None);
    }
    thaw(call, this)?;
    let whole = Value::Array(this.clone());
    Ok(Some(match name {
        "<<" => {
            this.push(args.at(0));
            whole
        }
        "push" | "append" => {
            let added = args.flat();
            this.with_mut(|v| v.extend(added));
            whole
        }
        "concat" => {
            for other in &args.positional {
                let added = list(call, other)?;
                this.with_mut(|v| v.extend(added));
            }
            whole
        }
        "pop" | "shift" => take_end(call, this, name == "pop", args)?,
        "unshift" | "prepend" => {
            let added = args.flat();
            this.with_mut(|v| drop(v.splice(0..0, added)));
            whole
        }
        "insert" => {
            let at = int(call, &args.at(0))?;
            let len = i64::try_from(this.len()).unwrap_or(i64::MAX);
            let at = to_usize(if at < 0 { at + len + 1 } else { at });
            call.interp().check_size(call.context(), at.checked_mul(24))?;
            let added = args.positional.get(1..).unwrap_or_default().to_vec();
            this.with_mut(|v| {
                if at > v.len() {
                    v.resize(at, Value::Nil);
                }
                drop(v.splice(at..at, added));
            });
            whole
        }
        "[]=" => store(call, this, args)?,
        "replace" => {
            this.replace(list(call, &args.at(0))?);
            whole
        }
        "clear" => {
            this.replace(Vec::new());
            whole
        }
        "delete" => {
            let items = this.to_vec();
            let found = items.iter().rev().find(|v| v.equals(&args.at(0))).cloned();
            this.replace(items.into_iter().filter(|v| !v.equals(&args.at(0))).collect());
            found.unwrap_or_default()
        }
        "delete_at" => match index(int(call, &args.at(0))?, this.len()) {
            Some(at) => this.with_mut(|v| v.remove(at)),
            None => Value::Nil,
        },
        "slice!" => slice_out(call, this, args)?,
        "fill" if args.get(0).is_some() => {
            let items = this.to_vec();
            let start = to_usize(int_or(call, args, 1, 0)?);
            let end = args.get(2).map_or(Ok(items.len()), |n| count(call, n).map(|n| start + n))?;
            let filled =
                items.into_iter().enumerate().map(|(i, v)| if (start..end).contains(&i) { args.at(0) } else { v });
            this.replace(filled.collect());
            whole
        }
        "compact!" | "flatten!" | "uniq!" | "reverse!" | "rotate!" | "shuffle!" | "sort!" => {
            return bang(call, this, name, args);
        }
        _ => return Ok(None),
    }))
}

fn bang(call: &Call, this: &Rc<Array>, name: &str, args: &Args) -> Reply {
    let plain = name.trim_end_matches('!');
    let new = match super::array::call(call, this, plain, args)? {
        None => super::enumerable::call(call, &this.to_vec(), plain, args)?,
        found => found,
    };
    let Some(Value::Array(new)) = new else { return Ok(None) };
    let new = new.to_vec();
    let quiet = match plain {
        "flatten" => !this.with(|items| items.iter().any(|v| matches!(v, Value::Array(_)))),
        "compact" | "uniq" => new.len() == this.len(),
        _ => false,
    };
    this.replace(new);
    Ok(Some(if quiet { Value::Nil } else { Value::Array(this.clone()) }))
}

fn take_end(call: &Call, this: &Rc<Array>, back: bool, args: &Args) -> Result<Value, Unwind> {
    let Some(n) = args.get(0) else {
        return Ok(this
            .with_mut(|v| {
                if back {
                    v.pop()
                } else if v.is_empty() {
                    None
                } else {
                    Some(v.remove(0))
                }
            })
            .unwrap_or_default());
    };
    let n = count(call, n)?.min(this.len());
    Ok(Value::array(this.with_mut(|v| {
        let len = v.len();
        if back { v.split_off(len - n) } else { v.drain(..n).collect() }
    })))
}

fn store(call: &Call, this: &Rc<Array>, args: &Args) -> Result<Value, Unwind> {
    let value = args.positional.last().cloned().unwrap_or_default();
    let outside = || {
        let (at, len) = (args.at(0).to_s(), this.len());
        match args.at(0) {
            Value::Range(_) => call.raise("RangeError", format!("{at} out of range")),
            _ => call.raise("IndexError", format!("index {at} too small for array; minimum: -{len}")),
        }
    };
    let (start, len) = match args.at(0) {
        Value::Range(range) => {
            let low = if range.low.is_nil() { 0 } else { int(call, &range.low)? };
            match slice_of(call, &range, this.len())? {
                Some(found) => found,
                None if low > 0 => (to_usize(low), 0),
                None => return Err(outside()),
            }
        }
        at if args.len() > 2 => {
            let at = int(call, &at)?;
            let length = int(call, &args.at(1))?;
            match start_len(at, length, this.len()) {
                Some(found) => found,
                None if at > 0 && length >= 0 => (to_usize(at), 0),
                None => return Err(outside()),
            }
        }
        at => {
            let at = int(call, &at)?;
            let len = i64::try_from(this.len()).unwrap_or(i64::MAX);
            let at = usize::try_from(if at < 0 { at + len } else { at }).map_err(|_| outside())?;
            call.interp().check_size(call.context(), at.checked_mul(24))?;
            this.with_mut(|v| {
                if at >= v.len() {
                    v.resize(at + 1, Value::Nil);
                }
                if let Some(place) = v.get_mut(at) {
                    *place = value.clone();
                }
            });
            return Ok(value);
        }
    };
    call.interp().check_size(call.context(), start.checked_mul(24))?;
    let new = match &value {
        Value::Array(items) => items.to_vec(),
        other => vec![other.clone()],
    };
    this.with_mut(|v| {
        if start > v.len() {
            v.resize(start, Value::Nil);
        }
        let end = (start + len).min(v.len());
        drop(v.splice(start..end, new));
    });
    Ok(value)
}

fn slice_out(call: &Call, this: &Rc<Array>, args: &Args) -> Result<Value, Unwind> {
    let found = match args.at(0) {
        Value::Range(range) => slice_of(call, &range, this.len())?,
        at if args.len() > 1 => start_len(int(call, &at)?, int(call, &args.at(1))?, this.len()),
        at => {
            let at = index(int(call, &at)?, this.len());
            return Ok(at.map_or(Value::Nil, |at| this.with_mut(|v| v.remove(at))));
        }
    };
    Ok(found.map_or(Value::Nil, |(start, len)| Value::array(this.with_mut(|v| v.drain(start..start + len).collect()))))
}

pub(super) async fn later(call: &Call, this: &Rc<Array>, name: &str, args: &Args) -> Reply {
    let whole = Value::Array(this.clone());
    if args.block.is_none() {
        let enumerates = matches!(
            name,
            "each"
                | "each_index"
                | "reverse_each"
                | "map!"
                | "collect!"
                | "select!"
                | "filter!"
                | "keep_if"
                | "reject!"
                | "delete_if"
                | "sort_by!"
                | "cycle"
        );
        return Ok(enumerates.then(|| super::enumerate::enumerator(&whole, name, args)));
    }
    if changes(name) {
        thaw(call, this)?;
    }
    let block = block(call, args)?;
    match name {
        "each" | "each_index" => {
            let mut i = 0;
            // The array may grow or shrink under its own loop.
            while let Some(item) = this.get(i) {
                let given = if name == "each" { item } else { Value::from(i) };
                call.call_proc(block, vec![given]).await?;
                i += 1;
            }
        }
        "reverse_each" => {
            for item in this.to_vec().into_iter().rev() {
                call.call_proc(block, vec![item]).await?;
            }
        }
        "map!" | "collect!" => {
            let mut new = Vec::new();
            for item in this.to_vec() {
                new.push(call.call_proc(block, vec![item]).await?);
            }
            this.replace(new);
        }
        "select!" | "filter!" | "keep_if" | "reject!" | "delete_if" => {
            let keep = matches!(name, "select!" | "filter!" | "keep_if");
            let mut new = Vec::new();
            for item in this.to_vec() {
                if call.call_proc(block, vec![item.clone()]).await?.truthy() == keep {
                    new.push(item);
                }
            }
            let same = new.len() == this.len();
            this.replace(new);
            if same && name.ends_with('!') {
                return Ok(Some(Value::Nil));
            }
        }
        "sort!" | "sort_by!" | "uniq!" => {
            let plain = name.trim_end_matches('!');
            let sorted = Box::pin(super::enumerate::call(call, &whole, plain, args)).await?;
            if let Some(Value::Array(new)) = sorted {
                this.replace(new.to_vec());
            }
        }
        "fetch" => {
            let at = int(call, &args.at(0))?;
            return match index(at, this.len()).and_then(|i| this.get(i)) {
                Some(value) => Ok(Some(value)),
                None => call.call_proc(block, vec![Value::Int(at)]).await.map(Some),
            };
        }
        "fill" => {
            let mut new = Vec::new();
            for i in 0..this.len() {
                new.push(call.call_proc(block, vec![Value::from(i)]).await?);
            }
            this.replace(new);
        }
        "delete" => {
            let found = super::array_edit::call(call, this, name, args)?;
            return match found {
                Some(Value::Nil) => call.call_proc(block, vec![args.at(0)]).await.map(Some),
                found => Ok(found),
            };
        }
        "cycle" => {
            let rounds = match args.at(0) {
                Value::Nil => i64::MAX,
                n => int(call, &n)?,
            };
            for _ in 0..rounds {
                if this.is_empty() {
                    break;
                }
                for item in this.to_vec() {
                    call.call_proc(block, vec![item]).await?;
                }
            }
            return Ok(Some(Value::Nil));
        }
        _ => return Ok(None),
    }
    Ok(Some(whole))
}
