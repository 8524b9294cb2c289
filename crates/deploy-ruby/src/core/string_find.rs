//! String: looking for a text or a pattern, and replacing what is found.

use super::regexp::set_last;
use super::string::list;
use super::take::{int_or, text, to_usize};
use crate::interp::{Args, Call};
use crate::value::{Regexp, Unwind, Value};
use std::rc::Rc;

pub(super) fn starts(call: &Call, s: &str, args: &Args) -> Result<bool, Unwind> {
    for start in &args.positional {
        let hit = match start {
            Value::Regexp(r) => r.find(s, 0).is_some_and(|m| m.range(0).is_some_and(|(at, _)| at == 0)),
            other => s.starts_with(&text(call, other)?),
        };
        if hit {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Byte offset of a character index.
pub(super) fn byte_at(s: &str, chars: usize) -> usize {
    s.char_indices().nth(chars).map_or(s.len() + usize::from(chars > s.chars().count()), |(i, _)| i)
}

fn chars_before(s: &str, byte: usize) -> Value {
    Value::from(s.get(..byte).map_or(0, |t| t.chars().count()))
}

pub(super) fn find_index(call: &Call, s: &str, args: &Args) -> Result<Value, Unwind> {
    let len = s.chars().count();
    let start = int_or(call, args, 1, 0)?;
    let start = if start < 0 { start + i64::try_from(len).unwrap_or(0) } else { start };
    if start < 0 || to_usize(start) > len {
        return Ok(Value::Nil);
    }
    let from = byte_at(s, to_usize(start));
    Ok(match args.at(0) {
        Value::Regexp(r) => {
            let found = r.find(s, from);
            let at = found.as_ref().and_then(|m| m.range(0)).map_or(Value::Nil, |(at, _)| chars_before(s, at));
            set_last(call, found);
            at
        }
        other => {
            let part = text(call, &other)?;
            s.get(from..).and_then(|t| t.find(&part)).map_or(Value::Nil, |at| chars_before(s, from + at))
        }
    })
}

pub(super) fn find_rindex(call: &Call, s: &str, args: &Args) -> Result<Value, Unwind> {
    let len = s.chars().count();
    let last = int_or(call, args, 1, i64::try_from(len).unwrap_or(i64::MAX))?;
    let last = if last < 0 { last + i64::try_from(len).unwrap_or(0) } else { last };
    if last < 0 {
        return Ok(Value::Nil);
    }
    let limit = byte_at(s, to_usize(last)).min(s.len());
    Ok(match args.at(0) {
        Value::Regexp(r) => {
            let starts = s.char_indices().map(|(i, _)| i).chain([s.len()]).filter(|i| *i <= limit);
            let found = starts
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .find_map(|i| r.find(s, i).filter(|m| m.range(0).is_some_and(|(at, _)| at == i)));
            found.and_then(|m| m.range(0)).map_or(Value::Nil, |(at, _)| chars_before(s, at))
        }
        other => {
            let part = text(call, &other)?;
            let end = (limit + part.len()).min(s.len());
            s.get(..end).and_then(|t| t.rfind(&part)).map_or(Value::Nil, |at| chars_before(s, at))
        }
    })
}

/// A regexp, or one that matches the text literally.
pub(super) fn to_regexp(call: &Call, pattern: &Value) -> Result<Rc<Regexp>, Unwind> {
    match pattern {
        Value::Regexp(r) => Ok(r.clone()),
        Value::Str(s) => Regexp::new(&s.to_text(), crate::ast::RegexFlags::default())
            .map(Rc::new)
            .map_err(|e| call.raise("RegexpError", e)),
        other => Err(call.type_error(format!("wrong argument type {} (expected Regexp)", super::kind(call, other)))),
    }
}

/// A regexp, or one for exactly this text.
pub(super) fn pattern(call: &Call, pattern: &Value) -> Result<Rc<Regexp>, Unwind> {
    match pattern {
        Value::Regexp(r) => Ok(r.clone()),
        other => {
            let text = fancy_regex::escape(&text(call, other)?).into_owned();
            Regexp::new(&text, crate::ast::RegexFlags::default()).map(Rc::new).map_err(|e| call.raise("RegexpError", e))
        }
    }
}

/// What `scan` yields for one match.
pub(super) fn scanned(m: &crate::value::MatchData) -> Value {
    match m.groups.len() {
        0 | 1 => m.group(0).into(),
        n => list((1..n).map(|i| m.group(i).into())),
    }
}

pub(super) fn scan(call: &Call, s: &str, what: &Value) -> Result<Value, Unwind> {
    let mut found = pattern(call, what)?.find_all(s);
    let all = list(found.iter().map(scanned).collect::<Vec<_>>().into_iter());
    set_last(call, found.pop());
    Ok(all)
}

pub(super) fn substitute(call: &Call, s: &str, args: &Args, all: bool) -> Result<String, Unwind> {
    let regexp = pattern(call, &args.at(0))?;
    let found = if all { regexp.find_all(s) } else { regexp.find(s, 0).into_iter().collect() };
    let mut out = String::new();
    let mut from = 0;
    for m in &found {
        let (start, end) = m.range(0).unwrap_or((from, from));
        out.push_str(s.get(from..start).unwrap_or_default());
        match args.at(1) {
            Value::Hash(h) => out.push_str(&h.get(&Value::from(m.whole())).unwrap_or_default().to_s()),
            other => expand(m, &text(call, &other)?, &mut out),
        }
        from = end;
    }
    out.push_str(s.get(from..).unwrap_or_default());
    set_last(call, found.into_iter().next_back());
    Ok(out)
}

/// A replacement text with `\1`, `\0`, `\k<name>`.
fn expand(m: &crate::value::MatchData, template: &str, out: &mut String) {
    let mut rest = template.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some(d @ '0'..='9') => out.push_str(&m.group(d as usize - '0' as usize).unwrap_or_default()),
            Some('&') => out.push_str(&m.whole()),
            Some('`') => out.push_str(m.before()),
            Some('\'') => out.push_str(m.after()),
            Some('k') => {
                let name: String = rest.by_ref().skip(1).take_while(|c| *c != '>').collect();
                out.push_str(&m.named(&name).unwrap_or_default());
            }
            Some('\\') => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
}
