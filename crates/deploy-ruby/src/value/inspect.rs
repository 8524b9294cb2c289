//! `to_s` and `inspect`.

use super::Value;
use std::fmt::Write as _;
use std::rc::Rc;

impl Value {
    /// Text as in string interpolation.
    pub fn to_s(&self) -> String {
        match self {
            Value::Nil => String::new(),
            Value::Str(s) => s.to_text(),
            Value::Sym(s) => s.as_str().to_owned(),
            Value::Range(r) => format!("{}{}{}", r.low.to_s(), dots(r.exclusive), r.high.to_s()),
            Value::Exception(e) => e.message(),
            Value::Match(m) => m.whole(),
            Value::Regexp(r) => r.to_s(),
            Value::Object(o) => o.to_s(),
            other => other.inspect(),
        }
    }

    /// Bytes as in string interpolation: a string's own bytes, else the bytes of `to_s`.
    pub fn to_s_bytes(&self) -> Vec<u8> {
        match self {
            Value::Str(s) => s.to_bytes(),
            other => other.to_s().into_bytes(),
        }
    }

    /// Text for programmers, as `p` prints it.
    pub fn inspect(&self) -> String {
        let mut out = String::new();
        inspect_into(self, &mut out, &mut Vec::new());
        out
    }
}

fn dots(exclusive: bool) -> &'static str {
    if exclusive { "..." } else { ".." }
}

fn inspect_into(value: &Value, out: &mut String, open: &mut Vec<*const ()>) {
    match value {
        Value::Nil => out.push_str("nil"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => {
            let _ = write!(out, "{i}");
        }
        Value::Float(f) => out.push_str(&float_to_s(*f)),
        Value::Str(s) => out.push_str(&s.with(inspect_bytes)),
        Value::Sym(s) => out.push_str(&inspect_sym(s.as_str())),
        Value::Array(a) => nested(Rc::as_ptr(a).cast(), "[...]", out, open, |out, open| {
            out.push('[');
            for (i, item) in a.to_vec().iter().enumerate() {
                separate(out, i);
                inspect_into(item, out, open);
            }
            out.push(']');
        }),
        Value::Hash(h) => nested(Rc::as_ptr(h).cast(), "{...}", out, open, |out, open| {
            out.push('{');
            for (i, (key, item)) in h.pairs().iter().enumerate() {
                separate(out, i);
                inspect_into(key, out, open);
                out.push_str("=>");
                inspect_into(item, out, open);
            }
            out.push('}');
        }),
        Value::Range(r) => {
            if !r.low.is_nil() || r.high.is_nil() {
                inspect_into(&r.low, out, open);
            }
            out.push_str(dots(r.exclusive));
            if !r.high.is_nil() || r.low.is_nil() {
                inspect_into(&r.high, out, open);
            }
        }
        Value::Regexp(r) => out.push_str(&r.inspect()),
        Value::Match(m) => out.push_str(&m.inspect()),
        Value::Proc(p) => out.push_str(if p.is_lambda() { "#<Proc (lambda)>" } else { "#<Proc>" }),
        Value::Enumerator(e) => {
            if let Value::Object(chain) = &e.recv
                && chain.class_name() == "Enumerator::Chain"
            {
                return out.push_str(&chain.inspect());
            }
            out.push_str("#<Enumerator: ");
            inspect_into(&e.recv, out, open);
            let _ = write!(out, ":{}", e.name);
            for (i, arg) in e.args.flat().iter().enumerate() {
                out.push_str(if i == 0 { "(" } else { ", " });
                inspect_into(arg, out, open);
            }
            out.push_str(if e.args.is_empty() { ">" } else { ")>" });
        }
        Value::Exception(e) => {
            let message = e.message();
            let _ = match message.is_empty() {
                true => write!(out, "{}", e.class().name()),
                false => write!(out, "#<{}: {message}>", e.class().name()),
            };
        }
        Value::Time(t) => out.push_str(&crate::core::time_to_s(t)),
        Value::Class(c) => out.push_str(c.name()),
        Value::Object(o) => out.push_str(&o.inspect()),
    }
}

fn separate(out: &mut String, index: usize) {
    if index > 0 {
        out.push_str(", ");
    }
}

fn nested(
    at: *const (),
    again: &str,
    out: &mut String,
    open: &mut Vec<*const ()>,
    body: impl FnOnce(&mut String, &mut Vec<*const ()>),
) {
    if open.contains(&at) || open.len() > 200 {
        out.push_str(again);
        return;
    }
    open.push(at);
    body(out, open);
    open.pop();
}

fn inspect_sym(name: &str) -> String {
    if is_plain_symbol(name) { format!(":{name}") } else { format!(":{}", inspect_bytes(name.as_bytes())) }
}

fn is_plain_symbol(name: &str) -> bool {
    const OPERATORS: &[&str] = &[
        "+", "-", "*", "/", "%", "**", "==", "!=", "<", ">", "<=", ">=", "<=>", "===", "=~", "!~", "!", "~", "[]",
        "[]=", "<<", ">>", "&", "|", "^", "+@", "-@",
    ];
    if OPERATORS.contains(&name) {
        return true;
    }
    let body = name.trim_start_matches("@@").trim_start_matches(['@', '$']);
    let body = body.strip_suffix(['?', '!', '=']).unwrap_or(body);
    let mut chars = body.chars();
    let starts = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic());
    starts && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// A string as a literal in double quotes.
pub(crate) fn inspect_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            escape_char(c, next, &mut out);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02X}");
        }
    }
    out.push('"');
    out
}

fn escape_char(c: char, next: Option<char>, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        '\u{1b}' => out.push_str("\\e"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{b}' => out.push_str("\\v"),
        '\u{c}' => out.push_str("\\f"),
        '\u{7f}' => out.push_str("\\x7F"),
        '#' if matches!(next, Some('{' | '$' | '@')) => out.push_str("\\#"),
        c if c.is_control() => {
            let _ = write!(out, "\\u{:04X}", u32::from(c));
        }
        c => out.push(c),
    }
}

/// A float as Ruby prints it.
fn float_to_s(f: f64) -> String {
    if f.is_nan() {
        return "NaN".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = f.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        let text = format!("{f:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = if mantissa.contains('.') { mantissa.to_owned() } else { format!("{mantissa}.0") };
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    let text = format!("{f}");
    if text.contains('.') { text } else { format!("{text}.0") }
}
