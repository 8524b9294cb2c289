//! What stands for the words of a gem that was let pass: nothing, said once for each word.

use std::rc::Rc;

use async_trait::async_trait;
use deploy_ruby::{Args, Call, Object, Reply, Value};

use crate::v2::{Cap, site};

/// A value that takes every call and does nothing; an empty text where a text is wanted.
struct Inert {
    name: String,
}

/// What the language itself answers for every object.
const OF_EVERY_OBJECT: &[&str] = &[
    "!",
    "!=",
    "==",
    "===",
    "class",
    "dup",
    "eql?",
    "equal?",
    "frozen?",
    "hash",
    "inspect",
    "instance_of?",
    "is_a?",
    "kind_of?",
    "object_id",
    "respond_to?",
    "tap",
    "then",
    "to_s",
];

#[async_trait(?Send)]
impl Object for Inert {
    fn class_name(&self) -> String {
        "Object".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        Ok(match name {
            name if OF_EVERY_OBJECT.contains(&name) => None,
            "nil?" | "empty?" | "blank?" => Some(Value::Bool(true)),
            "any?" | "present?" => Some(Value::Bool(false)),
            "to_a" | "to_ary" | "keys" | "values" => Some(Value::array(Vec::new())),
            "to_h" | "to_hash" => Some(Value::hash([])),
            "to_i" | "size" | "length" | "count" => Some(Value::Int(0)),
            "to_str" => Some(Value::str("")),
            "to_proc" => None,
            _ => Some(Value::Object(self)),
        })
    }

    fn responds_to(&self, _name: &str) -> bool {
        true
    }

    fn inspect(&self) -> String {
        format!("#<{}: nothing>", self.name)
    }

    fn to_s(&self) -> String {
        String::new()
    }

    fn to_str(&self) -> Option<String> {
        Some(String::new())
    }
}

/// What the gems of colours add to String.
fn is_colour(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "black",
        "red",
        "green",
        "yellow",
        "blue",
        "magenta",
        "cyan",
        "white",
        "bold",
        "underline",
        "blink",
        "reverse",
    ];
    let plain = |name: &str| {
        NAMES.contains(&name) || ["colorize", "color", "uncolorize", "italic", "hide", "dark"].contains(&name)
    };
    plain(name) || ["light_", "on_", "bright_"].iter().any(|way| name.strip_prefix(way).is_some_and(plain))
}

impl Cap {
    /// Whether a value only stands for something unknown.
    pub fn is_inert(&self, value: &Value) -> bool {
        value.downcast::<Inert>().is_some()
    }

    /// What an unknown name gives: nothing known, unless a gem that could have brought it was let pass.
    pub fn inert(&self, call: &Call, recv: Option<&Value>, name: &str) -> Option<Value> {
        if let (Some(text @ Value::Str(_)), true) = (recv, is_colour(name) && self.colours.get()) {
            return Some(text.clone());
        }
        if self.ignored.borrow().is_empty() || name == "to_proc" {
            return None;
        }
        match recv {
            // `"text".green`, `5.minutes`: what gems add to the core classes is left out.
            Some(value @ (Value::Str(_) | Value::Sym(_) | Value::Int(_) | Value::Float(_))) => {
                self.say_inert(call, &format!("the method `{name}'"));
                Some(value.clone())
            }
            Some(Value::Object(_)) | None => {
                self.say_inert(call, &format!("`{name}'"));
                Some(Value::object(Inert { name: name.to_owned() }))
            }
            Some(_) => None,
        }
    }

    /// Says once that something unknown does nothing, and where the gem was let pass.
    pub fn say_inert(&self, call: &Call, what: &str) {
        let gems = self.ignored.borrow();
        let list: Vec<String> = gems
            .iter()
            .map(|(gem, place)| {
                let place = place.as_ref().map(|site| format!(" at {site}")).unwrap_or_default();
                format!("{gem}{place}")
            })
            .collect();
        let text =
            format!("{what} is unknown and does nothing: taken for a part of what was let pass ({})", list.join(", "));
        self.warn_at(site(call), &text);
    }

    /// Whether a task that is not there is done without: a gem that was let pass may have had it.
    pub fn lets_pass(&self, call: &Call, task: &str) -> bool {
        let passes = !self.ignored.borrow().is_empty();
        if passes {
            self.say_inert(call, &format!("the task `{task}'"));
        }
        passes
    }
}
