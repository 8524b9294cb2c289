//! `binding`: a scope as a value, for templates.

use crate::core::name_of;
use crate::interp::{Args, Call, Env, Object, Reply};
use crate::value::{Sym, Unwind, Value};
use async_trait::async_trait;
use std::rc::Rc;

/// A scope.
pub(crate) struct Binding(pub(super) Rc<Env>);

/// The scope of the caller.
pub(crate) fn binding(call: &Call) -> Result<Value, Unwind> {
    match &call.env {
        Some(env) => Ok(Value::object(Binding(env.clone()))),
        None => Err(call.raise("RuntimeError", "no scope to bind here")),
    }
}

#[async_trait(?Send)]
impl Object for Binding {
    fn class_name(&self) -> String {
        "Binding".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let find = |wanted: &str| self.0.visible().into_iter().find(|(n, _)| n.as_str() == wanted).map(|(_, v)| v);
        Ok(Some(match name {
            "local_variables" => {
                Value::array(self.0.visible().into_iter().map(|(n, _): (Sym, Value)| Value::Sym(n)).collect())
            }
            "local_variable_get" => {
                let wanted = name_of(call, &args.at(0))?;
                find(&wanted)
                    .ok_or_else(|| call.raise("NameError", format!("local variable `{wanted}` is not defined")))?
            }
            "local_variable_defined?" => Value::Bool(find(&name_of(call, &args.at(0))?).is_some()),
            "receiver" => self.0.home.self_value.clone(),
            "eval" => return Err(call.raise("NotImplementedError", "`eval` of a string is outside the language here")),
            _ => return Ok(None),
        }))
    }
}
