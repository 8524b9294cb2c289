//! OpenStruct

use crate::core::name_of;
use crate::interp::{Args, Call, Object, Reply};
use crate::value::{Hash, Value};
use async_trait::async_trait;
use std::rc::Rc;

struct OpenStruct(Rc<Hash>);

pub(super) fn class_call(_call: &Call, name: &str, args: &Args) -> Reply {
    if name != "new" {
        return Ok(None);
    }
    let pairs = args.options().map(|h| h.pairs()).unwrap_or_default();
    let fields = Hash::from_pairs(pairs.into_iter().map(|(k, v)| (Value::sym(k.to_s()), v)));
    Ok(Some(Value::object(OpenStruct(Rc::new(fields)))))
}

#[async_trait(?Send)]
impl Object for OpenStruct {
    fn class_name(&self) -> String {
        "OpenStruct".to_owned()
    }

    fn inspect(&self) -> String {
        let fields: Vec<String> =
            self.0.pairs().iter().map(|(k, v)| format!(" {}={}", k.to_s(), v.inspect())).collect();
        format!("#<OpenStruct{}>", fields.join(","))
    }

    fn responds_to(&self, name: &str) -> bool {
        self.0.get_sym(name.trim_end_matches('=')).is_some()
    }

    fn equals(&self, other: &Value) -> bool {
        other.downcast::<OpenStruct>().is_some_and(|o| Value::Hash(o.0.clone()) == Value::Hash(self.0.clone()))
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match name {
            "[]" => self.0.get_sym(&name_of(call, &args.at(0))?).unwrap_or_default(),
            "[]=" => {
                self.0.insert(Value::sym(name_of(call, &args.at(0))?), args.at(1));
                args.at(1)
            }
            "to_h" => Value::Hash(Rc::new(self.0.dup())),
            "each_pair" | "dig" => {
                return Box::pin(call.send(&Value::Hash(self.0.clone()), name, args.clone())).await.map(Some);
            }
            "delete_field" => self.0.remove(&Value::sym(name_of(call, &args.at(0))?)).unwrap_or_default(),
            name if name.ends_with('=') && !matches!(name, "==" | "!=" | "===") => {
                self.0.insert(Value::sym(name.trim_end_matches('=')), args.at(0));
                args.at(0)
            }
            name => return Ok(self.0.get_sym(name)),
        }))
    }

    /// A field that nobody has set is nil.
    async fn missing(self: Rc<Self>, _call: &Call, _name: &str, args: &Args) -> Reply {
        Ok(args.is_empty().then_some(Value::Nil))
    }
}
