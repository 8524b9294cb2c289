//! Hash: what calls a block.

use super::hash::{key_error, lookup, other_hash, rebuilt, thaw};
use super::object::block;
use crate::interp::{Args, Call, Reply};
use crate::value::{Hash, Value};
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "each",
    "each_pair",
    "each_key",
    "each_value",
    "map",
    "select",
    "filter",
    "reject",
    "filter_map",
    "select!",
    "filter!",
    "keep_if",
    "reject!",
    "delete_if",
    "transform_values",
    "transform_values!",
    "transform_keys",
    "transform_keys!",
    "to_h",
    "partition",
    "group_by",
    "sort_by",
    "min_by",
    "max_by",
    "find",
    "detect",
    "any?",
    "all?",
    "none?",
    "count",
    "find_all",
    "sum",
    "each_with_index",
    "each_with_object",
    "flat_map",
    "default_proc",
];

fn pair_args(pair: &(Value, Value)) -> Vec<Value> {
    vec![Value::array(vec![pair.0.clone(), pair.1.clone()])]
}

pub(super) async fn call(call: &Call, this: &Rc<Hash>, name: &str, args: &Args) -> Reply {
    let whole = Value::Hash(this.clone());
    if matches!(name, "[]" | "dig" | "default_proc") || (name == "values_at" && args.block.is_none()) {
        return with_default(call, this, name, args).await;
    }
    if args.block.is_none() {
        let enumerates = matches!(
            name,
            "each_pair"
                | "each_key"
                | "each_value"
                | "transform_values"
                | "delete_if"
                | "keep_if"
                | "select!"
                | "reject!"
        );
        return Ok(enumerates.then(|| super::enumerate::enumerator(&whole, name, args)));
    }
    let block = block(call, args)?;
    Ok(Some(match name {
        "each" | "each_pair" => {
            for pair in this.pairs() {
                call.call_proc(block, pair_args(&pair)).await?;
            }
            whole
        }
        "each_key" | "each_value" => {
            for (key, value) in this.pairs() {
                call.call_proc(block, vec![if name == "each_key" { key } else { value }]).await?;
            }
            whole
        }
        "select" | "filter" | "reject" | "select!" | "filter!" | "keep_if" | "reject!" | "delete_if" => {
            let keep = !(name.starts_with("reject") || name == "delete_if");
            let mut left = Vec::new();
            for pair in this.pairs() {
                if call.call_proc(block, vec![pair.0.clone(), pair.1.clone()]).await?.truthy() == keep {
                    left.push(pair);
                }
            }
            let in_place = name.ends_with('!') || matches!(name, "keep_if" | "delete_if");
            let same = left.len() == this.len();
            let result = rebuilt(call, this, left, in_place)?;
            if same && name.ends_with('!') { Value::Nil } else { result }
        }
        "partition" => {
            let (mut yes, mut no) = (Vec::new(), Vec::new());
            for pair in this.pairs() {
                let side = if call.call_proc(block, pair_args(&pair)).await?.truthy() { &mut yes } else { &mut no };
                side.extend(pair_args(&pair));
            }
            Value::array(vec![Value::array(yes), Value::array(no)])
        }
        "transform_values" | "transform_values!" => {
            let mut pairs = Vec::new();
            for (key, value) in this.pairs() {
                pairs.push((key, call.call_proc(block, vec![value]).await?));
            }
            rebuilt(call, this, pairs, name.ends_with('!'))?
        }
        "transform_keys" | "transform_keys!" => {
            let mut pairs = Vec::new();
            let names = args.flat().into_iter().next();
            let names = names.as_ref().and_then(Value::as_hash);
            for (key, value) in this.pairs() {
                let new = match names.and_then(|names| names.get(&key)) {
                    Some(new) => new,
                    None => call.call_proc(block, vec![key]).await?,
                };
                pairs.push((new, value));
            }
            rebuilt(call, this, pairs, name.ends_with('!'))?
        }
        "fetch" => match this.get(&args.at(0)) {
            Some(value) => value,
            None => call.call_proc(block, vec![args.at(0)]).await?,
        },
        "delete" => {
            thaw(call, this)?;
            match this.remove(&args.at(0)) {
                Some(value) => value,
                None => call.call_proc(block, vec![args.at(0)]).await?,
            }
        }
        "merge" | "merge!" | "update" => {
            let into = if name == "merge" {
                Rc::new(this.dup())
            } else {
                thaw(call, this)?;
                this.clone()
            };
            for other in args.flat() {
                for (key, new) in other_hash(call, &other)?.pairs() {
                    let value = match into.get(&key) {
                        Some(old) => call.call_proc(block, vec![key.clone(), old, new]).await?,
                        None => new,
                    };
                    into.insert(key, value);
                }
            }
            Value::Hash(into)
        }
        "values_at" | "fetch_values" => {
            let mut out = Vec::new();
            for key in &args.positional {
                out.push(match this.get(key) {
                    Some(value) => value,
                    None if name == "values_at" => Value::Nil,
                    None => call.call_proc(block, vec![key.clone()]).await?,
                });
            }
            Value::array(out)
        }
        _ => return Ok(None),
    }))
}

/// Reading through a default block.
async fn with_default(call: &Call, this: &Rc<Hash>, name: &str, args: &Args) -> Reply {
    let default = this.default_proc.borrow().clone();
    if name == "default_proc" {
        return Ok(Some(default.unwrap_or_default()));
    }
    if name == "values_at" {
        let mut out = Vec::new();
        for key in &args.positional {
            out.push(Box::pin(with_default(call, this, "[]", &Args::one(key.clone()))).await?.unwrap_or_default());
        }
        return Ok(Some(Value::array(out)));
    }
    let key = args.at(0);
    let first = match (lookup(this, &key), default) {
        (Some(value), _) => value,
        (None, Some(Value::Proc(default))) => call.call_proc(&default, vec![Value::Hash(this.clone()), key]).await?,
        (None, _) => return Err(key_error(call, this, &key)),
    };
    let rest = args.positional.get(1..).unwrap_or_default();
    if name == "[]" || rest.is_empty() {
        return Ok(Some(first));
    }
    call.interp().send(call, first, &crate::value::Sym::new("dig"), Args::new(rest.to_vec())).await.map(Some)
}
