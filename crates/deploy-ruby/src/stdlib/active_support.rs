//! What ActiveSupport adds to the core classes, where a recipe requires it: words, blankness, durations in seconds.

use std::rc::Rc;

use crate::interp::{Args, Call, Reply};
use crate::value::{Hash, Value};

/// Whether `require` names it or a part of it.
pub(crate) fn is_part(name: &str) -> bool {
    name == "active_support" || name.starts_with("active_support/")
}

/// A method on a value; none before the `require`, or where there is no such method.
pub(crate) async fn method(call: &Call, recv: &Value, name: &str, args: &Args) -> Reply {
    if !call.interp().0.loaded.borrow().iter().any(|library| is_part(library)) {
        return Ok(None);
    }
    if let Some(value) = of_any(recv, name) {
        return Ok(Some(value));
    }
    match (recv, name) {
        (Value::Nil, "try" | "try!") => Ok(Some(Value::Nil)),
        (_, "try" | "try!") => {
            let Some(method) = args.get(0).and_then(Value::as_name) else { return Ok(None) };
            let rest = Args { positional: args.positional.get(1..).unwrap_or_default().to_vec(), ..args.clone() };
            call.send(recv, &method, rest).await.map(Some)
        }
        (Value::Str(_), _) => Ok(recv.as_str().and_then(|text| of_text(&text, name)).map(Value::from)),
        (Value::Int(number), _) => Ok(of_number(*number, name)),
        (Value::Array(_), "to_sentence") => Ok(Some(Value::from(sentence(&recv.to_list())))),
        (Value::Hash(hash), _) => Ok(of_hash(hash, name, args)),
        _ => Ok(None),
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Nil | Value::Bool(false) => true,
        Value::Str(_) => value.as_str().is_some_and(|text| text.trim().is_empty()),
        Value::Array(array) => array.is_empty(),
        Value::Hash(hash) => hash.is_empty(),
        _ => false,
    }
}

fn of_any(value: &Value, name: &str) -> Option<Value> {
    Some(match name {
        "blank?" => Value::Bool(is_blank(value)),
        "present?" => Value::Bool(!is_blank(value)),
        "presence" if is_blank(value) => Value::Nil,
        "presence" => value.clone(),
        _ => return None,
    })
}

/// `OrderLine`, `orderLine` and `order-line` as `order_line`.
fn underscore(text: &str) -> String {
    let chars: Vec<char> = text.replace("::", "/").chars().collect();
    let mut out = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let next_is_lower = chars.get(at + 1).is_some_and(|c| c.is_lowercase());
        let after_word = before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit());
        let ends_acronym = before.is_some_and(|b| b.is_uppercase()) && next_is_lower;
        if c.is_uppercase() && (after_word || ends_acronym) {
            out.push('_');
        }
        out.extend(if *c == '-' { '_' } else { *c }.to_lowercase());
    }
    out
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn camelize(text: &str) -> String {
    let part = |part: &str| part.split('_').map(capitalized).collect::<String>();
    text.split('/').map(part).collect::<Vec<_>>().join("::")
}

fn humanize(text: &str) -> String {
    let text = text.strip_suffix("_id").unwrap_or(text).trim_start_matches('_');
    capitalized(&text.replace('_', " ").to_lowercase())
}

fn parameterize(text: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let all: String = text.chars().map(kept).collect();
    all.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn of_text(text: &str, name: &str) -> Option<String> {
    Some(match name {
        "dasherize" => text.replace('_', "-"),
        "underscore" => underscore(text),
        "camelize" | "camelcase" => camelize(text),
        "humanize" => humanize(text),
        "titleize" | "titlecase" => {
            humanize(&underscore(text)).split(' ').map(capitalized).collect::<Vec<_>>().join(" ")
        }
        "parameterize" => parameterize(text),
        "squish" => text.split_whitespace().collect::<Vec<_>>().join(" "),
        "demodulize" => text.rsplit("::").next().unwrap_or(text).to_owned(),
        _ => return None,
    })
}

fn of_number(number: i64, name: &str) -> Option<Value> {
    let factor = match name {
        "second" | "seconds" | "byte" | "bytes" => 1,
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        "week" | "weeks" => 604_800,
        "kilobyte" | "kilobytes" => 1 << 10,
        "megabyte" | "megabytes" => 1 << 20,
        "gigabyte" | "gigabytes" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor).map(Value::Int)
}

fn sentence(items: &[Value]) -> String {
    let words: Vec<String> = items.iter().map(Value::to_s).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [all @ .., last] => format!("{}, and {last}", all.join(", ")),
    }
}

fn of_hash(hash: &Rc<Hash>, name: &str, args: &Args) -> Option<Value> {
    let keys = |deep: bool, symbols: bool| Value::Hash(Rc::new(with_keys(hash, deep, symbols)));
    Some(match name {
        "symbolize_keys" | "to_options" => keys(false, true),
        "deep_symbolize_keys" => keys(true, true),
        "stringify_keys" => keys(false, false),
        "deep_stringify_keys" => keys(true, false),
        "deep_merge" => Value::Hash(Rc::new(merged(hash, args.at(0).as_hash()?, true))),
        "reverse_merge" => Value::Hash(Rc::new(merged(args.at(0).as_hash()?, hash, false))),
        _ => return None,
    })
}

fn with_keys(hash: &Hash, deep: bool, symbols: bool) -> Hash {
    let key = |key: Value| match key.as_name() {
        Some(name) if symbols => Value::sym(name),
        Some(name) => Value::from(name),
        None => key,
    };
    let value = |value: Value| match &value {
        Value::Hash(inner) if deep => Value::Hash(Rc::new(with_keys(inner, deep, symbols))),
        _ => value,
    };
    Hash::from_pairs(hash.pairs().into_iter().map(|(k, v)| (key(k), value(v))))
}

fn merged(base: &Hash, over: &Hash, deep: bool) -> Hash {
    let all = Hash::from_pairs(base.pairs());
    for (key, value) in over.pairs() {
        let value = match (all.get(&key), &value) {
            (Some(Value::Hash(old)), Value::Hash(new)) if deep => Value::Hash(Rc::new(merged(&old, new, true))),
            _ => value,
        };
        all.insert(key, value);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::of_text;

    #[test]
    fn words() {
        for (name, text, wanted) in [
            ("dasherize", "a_b_c", "a-b-c"),
            ("underscore", "OrderLine", "order_line"),
            ("underscore", "Admin::HTMLPage", "admin/html_page"),
            ("camelize", "admin/html_page", "Admin::HtmlPage"),
            ("humanize", "author_id", "Author"),
            ("titleize", "man_from_the_boondocks", "Man From The Boondocks"),
            ("parameterize", "Donald E. Knuth", "donald-e-knuth"),
            ("squish", " a \n b ", "a b"),
            ("demodulize", "A::B", "B"),
        ] {
            assert_eq!(of_text(text, name).as_deref(), Some(wanted), "{name} {text}");
        }
    }
}
