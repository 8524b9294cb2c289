//! Enumerable without a block, over the elements of any collection.

use super::take::{count, int_or};
use crate::interp::{Args, Call, Reply};
use crate::value::{Key, Unwind, Value};
use indexmap::{IndexMap, IndexSet};
use std::cmp::Ordering;

pub(super) const NAMES: &[&str] = &[
    "to_a",
    "entries",
    "to_h",
    "to_set",
    "first",
    "take",
    "drop",
    "include?",
    "member?",
    "count",
    "sum",
    "min",
    "max",
    "minmax",
    "sort",
    "uniq",
    "tally",
    "zip",
    "each_slice",
    "each_cons",
    "inject",
    "reduce",
    "any?",
    "all?",
    "none?",
    "one?",
    "compact",
    "find_index",
    "lazy",
    "chain",
    "reverse",
    "join",
];

pub(super) fn key_set(items: &[Value]) -> IndexSet<Key> {
    items.iter().cloned().map(Key).collect()
}

pub(super) fn uniq(items: Vec<Value>) -> Vec<Value> {
    items.into_iter().map(Key).collect::<IndexSet<_>>().into_iter().map(|k| k.0).collect()
}

/// Order of two elements, or ArgumentError.
pub(super) fn order(call: &Call, a: &Value, b: &Value) -> Result<Ordering, Unwind> {
    a.compare(b).ok_or_else(|| {
        let other = match b {
            Value::Nil | Value::Int(_) | Value::Float(_) | Value::Bool(_) => b.inspect(),
            other => super::kind(call, other),
        };
        call.argument_error(format!("comparison of {} with {other} failed", call.interp().class_name(a)))
    })
}

/// Sorts by their own order.
pub(super) fn sort(call: &Call, items: &mut [Value]) -> Result<(), Unwind> {
    let mut failed = None;
    let before = items.to_vec();
    items.sort_by(|a, b| match order(call, a, b) {
        Ok(order) => order,
        Err(unwind) => {
            failed.get_or_insert(unwind);
            Ordering::Equal
        }
    });
    let Some(unwind) = failed else { return Ok(()) };
    // Named in the order in which they stand, not in which the sort came upon them.
    for pair in before.windows(2) {
        if let [a, b] = pair {
            order(call, a, b)?;
        }
    }
    Err(unwind)
}

fn extreme(call: &Call, items: &[Value], args: &Args, max: bool) -> Result<Value, Unwind> {
    if let Some(n) = args.get(0) {
        let mut sorted = items.to_vec();
        sort(call, &mut sorted)?;
        if max {
            sorted.reverse();
        }
        sorted.truncate(count(call, n)?);
        return Ok(Value::array(sorted));
    }
    let mut best: Option<&Value> = None;
    for item in items {
        let better = match best {
            None => true,
            Some(best) => order(call, item, best)? == if max { Ordering::Greater } else { Ordering::Less },
        };
        if better {
            best = Some(item);
        }
    }
    Ok(best.cloned().unwrap_or_default())
}

pub(super) fn add(call: &Call, a: &Value, b: &Value, op: &str) -> Result<Value, Unwind> {
    let done = super::call_now(call, a, op, &Args::one(b.clone()))?;
    done.ok_or_else(|| call.interp().no_method(call, a, op))
}

/// The element behind this one in a range.
pub(super) fn add_one(call: &Call, at: &Value) -> Result<Value, Unwind> {
    match at {
        Value::Int(_) => add(call, at, &Value::Int(1), "+"),
        Value::Str(s) => Ok(Value::from(super::string_parse::succ(&s.to_text()))),
        other => Err(call.type_error(format!("can't iterate from {}", super::kind(call, other)))),
    }
}

fn pattern_hits(call: &Call, items: &[Value], args: &Args) -> Result<usize, Unwind> {
    let mut hits = 0;
    for item in items {
        let hit = match args.get(0) {
            None => item.truthy(),
            Some(Value::Class(class)) => call.interp().is_a(item, class.name()),
            Some(Value::Regexp(r)) => item.as_name().is_some_and(|text| r.find(&text, 0).is_some()),
            Some(Value::Range(r)) => super::range::covers(r, item),
            Some(other) => other.equals(item),
        };
        hits += usize::from(hit);
    }
    Ok(hits)
}

pub(super) fn call(call: &Call, items: &[Value], name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "to_a" | "entries" => Value::array(items.to_vec()),
        "to_set" => crate::stdlib::set(items.to_vec()),
        "to_h" => to_h(call, items)?,
        "first" => match args.get(0) {
            None => items.first().cloned().unwrap_or_default(),
            Some(n) => Value::array(items.iter().take(count(call, n)?).cloned().collect()),
        },
        "take" => Value::array(items.iter().take(count(call, &args.at(0))?).cloned().collect()),
        "drop" => Value::array(items.iter().skip(count(call, &args.at(0))?).cloned().collect()),
        "include?" | "member?" => Value::Bool(items.iter().any(|v| v.equals(&args.at(0)))),
        "count" if args.is_empty() => Value::from(items.len()),
        "count" => Value::from(items.iter().filter(|v| v.equals(&args.at(0))).count()),
        "sum" => total(call, args.get(0).cloned().unwrap_or(Value::Int(0)), items)?,
        "inject" | "reduce" if args.get(0).is_some() => fold(call, items, args)?,
        "min" => extreme(call, items, args, false)?,
        "max" => extreme(call, items, args, true)?,
        "minmax" => Value::array(vec![extreme(call, items, args, false)?, extreme(call, items, args, true)?]),
        "sort" => {
            let mut sorted = items.to_vec();
            sort(call, &mut sorted)?;
            Value::array(sorted)
        }
        "uniq" => Value::array(uniq(items.to_vec())),
        "compact" => Value::array(items.iter().filter(|v| !v.is_nil()).cloned().collect()),
        "tally" => {
            let mut counts: IndexMap<Key, i64> = IndexMap::new();
            for item in items {
                *counts.entry(Key(item.clone())).or_default() += 1;
            }
            Value::hash(counts.into_iter().map(|(k, n)| (k.0, Value::Int(n))))
        }
        "find_index" if args.len() == 1 => items.iter().position(|v| v.equals(&args.at(0))).into(),
        "zip" => {
            let others: Vec<Vec<Value>> =
                args.positional.iter().map(|o| items_of(call, o)).collect::<Result<_, _>>()?;
            let row = |(i, v): (usize, &Value)| {
                let rest = others.iter().map(|o| o.get(i).cloned().unwrap_or_default());
                Value::array(std::iter::once(v.clone()).chain(rest).collect())
            };
            Value::array(items.iter().enumerate().map(row).collect())
        }
        "each_slice" | "each_cons" if args.block.is_some() => {
            let n = int_or(call, args, 0, 0)?;
            let n = usize::try_from(n).ok().filter(|n| *n > 0).ok_or_else(|| call.argument_error("invalid size"))?;
            let parts: Vec<Value> = match name {
                "each_slice" => items.chunks(n).map(|c| Value::array(c.to_vec())).collect(),
                _ => items.windows(n).map(|c| Value::array(c.to_vec())).collect(),
            };
            Value::array(parts)
        }
        "any?" => Value::Bool(pattern_hits(call, items, args)? > 0),
        "all?" => Value::Bool(pattern_hits(call, items, args)? == items.len()),
        "none?" => Value::Bool(pattern_hits(call, items, args)? == 0),
        "one?" => Value::Bool(pattern_hits(call, items, args)? == 1),
        _ => return Ok(None),
    }))
}

/// Elements of another collection that is given whole.
fn items_of(call: &Call, value: &Value) -> Result<Vec<Value>, Unwind> {
    match value {
        Value::Range(range) => super::range::items(call, range),
        Value::Hash(_) => Ok(value.to_list()),
        other => super::take::list(call, other),
    }
}

/// A sum; floats are added with compensation, as Ruby does.
pub(super) fn total(call: &Call, start: Value, items: &[Value]) -> Result<Value, Unwind> {
    let numbers = |v: &Value| matches!(v, Value::Int(_) | Value::Float(_));
    if !(items.iter().any(|v| matches!(v, Value::Float(_))) && items.iter().chain([&start]).all(numbers)) {
        return items.iter().try_fold(start, |total, item| add(call, &total, item, "+"));
    }
    let mut sum = super::take::float(call, &start)?;
    let mut lost = 0.0;
    for item in items {
        let x = super::take::float(call, item)?;
        let next = sum + x;
        lost += if sum.abs() >= x.abs() { (sum - next) + x } else { (x - next) + sum };
        sum = next;
    }
    Ok(Value::Float(sum + lost))
}

fn fold(call: &Call, items: &[Value], args: &Args) -> Result<Value, Unwind> {
    let (first, op) = match (args.get(0), args.get(1)) {
        (Some(start), Some(op)) => (Some(start.clone()), op.clone()),
        (op, _) => (None, op.cloned().unwrap_or_default()),
    };
    let op = super::name_of(call, &op)?;
    let mut items = items.iter();
    let Some(mut total) = first.or_else(|| items.next().cloned()) else { return Ok(Value::Nil) };
    for item in items {
        total = add(call, &total, item, &op)?;
    }
    Ok(total)
}

pub(super) fn to_h(call: &Call, items: &[Value]) -> Result<Value, Unwind> {
    let mut pairs = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match item {
            Value::Array(pair) if pair.len() == 2 => {
                pairs.push((pair.get(0).unwrap_or_default(), pair.get(1).unwrap_or_default()))
            }
            Value::Array(other) => {
                return Err(
                    call.argument_error(format!("wrong array length at {at} (expected 2, was {})", other.len()))
                );
            }
            other => {
                return Err(call
                    .type_error(format!("wrong element type {} at {at} (expected array)", super::kind(call, other))));
            }
        }
    }
    Ok(Value::hash(pairs))
}
