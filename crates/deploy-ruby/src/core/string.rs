//! String: what looks at a string or makes a new one.

use super::regexp::set_last;
use super::string_chars::{char_sets, reversed_range, squeeze, translate};
use super::string_encode::{dump, scrub, undump};
use super::string_find::{byte_at, find_index, find_rindex, scan, starts, substitute, to_regexp};
use super::string_parse::{succ, to_f, to_i};
use super::string_parts::{byteslice, lines_by, partition, slice, split};
use super::take::{count, index, int, int_or, text, to_usize};
use crate::interp::{Args, Call, Reply};
use crate::value::{Str, Unwind, Value};

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

pub(super) fn list(items: impl Iterator<Item = Value>) -> Value {
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
