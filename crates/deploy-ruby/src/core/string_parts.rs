//! String: its parts: lines, fields, slices.

use super::regexp::set_last;
use super::string::{blank, list};
use super::take::{index, int, int_or, slice_of, start_len, text, to_usize};
use crate::interp::{Args, Call};
use crate::value::{Regexp, Str, Unwind, Value};
use std::rc::Rc;

/// What `lines` and `each_line` give: by line, by another separator, or by paragraph.
pub(super) fn lines_by(call: &Call, s: &str, args: &Args) -> Result<Vec<String>, Unwind> {
    let separator = match args.get(0) {
        None => "\n".to_owned(),
        Some(Value::Nil) => return Ok(vec![s.to_owned()]),
        Some(separator) => text(call, separator)?,
    };
    let chomp = args.option("chomp").is_some_and(|v| v.truthy());
    let mut found: Vec<String> = match separator.as_str() {
        "" => paragraphs(s),
        separator => s.split_inclusive(separator).map(str::to_owned).collect(),
    };
    if chomp {
        for line in &mut found {
            let end = if separator == "\n" { line.strip_suffix("\r\n") } else { None };
            let cut = end.or_else(|| line.strip_suffix(separator.as_str())).map(str::len);
            line.truncate(cut.unwrap_or(line.len()));
        }
    }
    Ok(found)
}

/// Parts that end with an empty line; further empty lines count for nothing.
fn paragraphs(s: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = s.trim_start_matches('\n');
    while let Some(end) = rest.find("\n\n") {
        let (part, tail) = rest.split_at(end + 2);
        found.push(part.to_owned());
        rest = tail.trim_start_matches('\n');
    }
    if !rest.is_empty() {
        found.push(rest.to_owned());
    }
    found
}

pub(super) fn split(call: &Call, s: &str, args: &Args) -> Result<Value, Unwind> {
    let limit = int_or(call, args, 1, 0)?;
    let max = if limit > 0 { to_usize(limit) } else { usize::MAX };
    let mut parts: Vec<String> = match args.get(0) {
        None | Some(Value::Nil) => split_blank(s, max),
        Some(Value::Regexp(r)) => split_regexp(r, s, max),
        Some(sep) => match text(call, sep)?.as_str() {
            " " => split_blank(s, max),
            "" => split_chars(s, max),
            sep => s.splitn(max, sep).map(str::to_owned).collect(),
        },
    };
    if s.is_empty() {
        parts.clear();
    }
    if limit == 0 {
        while parts.last().is_some_and(String::is_empty) {
            parts.pop();
        }
    }
    Ok(list(parts.into_iter().map(Value::from)))
}

fn split_blank(s: &str, max: usize) -> Vec<String> {
    let mut rest = s.trim_start_matches(blank);
    let mut parts = Vec::new();
    while !rest.is_empty() {
        if parts.len() + 1 >= max {
            parts.push(rest.to_owned());
            return parts;
        }
        match rest.find(blank) {
            Some(end) => {
                let (part, tail) = rest.split_at(end);
                parts.push(part.to_owned());
                let after = tail.trim_start_matches(blank);
                if after.is_empty() {
                    parts.push(String::new());
                }
                rest = after;
            }
            None => {
                parts.push(rest.to_owned());
                rest = "";
            }
        }
    }
    parts
}

fn split_chars(s: &str, max: usize) -> Vec<String> {
    let mut parts: Vec<String> = s.chars().take(max.saturating_sub(1)).map(String::from).collect();
    let rest: String = s.chars().skip(parts.len()).collect();
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

fn split_regexp(r: &Rc<Regexp>, s: &str, max: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut from = 0;
    for found in r.find_all(s) {
        if parts.len() + 1 >= max {
            break;
        }
        let (start, end) = found.range(0).unwrap_or((0, 0));
        // An empty match at either end divides nothing.
        if start == end && (start >= s.len() || (start == 0 && from == 0)) {
            continue;
        }
        parts.push(s.get(from..start).unwrap_or_default().to_owned());
        parts.extend((1..found.groups.len()).filter_map(|i| found.group(i)));
        from = end;
    }
    parts.push(s.get(from..).unwrap_or_default().to_owned());
    parts
}

fn substring(s: &str, start: usize, len: usize) -> Value {
    Value::from(s.chars().skip(start).take(len).collect::<String>())
}

pub(super) fn slice(call: &Call, s: &str, args: &Args) -> Result<Value, Unwind> {
    let len = s.chars().count();
    Ok(match args.at(0) {
        Value::Int(start) if args.len() > 1 => match start_len(start, int(call, &args.at(1))?, len) {
            Some((start, length)) => substring(s, start, length),
            None => Value::Nil,
        },
        Value::Int(at) => index(at, len).map_or(Value::Nil, |i| substring(s, i, 1)),
        Value::Range(range) => match slice_of(call, &range, len)? {
            Some((start, length)) => substring(s, start, length),
            None => Value::Nil,
        },
        Value::Regexp(r) => {
            let found = r.find(s, 0);
            let group = match args.get(1) {
                None => found.as_ref().and_then(|m| m.group(0)),
                Some(Value::Int(n)) => found.as_ref().and_then(|m| m.group(to_usize(*n))),
                Some(name) => found.as_ref().and_then(|m| m.named(&name.to_s())),
            };
            set_last(call, found);
            group.into()
        }
        other => {
            let part = text(call, &other)?;
            if s.contains(&part) { Value::from(part) } else { Value::Nil }
        }
    })
}

pub(super) fn byteslice(call: &Call, this: &Str, args: &Args) -> Result<Value, Unwind> {
    let bytes = this.to_bytes();
    let found = match args.at(0) {
        Value::Range(range) => slice_of(call, &range, bytes.len())?,
        at => start_len(int(call, &at)?, int_or(call, args, 1, 1)?, bytes.len()),
    };
    Ok(found.and_then(|(start, len)| bytes.get(start..start + len)).map_or(Value::Nil, |b| Value::bytes(b.to_vec())))
}

pub(super) fn partition(call: &Call, s: &str, by: &Value, from_end: bool) -> Result<Value, Unwind> {
    let range = match by {
        Value::Regexp(r) if from_end => r.find_all(s).last().and_then(|m| m.range(0)),
        Value::Regexp(r) => r.find(s, 0).and_then(|m| m.range(0)),
        other => {
            let part = text(call, other)?;
            let at = if from_end { s.rfind(&part) } else { s.find(&part) };
            at.map(|at| (at, at + part.len()))
        }
    };
    let parts = match range {
        Some((start, end)) => [s.get(..start), s.get(start..end), s.get(end..)],
        None if from_end => [Some(""), Some(""), Some(s)],
        None => [Some(s), Some(""), Some("")],
    };
    Ok(list(parts.into_iter().map(|p| Value::str(p.unwrap_or_default()))))
}
