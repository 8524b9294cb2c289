//! `ENV`

use crate::core::{opt_text, text};
use crate::interp::{Args, Call, Object, Reply};
use crate::value::{Unwind, Value};
use async_trait::async_trait;
use std::rc::Rc;

struct Env;

/// The environment as an object.
pub(crate) fn env() -> Value {
    Value::object(Env)
}

fn pairs(call: &Call) -> Vec<(Value, Value)> {
    let all = call.interp().effects().env_all();
    all.into_iter().map(|(k, v)| (Value::from(k), Value::from(v))).collect()
}

fn set(call: &Call, name: &Value, value: &Value) -> Result<(), Unwind> {
    let name = text(call, name)?;
    let value = match value {
        Value::Nil => None,
        value => Some(text(call, value)?),
    };
    call.interp().effects().set_env(&name, value.as_deref());
    Ok(())
}

#[async_trait(?Send)]
impl Object for Env {
    fn class_name(&self) -> String {
        "Object".to_owned()
    }

    fn to_s(&self) -> String {
        "ENV".to_owned()
    }

    fn inspect(&self) -> String {
        "ENV".to_owned()
    }

    fn responds_to(&self, name: &str) -> bool {
        self.method_names().iter().any(|n| n == name)
    }

    fn method_names(&self) -> Vec<String> {
        let own = [
            "[]", "[]=", "store", "fetch", "key?", "has_key?", "include?", "member?", "delete", "to_h", "to_hash",
            "update", "merge!", "replace", "clear",
        ];
        let hash = [
            "each",
            "each_pair",
            "keys",
            "values",
            "map",
            "select",
            "reject",
            "slice",
            "except",
            "any?",
            "empty?",
            "size",
            "values_at",
        ];
        own.into_iter().chain(hash).map(str::to_owned).collect()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let effects = call.interp().effects().clone();
        let get = || Ok::<_, Unwind>(effects.env(&text(call, &args.at(0))?));
        Ok(Some(match name {
            "[]" => get()?.into(),
            "fetch" => match (get()?, &args.block) {
                (Some(value), _) => Value::from(value),
                (None, Some(block)) => call.call_proc(block, vec![args.at(0)]).await?,
                (None, None) if args.len() > 1 => args.at(1),
                (None, None) => {
                    let unwind = call.raise("KeyError", format!("key not found: {}", args.at(0).inspect()));
                    if let Some(exception) = unwind.exception() {
                        exception.detail.replace(args.at(0));
                    }
                    return Err(unwind);
                }
            },
            "[]=" | "store" => {
                set(call, &args.at(0), &args.at(1))?;
                args.at(1)
            }
            "key?" | "has_key?" | "include?" | "member?" => Value::Bool(get()?.is_some()),
            "delete" => {
                let old = get()?;
                set(call, &args.at(0), &Value::Nil)?;
                old.into()
            }
            "update" | "merge!" | "replace" => {
                for (name, value) in args.folded().options().map(|h| h.pairs()).unwrap_or_default() {
                    set(call, &name, &opt_text(&value).map_or(Value::Nil, Value::from))?;
                }
                Value::Object(self)
            }
            "clear" => {
                pairs(call).iter().try_for_each(|(name, _)| set(call, name, &Value::Nil))?;
                Value::Object(self)
            }
            "to_h" | "to_hash" if args.block.is_none() => Value::hash(pairs(call)),
            "class" | "inspect" | "to_s" | "nil?" | "is_a?" | "kind_of?" | "respond_to?" | "==" | "!=" | "equal?"
            | "send" | "public_send" | "tap" | "then" | "instance_of?" | "frozen?" | "dup" | "object_id" | "hash" => {
                return Ok(None);
            }
            other => {
                let copy = Value::hash(pairs(call));
                Box::pin(call.send(&copy, other, args.clone())).await?
            }
        }))
    }
}
