//! JSON

use crate::core::text;
use crate::interp::{Args, Call, Reply};
use crate::value::{Unwind, Value};
use serde_json::Value as Json;

fn to_ruby(call: &Call, json: Json, symbols: bool) -> Result<Value, Unwind> {
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(b),
        Json::Number(n) => match n.as_i64() {
            Some(i) => Value::Int(i),
            None => Value::Float(n.as_f64().ok_or_else(|| call.raise("JSON::ParserError", "number out of range"))?),
        },
        Json::String(s) => Value::from(s),
        Json::Array(items) => {
            Value::array(items.into_iter().map(|i| to_ruby(call, i, symbols)).collect::<Result<_, _>>()?)
        }
        Json::Object(map) => {
            let mut pairs = Vec::new();
            for (key, value) in map {
                let key = if symbols { Value::sym(&key) } else { Value::from(key) };
                pairs.push((key, to_ruby(call, value, symbols)?));
            }
            Value::hash(pairs)
        }
    })
}

fn from_ruby(call: &Call, value: &Value, depth: usize) -> Result<Json, Unwind> {
    if depth > 100 {
        return Err(call.raise("JSON::GeneratorError", "nesting of 101 is too deep"));
    }
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(i) => Json::from(*i),
        Value::Float(f) => {
            let number = serde_json::Number::from_f64(*f);
            Json::Number(number.ok_or_else(|| {
                call.raise("JSON::GeneratorError", format!("{} not allowed in JSON", value.inspect()))
            })?)
        }
        Value::Array(a) => {
            Json::Array(a.to_vec().iter().map(|v| from_ruby(call, v, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::Hash(h) => {
            let mut map = serde_json::Map::new();
            for (key, value) in h.pairs() {
                map.insert(key.to_s(), from_ruby(call, &value, depth + 1)?);
            }
            Json::Object(map)
        }
        Value::Object(o) => match o.items() {
            Some(items) => from_ruby(call, &Value::array(items), depth + 1)?,
            None => Json::String(value.to_s()),
        },
        other => Json::String(other.to_s()),
    })
}

/// A value as JSON text.
pub(crate) fn to_json(call: &Call, value: &Value, pretty: bool) -> Result<String, Unwind> {
    let json = from_ruby(call, value, 0)?;
    let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) };
    text.map_err(|e| call.raise("JSON::GeneratorError", e.to_string()))
}

pub(super) fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "parse" | "load" | "parse!" | "[]" => {
            if args.at(0).is_nil() && name == "load" {
                return Ok(Some(Value::Nil));
            }
            let given = text(call, &args.at(0))?;
            let symbols = args.option("symbolize_names").is_some_and(|v| v.truthy());
            let json: Json = serde_json::from_str(&given)
                .map_err(|e| call.raise("JSON::ParserError", format!("unexpected token in JSON: {e}")))?;
            to_ruby(call, json, symbols)?
        }
        "generate" | "dump" | "unparse" => Value::from(to_json(call, &args.folded().at(0), false)?),
        "pretty_generate" | "pretty_unparse" => Value::from(to_json(call, &args.folded().at(0), true)?),
        _ => return Ok(None),
    }))
}
