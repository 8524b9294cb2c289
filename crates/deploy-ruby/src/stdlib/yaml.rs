//! YAML

use crate::interp::{Args, Call, Reply};
use crate::value::{Unwind, Value};

/// A value as a YAML document, in the style of Psych.
pub(crate) fn to_yaml(call: &Call, value: &Value) -> Result<String, Unwind> {
    let mut out = String::from("---");
    emit(call, value, 0, &mut out)?;
    Ok(out)
}

fn emit(call: &Call, value: &Value, indent: usize, out: &mut String) -> Result<(), Unwind> {
    if indent > 200 {
        return Err(call.argument_error("value is nested too deeply for YAML"));
    }
    match value {
        Value::Hash(h) if h.is_empty() => out.push_str(" {}\n"),
        Value::Array(a) if a.is_empty() => out.push_str(" []\n"),
        Value::Hash(h) => {
            out.push('\n');
            for (key, item) in h.pairs() {
                out.push_str(&" ".repeat(indent));
                out.push_str(&scalar(&key, indent));
                out.push(':');
                // Psych writes a list under a key without further indent.
                let deeper = if matches!(item, Value::Array(_)) { indent } else { indent + 2 };
                emit(call, &item, deeper, out)?;
            }
        }
        Value::Array(a) => {
            out.push('\n');
            for item in a.to_vec() {
                out.push_str(&" ".repeat(indent));
                out.push('-');
                let mut inner = String::new();
                emit(call, &item, indent + 2, &mut inner)?;
                match (&item, inner.strip_prefix('\n')) {
                    (Value::Hash(_) | Value::Array(_), Some(body)) => {
                        out.push(' ');
                        out.push_str(body.trim_start_matches(' '));
                    }
                    _ => out.push_str(&inner),
                }
            }
        }
        Value::Object(o) if o.items().is_some() => {
            emit(call, &Value::array(o.items().unwrap_or_default()), indent, out)?
        }
        other => {
            let shown = scalar(other, indent);
            if !shown.is_empty() {
                out.push(' ');
            }
            out.push_str(&shown);
            out.push('\n');
        }
    }
    Ok(())
}

fn scalar(value: &Value, indent: usize) -> String {
    match value {
        Value::Nil => String::new(),
        Value::Sym(s) => format!(":{s}"),
        Value::Str(_) | Value::Object(_) => text(&value.to_s(), indent),
        Value::Time(t) => crate::core::strftime(t, "%Y-%m-%d %H:%M:%S.%N %:z"),
        other => other.to_s(),
    }
}

fn text(s: &str, indent: usize) -> String {
    if s.contains('\n') && !s.starts_with(' ') {
        let keep = if s.ends_with('\n') { "" } else { "-" };
        let pad = " ".repeat(indent.max(2));
        let lines: Vec<String> = s
            .trim_end_matches('\n')
            .split('\n')
            .map(|l| if l.is_empty() { String::new() } else { format!("{pad}{l}") })
            .collect();
        return format!("|{keep}\n{}", lines.join("\n"));
    }
    let mut chars = s.chars();
    let odd_start = chars.next().is_some_and(|c| c != '_' && !c.is_alphanumeric()) && !s.contains('"');
    if matches!(s, "y" | "n") || odd_start || s.chars().any(char::is_control) {
        return Value::str(s).inspect();
    }
    // What cannot stand plainly, as libyaml has it.
    let special = s.is_empty()
        || s.trim() != s
        || s.starts_with(['!', '&', '*', '{', '}', '[', ']', ',', '#', '|', '>', '@', '`', '"', '\'', '%'])
        || s.contains(": ")
        || s.contains(" #")
        || s.ends_with(':');
    if special || is_date(s) || !matches!(resolve_plain(s), Value::Str(_)) {
        return format!("'{}'", s.replace('\'', "''"));
    }
    s.to_owned()
}

/// `2024-01-31`: read back as a date.
fn is_date(s: &str) -> bool {
    let parts: Vec<&str> = s.split('-').collect();
    let digits = |text: &str, size: usize| text.len() == size && text.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.as_slice(), [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

/// `1:30:00` in base 60.
fn sexagesimal(s: &str) -> Option<i64> {
    // As Psych counts: the first of two or three parts is hours.
    let parts: Vec<&str> = s.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    let mut total: i64 = 0;
    for (part, unit) in parts.iter().zip([3600, 60, 1]) {
        let digits: i64 = part.parse().ok().filter(|d| *d >= 0 && (unit == 3600 || *d < 60))?;
        total = total.checked_add(digits.checked_mul(unit)?)?;
    }
    Some(total)
}

/// What a plain scalar means: nil, boolean, number, symbol or text.
pub(super) fn resolve_plain(s: &str) -> Value {
    match s {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Nil,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Value::Bool(false),
        ".inf" | ".Inf" | ".INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        _ => {}
    }
    if let Some(name) = s.strip_prefix(':').filter(|n| !n.is_empty() && !n.contains(' ')) {
        return Value::sym(name.trim_matches(['"', '\'']));
    }
    number(s).unwrap_or_else(|| Value::str(s))
}

fn number(s: &str) -> Option<Value> {
    let body = s.strip_prefix(['-', '+']).unwrap_or(s);
    let sign = if s.starts_with('-') { -1 } else { 1 };
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if let Some(total) = sexagesimal(body) {
        return Some(Value::Int(sign * total));
    }
    let clean = body.replace(['_', ','], "");
    let parsed = match clean.get(..2) {
        Some("0x") => i64::from_str_radix(clean.get(2..)?, 16).ok(),
        Some("0b") => i64::from_str_radix(clean.get(2..)?, 2).ok(),
        Some("0o") => i64::from_str_radix(clean.get(2..)?, 8).ok(),
        Some(two) if two.starts_with('0') && clean.bytes().all(|b| b.is_ascii_digit()) => {
            i64::from_str_radix(&clean, 8).ok()
        }
        _ if clean.bytes().all(|b| b.is_ascii_digit()) => clean.parse().ok(),
        _ => None,
    };
    if let Some(integer) = parsed {
        return Some(Value::Int(sign * integer));
    }
    let floats = clean.contains('.')
        && clean.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let wide = clean.matches('.').count() == 1 && clean != ".";
    if floats && wide {
        return clean.parse::<f64>().ok().map(|f| Value::Float(if sign < 0 { -f } else { f }));
    }
    None
}

pub(super) async fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    let symbols = args.option("symbolize_names").is_some_and(|v| v.truthy());
    Ok(Some(match name {
        "dump" => Value::from(to_yaml(call, &args.folded().at(0))?),
        "load" | "safe_load" | "unsafe_load" => {
            let given = match args.at(0) {
                Value::Object(io) => Box::pin(call.send(&Value::Object(io), "read", Args::none())).await?,
                other => other,
            };
            super::yaml_load::load(call, &text_of(call, &given)?, symbols, false)?
        }
        "load_stream" => super::yaml_load::load(call, &text_of(call, &args.at(0))?, symbols, true)?,
        "load_file" | "safe_load_file" | "unsafe_load_file" => {
            let path = super::file::path_arg(call, args, 0)?;
            let bytes = super::file::read(call, &path).await?;
            super::yaml_load::load(call, &String::from_utf8_lossy(&bytes), symbols, false)?
        }
        _ => return Ok(None),
    }))
}

fn text_of(call: &Call, value: &Value) -> Result<String, Unwind> {
    crate::core::text(call, value)
}
