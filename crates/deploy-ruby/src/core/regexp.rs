//! Regexp and MatchData.

use super::take::{int, name_of, text, to_usize};
use crate::ast::RegexFlags;
use crate::interp::{Args, Call, Reply};
use crate::value::{MatchData, Regexp, Unwind, Value};
use std::rc::Rc;

pub(super) const NAMES: &[&str] =
    &["=~", "===", "match", "match?", "source", "to_s", "options", "names", "casefold?", "~"];

pub(super) const MATCH_NAMES: &[&str] = &[
    "[]",
    "begin",
    "end",
    "offset",
    "captures",
    "named_captures",
    "names",
    "pre_match",
    "post_match",
    "to_a",
    "to_s",
    "values_at",
    "string",
    "regexp",
    "size",
    "length",
];

/// Makes a match (or none) the last one of the caller's method, and returns it.
pub(super) fn set_last(call: &Call, found: Option<MatchData>) -> Value {
    let value = found.map_or(Value::Nil, |m| Value::Match(Rc::new(m)));
    if let Some(env) = &call.env {
        env.home.last_match.replace(value.clone());
    }
    value
}

pub(super) fn match_at(call: &Call, r: &Rc<Regexp>, text: &str) -> Value {
    match set_last(call, r.find(text, 0)) {
        Value::Match(m) => m.range(0).map(|(start, _)| m.char_offset(start)).into(),
        _ => Value::Nil,
    }
}

pub(super) fn call(call: &Call, this: &Rc<Regexp>, name: &str, args: &Args) -> Reply {
    let subject = || match args.at(0) {
        Value::Sym(s) => Ok(s.as_str().to_owned()),
        other => text(call, &other),
    };
    Ok(Some(match name {
        "=~" | "===" | "match" | "match?" if args.at(0).is_nil() => {
            set_last(call, None);
            if matches!(name, "===" | "match?") { Value::Bool(false) } else { Value::Nil }
        }
        "=~" => match_at(call, this, &subject()?),
        "===" => match subject() {
            Ok(text) => Value::Bool(match_at(call, this, &text).truthy()),
            Err(_) => Value::Bool(false),
        },
        "match" => set_last(call, this.find(&subject()?, 0)),
        "match?" => Value::Bool(this.find(&subject()?, 0).is_some()),
        "source" => Value::str(this.source()),
        "options" => Value::Int(this.options()),
        "casefold?" => Value::Bool(this.options() & 1 == 1),
        "named_captures" => {
            let names = this.names();
            let places = names.iter().enumerate().filter_map(|(i, name)| Some((name.clone()?, i)));
            Value::hash(places.map(|(name, i)| (Value::from(name), Value::array(vec![Value::from(i)]))))
        }
        "names" => Value::array(this.names().into_iter().flatten().map(Value::from).collect()),
        _ => return Ok(None),
    }))
}

/// `Regexp.new`, `.escape`, `.union`, `.last_match`
pub(super) fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "new" | "compile" => match args.at(0) {
            Value::Regexp(r) => Value::Regexp(r),
            source => {
                let bits = match args.at(1) {
                    Value::Int(bits) => bits,
                    other => i64::from(other.truthy()),
                };
                let flags =
                    RegexFlags { ignore_case: bits & 1 != 0, extended: bits & 2 != 0, multi_line: bits & 4 != 0 };
                compile(call, &text(call, &source)?, flags)?
            }
        },
        "escape" | "quote" => Value::from(escape(&name_of(call, &args.at(0))?)),
        "union" => {
            let parts = match args.at(0) {
                Value::Array(a) => a.to_vec(),
                _ => args.positional.clone(),
            };
            let parts: Vec<String> = parts
                .iter()
                .map(|p| match p {
                    Value::Regexp(r) if args.len() == 1 && !matches!(args.at(0), Value::Array(_)) => {
                        Ok(r.source().to_owned())
                    }
                    Value::Regexp(r) => Ok(r.to_s()),
                    other => name_of(call, other).map(|s| escape(&s)),
                })
                .collect::<Result<_, _>>()?;
            let source = if parts.is_empty() { "(?!)".to_owned() } else { parts.join("|") };
            compile(call, &source, RegexFlags::default())?
        }
        "last_match" => {
            let last = call.env.as_ref().map(|e| e.home.last_match.borrow().clone()).unwrap_or_default();
            match (last, args.get(0)) {
                (Value::Match(m), Some(group)) => m.group(to_usize(int(call, group)?)).into(),
                (last, _) => last,
            }
        }
        _ => return Ok(None),
    }))
}

fn compile(call: &Call, source: &str, flags: RegexFlags) -> Result<Value, Unwind> {
    Regexp::new(source, flags).map(|r| Value::Regexp(Rc::new(r))).map_err(|e| call.raise("RegexpError", e))
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            ' ' | '.' | '*' | '?' | '+' | '^' | '$' | '|' | '\\' | '(' | ')' | '[' | ']' | '{' | '}' | '-' | '#' => {
                out.extend(['\\', c])
            }
            c => out.push(c),
        }
    }
    out
}

pub(super) fn match_data(call: &Call, this: &Rc<MatchData>, name: &str, args: &Args) -> Reply {
    let group = |value: &Value| -> Result<usize, Unwind> {
        match value {
            Value::Int(i) if *i < 0 => Ok(to_usize(*i + i64::try_from(this.groups.len()).unwrap_or(0))),
            Value::Int(i) => Ok(to_usize(*i)),
            other => {
                let wanted = name_of(call, other)?;
                let at = this.names.iter().position(|n| n.as_deref() == Some(&wanted));
                at.ok_or_else(|| call.raise("IndexError", format!("undefined group name reference: {wanted}")))
            }
        }
    };
    let all = |from: usize| -> Vec<Value> { (from..this.groups.len()).map(|i| this.group(i).into()).collect() };
    Ok(Some(match name {
        "[]" => match args.at(0) {
            Value::Range(_) => return super::array::slice_values(call, &all(0), args).map(Some),
            Value::Int(_) => this.group(group(&args.at(0))?).into(),
            other => match name_of(call, &other)? {
                wanted if this.has_name(&wanted) => this.named(&wanted).into(),
                wanted => return Err(call.raise("IndexError", format!("undefined group name reference: {wanted}"))),
            },
        },
        "to_a" => Value::array(all(0)),
        "captures" => Value::array(all(1)),
        "named_captures" => {
            let names = this.names.iter().flatten();
            Value::hash(names.map(|n| (Value::str(n), this.named(n).into())))
        }
        "names" => Value::array(this.names.iter().flatten().map(Value::str).collect()),
        "pre_match" => Value::str(this.before()),
        "post_match" => Value::str(this.after()),
        "string" => Value::str(&*this.text),
        "regexp" => Value::Regexp(this.regexp.clone()),
        "size" | "length" => Value::from(this.groups.len()),
        "begin" => this.range(group(&args.at(0))?).map(|(a, _)| this.char_offset(a)).into(),
        "end" => this.range(group(&args.at(0))?).map(|(_, b)| this.char_offset(b)).into(),
        "offset" => match this.range(group(&args.at(0))?) {
            Some((a, b)) => Value::array(vec![Value::Int(this.char_offset(a)), Value::Int(this.char_offset(b))]),
            None => Value::array(vec![Value::Nil, Value::Nil]),
        },
        "values_at" => {
            let values = args.positional.iter().map(|v| group(v).map(|g| this.group(g).into()));
            Value::array(values.collect::<Result<_, _>>()?)
        }
        _ => return Ok(None),
    }))
}
