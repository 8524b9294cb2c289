//! Enumerable with a block, and enumerators.

use super::enumerable;
use super::object::block;
use super::take::{count, int_or};
use crate::interp::{Args, Call, Interp, Reply};
use crate::value::{Enumerator, Jump, Key, Proc, Sym, Unwind, Value};
use indexmap::IndexMap;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "each",
    "map",
    "collect",
    "flat_map",
    "collect_concat",
    "filter_map",
    "select",
    "filter",
    "reject",
    "partition",
    "group_by",
    "chunk",
    "grep",
    "grep_v",
    "slice_before",
    "slice_after",
    "minmax",
    "chain",
    "lazy",
    "peek",
    "chunk_while",
    "slice_when",
    "find",
    "detect",
    "find_index",
    "find_all",
    "index",
    "rindex",
    "inject",
    "reduce",
    "sum",
    "min",
    "max",
    "min_by",
    "max_by",
    "minmax_by",
    "sort",
    "sort_by",
    "uniq",
    "each_with_index",
    "each_with_object",
    "each_slice",
    "each_cons",
    "each_entry",
    "take_while",
    "drop_while",
    "any?",
    "all?",
    "none?",
    "one?",
    "count",
    "to_h",
    "tally_by",
    "zip",
    "cycle",
    "reverse_each",
    "with_index",
    "with_object",
    "next",
    "size",
    "rewind",
    "sum",
    "step",
    "%",
    "to_set",
];

/// An enumerator for a call that came without its block.
pub(super) fn enumerator(recv: &Value, name: &str, args: &Args) -> Value {
    let args = args.clone().with_block(None);
    Value::Enumerator(Rc::new(Enumerator { recv: recv.clone(), name: Sym::new(name), args, stepper: Rc::default() }))
}

/// The elements of a collection.
pub(crate) async fn elements(call: &Call, value: &Value) -> Result<Vec<Value>, Unwind> {
    match value {
        Value::Array(a) => Ok(a.to_vec()),
        Value::Hash(_) => Ok(value.to_list()),
        Value::Range(r) => super::range::items(call, r),
        Value::Enumerator(e) => Box::pin(collect(call, e)).await,
        Value::Object(o) => o.items().ok_or_else(|| call.interp().no_method(call, value, "each")),
        other => Err(call.interp().no_method(call, other, "each")),
    }
}

pub(super) fn packed(mut values: Vec<Value>) -> Value {
    if values.len() <= 1 { values.pop().unwrap_or_default() } else { Value::array(values) }
}

async fn collect(call: &Call, e: &Enumerator) -> Result<Vec<Value>, Unwind> {
    let seen: Rc<RefCell<Vec<Value>>> = Rc::default();
    let sink = seen.clone();
    let collector = Proc::native(move |_call, args| {
        let item = packed(args.positional);
        sink.borrow_mut().push(item.clone());
        Box::pin(async move { Ok(item) })
    });
    run(call, e, collector).await?;
    Ok(seen.take())
}

/// Gives every element of an enumerator, or of a range without end, to a block.
pub(super) async fn run_each(call: &Call, recv: &Value, block: Proc) -> Result<Value, Unwind> {
    match recv {
        Value::Enumerator(e) => run(call, e, block).await,
        other => Box::pin(call.send(other, "each", Args::none().with_block(Some(block)))).await,
    }
}

/// Whether the elements cannot be counted before they are given out.
fn streams(recv: &Value) -> bool {
    match recv {
        Value::Enumerator(_) => true,
        Value::Range(r) => super::range::is_endless(r),
        _ => false,
    }
}

pub(super) async fn run(call: &Call, e: &Enumerator, block: Proc) -> Result<Value, Unwind> {
    let args = e.args.clone().with_block(Some(block));
    let interp = call.interp();
    if !matches!(e.recv, Value::Object(_)) {
        return Box::pin(interp.send(call, e.recv.clone(), &e.name, args)).await;
    }
    // `to_enum` reaches methods that a `def` made, too.
    let inner = Call::new(interp, call.context(), e.recv.clone(), true, call.env.clone());
    Box::pin(interp.send_private(&inner, &e.name, args, false)).await
}

/// `enumerator.with_index(offset) { |x, i| }`: the enumerated method, with an index added.
async fn with_extra(
    call: &Call,
    e: &Enumerator,
    block: &Proc,
    extra: impl Fn() -> Value + 'static,
) -> Result<Value, Unwind> {
    let block = block.clone();
    let extra = Rc::new(extra);
    let wrapped = Proc::native(move |call, args| {
        let (block, extra) = (block.clone(), extra.clone());
        Box::pin(async move { call.call_proc(&block, vec![packed(args.positional), extra()]).await })
    });
    run(call, e, wrapped).await
}

/// `size` of an enumerator, nil where Ruby does not know it either.
async fn size(call: &Call, e: &Rc<Enumerator>) -> Result<Value, Unwind> {
    Ok(match (&e.recv, e.name.as_str()) {
        (_, "loop") => Value::Float(f64::INFINITY),
        (Value::Object(object), _) if object.class_name() != "Enumerator::Chain" => Value::Nil,
        (Value::Str(_), "each_line") => Value::Nil,
        _ => Value::from(collect(call, e).await?.len()),
    })
}

async fn enumerator_call(call: &Call, e: &Rc<Enumerator>, name: &str, args: &Args) -> Reply {
    Ok(Some(match (name, &args.block) {
        ("with_index" | "each_with_index", Some(block)) => {
            let at = Cell::new(int_or(call, args, 0, 0)?);
            with_extra(call, e, block, move || Value::Int(at.replace(at.get() + 1))).await?
        }
        ("with_object" | "each_with_object", Some(block)) => {
            let memo = args.at(0);
            let given = memo.clone();
            with_extra(call, e, block, move || given.clone()).await?;
            memo
        }
        ("each", Some(block)) => run(call, e, block.clone()).await?,
        ("each", None) => Value::Enumerator(e.clone()),
        ("with_index" | "with_object", None) => enumerator(&Value::Enumerator(e.clone()), name, args),
        ("size", _) => size(call, e).await?,
        ("next" | "peek" | "rewind", _) => super::generator::step(call, e, name).await?,
        ("+", _) => super::generator::chain(vec![Value::Enumerator(e.clone()), args.at(0)]),
        _ => return Ok(None),
    }))
}

fn wants_block(name: &str, args: &Args) -> bool {
    match name {
        "each" | "map" | "collect" | "flat_map" | "collect_concat" | "filter_map" | "select" | "filter" | "reject"
        | "partition" | "group_by" | "find" | "detect" | "find_all" | "min_by" | "max_by" | "sort_by"
        | "each_with_index" | "each_with_object" | "each_slice" | "each_cons" | "take_while" | "drop_while"
        | "reverse_each" | "each_entry" | "cycle" => true,
        "find_index" | "index" | "rindex" => args.is_empty(),
        _ => false,
    }
}

pub(super) async fn call(call: &Call, recv: &Value, name: &str, args: &Args) -> Reply {
    if let Value::Enumerator(e) = recv {
        let done = enumerator_call(call, e, name, args).await?;
        if done.is_some() {
            return Ok(done);
        }
    }
    if !NAMES.contains(&name) && !enumerable::NAMES.contains(&name) {
        return Ok(None);
    }
    match name {
        "lazy" => return Ok(Some(super::lazy::lazy(recv))),
        "chain" => {
            let parts = std::iter::once(recv.clone()).chain(args.positional.iter().cloned());
            return Ok(Some(super::generator::chain(parts.collect())));
        }
        _ => {}
    }
    let asks = args.block.is_some() || !wants_block(name, args);
    if streams(recv) && asks && super::streaming::NAMES.contains(&name) {
        return Box::pin(super::streaming::call(call, recv, name, args)).await;
    }
    if matches!(name, "slice_before" | "slice_after") {
        let items = elements(call, recv).await?;
        return sliced(call, &items, name, args).await.map(Some);
    }
    if matches!(name, "grep" | "grep_v") {
        let mut out = Vec::new();
        for item in elements(call, recv).await? {
            if super::case_equal(call, &args.at(0), &item).await? == (name == "grep") {
                out.push(match &args.block {
                    Some(block) => call.call_proc(block, vec![item]).await?,
                    None => item,
                });
            }
        }
        return Ok(Some(Value::array(out)));
    }
    let Some(block) = &args.block else {
        if wants_block(name, args) {
            return Ok(Some(enumerator(recv, name, args)));
        }
        return match recv {
            Value::Enumerator(_) | Value::Object(_) => {
                let items = Value::array(elements(call, recv).await?);
                super::call_now(call, &items, name, args)
            }
            _ => Ok(None),
        };
    };
    if let Value::Range(range) = recv
        && name == "each"
        && super::range::is_endless(range)
    {
        return endless(call, range, block).await;
    }
    if let (Value::Range(range), "step" | "%") = (recv, name) {
        super::range::step(call, range, args, block).await?;
        return Ok(Some(recv.clone()));
    }
    let items = elements(call, recv).await?;
    if matches!(name, "each" | "each_entry") {
        for item in items {
            call.call_proc(block, vec![item]).await?;
        }
        return Ok(Some(recv.clone()));
    }
    Box::pin(over(call, recv, items, name, args)).await
}

async fn endless(call: &Call, range: &crate::value::Range, block: &Proc) -> Reply {
    let mut at = range.low.clone();
    loop {
        call.call_proc(block, vec![at.clone()]).await?;
        at = enumerable::add_one(call, &at)?;
    }
}

async fn over(call: &Call, recv: &Value, items: Vec<Value>, name: &str, args: &Args) -> Reply {
    let done = Box::pin(shape(call, &items, name, args)).await?;
    if done.is_some() {
        return Ok(done);
    }
    let done = Box::pin(search(call, &items, name, args)).await?;
    if done.is_some() {
        return Ok(done);
    }
    Box::pin(walk(call, recv, items, name, args)).await
}

/// Methods that make another collection.
async fn shape(call: &Call, items: &[Value], name: &str, args: &Args) -> Reply {
    let block = block(call, args)?;
    let mut out = Vec::new();
    match name {
        "map" | "collect" => {
            for item in items {
                out.push(call.call_proc(block, vec![item.clone()]).await?);
            }
        }
        "flat_map" | "collect_concat" => {
            for item in items {
                match call.call_proc(block, vec![item.clone()]).await? {
                    Value::Array(inner) => out.extend(inner.to_vec()),
                    other => out.push(other),
                }
            }
        }
        "filter_map" => {
            for item in items {
                let value = call.call_proc(block, vec![item.clone()]).await?;
                if value.truthy() {
                    out.push(value);
                }
            }
        }
        "select" | "filter" | "find_all" | "reject" => {
            let keep = name != "reject";
            for item in items {
                if call.call_proc(block, vec![item.clone()]).await?.truthy() == keep {
                    out.push(item.clone());
                }
            }
        }
        "take_while" => {
            for item in items {
                if !call.call_proc(block, vec![item.clone()]).await?.truthy() {
                    break;
                }
                out.push(item.clone());
            }
        }
        "drop_while" => {
            let mut dropping = true;
            for item in items {
                dropping = dropping && call.call_proc(block, vec![item.clone()]).await?.truthy();
                if !dropping {
                    out.push(item.clone());
                }
            }
        }
        "sort" => out = merge_sort(call, items.to_vec(), block).await?,
        "sort_by" => out = keyed(call, items, block).await?.into_iter().map(|(_, v)| v).collect(),
        "uniq" => {
            let mut seen: IndexMap<Key, Value> = IndexMap::new();
            for item in items {
                let key = Key(call.call_proc(block, vec![item.clone()]).await?);
                seen.entry(key).or_insert_with(|| item.clone());
            }
            out = seen.into_values().collect();
        }
        "partition" => {
            let mut no = Vec::new();
            for item in items {
                let side = if call.call_proc(block, vec![item.clone()]).await?.truthy() { &mut out } else { &mut no };
                side.push(item.clone());
            }
            out = vec![Value::array(out), Value::array(no)];
        }
        "chunk_while" | "slice_when" => {
            let mut part: Vec<Value> = Vec::new();
            for item in items {
                if let Some(last) = part.last() {
                    let answer = call.call_proc(block, vec![last.clone(), item.clone()]).await?.truthy();
                    if answer == (name == "slice_when") {
                        out.push(Value::array(std::mem::take(&mut part)));
                    }
                }
                part.push(item.clone());
            }
            if !part.is_empty() {
                out.push(Value::array(part));
            }
        }
        "chunk" => {
            let mut last: Option<(Value, Vec<Value>)> = None;
            for item in items {
                let key = call.call_proc(block, vec![item.clone()]).await?;
                match &mut last {
                    Some((of, part)) if of.equals(&key) => part.push(item.clone()),
                    _ => {
                        out.extend(last.take().map(chunk_pair));
                        last = Some((key, vec![item.clone()]));
                    }
                }
            }
            out.extend(last.take().map(chunk_pair));
            out.retain(|pair| !matches!(pair, Value::Array(a) if a.get(0).is_some_and(|key| key.is_nil())));
        }
        "to_h" => {
            for item in items {
                out.push(call.call_proc(block, vec![item.clone()]).await?);
            }
            return enumerable::to_h(call, &out).map(Some);
        }
        "group_by" | "tally_by" => {
            let mut groups: IndexMap<Key, Vec<Value>> = IndexMap::new();
            for item in items {
                let key = call.call_proc(block, vec![item.clone()]).await?;
                groups.entry(Key(key)).or_default().push(item.clone());
            }
            let value =
                |list: Vec<Value>| if name == "group_by" { Value::array(list) } else { Value::from(list.len()) };
            return Ok(Some(Value::hash(groups.into_iter().map(|(k, list)| (k.0, value(list))))));
        }
        _ => return Ok(None),
    }
    Ok(Some(Value::array(out)))
}

fn chunk_pair((key, part): (Value, Vec<Value>)) -> Value {
    Value::array(vec![key, Value::array(part)])
}

/// `slice_before`, `slice_after`: by a pattern or a block.
async fn sliced(call: &Call, items: &[Value], name: &str, args: &Args) -> Result<Value, Unwind> {
    let (mut out, mut part) = (Vec::new(), Vec::new());
    for item in items {
        let hit = match &args.block {
            Some(block) => call.call_proc(block, vec![item.clone()]).await?.truthy(),
            None => super::case_equal(call, &args.at(0), item).await?,
        };
        if hit && name == "slice_before" && !part.is_empty() {
            out.push(Value::array(std::mem::take(&mut part)));
        }
        part.push(item.clone());
        if hit && name == "slice_after" {
            out.push(Value::array(std::mem::take(&mut part)));
        }
    }
    if !part.is_empty() {
        out.push(Value::array(part));
    }
    Ok(Value::array(out))
}

/// Elements with their keys, in the order of the keys.
async fn keyed(call: &Call, items: &[Value], block: &Proc) -> Result<Vec<(Value, Value)>, Unwind> {
    let mut pairs = Vec::new();
    for item in items {
        pairs.push((call.call_proc(block, vec![item.clone()]).await?, item.clone()));
    }
    let mut failed = None;
    pairs.sort_by(|(a, _), (b, _)| match enumerable::order(call, a, b) {
        Ok(order) => order,
        Err(unwind) => {
            failed.get_or_insert(unwind);
            Ordering::Equal
        }
    });
    failed.map_or(Ok(pairs), Err)
}

/// Sorts by the block's answer, which may wait; so the standard sort will not do.
async fn merge_sort(call: &Call, items: Vec<Value>, block: &Proc) -> Result<Vec<Value>, Unwind> {
    let mut runs: Vec<Vec<Value>> = items.into_iter().map(|v| vec![v]).collect();
    while runs.len() > 1 {
        let mut next = Vec::new();
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            next.push(match pairs.next() {
                Some(right) => merge(call, left, right, block).await?,
                None => left,
            });
        }
        runs = next;
    }
    Ok(runs.pop().unwrap_or_default())
}

async fn merge(call: &Call, left: Vec<Value>, right: Vec<Value>, block: &Proc) -> Result<Vec<Value>, Unwind> {
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if block_order(call, block, a, b).await?.is_gt() { right.next() } else { left.next() };
        out.extend(next);
    }
    out.extend(left);
    out.extend(right);
    Ok(out)
}

async fn block_order(call: &Call, block: &Proc, a: &Value, b: &Value) -> Result<Ordering, Unwind> {
    match call.call_proc(block, vec![a.clone(), b.clone()]).await? {
        Value::Int(i) => Ok(i.cmp(&0)),
        Value::Float(f) => Ok(f.partial_cmp(&0.0).unwrap_or(Ordering::Equal)),
        _ => {
            let names = (call.interp().class_name(a), call.interp().class_name(b));
            Err(call.argument_error(format!("comparison of {} with {} failed", names.0, names.1)))
        }
    }
}

/// Methods that look for something.
async fn search(call: &Call, items: &[Value], name: &str, args: &Args) -> Reply {
    let block = block(call, args)?;
    Ok(Some(match name {
        "find" | "detect" | "find_index" | "index" => {
            for (i, item) in items.iter().enumerate() {
                if call.call_proc(block, vec![item.clone()]).await?.truthy() {
                    return Ok(Some(if name.ends_with("index") { Value::from(i) } else { item.clone() }));
                }
            }
            Value::Nil
        }
        "rindex" => {
            for (i, item) in items.iter().enumerate().rev() {
                if call.call_proc(block, vec![item.clone()]).await?.truthy() {
                    return Ok(Some(Value::from(i)));
                }
            }
            Value::Nil
        }
        "any?" | "all?" | "none?" | "one?" | "count" => {
            let mut hits = 0;
            for item in items {
                let hit = call.call_proc(block, vec![item.clone()]).await?.truthy();
                hits += usize::from(hit);
                match (name, hit) {
                    ("any?", true) => return Ok(Some(Value::Bool(true))),
                    ("all?", false) | ("none?", true) => return Ok(Some(Value::Bool(false))),
                    _ => {}
                }
            }
            match name {
                "count" => Value::from(hits),
                "one?" => Value::Bool(hits == 1),
                "any?" => Value::Bool(false),
                _ => Value::Bool(true),
            }
        }
        "min_by" | "max_by" | "minmax_by" => {
            let mut pairs = keyed(call, items, block).await?;
            if let ("minmax_by", Some(first), Some(last)) = (name, pairs.first(), pairs.last()) {
                return Ok(Some(Value::array(vec![first.1.clone(), last.1.clone()])));
            }
            if name == "max_by" {
                // The first of equal ones, as with min_by.
                let top = pairs.last().map(|(k, _)| k.clone()).unwrap_or_default();
                if args.is_empty() {
                    return Ok(Some(
                        pairs
                            .into_iter()
                            .find(|(k, _)| k.compare(&top) == Some(Ordering::Equal))
                            .map(|(_, v)| v)
                            .unwrap_or_default(),
                    ));
                }
                pairs.reverse();
            }
            match args.get(0) {
                None => pairs.into_iter().next().map(|(_, v)| v).unwrap_or_default(),
                Some(n) => Value::array(pairs.into_iter().take(count(call, n)?).map(|(_, v)| v).collect()),
            }
        }
        "min" | "max" | "minmax" => {
            let mut sorted = merge_sort(call, items.to_vec(), block).await?;
            if name == "minmax" {
                let ends = [sorted.first(), sorted.last()].map(|end| end.cloned().unwrap_or_default());
                return Ok(Some(Value::array(ends.to_vec())));
            }
            if name == "max" {
                sorted.reverse();
            }
            match args.get(0) {
                None => sorted.into_iter().next().unwrap_or_default(),
                Some(n) => Value::array(sorted.into_iter().take(count(call, n)?).collect()),
            }
        }
        _ => return Ok(None),
    }))
}

/// Methods that go through the elements.
async fn walk(call: &Call, recv: &Value, items: Vec<Value>, name: &str, args: &Args) -> Reply {
    let block = block(call, args)?;
    Ok(Some(match name {
        "each_with_index" => {
            for (i, item) in items.into_iter().enumerate() {
                call.call_proc(block, vec![item, Value::from(i)]).await?;
            }
            recv.clone()
        }
        "each_with_object" => {
            for item in items {
                call.call_proc(block, vec![item, args.at(0)]).await?;
            }
            args.at(0)
        }
        "reverse_each" => {
            for item in items.into_iter().rev() {
                call.call_proc(block, vec![item]).await?;
            }
            recv.clone()
        }
        "inject" | "reduce" => {
            let mut items = items.into_iter();
            let Some(mut total) = args.get(0).cloned().or_else(|| items.next()) else { return Ok(Some(Value::Nil)) };
            for item in items {
                total = call.call_proc(block, vec![total, item]).await?;
            }
            total
        }
        "sum" => {
            let mut values = Vec::new();
            for item in items {
                values.push(call.call_proc(block, vec![item]).await?);
            }
            enumerable::total(call, args.get(0).cloned().unwrap_or(Value::Int(0)), &values)?
        }
        "each_slice" | "each_cons" | "zip" => {
            let parts = enumerable::call(call, &items, name, args)?;
            for part in parts.unwrap_or_default().to_list() {
                call.call_proc(block, vec![part]).await?;
            }
            if name == "zip" { Value::Nil } else { recv.clone() }
        }
        "cycle" => {
            let rounds = int_or(call, args, 0, i64::MAX)?;
            for _ in 0..rounds {
                if items.is_empty() {
                    break;
                }
                for item in &items {
                    call.call_proc(block, vec![item.clone()]).await?;
                }
            }
            Value::Nil
        }
        _ => return Ok(None),
    }))
}

impl Interp {
    /// Turns `StopIteration` of a `loop` into its end.
    pub(super) fn loop_ends(unwind: &Unwind) -> Option<Value> {
        match &*unwind.0 {
            Jump::Raise(e) if e.class().descends_from("StopIteration") => Some(e.detail.borrow().clone()),
            _ => None,
        }
    }
}
