//! Array: searching in order, and repeated choices.

use super::object::block;
use super::take::{int_or, to_usize};
use crate::interp::{Args, Call, Reply};
use crate::value::{Array, Unwind, Value};
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "bsearch",
    "bsearch_index",
    "repeated_combination",
    "repeated_permutation",
    "combination",
    "permutation",
    "product",
    "sum",
    "each_entry",
    "none?",
];

pub(super) async fn later(call: &Call, this: &Rc<Array>, name: &str, args: &Args) -> Reply {
    match name {
        "bsearch" | "bsearch_index" => {
            let at = bsearch(call, &this.to_vec(), args).await?;
            Ok(Some(match (at, name) {
                (Some(at), "bsearch") => this.get(at).unwrap_or_default(),
                (at, _) => at.into(),
            }))
        }
        "combination" | "permutation" | "repeated_combination" | "repeated_permutation" => {
            let rows = rows(call, this, name, args)?;
            let Some(block) = &args.block else {
                return Ok(Some(super::enumerate::enumerator(&Value::Array(this.clone()), name, args)));
            };
            for row in rows {
                call.call_proc(block, vec![row]).await?;
            }
            Ok(Some(Value::Array(this.clone())))
        }
        _ => Ok(None),
    }
}

fn rows(call: &Call, this: &Rc<Array>, name: &str, args: &Args) -> Result<Vec<Value>, Unwind> {
    let n = int_or(call, args, 0, i64::try_from(this.len()).unwrap_or(0))?;
    if n < 0 {
        return Ok(Vec::new());
    }
    super::array::choose(call, &this.to_vec(), to_usize(n), name.ends_with("permutation"), name.starts_with("repeated"))
}

/// The first place where the block says true (or 0), in an array ordered by that answer.
async fn bsearch(call: &Call, items: &[Value], args: &Args) -> Result<Option<usize>, Unwind> {
    let block = block(call, args)?;
    let (mut low, mut high, mut best) = (0, items.len(), None);
    while low < high {
        let middle = low + (high - low) / 2;
        let item = items.get(middle).cloned().unwrap_or_default();
        match call.call_proc(block, vec![item]).await? {
            Value::Bool(true) => {
                best = Some(middle);
                high = middle;
            }
            Value::Int(0) => return Ok(Some(middle)),
            Value::Int(n) if n < 0 => high = middle,
            Value::Bool(false) | Value::Nil | Value::Int(_) => low = middle + 1,
            other => {
                let kind = call.interp().class_name(&other);
                return Err(
                    call.type_error(format!("wrong argument type {kind} (must be numeric, true, false or nil)"))
                );
            }
        }
    }
    Ok(best)
}
