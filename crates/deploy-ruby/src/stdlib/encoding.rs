//! Encoding objects. All strings are UTF-8 here; the names of others exist so that programs can say them.

use crate::interp::{Args, Call, Object, Reply};
use crate::value::Value;
use async_trait::async_trait;
use std::rc::Rc;

struct Encoding(&'static str);

/// The encoding of a name.
pub(crate) fn encoding(name: &'static str) -> Value {
    Value::object(Encoding(name))
}

#[async_trait(?Send)]
impl Object for Encoding {
    fn class_name(&self) -> String {
        "Encoding".to_owned()
    }

    fn inspect(&self) -> String {
        format!("#<Encoding:{}>", self.0)
    }

    fn to_s(&self) -> String {
        self.0.to_owned()
    }

    fn to_str(&self) -> Option<String> {
        Some(self.0.to_owned())
    }

    fn equals(&self, other: &Value) -> bool {
        other.downcast::<Encoding>().is_some_and(|other| other.0 == self.0)
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        Ok(match name {
            "name" => Some(Value::str(self.0)),
            "ascii_compatible?" => Some(Value::Bool(true)),
            _ => None,
        })
    }
}
