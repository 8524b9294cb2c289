//! Storing and reading variables: what both dialects do alike.

use std::rc::Rc;

use deploy_plan::Site;
use deploy_ruby::{Call, Reply, Value};

use super::Cap;
use super::convert::R;
use crate::secret_names::is_secret;
use crate::variables::{BadName, Read};

/// How deep lists in lists are looked through; one may contain itself.
const DEPTH: u8 = 4;

impl Cap {
    /// Sets a variable; a `lazy` value is called at the first read.
    pub fn store(&self, name: &str, value: Value, lazy: bool, place: Option<Site>) -> Result<(), BadName> {
        if lazy {
            return self.variables.borrow_mut().set_lazy(name, value, place);
        }
        self.guard(name, &value);
        self.variables.borrow_mut().set(name, value, place)
    }

    /// The value of a variable, evaluated where that has not happened yet; none when it is not set. What the callable
    /// gives goes through `settle` first.
    pub async fn evaluated(self: &Rc<Self>, call: &Call, name: &str, settle: impl AsyncFnOnce(Value) -> R) -> Reply {
        let found = self.variables.borrow_mut().read(name);
        let callable = match found {
            Ok(Read::Value(value)) => return Ok(Some(value)),
            Ok(Read::Missing) => return Ok(None),
            Ok(Read::Evaluate(callable)) => callable,
            Err(cycle) => return Err(call.raise("NameError", cycle.to_string())),
        };
        let Value::Proc(callable) = callable else { return Ok(Some(callable)) };
        let _label = call.context().enter(&format!("in variable {name}"));
        let result = match call.call_proc(&callable, Vec::new()).await {
            Ok(value) => settle(value).await,
            Err(unwind) => Err(unwind),
        };
        match result {
            Ok(value) => {
                self.guard(name, &value);
                self.variables.borrow_mut().finish(name, value.clone());
                Ok(Some(value))
            }
            Err(unwind) => {
                self.variables.borrow_mut().abandon(name);
                Err(unwind)
            }
        }
    }

    /// Sees to it that what its name gives away as a secret is never shown.
    pub fn guard(&self, name: &str, value: &Value) {
        if let Some(effects) = self.effects.get() {
            each_secret(is_secret(name), value, DEPTH, &|text| effects.keep_secret(text));
        }
    }
}

/// The secrets in a value that is one itself, or has them under the keys of a hash.
fn each_secret(secret: bool, value: &Value, depth: u8, keep: &dyn Fn(&str)) {
    let Some(below) = depth.checked_sub(1) else { return };
    match value {
        Value::Str(_) | Value::Int(_) if secret => keep(&value.to_s()),
        Value::Array(items) => items.to_vec().iter().for_each(|item| each_secret(secret, item, below, keep)),
        Value::Hash(hash) => {
            for (key, item) in hash.pairs() {
                each_secret(secret || is_secret(&key.to_s()), &item, below, keep);
            }
        }
        _ => {}
    }
}
