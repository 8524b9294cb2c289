//! Hash: what needs no block.

use super::take::int_or;
use crate::interp::{Args, Call, Reply};
use crate::value::{Hash, Unwind, Value};
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "[]",
    "[]=",
    "store",
    "fetch",
    "dig",
    "key?",
    "has_key?",
    "include?",
    "member?",
    "value?",
    "has_value?",
    "key",
    "keys",
    "values",
    "values_at",
    "fetch_values",
    "length",
    "size",
    "count",
    "empty?",
    "any?",
    "none?",
    "merge",
    "merge!",
    "update",
    "replace",
    "delete",
    "clear",
    "shift",
    "slice",
    "except",
    "invert",
    "to_a",
    "to_h",
    "to_hash",
    "compact",
    "compact!",
    "first",
    "default",
    "default=",
    "sort",
    "min",
    "max",
    "sum",
    "flatten",
    "assoc",
    "rassoc",
    "to_proc",
    "rehash",
    "compare_by_identity?",
    "default_proc=",
    "transform_keys",
    "transform_keys!",
    "compare_by_identity",
    "find",
    "take",
    "drop",
    "==",
    "eql?",
    "hash",
    "inspect",
    "to_s",
    "sum",
    "zip",
    "entries",
    "to_set",
    "inject",
    "reduce",
    "uniq",
    "<=",
    ">=",
    "<",
    ">",
];

pub(super) fn thaw(call: &Call, this: &Rc<Hash>) -> Result<(), Unwind> {
    if this.is_frozen() {
        let shown = Value::Hash(this.clone()).inspect();
        return Err(super::frozen_error(call, Value::Hash(this.clone()), format!("can't modify frozen Hash: {shown}")));
    }
    Ok(())
}

/// The value of a key, or the default value; `None` if a default block must be asked.
pub(super) fn lookup(this: &Rc<Hash>, key: &Value) -> Option<Value> {
    match this.get(key) {
        Some(value) => Some(value),
        None if this.default_proc.borrow().is_some() => None,
        None => Some(this.default.borrow().clone()),
    }
}

fn pair_list(this: &Rc<Hash>) -> Vec<Value> {
    this.pairs().into_iter().map(|(k, v)| Value::array(vec![k, v])).collect()
}

pub(super) fn other_hash(call: &Call, value: &Value) -> Result<Rc<Hash>, Unwind> {
    match value {
        Value::Hash(h) => Ok(h.clone()),
        Value::Nil => Err(call.type_error("no implicit conversion of nil into Hash")),
        other => Err(call.type_error(format!("no implicit conversion of {} into Hash", super::kind(call, other)))),
    }
}

pub(super) fn key_error(call: &Call, this: &Rc<Hash>, key: &Value) -> Unwind {
    let unwind = call.raise("KeyError", format!("key not found: {}", key.inspect()));
    if let Some(exception) = unwind.exception() {
        exception.detail.replace(key.clone());
        exception.receiver.replace(Value::Hash(this.clone()));
    }
    unwind
}

fn subset(small: &Hash, large: &Hash) -> bool {
    small.pairs().iter().all(|(k, v)| large.get(k).is_some_and(|w| w.equals(v)))
}

pub(super) fn call(call: &Call, this: &Rc<Hash>, name: &str, args: &Args) -> Reply {
    let whole = Value::Hash(this.clone());
    let key = || args.at(0);
    Ok(Some(match name {
        "[]" => return Ok(lookup(this, &key())),
        "[]=" | "store" => {
            thaw(call, this)?;
            this.insert(key(), args.at(1));
            args.at(1)
        }
        "fetch" => match this.get(&key()) {
            Some(value) => value,
            None if args.len() > 1 || args.keywords.is_some() => args.flat().get(1).cloned().unwrap_or_default(),
            None => return Err(key_error(call, this, &key())),
        },
        "dig" => {
            let Some(first) = lookup(this, &key()) else { return Ok(None) };
            super::array::dig(call, first, args.positional.get(1..).unwrap_or_default())?
        }
        "key?" | "has_key?" | "include?" | "member?" => Value::Bool(this.get(&key()).is_some()),
        "value?" | "has_value?" => Value::Bool(this.values().iter().any(|v| v.equals(&key()))),
        "key" => this.pairs().into_iter().find(|(_, v)| v.equals(&key())).map(|(k, _)| k).unwrap_or_default(),
        "keys" => Value::array(this.keys()),
        "values" => Value::array(this.values()),
        "values_at" if this.default_proc.borrow().is_none() => {
            Value::array(args.positional.iter().map(|k| lookup(this, k).unwrap_or_default()).collect())
        }
        "fetch_values" => Value::array(
            args.positional
                .iter()
                .map(|k| this.get(k).ok_or_else(|| key_error(call, this, k)))
                .collect::<Result<_, _>>()?,
        ),
        "length" | "size" => Value::from(this.len()),
        "count" if args.is_empty() => Value::from(this.len()),
        "empty?" => Value::Bool(this.is_empty()),
        "any?" if args.is_empty() => Value::Bool(!this.is_empty()),
        "none?" if args.is_empty() => Value::Bool(this.is_empty()),
        "merge" => {
            let merged = Rc::new(this.dup());
            merge_all(call, &merged, args)?;
            Value::Hash(merged)
        }
        "merge!" | "update" => {
            thaw(call, this)?;
            merge_all(call, this, args)?;
            whole
        }
        "replace" => {
            thaw(call, this)?;
            let new = other_hash(call, &args.folded().at(0))?.pairs();
            this.clear();
            new.into_iter().for_each(|(k, v)| drop(this.insert(k, v)));
            whole
        }
        "delete" => {
            thaw(call, this)?;
            this.remove(&key()).unwrap_or_default()
        }
        "clear" => {
            thaw(call, this)?;
            this.clear();
            whole
        }
        "shift" => {
            thaw(call, this)?;
            this.shift().map(|(k, v)| Value::array(vec![k, v])).unwrap_or_default()
        }
        "slice" => Value::hash(args.positional.iter().filter_map(|k| Some((k.clone(), this.get(k)?)))),
        "except" => {
            let rest = this.dup();
            args.positional.iter().for_each(|k| drop(rest.remove(k)));
            Value::Hash(Rc::new(rest))
        }
        "invert" => Value::hash(this.pairs().into_iter().map(|(k, v)| (v, k))),
        "to_a" | "entries" => Value::array(pair_list(this)),
        "to_h" | "to_hash" => whole,
        "compact" => Value::hash(this.pairs().into_iter().filter(|(_, v)| !v.is_nil())),
        "compact!" => {
            thaw(call, this)?;
            let gone: Vec<_> = this.pairs().into_iter().filter(|(_, v)| v.is_nil()).collect();
            gone.iter().for_each(|(k, _)| drop(this.remove(k)));
            if gone.is_empty() { Value::Nil } else { whole }
        }
        "default" => this.default.borrow().clone(),
        "default=" => {
            this.default.replace(args.at(0));
            args.at(0)
        }
        "flatten" => Value::array(super::array::flatten(call, &pair_list(this), int_or(call, args, 0, 1)?)?),
        "assoc" => this.get(&key()).map(|v| Value::array(vec![key(), v])).unwrap_or_default(),
        "transform_keys" | "transform_keys!" if args.len() + usize::from(args.keywords.is_some()) == 1 => {
            let map = other_hash(call, &args.folded().at(0))?;
            let pairs: Vec<_> = this.pairs().into_iter().map(|(k, v)| (map.get(&k).unwrap_or(k), v)).collect();
            rebuilt(call, this, pairs, name.ends_with('!'))?
        }
        "rassoc" => {
            let found = this.pairs().into_iter().find(|(_, v)| v.equals(&key()));
            found.map(|(k, v)| Value::array(vec![k, v])).unwrap_or_default()
        }
        "to_proc" => Value::Proc(super::hash_proc(this.clone())),
        "compare_by_identity?" => Value::Bool(false),
        "compare_by_identity" => {
            return Err(call.raise("NotImplementedError", "`compare_by_identity` is outside the language here"));
        }
        "rehash" => whole,
        "default_proc=" => {
            let given = args.at(0);
            this.default_proc.replace((!given.is_nil()).then_some(given.clone()));
            given
        }
        "<=" => Value::Bool(subset(this, &*other_hash(call, &key())?)),
        ">=" => Value::Bool(subset(&*other_hash(call, &key())?, this)),
        "<" | ">" => {
            let other = other_hash(call, &key())?;
            let (small, large) = if name == "<" { (this, &other) } else { (&other, this) };
            Value::Bool(small.len() < large.len() && subset(small, large))
        }
        "reverse" | "join" => return Ok(None),
        _ if super::enumerable::NAMES.contains(&name) => {
            return super::enumerable::call(call, &pair_list(this), name, args);
        }
        _ => return Ok(None),
    }))
}

fn merge_all(call: &Call, into: &Rc<Hash>, args: &Args) -> Result<(), Unwind> {
    for other in args.flat() {
        for (k, v) in other_hash(call, &other)?.pairs() {
            into.insert(k, v);
        }
    }
    Ok(())
}

/// A new hash, or this one with new contents.
pub(super) fn rebuilt(
    call: &Call,
    this: &Rc<Hash>,
    pairs: Vec<(Value, Value)>,
    in_place: bool,
) -> Result<Value, Unwind> {
    if !in_place {
        return Ok(Value::hash(pairs));
    }
    thaw(call, this)?;
    this.clear();
    pairs.into_iter().for_each(|(k, v)| drop(this.insert(k, v)));
    Ok(Value::Hash(this.clone()))
}
