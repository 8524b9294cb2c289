//! Hashes in insertion order, and the equality of their keys.

use super::Value;
use indexmap::IndexMap;
use std::cell::{Cell, RefCell};
use std::hash::{Hash as StdHash, Hasher};

/// A value as a hash key: compared by `eql?`, so `1` and `1.0` differ.
#[derive(Clone)]
pub struct Key(pub Value);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.eql(&other.0)
    }
}

impl Eq for Key {}

impl StdHash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_value(&self.0, state, 0);
    }
}

fn hash_value<H: Hasher>(value: &Value, state: &mut H, depth: usize) {
    std::mem::discriminant(value).hash(state);
    if depth > 32 {
        return;
    }
    match value {
        Value::Bool(b) => b.hash(state),
        Value::Int(i) => i.hash(state),
        Value::Float(f) => f.to_bits().hash(state),
        Value::Str(s) => s.with(|bytes| bytes.hash(state)),
        Value::Sym(s) => s.hash(state),
        Value::Array(a) => a.with(|items| {
            items.len().hash(state);
            items.iter().for_each(|item| hash_value(item, state, depth + 1));
        }),
        Value::Hash(h) => h.len().hash(state),
        Value::Range(r) => {
            hash_value(&r.low, state, depth + 1);
            hash_value(&r.high, state, depth + 1);
        }
        Value::Class(c) => c.name().hash(state),
        Value::Time(t) => t.timestamp().as_nanosecond().hash(state),
        Value::Object(o) => o.hash_code().hash(state),
        _ => {}
    }
}

/// A mutable hash in insertion order.
#[derive(Default)]
pub struct Hash {
    map: RefCell<IndexMap<Key, Value>>,
    pub(crate) default: RefCell<Value>,
    pub(crate) default_proc: RefCell<Option<Value>>,
    frozen: Cell<bool>,
}

impl Hash {
    /// An empty hash.
    pub fn new() -> Self {
        Self::default()
    }

    /// A hash of these pairs; later ones win.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let hash = Self::new();
        for (key, value) in pairs {
            hash.insert(key, value);
        }
        hash
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.map.borrow().len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.map.borrow().is_empty()
    }

    /// The value under a key, without defaults.
    pub fn get(&self, key: &Value) -> Option<Value> {
        self.map.borrow().get(&Key(key.clone())).cloned()
    }

    /// The value under a symbol key.
    pub fn get_sym(&self, name: &str) -> Option<Value> {
        self.get(&Value::sym(name))
    }

    /// The value under a symbol or, failing that, string key of this name.
    pub fn get_name(&self, name: &str) -> Option<Value> {
        self.get_sym(name).or_else(|| self.get(&Value::str(name)))
    }

    /// Sets a value; a string key is copied and frozen.
    pub fn insert(&self, key: Value, value: Value) -> Option<Value> {
        let key = match key {
            Value::Str(s) if !s.is_frozen() => {
                let copy = super::Str::from_bytes(s.to_bytes());
                copy.freeze();
                Value::Str(copy)
            }
            other => other,
        };
        self.map.borrow_mut().insert(Key(key), value)
    }

    /// Removes a pair.
    pub fn remove(&self, key: &Value) -> Option<Value> {
        self.map.borrow_mut().shift_remove(&Key(key.clone()))
    }

    /// Removes all pairs.
    pub fn clear(&self) {
        let old = self.map.take();
        drop(old);
    }

    /// All pairs, copied.
    pub fn pairs(&self) -> Vec<(Value, Value)> {
        self.map.borrow().iter().map(|(k, v)| (k.0.clone(), v.clone())).collect()
    }

    /// All keys, copied.
    pub fn keys(&self) -> Vec<Value> {
        self.map.borrow().keys().map(|k| k.0.clone()).collect()
    }

    /// All values, copied.
    pub fn values(&self) -> Vec<Value> {
        self.map.borrow().values().cloned().collect()
    }

    /// Whether it is frozen.
    pub fn is_frozen(&self) -> bool {
        self.frozen.get()
    }

    /// Forbids further changes.
    pub fn freeze(&self) {
        self.frozen.set(true);
    }

    /// Removes and returns the first pair.
    pub(crate) fn shift(&self) -> Option<(Value, Value)> {
        self.map.borrow_mut().shift_remove_index(0).map(|(k, v)| (k.0, v))
    }

    /// The same pairs and defaults in a new hash that is not frozen.
    pub(crate) fn dup(&self) -> Self {
        Self {
            map: RefCell::new(self.map.borrow().clone()),
            default: RefCell::new(self.default.borrow().clone()),
            default_proc: RefCell::new(self.default_proc.borrow().clone()),
            frozen: Cell::new(false),
        }
    }
}
