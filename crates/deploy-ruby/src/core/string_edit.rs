//! String: what changes a string in place, or calls a block.

use super::object::block;
use super::regexp::set_last;
use super::string_find::{byte_at, pattern, scanned};
use super::string_parts::lines_by;
use super::take::{index, int, slice_of, start_len, text, to_usize};
use crate::interp::{Args, Call, Reply};
use crate::value::{Str, Unwind, Value};

pub(super) const NAMES: &[&str] = &[
    "<<",
    "concat",
    "prepend",
    "insert",
    "replace",
    "clear",
    "[]=",
    "slice!",
    "sub!",
    "gsub!",
    "strip!",
    "lstrip!",
    "rstrip!",
    "chomp!",
    "chop!",
    "upcase!",
    "downcase!",
    "capitalize!",
    "swapcase!",
    "reverse!",
    "tr!",
    "tr_s!",
    "delete!",
    "squeeze!",
    "succ!",
    "next!",
    "delete_prefix!",
    "delete_suffix!",
    "encode!",
    "unicode_normalize!",
    "scrub!",
    "setbyte",
    "each_line",
    "each_char",
    "each_byte",
    "each_with_index",
    "upto",
];

fn thaw(call: &Call, this: &Str) -> Result<(), Unwind> {
    if this.is_frozen() {
        let shown = Value::Str(this.clone()).inspect();
        return Err(super::frozen_error(
            call,
            Value::Str(this.clone()),
            format!("can't modify frozen String: {shown}"),
        ));
    }
    Ok(())
}

pub(super) fn call(call: &Call, this: &Str, name: &str, args: &Args) -> Reply {
    if let Some(plain) = name.strip_suffix('!')
        && NAMES.contains(&name)
        && plain != "slice"
    {
        if args.flat().len() < 2 && plain.ends_with("sub") {
            return Ok(None);
        }
        return bang(call, this, plain, args);
    }
    match name {
        "<<" | "concat" => {
            thaw(call, this)?;
            for part in &args.positional {
                match part {
                    Value::Int(code) => {
                        let c = u32::try_from(*code).ok().and_then(char::from_u32);
                        let c = c.ok_or_else(|| call.raise("RangeError", format!("{code} out of char range")))?;
                        this.append(c.to_string().as_bytes());
                    }
                    Value::Str(other) => this.append(&other.to_bytes()),
                    other => this.append(text(call, other)?.as_bytes()),
                }
            }
            call.interp().check_size(call.context(), Some(this.byte_len()))?;
        }
        "prepend" => {
            thaw(call, this)?;
            let mut all = String::new();
            for part in &args.positional {
                all.push_str(&text(call, part)?);
            }
            all.push_str(&this.to_text());
            this.set(all);
        }
        "insert" => insert(call, this, args)?,
        "replace" => {
            thaw(call, this)?;
            this.set(text(call, &args.at(0))?);
        }
        "clear" => {
            thaw(call, this)?;
            this.set(Vec::new());
        }
        "[]=" => return store(call, this, args).map(Some),
        "slice!" => {
            thaw(call, this)?;
            let found = super::string::call(call, this, "[]", args)?.unwrap_or_default();
            if !found.is_nil() {
                let mut args = args.clone();
                args.positional.push(Value::str(""));
                store(call, this, &args)?;
            }
            return Ok(Some(found));
        }
        _ => return Ok(None),
    }
    Ok(Some(Value::Str(this.clone())))
}

/// `name!`: as `name`, but in place; nil if nothing changed.
fn bang(call: &Call, this: &Str, plain: &str, args: &Args) -> Reply {
    thaw(call, this)?;
    let Some(Value::Str(new)) = super::string::call(call, this, plain, args)? else { return Ok(None) };
    let always = matches!(plain, "reverse" | "succ" | "next" | "encode" | "unicode_normalize" | "scrub");
    let changed = new.to_bytes() != this.to_bytes();
    this.set(new.to_bytes());
    Ok(Some(if changed || always { Value::Str(this.clone()) } else { Value::Nil }))
}

fn insert(call: &Call, this: &Str, args: &Args) -> Result<(), Unwind> {
    thaw(call, this)?;
    let s = this.to_text();
    let len = i64::try_from(s.chars().count()).unwrap_or(i64::MAX);
    let at = int(call, &args.at(0))?;
    let at = if at < 0 { at + len + 1 } else { at };
    if at < 0 || at > len {
        return Err(call.raise("IndexError", format!("index {at} out of string")));
    }
    let (head, tail) = s.split_at(byte_at(&s, to_usize(at)).min(s.len()));
    this.set(format!("{head}{}{tail}", text(call, &args.at(1))?));
    Ok(())
}

fn store(call: &Call, this: &Str, args: &Args) -> Result<Value, Unwind> {
    thaw(call, this)?;
    let s = this.to_text();
    let len = s.chars().count();
    let value = args.positional.last().cloned().unwrap_or_default();
    let range = match args.at(0) {
        Value::Int(at) if args.len() > 2 => start_len(at, int(call, &args.at(1))?, len),
        Value::Int(at) => index(at, len).map(|i| (i, 1)),
        Value::Range(range) => slice_of(call, &range, len)?,
        other => {
            let group = match args.at(1) {
                Value::Int(group) if args.len() > 2 => to_usize(group),
                _ => 0,
            };
            let found = pattern(call, &other)?.find(&s, 0).and_then(|m| m.range(group));
            found.map(|(a, b)| {
                (s.get(..a).map_or(0, |t| t.chars().count()), s.get(a..b).map_or(0, |t| t.chars().count()))
            })
        }
    };
    let Some((start, length)) = range else {
        let message = match args.at(0) {
            Value::Int(at) => format!("index {at} out of string"),
            Value::Range(range) => {
                let shown = Value::Range(range).inspect();
                return Err(call.raise("RangeError", format!("{shown} out of range")));
            }
            Value::Regexp(_) => "regexp not matched".to_owned(),
            _ => "string not matched".to_owned(),
        };
        return Err(call.raise("IndexError", message));
    };
    let head: String = s.chars().take(start).collect();
    let tail: String = s.chars().skip(start + length).collect();
    this.set(format!("{head}{}{tail}", text(call, &value)?));
    Ok(value)
}

pub(super) async fn later(call: &Call, this: &Str, name: &str, args: &Args) -> Reply {
    let s = this.to_text();
    let whole = Value::Str(this.clone());
    Ok(Some(match name {
        "sub" | "gsub" | "sub!" | "gsub!" if args.block.is_some() => {
            let new = replace(call, &s, args, name.starts_with('g')).await?;
            if !name.ends_with('!') {
                return Ok(Some(Value::from(new)));
            }
            thaw(call, this)?;
            let changed = new != s;
            this.set(new);
            if changed { whole } else { Value::Nil }
        }
        "scan" if args.block.is_some() => {
            for found in pattern(call, &args.at(0))?.find_all(&s) {
                let item = scanned(&found);
                set_last(call, Some(found));
                call.call_proc(block(call, args)?, vec![item]).await?;
            }
            whole
        }
        "each_line" | "each_char" | "each_byte" | "gsub" | "upto" if args.block.is_none() => {
            super::enumerate::enumerator(&whole, name, args)
        }
        "each_line" => {
            for line in lines_by(call, &s, args)? {
                call.call_proc(block(call, args)?, vec![Value::from(line)]).await?;
            }
            whole
        }
        "each_char" => {
            for c in s.chars() {
                call.call_proc(block(call, args)?, vec![Value::from(c.to_string())]).await?;
            }
            whole
        }
        "each_byte" => {
            for b in this.to_bytes() {
                call.call_proc(block(call, args)?, vec![Value::Int(i64::from(b))]).await?;
            }
            whole
        }
        "split" if args.block.is_some() => {
            let plain = args.clone().with_block(None);
            for part in super::string::call(call, this, name, &plain)?.unwrap_or_default().to_list() {
                call.call_proc(block(call, args)?, vec![part]).await?;
            }
            whole
        }
        "upto" => {
            let range = crate::value::Range { low: whole.clone(), high: args.at(0), exclusive: args.at(1).truthy() };
            for item in super::range::items(call, &range)? {
                call.call_proc(block(call, args)?, vec![item]).await?;
            }
            whole
        }
        "match" if args.block.is_some() => match super::string::call(call, this, name, args)? {
            Some(found) if found.truthy() => call.call_proc(block(call, args)?, vec![found]).await?,
            _ => Value::Nil,
        },
        _ => return Ok(None),
    }))
}

async fn replace(call: &Call, s: &str, args: &Args, all: bool) -> Result<String, Unwind> {
    let regexp = pattern(call, &args.at(0))?;
    let found = if all { regexp.find_all(s) } else { regexp.find(s, 0).into_iter().collect() };
    let mut out = String::new();
    let mut from = 0;
    for m in found {
        let (start, end) = m.range(0).unwrap_or((from, from));
        out.push_str(s.get(from..start).unwrap_or_default());
        let whole = m.whole();
        set_last(call, Some(m));
        let new = call.call_proc(block(call, args)?, vec![Value::from(whole)]).await?;
        out.push_str(&new.to_s());
        from = end;
    }
    out.push_str(s.get(from..).unwrap_or_default());
    Ok(out)
}
