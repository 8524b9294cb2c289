//! Enumerable over what has no end, or may have none: the loop is left as soon as the answer is known.

use super::enumerate::{packed, run_each};
use super::take::{count, int_or};
use crate::interp::{Args, Call, Reply};
use crate::value::{Jump, Proc, Unwind, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// Methods that need not see every element, or give them on one by one.
pub(super) const NAMES: &[&str] = &[
    "first",
    "take",
    "take_while",
    "find",
    "detect",
    "find_index",
    "include?",
    "member?",
    "any?",
    "all?",
    "none?",
    "each_with_index",
    "each_with_object",
    "each_slice",
    "each_cons",
    "each_entry",
];

struct State {
    out: Vec<Value>,
    answer: Option<Value>,
    index: usize,
}

pub(super) async fn call(call: &Call, recv: &Value, name: &str, args: &Args) -> Reply {
    let size = match name {
        "first" if args.is_empty() => 1,
        "first" | "take" | "each_slice" | "each_cons" => count(call, &args.at(0))?,
        _ => 0,
    };
    if matches!(name, "each_slice" | "each_cons") && size == 0 {
        return Err(call.argument_error(format!("invalid {} size", if name == "each_cons" { "" } else { "slice" })));
    }
    if matches!(name, "first" | "take") && size == 0 {
        return Ok(Some(Value::array(Vec::new())));
    }
    let state = Rc::new(RefCell::new(State { out: Vec::new(), answer: None, index: 0 }));
    let tag = call.interp().next_id();
    let (kept, given, method) = (state.clone(), args.clone(), name.to_owned());
    let sink = Proc::native(move |call, items| {
        let (state, args, name) = (kept.clone(), given.clone(), method.clone());
        Box::pin(async move {
            let item = packed(items.positional);
            if see(&call, &state, &name, &args, size, item).await? {
                return Err(Unwind::jump(Jump::Break(tag, Value::Nil)));
            }
            Ok(Value::Nil)
        })
    });
    match run_each(call, recv, sink).await {
        Err(unwind) if matches!(&*unwind.0, Jump::Break(to, _) if *to == tag) => {}
        done => drop(done?),
    }
    let out = std::mem::take(&mut state.borrow_mut().out);
    let answer = state.borrow_mut().answer.take();
    if name == "each_slice"
        && !out.is_empty()
        && let Some(block) = &args.block
    {
        call.call_proc(block, vec![Value::array(out)]).await?;
        return Ok(Some(recv.clone()));
    }
    Ok(Some(match name {
        "first" if args.is_empty() => out.into_iter().next().unwrap_or_default(),
        "first" | "take" | "take_while" => Value::array(out),
        "include?" | "member?" | "any?" => Value::Bool(answer.is_some()),
        "all?" | "none?" => Value::Bool(answer.is_none()),
        "find" | "detect" | "find_index" => answer.unwrap_or_default(),
        "each_with_object" => args.at(0),
        _ => recv.clone(),
    }))
}

/// Takes one element; whether that was enough.
async fn see(
    call: &Call,
    state: &RefCell<State>,
    name: &str,
    args: &Args,
    size: usize,
    item: Value,
) -> Result<bool, Unwind> {
    let index = state.borrow().index;
    state.borrow_mut().index += 1;
    let hit = match (name, &args.block) {
        ("include?" | "member?", _) => item.equals(&args.at(0)),
        ("find_index", _) if args.get(0).is_some() => item.equals(&args.at(0)),
        ("any?" | "all?" | "none?", _) if args.get(0).is_some() => super::case_equal(call, &args.at(0), &item).await?,
        ("any?" | "all?" | "none?", None) => item.truthy(),
        ("take_while" | "find" | "detect" | "find_index" | "any?" | "all?" | "none?" | "each_entry", Some(block)) => {
            call.call_proc(block, vec![item.clone()]).await?.truthy()
        }
        ("each_with_index", Some(block)) => {
            let from = int_or(call, args, 0, 0)?;
            let at = from.saturating_add(i64::try_from(index).unwrap_or(i64::MAX));
            call.call_proc(block, vec![item.clone(), Value::Int(at)]).await?.truthy()
        }
        ("each_with_object", Some(block)) => call.call_proc(block, vec![item.clone(), args.at(0)]).await?.truthy(),
        _ => true,
    };
    match name {
        "first" | "take" => {
            state.borrow_mut().out.push(item);
            Ok(state.borrow().out.len() >= size)
        }
        "take_while" if hit => {
            state.borrow_mut().out.push(item);
            Ok(false)
        }
        "take_while" => Ok(true),
        "find" | "detect" | "include?" | "member?" | "any?" | "none?" if hit => {
            state.borrow_mut().answer = Some(item);
            Ok(true)
        }
        "find_index" if hit => {
            state.borrow_mut().answer = Some(Value::from(index));
            Ok(true)
        }
        "all?" if !hit => {
            state.borrow_mut().answer = Some(item);
            Ok(true)
        }
        "each_slice" | "each_cons" => group(call, state, name, args, size, item).await,
        _ => Ok(false),
    }
}

async fn group(
    call: &Call,
    state: &RefCell<State>,
    name: &str,
    args: &Args,
    size: usize,
    item: Value,
) -> Result<bool, Unwind> {
    state.borrow_mut().out.push(item);
    if state.borrow().out.len() < size {
        return Ok(false);
    }
    let full = match name {
        "each_slice" => std::mem::take(&mut state.borrow_mut().out),
        _ => {
            let all = state.borrow().out.clone();
            state.borrow_mut().out.remove(0);
            all
        }
    };
    if let Some(block) = &args.block {
        call.call_proc(block, vec![Value::array(full)]).await?;
    }
    Ok(false)
}
