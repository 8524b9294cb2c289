//! Array: what looks at an array or makes a new one, and is not in Enumerable.

use super::take::{count, index, int, int_or, list, name_of, slice_of, start_len, to_usize};
use crate::interp::{Args, Call, Reply};
use crate::value::{Array, Unwind, Value};
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "[]",
    "slice",
    "at",
    "dig",
    "fetch",
    "values_at",
    "first",
    "last",
    "length",
    "size",
    "empty?",
    "+",
    "-",
    "*",
    "&",
    "|",
    "<=>",
    "==",
    "concat",
    "join",
    "reverse",
    "rotate",
    "compact",
    "flatten",
    "index",
    "find_index",
    "rindex",
    "sample",
    "shuffle",
    "transpose",
    "product",
    "combination",
    "permutation",
    "assoc",
    "rassoc",
    "to_a",
    "to_ary",
    "union",
    "difference",
    "intersection",
    "intersect?",
    "shelljoin",
    "pack",
    "eql?",
    "hash",
    "inspect",
    "to_s",
];

pub(super) fn call(call: &Call, this: &Rc<Array>, name: &str, args: &Args) -> Reply {
    let items = || this.to_vec();
    Ok(Some(match name {
        "[]" | "slice" => match (args.get(0), args.len()) {
            (Some(Value::Int(at)), 1) => index(*at, this.len()).and_then(|i| this.get(i)).unwrap_or_default(),
            _ => slice_values(call, &items(), args)?,
        },
        "at" => index(int(call, &args.at(0))?, this.len()).and_then(|i| this.get(i)).unwrap_or_default(),
        "dig" => return dig(call, Value::Array(this.clone()), &args.positional).map(Some),
        "fetch" => match index(int(call, &args.at(0))?, this.len()).and_then(|i| this.get(i)) {
            Some(value) => value,
            None if args.len() > 1 => args.at(1),
            None => {
                let (at, len) = (int(call, &args.at(0))?, this.len());
                return Err(call.raise(
                    "IndexError",
                    format!("index {at} outside of array bounds: {}...{len}", -i64::try_from(len).unwrap_or(0)),
                ));
            }
        },
        "values_at" => {
            let mut out = Vec::new();
            for at in &args.positional {
                out.push(index(int(call, at)?, this.len()).and_then(|i| this.get(i)).unwrap_or_default());
            }
            Value::array(out)
        }
        "first" => match args.get(0) {
            None => this.get(0).unwrap_or_default(),
            Some(n) => Value::array(items().into_iter().take(array_size(call, n)?).collect()),
        },
        "last" => match args.get(0) {
            None => this.len().checked_sub(1).and_then(|i| this.get(i)).unwrap_or_default(),
            Some(n) => {
                let skip = this.len().saturating_sub(array_size(call, n)?);
                Value::array(items().into_iter().skip(skip).collect())
            }
        },
        "length" | "size" => Value::from(this.len()),
        "empty?" => Value::Bool(this.is_empty()),
        "+" => Value::array([items(), list(call, &args.at(0))?].concat()),
        "-" | "difference" => {
            let mut out = items();
            for other in &args.positional {
                let drop = super::enumerable::key_set(&list(call, other)?);
                out.retain(|v| !drop.contains(&crate::value::Key(v.clone())));
            }
            Value::array(out)
        }
        "*" => match args.at(0) {
            Value::Str(sep) => Value::from(join(call, &items(), &sep.to_text(), 0)?),
            times => {
                let times = count(call, &times)?;
                call.interp()
                    .check_size(call.context(), this.len().checked_mul(times).and_then(|n| n.checked_mul(24)))?;
                Value::array((0..times).flat_map(|_| items()).collect())
            }
        },
        "&" | "intersection" => {
            let mut out = super::enumerable::uniq(items());
            for other in &args.positional {
                let keep = super::enumerable::key_set(&list(call, other)?);
                out.retain(|v| keep.contains(&crate::value::Key(v.clone())));
            }
            Value::array(out)
        }
        "intersect?" => {
            let keep = super::enumerable::key_set(&list(call, &args.at(0))?);
            Value::Bool(items().into_iter().any(|v| keep.contains(&crate::value::Key(v))))
        }
        "|" | "union" => {
            let mut out = items();
            for other in &args.positional {
                out.extend(list(call, other)?);
            }
            Value::array(super::enumerable::uniq(out))
        }
        "join" => {
            let sep = match args.at(0) {
                Value::Nil => String::new(),
                sep => super::text(call, &sep)?,
            };
            Value::from(join(call, &items(), &sep, 0)?)
        }
        "reverse" => Value::array(items().into_iter().rev().collect()),
        "rotate" => Value::array(rotated(items(), int_or(call, args, 0, 1)?)),
        "compact" => Value::array(items().into_iter().filter(|v| !v.is_nil()).collect()),
        "flatten" => Value::array(flatten(call, &items(), int_or(call, args, 0, -1)?)?),
        "index" | "find_index" if args.len() == 1 => items().iter().position(|v| v.equals(&args.at(0))).into(),
        "rindex" if args.len() == 1 => items().iter().rposition(|v| v.equals(&args.at(0))).into(),
        "sample" if args.is_empty() => items().get(random_below(call, this.len())).cloned().unwrap_or_default(),
        "sample" => Value::array(shuffled(call, items()).into_iter().take(count(call, &args.at(0))?).collect()),
        "shuffle" => Value::array(shuffled(call, items())),
        "transpose" => transpose(call, &items())?,
        "product" => Value::array(product(call, items(), args)?),
        "assoc" | "rassoc" => {
            let at = usize::from(name == "rassoc");
            let hit = |v: &Value| matches!(v, Value::Array(a) if a.get(at).is_some_and(|x| x.equals(&args.at(0))));
            items().into_iter().find(hit).unwrap_or_default()
        }
        "to_a" | "to_ary" | "entries" => Value::Array(this.clone()),
        "shelljoin" => {
            let words: Vec<String> = items().iter().map(|v| crate::stdlib::shellescape(&v.to_s())).collect();
            Value::from(words.join(" "))
        }
        "pack" => Value::bytes(crate::stdlib::pack(call, &items(), &super::text(call, &args.at(0))?)?),
        "deconstruct" => Value::Array(this.clone()),
        "method" if args.len() == 1 => {
            name_of(call, &args.at(0))?;
            return Ok(None);
        }
        _ => return Ok(None),
    }))
}

fn array_size(call: &Call, n: &Value) -> Result<usize, Unwind> {
    usize::try_from(int(call, n)?).map_err(|_| call.argument_error("negative array size"))
}

/// `[start, length]` and `[range]`.
pub(super) fn slice_values(call: &Call, items: &[Value], args: &Args) -> Result<Value, Unwind> {
    let found = match args.at(0) {
        Value::Range(range) => slice_of(call, &range, items.len())?,
        at if args.len() > 1 => start_len(int(call, &at)?, int(call, &args.at(1))?, items.len()),
        at => return Ok(index(int(call, &at)?, items.len()).and_then(|i| items.get(i).cloned()).unwrap_or_default()),
    };
    Ok(found
        .and_then(|(start, len)| items.get(start..start + len))
        .map_or(Value::Nil, |part| Value::array(part.to_vec())))
}

/// `dig` through arrays and hashes.
pub(super) fn dig(call: &Call, from: Value, path: &[Value]) -> Result<Value, Unwind> {
    let mut at = from;
    for step in path {
        at = match &at {
            Value::Nil => return Ok(Value::Nil),
            Value::Array(a) => index(int(call, step)?, a.len()).and_then(|i| a.get(i)).unwrap_or_default(),
            Value::Hash(h) => h.get(step).unwrap_or_else(|| h.default.borrow().clone()),
            other => return Err(call.type_error(format!("{} does not have #dig method", super::kind(call, other)))),
        };
    }
    Ok(at)
}

fn join(call: &Call, items: &[Value], sep: &str, depth: usize) -> Result<String, Unwind> {
    if depth > 100 {
        return Err(call.argument_error("recursive array join"));
    }
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(sep);
        }
        match item {
            Value::Array(inner) => out.push_str(&join(call, &inner.to_vec(), sep, depth + 1)?),
            other => out.push_str(&other.to_s()),
        }
        call.interp().check_size(call.context(), Some(out.len()))?;
    }
    Ok(out)
}

pub(super) fn rotated(mut items: Vec<Value>, by: i64) -> Vec<Value> {
    let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if len > 0 {
        items.rotate_left(to_usize(by.rem_euclid(len)));
    }
    items
}

pub(super) fn flatten(call: &Call, items: &[Value], levels: i64) -> Result<Vec<Value>, Unwind> {
    fn walk(call: &Call, items: &[Value], levels: i64, depth: usize, out: &mut Vec<Value>) -> Result<(), Unwind> {
        if depth > 500 {
            return Err(call.argument_error("tried to flatten recursive array"));
        }
        for item in items {
            match item {
                Value::Array(inner) if levels != 0 => walk(call, &inner.to_vec(), levels - 1, depth + 1, out)?,
                other => out.push(other.clone()),
            }
        }
        Ok(())
    }
    let mut out = Vec::new();
    walk(call, items, levels, 0, &mut out)?;
    Ok(out)
}

fn random_below(call: &Call, n: usize) -> usize {
    let bits = usize::try_from(call.interp().effects().random() >> 1).unwrap_or(0);
    bits.checked_rem(n).unwrap_or(0)
}

pub(super) fn shuffled(call: &Call, mut items: Vec<Value>) -> Vec<Value> {
    for i in (1..items.len()).rev() {
        items.swap(i, random_below(call, i + 1));
    }
    items
}

fn transpose(call: &Call, rows: &[Value]) -> Result<Value, Unwind> {
    let rows: Vec<Vec<Value>> = rows.iter().map(|r| list(call, r)).collect::<Result<_, _>>()?;
    let width = rows.first().map_or(0, Vec::len);
    if let Some(odd) = rows.iter().find(|r| r.len() != width) {
        return Err(call.raise("IndexError", format!("element size differs ({} should be {width})", odd.len())));
    }
    let column = |i: usize| Value::array(rows.iter().filter_map(|r| r.get(i).cloned()).collect());
    Ok(Value::array((0..width).map(column).collect()))
}

fn product(call: &Call, items: Vec<Value>, args: &Args) -> Result<Vec<Value>, Unwind> {
    let mut rows: Vec<Vec<Value>> = items.into_iter().map(|v| vec![v]).collect();
    for other in &args.positional {
        let other = list(call, other)?;
        call.interp()
            .check_size(call.context(), rows.len().checked_mul(other.len()).and_then(|n| n.checked_mul(64)))?;
        rows = rows
            .iter()
            .flat_map(|row| other.iter().map(|v| [row.as_slice(), std::slice::from_ref(v)].concat()))
            .collect();
    }
    Ok(rows.into_iter().map(Value::array).collect())
}

/// Choices of `n` elements: with regard to order or not, each as often as wanted or once.
pub(super) fn choose(
    call: &Call,
    items: &[Value],
    n: usize,
    ordered: bool,
    repeated: bool,
) -> Result<Vec<Value>, Unwind> {
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..n {
        let mut next = Vec::new();
        for row in &rows {
            let from = if ordered { 0 } else { row.last().map_or(0, |l| l + usize::from(!repeated)) };
            for i in (from..items.len()).filter(|i| repeated || !row.contains(i)) {
                call.interp().burn(call.context())?;
                next.push([row.as_slice(), &[i]].concat());
            }
            call.interp().check_size(call.context(), next.len().checked_mul(64))?;
        }
        rows = next;
    }
    Ok(rows
        .into_iter()
        .map(|row| Value::array(row.into_iter().filter_map(|i| items.get(i).cloned()).collect()))
        .collect())
}
