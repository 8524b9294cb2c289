//! String: what looks at a string or makes a new one.

use super::regexp::set_last;
use super::string_parse::{succ, to_f, to_i};
use super::take::{count, index, int, int_or, slice_of, start_len, text, to_usize};
use crate::interp::{Args, Call, Reply};
use crate::value::{Regexp, Str, Unwind, Value};
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "+",
    "*",
    "%",
    "==",
    "===",
    "=~",
    "<=>",
    "<",
    ">",
    "<=",
    ">=",
    "[]",
    "slice",
    "byteslice",
    "length",
    "size",
    "bytesize",
    "empty?",
    "strip",
    "lstrip",
    "rstrip",
    "chomp",
    "chop",
    "upcase",
    "downcase",
    "capitalize",
    "swapcase",
    "tr",
    "tr_s",
    "delete",
    "squeeze",
    "split",
    "lines",
    "chars",
    "bytes",
    "codepoints",
    "include?",
    "start_with?",
    "end_with?",
    "index",
    "rindex",
    "match",
    "match?",
    "scan",
    "to_s",
    "to_str",
    "to_sym",
    "intern",
    "to_i",
    "to_f",
    "to_r",
    "to_c",
    "hex",
    "oct",
    "ord",
    "dump",
    "undump",
    "grapheme_clusters",
    "center",
    "ljust",
    "rjust",
    "reverse",
    "partition",
    "rpartition",
    "casecmp",
    "casecmp?",
    "count",
    "delete_prefix",
    "delete_suffix",
    "encode",
    "force_encoding",
    "encoding",
    "valid_encoding?",
    "ascii_only?",
    "unicode_normalize",
    "scrub",
    "b",
    "succ",
    "next",
    "sum",
    "crypt",
    "unpack1",
    "unpack",
    "between?",
    "clamp",
    "shellescape",
    "shellsplit",
    "sub",
    "gsub",
    "+@",
    "-@",
    "eql?",
    "hash",
    "getbyte",
];

pub(super) fn call(call: &Call, this: &Str, name: &str, args: &Args) -> Reply {
    let s = this.to_text();
    Ok(Some(match name {
        "to_s" | "to_str" => Value::Str(this.clone()),
        "b" => Value::bytes(this.to_bytes()),
        "scrub" | "encode" | "unicode_normalize" => Value::from(scrub(call, this, name, args)?),
        "+" => {
            let mut bytes = this.to_bytes();
            match args.get(0) {
                Some(Value::Str(other)) => bytes.extend(other.to_bytes()),
                other => bytes.extend(text(call, &other.cloned().unwrap_or_default())?.into_bytes()),
            }
            call.interp().check_size(call.context(), Some(bytes.len()))?;
            Value::bytes(bytes)
        }
        "*" => {
            let times = count(call, &args.at(0))?;
            call.interp().check_size(call.context(), this.byte_len().checked_mul(times))?;
            Value::bytes(this.to_bytes().repeat(times))
        }
        "%" => {
            let values = match args.at(0) {
                Value::Array(a) => a.to_vec(),
                other => vec![other],
            };
            Value::from(super::format(call, &s, &values)?)
        }
        "length" | "size" => Value::from(s.chars().count()),
        "bytesize" => Value::from(this.byte_len()),
        "empty?" => Value::Bool(this.byte_len() == 0),
        "upcase" => Value::from(s.to_uppercase()),
        "downcase" => Value::from(s.to_lowercase()),
        "capitalize" => Value::from(capitalize(&s)),
        "swapcase" => Value::from(swapcase(&s)),
        "strip" => Value::str(s.trim_matches(blank).trim_start_matches('\0')),
        "lstrip" => Value::str(s.trim_start_matches(blank)),
        "rstrip" => Value::str(s.trim_end_matches(blank)),
        "chomp" => Value::str(chomp(call, &s, args)?),
        "chop" => Value::str(s.strip_suffix("\r\n").unwrap_or_else(|| without_last(&s))),
        "reverse" => Value::from(s.chars().rev().collect::<String>()),
        "chars" => list(s.chars().map(|c| Value::from(c.to_string()))),
        "bytes" => list(this.to_bytes().into_iter().map(|b| Value::Int(i64::from(b)))),
        "codepoints" => list(s.chars().map(|c| Value::Int(i64::from(u32::from(c))))),
        "lines" => list(lines_by(call, &s, args)?.into_iter().map(Value::from)),
        "split" => split(call, &s, args)?,
        "include?" => Value::Bool(s.contains(&text(call, &args.at(0))?)),
        "start_with?" => Value::Bool(starts(call, &s, args)?),
        "end_with?" => {
            let mut hit = false;
            for end in &args.positional {
                hit |= s.ends_with(&text(call, end)?);
            }
            Value::Bool(hit)
        }
        "[]" | "slice" => slice(call, &s, args)?,
        "byteslice" => byteslice(call, this, args)?,
        "getbyte" => {
            let bytes = this.to_bytes();
            let at = index(int(call, &args.at(0))?, bytes.len());
            at.and_then(|i| bytes.get(i).copied()).map(i64::from).into()
        }
        "index" => find_index(call, &s, args)?,
        "rindex" => find_rindex(call, &s, args)?,
        "=~" => match args.at(0) {
            Value::Regexp(r) => super::regexp::match_at(call, &r, &s),
            Value::Str(_) => return Err(call.type_error("type mismatch: String given")),
            _ => Value::Nil,
        },
        "match" | "match?" => {
            let regexp = to_regexp(call, &args.at(0))?;
            let from = byte_at(&s, to_usize(int_or(call, args, 1, 0)?));
            let found = regexp.find(&s, from);
            match name {
                "match?" => Value::Bool(found.is_some()),
                _ => set_last(call, found),
            }
        }
        "scan" if args.block.is_none() => scan(call, &s, &args.at(0))?,
        "!~" => match args.at(0) {
            Value::Regexp(r) => Value::Bool(!super::regexp::match_at(call, &r, &s).truthy()),
            _ => Value::Bool(true),
        },
        "sub" | "gsub" if args.flat().len() >= 2 => Value::from(substitute(call, &s, &args.folded(), name == "gsub")?),
        "tr" | "tr_s" => {
            reversed_range(call, &text(call, &args.at(0))?)?;
            Value::from(translate(&s, &text(call, &args.at(0))?, &text(call, &args.at(1))?, name == "tr_s"))
        }
        "delete" => {
            let sets = char_sets(call, args)?;
            Value::from(s.chars().filter(|c| !sets.iter().all(|set| set.has(*c))).collect::<String>())
        }
        "squeeze" => {
            let sets = char_sets(call, args)?;
            Value::from(squeeze(&s, |c| sets.iter().all(|set| set.has(c))))
        }
        "count" => {
            let sets = char_sets(call, args)?;
            Value::from(s.chars().filter(|c| sets.iter().all(|set| set.has(*c))).count())
        }
        "center" | "ljust" | "rjust" => Value::from(pad(call, &s, name, args)?),
        "partition" | "rpartition" => partition(call, &s, &args.at(0), name == "rpartition")?,
        "delete_prefix" => Value::str(s.strip_prefix(&text(call, &args.at(0))?).unwrap_or(&s)),
        "delete_suffix" => Value::str(s.strip_suffix(&text(call, &args.at(0))?).unwrap_or(&s)),
        "casecmp" => match args.at(0).as_str() {
            Some(other) => Value::Int(s.to_ascii_lowercase().cmp(&other.to_ascii_lowercase()) as i64),
            None => Value::Nil,
        },
        "casecmp?" => args.at(0).as_str().map(|other| s.to_lowercase() == other.to_lowercase()).into(),
        "<" | ">" | "<=" | ">=" => compare(call, this, name, &args.at(0))?,
        "to_sym" | "intern" => Value::sym(&s),
        "to_i" => Value::Int(to_i(call, &s, int_or(call, args, 0, 10)?)?),
        "to_f" => Value::Float(to_f(&s)),
        "hex" => Value::Int(to_i(call, &s, 16)?),
        "oct" => Value::Int(to_i(call, &s, -8)?),
        "ord" => match s.chars().next() {
            Some(c) => Value::Int(i64::from(u32::from(c))),
            None => return Err(call.argument_error("empty string")),
        },
        "sum" => {
            let bits = int_or(call, args, 0, 16)?.clamp(1, 62);
            Value::Int(this.to_bytes().iter().map(|b| i64::from(*b)).sum::<i64>() & ((1 << bits) - 1))
        }
        "dump" => Value::from(dump(&Value::Str(this.clone()).inspect())),
        "undump" => Value::from(undump(&s)),
        "grapheme_clusters" => list(s.chars().map(|c| Value::from(c.to_string()))),
        "succ" | "next" => Value::from(succ(&s)),
        "encoding" => crate::stdlib::encoding("UTF-8"),
        "force_encoding" | "+@" if !this.is_frozen() => Value::Str(this.clone()),
        "+@" | "force_encoding" => Value::Str(Str::from_bytes(this.to_bytes())),
        "-@" => {
            let copy = Str::from_bytes(this.to_bytes());
            copy.freeze();
            Value::Str(copy)
        }
        "valid_encoding?" => Value::Bool(this.with(|b| std::str::from_utf8(b).is_ok())),
        "ascii_only?" => Value::Bool(s.is_ascii()),
        "shellescape" => Value::from(crate::stdlib::shellescape(&s)),
        "shellsplit" => crate::stdlib::shellsplit(call, &s)?,
        "unpack1" | "unpack" => {
            let format = text(call, &args.at(0))?;
            let all = crate::stdlib::unpack(call, &this.to_bytes(), &format)?;
            if name == "unpack1" { all.into_iter().next().unwrap_or_default() } else { Value::array(all) }
        }
        _ => return Ok(None),
    }))
}

pub(super) fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\0')
}

fn list(items: impl Iterator<Item = Value>) -> Value {
    Value::array(items.collect())
}

pub(super) fn without_last(s: &str) -> &str {
    let mut chars = s.chars();
    chars.next_back();
    chars.as_str()
}

fn capitalize(s: &str) -> String {
    let mut chars = s.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect())
}

fn swapcase(s: &str) -> String {
    let mut out = String::new();
    for c in s.chars() {
        match c.is_uppercase() {
            true => out.extend(c.to_lowercase()),
            false => out.extend(c.to_uppercase()),
        }
    }
    out
}

fn chomp(call: &Call, s: &str, args: &Args) -> Result<String, Unwind> {
    let cut = match args.get(0) {
        None => s.strip_suffix("\r\n").or_else(|| s.strip_suffix('\n')).or_else(|| s.strip_suffix('\r')),
        Some(Value::Nil) => None,
        Some(end) => match text(call, end)?.as_str() {
            "" => Some(s.trim_end_matches(['\r', '\n'])),
            end => s.strip_suffix(end),
        },
    };
    Ok(cut.unwrap_or(s).to_owned())
}

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

/// The text with what is no UTF-8 replaced.
fn scrub(call: &Call, this: &Str, name: &str, args: &Args) -> Result<String, Unwind> {
    let with = match name {
        "scrub" => args.get(0).cloned(),
        "encode" => args.option("replace"),
        _ => None,
    };
    let with = with.map_or(Ok("\u{fffd}".to_owned()), |w| text(call, &w))?;
    let bytes = this.to_bytes();
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            out.push_str(&with);
        }
    }
    Ok(out)
}

/// A quoted text in ASCII only.
fn dump(inspected: &str) -> String {
    let mut out = String::new();
    for c in inspected.chars() {
        match u32::from(c) {
            0..=0x7f => out.push(c),
            code @ 0x80..=0xffff => out.push_str(&format!("\\u{code:04X}")),
            code => out.push_str(&format!("\\u{{{code:X}}}")),
        }
    }
    out
}

/// The text that [`dump`] quoted.
fn undump(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap_or(quoted);
    let mut out = String::new();
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        let next = if c == '\\' { rest.next() } else { None };
        match next {
            None => out.push(c),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('e') => out.push('\u{1b}'),
            Some(kind @ ('u' | 'x')) => {
                let digits: String = rest.by_ref().take(if kind == 'u' { 4 } else { 2 }).collect();
                out.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            Some(other) => out.push(other),
        }
    }
    out
}

/// ArgumentError for a range such as `z-a`.
fn reversed_range(call: &Call, set: &str) -> Result<(), Unwind> {
    let chars: Vec<char> = set.chars().collect();
    for window in chars.windows(3) {
        if let [low, '-', high] = window
            && low > high
            && *low != '\\'
        {
            let shown = Value::str(format!("{low}-{high}")).inspect();
            return Err(call.argument_error(format!("invalid range {shown} in string transliteration")));
        }
    }
    Ok(())
}

fn split(call: &Call, s: &str, args: &Args) -> Result<Value, Unwind> {
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

fn starts(call: &Call, s: &str, args: &Args) -> Result<bool, Unwind> {
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

fn substring(s: &str, start: usize, len: usize) -> Value {
    Value::from(s.chars().skip(start).take(len).collect::<String>())
}

fn slice(call: &Call, s: &str, args: &Args) -> Result<Value, Unwind> {
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

fn byteslice(call: &Call, this: &Str, args: &Args) -> Result<Value, Unwind> {
    let bytes = this.to_bytes();
    let found = match args.at(0) {
        Value::Range(range) => slice_of(call, &range, bytes.len())?,
        at => start_len(int(call, &at)?, int_or(call, args, 1, 1)?, bytes.len()),
    };
    Ok(found.and_then(|(start, len)| bytes.get(start..start + len)).map_or(Value::Nil, |b| Value::bytes(b.to_vec())))
}

fn chars_before(s: &str, byte: usize) -> Value {
    Value::from(s.get(..byte).map_or(0, |t| t.chars().count()))
}

fn find_index(call: &Call, s: &str, args: &Args) -> Result<Value, Unwind> {
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

fn find_rindex(call: &Call, s: &str, args: &Args) -> Result<Value, Unwind> {
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

fn scan(call: &Call, s: &str, what: &Value) -> Result<Value, Unwind> {
    let mut found = pattern(call, what)?.find_all(s);
    let all = list(found.iter().map(scanned).collect::<Vec<_>>().into_iter());
    set_last(call, found.pop());
    Ok(all)
}

fn substitute(call: &Call, s: &str, args: &Args, all: bool) -> Result<String, Unwind> {
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

/// A set of characters as `tr`, `delete` and `count` write it.
pub(super) struct CharSet {
    chars: Vec<char>,
    negated: bool,
}

impl CharSet {
    fn new(text: &str) -> Self {
        let negated = text.len() > 1 && text.starts_with('^');
        let body = if negated { text.get(1..).unwrap_or_default() } else { text };
        Self { chars: expand_ranges(body), negated }
    }

    pub(super) fn has(&self, c: char) -> bool {
        self.chars.contains(&c) != self.negated
    }
}

fn expand_ranges(text: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = if c == '\\' { chars.next().unwrap_or('\\') } else { c };
        if chars.peek() == Some(&'-') {
            let mut ahead = chars.clone();
            ahead.next();
            if let Some(end) = ahead.next() {
                out.extend(c..=end);
                chars = ahead;
                continue;
            }
        }
        out.push(c);
    }
    out
}

pub(super) fn char_sets(call: &Call, args: &Args) -> Result<Vec<CharSet>, Unwind> {
    args.positional.iter().map(|a| Ok(CharSet::new(&text(call, a)?))).collect()
}

fn translate(s: &str, from: &str, to: &str, squeeze: bool) -> String {
    let from = CharSet::new(from);
    let to = expand_ranges(to);
    let mut out = String::new();
    let mut last = None;
    for c in s.chars() {
        if !from.has(c) {
            out.push(c);
            last = None;
            continue;
        }
        let at = if from.negated { usize::MAX } else { from.chars.iter().position(|x| *x == c).unwrap_or(0) };
        let Some(new) = to.get(at).or_else(|| to.last()).copied() else { continue };
        if !(squeeze && last == Some(new)) {
            out.push(new);
        }
        last = Some(new);
    }
    out
}

fn squeeze(s: &str, wanted: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for c in s.chars() {
        if !(out.ends_with(c) && wanted(c)) {
            out.push(c);
        }
    }
    out
}

fn pad(call: &Call, s: &str, side: &str, args: &Args) -> Result<String, Unwind> {
    let width = int(call, &args.at(0))?;
    let fill = match args.get(1) {
        Some(fill) => text(call, fill)?,
        None => " ".to_owned(),
    };
    if fill.is_empty() {
        return Err(call.argument_error("zero width padding"));
    }
    let missing = to_usize(width).saturating_sub(s.chars().count());
    call.interp().check_size(call.context(), missing.checked_mul(4))?;
    let fill = |n: usize| fill.chars().cycle().take(n).collect::<String>();
    Ok(match side {
        "ljust" => format!("{s}{}", fill(missing)),
        "rjust" => format!("{}{s}", fill(missing)),
        _ => format!("{}{s}{}", fill(missing / 2), fill(missing - missing / 2)),
    })
}

fn partition(call: &Call, s: &str, by: &Value, from_end: bool) -> Result<Value, Unwind> {
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

fn compare(call: &Call, this: &Str, op: &str, other: &Value) -> Result<Value, Unwind> {
    let Value::Str(that) = other else {
        return Err(call.argument_error(format!("comparison of String with {} failed", other.inspect())));
    };
    let (a, b) = (this.to_bytes(), that.to_bytes());
    Ok(Value::Bool(match op {
        "<" => a < b,
        ">" => a > b,
        "<=" => a <= b,
        _ => a >= b,
    }))
}
