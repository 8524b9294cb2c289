//! Set

use crate::core::kind;
use crate::interp::{Args, Call, Object, Reply};
use crate::value::{Key, Unwind, Value};
use async_trait::async_trait;
use indexmap::IndexSet;
use std::cell::RefCell;
use std::rc::Rc;

struct Set(RefCell<IndexSet<Key>>);

/// A set of these elements.
pub(crate) fn set(items: Vec<Value>) -> Value {
    Value::object(Set(RefCell::new(items.into_iter().map(Key).collect())))
}

fn items_of(call: &Call, value: &Value) -> Result<Vec<Value>, Unwind> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::Array(a) => Ok(a.to_vec()),
        Value::Object(o) => o.items().ok_or_else(|| call.argument_error("value must be enumerable")),
        Value::Range(_) | Value::Hash(_) => match crate::core::call_now(call, value, "to_a", &Args::none())? {
            Some(Value::Array(a)) => Ok(a.to_vec()),
            _ => Ok(Vec::new()),
        },
        other => Err(call.argument_error(format!("value must be enumerable, not {}", kind(call, other)))),
    }
}

pub(super) fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "new" => set(items_of(call, &args.at(0))?),
        "[]" => set(args.flat()),
        _ => return Ok(None),
    }))
}

impl Set {
    fn list(&self) -> Vec<Value> {
        self.0.borrow().iter().map(|k| k.0.clone()).collect()
    }
}

#[async_trait(?Send)]
impl Object for Set {
    fn class_name(&self) -> String {
        "Set".to_owned()
    }

    fn items(&self) -> Option<Vec<Value>> {
        Some(self.list())
    }

    fn inspect(&self) -> String {
        let items: Vec<String> = self.list().iter().map(Value::inspect).collect();
        format!("#<Set: {{{}}}>", items.join(", "))
    }

    fn equals(&self, other: &Value) -> bool {
        other.downcast::<Set>().is_some_and(|other| *self.0.borrow() == *other.0.borrow())
    }

    fn hash_code(&self) -> u64 {
        self.0.borrow().len() as u64
    }

    fn responds_to(&self, name: &str) -> bool {
        ["add", "<<", "delete", "subset?", "superset?", "merge", "each"].contains(&name)
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let other = || items_of(call, &args.at(0));
        let has = |v: &Value| self.0.borrow().contains(&Key(v.clone()));
        Ok(Some(match name {
            "<<" | "add" => {
                self.0.borrow_mut().insert(Key(args.at(0)));
                Value::Object(self)
            }
            "add?" => {
                let fresh = self.0.borrow_mut().insert(Key(args.at(0)));
                if fresh { Value::Object(self) } else { Value::Nil }
            }
            "delete" => {
                self.0.borrow_mut().shift_remove(&Key(args.at(0)));
                Value::Object(self)
            }
            "merge" => {
                for arg in &args.positional {
                    let more = items_of(call, arg)?;
                    self.0.borrow_mut().extend(more.into_iter().map(Key));
                }
                Value::Object(self)
            }
            "include?" | "member?" | "===" | "contain?" => Value::Bool(has(&args.at(0))),
            "size" | "length" => Value::from(self.0.borrow().len()),
            "empty?" => Value::Bool(self.0.borrow().is_empty()),
            "clear" => {
                self.0.borrow_mut().clear();
                Value::Object(self)
            }
            "|" | "+" | "union" => set(self.list().into_iter().chain(other()?).collect()),
            "-" | "difference" => {
                let gone: IndexSet<Key> = other()?.into_iter().map(Key).collect();
                set(self.list().into_iter().filter(|v| !gone.contains(&Key(v.clone()))).collect())
            }
            "&" | "intersection" => set(other()?.into_iter().filter(has).collect()),
            "subset?" | "<=" => {
                let all: IndexSet<Key> = other()?.into_iter().map(Key).collect();
                Value::Bool(self.0.borrow().is_subset(&all))
            }
            "superset?" | ">=" => Value::Bool(other()?.iter().all(has)),
            "^" => {
                let others = other()?;
                let theirs: IndexSet<Key> = others.iter().cloned().map(Key).collect();
                let fresh = others.iter().filter(|v| !has(v)).cloned();
                set(fresh.chain(self.list().into_iter().filter(|v| !theirs.contains(&Key(v.clone())))).collect())
            }
            "proper_subset?" | "<" => {
                let all: IndexSet<Key> = other()?.into_iter().map(Key).collect();
                Value::Bool(self.0.borrow().is_subset(&all) && self.0.borrow().len() < all.len())
            }
            "proper_superset?" | ">" => {
                let all = other()?;
                Value::Bool(all.iter().all(has) && self.0.borrow().len() > all.len())
            }
            "subtract" => {
                for gone in other()? {
                    self.0.borrow_mut().shift_remove(&Key(gone));
                }
                Value::Object(self)
            }
            "each" if args.block.is_some() => {
                Box::pin(call.send(&Value::array(self.list()), "each", args.clone())).await?;
                Value::Object(self)
            }
            "flatten" => {
                fn walk(items: Vec<Value>, out: &mut Vec<Value>) {
                    for item in items {
                        match item.downcast::<Set>() {
                            Some(inner) => walk(inner.list(), out),
                            None => out.push(item),
                        }
                    }
                }
                let mut out = Vec::new();
                walk(self.list(), &mut out);
                set(out)
            }
            "map!" | "select!" | "filter!" | "reject!" | "delete_if" | "keep_if" if args.block.is_some() => {
                let plain = match name {
                    "delete_if" => "reject",
                    "keep_if" => "select",
                    other => other.trim_end_matches('!'),
                };
                let left = Box::pin(call.send(&Value::array(self.list()), plain, args.clone())).await?.to_list();
                let changed = left.len() != self.0.borrow().len();
                *self.0.borrow_mut() = left.into_iter().map(Key).collect();
                if changed || !name.ends_with('!') || name == "map!" { Value::Object(self) } else { Value::Nil }
            }
            "disjoint?" => Value::Bool(!other()?.iter().any(has)),
            "intersect?" => Value::Bool(other()?.iter().any(has)),
            "to_set" => Value::Object(self),
            "dup" | "clone" => set(self.list()),
            _ => return Ok(None),
        }))
    }
}
