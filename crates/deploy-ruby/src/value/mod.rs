//! Ruby values: one cloneable enum; containers and strings are shared and mutable.

mod compare;
mod exception;
mod hash;
mod inspect;
mod procs;
mod regexp;
mod string;
mod sym;

pub(crate) use exception::Jump;
pub use exception::{Class, Exception, Frame, Payload, Unwind};
pub use hash::{Hash, Key};
pub(crate) use inspect::inspect_bytes;
pub(crate) use procs::{Callable, Closure, Enumerator, Method};
pub use procs::{NativeFuture, Proc};
pub use regexp::{MatchData, Regexp};
pub use string::Str;
pub use sym::Sym;

use crate::interp::Object;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A Ruby value.
#[derive(Clone, Default)]
pub enum Value {
    /// `nil`
    #[default]
    Nil,
    /// `true`, `false`
    Bool(bool),
    /// Integer, 64 bits; arithmetic is checked.
    Int(i64),
    /// Float
    Float(f64),
    /// Mutable string
    Str(Str),
    /// Symbol
    Sym(Sym),
    /// Array
    Array(Rc<Array>),
    /// Hash in insertion order
    Hash(Rc<Hash>),
    /// Range
    Range(Rc<Range>),
    /// Regexp
    Regexp(Rc<Regexp>),
    /// Result of a match
    Match(Rc<MatchData>),
    /// Proc, lambda, `method(:x)`
    Proc(Proc),
    /// What an enumerating method without a block returns
    #[doc(hidden)]
    Enumerator(Rc<Enumerator>),
    /// An exception object
    Exception(Rc<Exception>),
    /// Point in time
    Time(Rc<jiff::Zoned>),
    /// A class or module, such as `String` or `File`
    Class(Rc<Class>),
    /// An object of the host, or one of the library's own
    Object(Rc<dyn Object>),
}

/// A mutable array.
#[derive(Default)]
pub struct Array {
    items: RefCell<Vec<Value>>,
    frozen: Cell<bool>,
}

impl Array {
    /// A copy of the elements.
    pub fn to_vec(&self) -> Vec<Value> {
        self.items.borrow().clone()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.items.borrow().len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.items.borrow().is_empty()
    }

    /// The element at an index.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.items.borrow().get(index).cloned()
    }

    /// Appends.
    pub fn push(&self, value: Value) {
        self.items.borrow_mut().push(value);
    }

    /// Replaces all elements.
    pub fn replace(&self, items: Vec<Value>) {
        let old = self.items.replace(items);
        drop(old);
    }

    /// Whether it is frozen.
    pub fn is_frozen(&self) -> bool {
        self.frozen.get()
    }

    /// Forbids further changes.
    pub fn freeze(&self) {
        self.frozen.set(true);
    }

    /// Changes the elements in place. The closure must not touch this array again.
    pub(crate) fn with_mut<T>(&self, change: impl FnOnce(&mut Vec<Value>) -> T) -> T {
        change(&mut self.items.borrow_mut())
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&[Value]) -> T) -> T {
        look(&self.items.borrow())
    }
}

impl Drop for Array {
    /// Unrolled, so that an array nested a hundred thousand deep does not exhaust the stack.
    fn drop(&mut self) {
        let mut pending = std::mem::take(self.items.get_mut());
        while let Some(value) = pending.pop() {
            if let Value::Array(inner) = value
                && let Some(mut inner) = Rc::into_inner(inner)
            {
                pending.append(inner.items.get_mut());
            }
        }
    }
}

/// A range; an end that is nil is open.
pub struct Range {
    /// First.
    pub low: Value,
    /// Last.
    pub high: Value,
    /// Whether the last is left out.
    pub exclusive: bool,
}

impl Value {
    /// A new mutable string.
    pub fn str(text: impl AsRef<str>) -> Self {
        Self::Str(Str::new(text.as_ref()))
    }

    /// A new mutable string from bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Str(Str::from_bytes(bytes))
    }

    /// A symbol.
    pub fn sym(name: impl AsRef<str>) -> Self {
        Self::Sym(Sym::new(name.as_ref()))
    }

    /// A new array.
    pub fn array(items: Vec<Value>) -> Self {
        Self::Array(Rc::new(Array { items: RefCell::new(items), frozen: Cell::new(false) }))
    }

    /// A new hash.
    pub fn hash(pairs: impl IntoIterator<Item = (Value, Value)>) -> Self {
        Self::Hash(Rc::new(Hash::from_pairs(pairs)))
    }

    /// A host object.
    pub fn object(object: impl Object) -> Self {
        Self::Object(Rc::new(object))
    }

    pub(crate) fn range(low: Value, high: Value, exclusive: bool) -> Self {
        Self::Range(Rc::new(Range { low, high, exclusive }))
    }

    /// Everything but nil and false.
    pub fn truthy(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }

    /// Whether this is nil.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// Text of a string (invalid UTF-8 replaced); `None` for anything else.
    pub fn as_str(&self) -> Option<String> {
        match self {
            Self::Str(s) => Some(s.to_text()),
            _ => None,
        }
    }

    /// The symbol's name.
    pub fn as_sym(&self) -> Option<&str> {
        match self {
            Self::Sym(s) => Some(s.as_str()),
            _ => None,
        }
    }

    /// Name given as a string or a symbol.
    pub fn as_name(&self) -> Option<String> {
        match self {
            Self::Str(s) => Some(s.to_text()),
            Self::Sym(s) => Some(s.as_str().to_owned()),
            _ => None,
        }
    }

    /// The integer.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(*i),
            _ => None,
        }
    }

    /// The array's elements, copied.
    pub fn as_array(&self) -> Option<Vec<Value>> {
        match self {
            Self::Array(a) => Some(a.to_vec()),
            _ => None,
        }
    }

    /// The hash.
    pub fn as_hash(&self) -> Option<&Rc<Hash>> {
        match self {
            Self::Hash(h) => Some(h),
            _ => None,
        }
    }

    /// The proc.
    pub fn as_proc(&self) -> Option<&Proc> {
        match self {
            Self::Proc(p) => Some(p),
            _ => None,
        }
    }

    /// The host object, if it is one of this Rust type.
    pub fn downcast<T: Object>(&self) -> Option<Rc<T>> {
        match self {
            Self::Object(object) => {
                let any: Rc<dyn std::any::Any> = object.clone();
                any.downcast::<T>().ok()
            }
            _ => None,
        }
    }

    /// As an array: itself, nil as empty, anything else as its only element (`Array(x)`).
    pub fn to_list(&self) -> Vec<Value> {
        match self {
            Self::Nil => Vec::new(),
            Self::Array(a) => a.to_vec(),
            Self::Hash(h) => h.pairs().into_iter().map(|(k, v)| Value::array(vec![k, v])).collect(),
            other => vec![other.clone()],
        }
    }

    /// Whether the two are the same object (`equal?`).
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => a.same(b),
            (Self::Array(a), Self::Array(b)) => Rc::ptr_eq(a, b),
            (Self::Hash(a), Self::Hash(b)) => Rc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b),
            (Self::Proc(a), Self::Proc(b)) => a.same(b),
            (Self::Exception(a), Self::Exception(b)) => Rc::ptr_eq(a, b),
            (Self::Class(a), Self::Class(b)) => a.name() == b.name(),
            _ => self.eql(other),
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.inspect())
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.equals(other)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<u16> for Value {
    fn from(value: u16) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::str(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Str(Str::from_bytes(value.into_bytes()))
    }
}

impl From<Sym> for Value {
    fn from(value: Sym) -> Self {
        Self::Sym(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Self::array(value)
    }
}

impl From<Proc> for Value {
    fn from(value: Proc) -> Self {
        Self::Proc(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}
