//! Arguments of a call.

use crate::value::{Hash, Proc, Value};
use std::rc::Rc;

/// Arguments of a call: positional, keyword, block.
#[derive(Clone, Default)]
pub struct Args {
    /// Positional arguments.
    pub positional: Vec<Value>,
    /// `key: value` and `"key" => value` arguments without braces.
    pub keywords: Option<Rc<Hash>>,
    /// The block.
    pub block: Option<Proc>,
}

impl Args {
    /// No arguments.
    pub fn none() -> Self {
        Self::default()
    }

    /// Positional arguments only.
    pub fn new(positional: Vec<Value>) -> Self {
        Self { positional, ..Self::default() }
    }

    /// One positional argument.
    pub fn one(value: impl Into<Value>) -> Self {
        Self::new(vec![value.into()])
    }

    /// Adds a block.
    #[must_use]
    pub fn with_block(mut self, block: Option<Proc>) -> Self {
        self.block = block;
        self
    }

    /// The positional argument at an index.
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.positional.get(index)
    }

    /// The positional argument at an index, or nil.
    pub fn at(&self, index: usize) -> Value {
        self.positional.get(index).cloned().unwrap_or_default()
    }

    /// Number of positional arguments.
    pub fn len(&self) -> usize {
        self.positional.len()
    }

    /// Whether there are neither positional nor keyword arguments.
    pub fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.keywords.is_none()
    }

    /// The options: keyword arguments, or a trailing hash.
    pub fn options(&self) -> Option<Rc<Hash>> {
        self.keywords.clone().or_else(|| match self.positional.last() {
            Some(Value::Hash(hash)) => Some(hash.clone()),
            _ => None,
        })
    }

    /// One option by name.
    pub fn option(&self, name: &str) -> Option<Value> {
        self.options().and_then(|o| o.get_name(name))
    }

    /// Positional arguments without a trailing options hash, and the options (empty if none).
    pub fn split_options(&self) -> (Vec<Value>, Rc<Hash>) {
        let mut positional = self.positional.clone();
        if let Some(keywords) = &self.keywords {
            return (positional, keywords.clone());
        }
        match positional.pop() {
            Some(Value::Hash(hash)) => (positional, hash),
            Some(other) => {
                positional.push(other);
                (positional, Rc::default())
            }
            None => (positional, Rc::default()),
        }
    }

    /// Positional arguments with the keywords as a trailing hash, as a method without keyword
    /// parameters sees them.
    pub fn flat(&self) -> Vec<Value> {
        let mut all = self.positional.clone();
        if let Some(keywords) = &self.keywords {
            all.push(Value::Hash(keywords.clone()));
        }
        all
    }

    /// The same with keywords folded into a trailing positional hash.
    #[must_use]
    pub fn folded(&self) -> Self {
        Self { positional: self.flat(), keywords: None, block: self.block.clone() }
    }
}
