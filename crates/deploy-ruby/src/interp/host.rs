//! What an embedding implements: objects, and answers about words, constants and files.

use super::{Args, Call};
use crate::value::{Proc, Sym, Unwind, Value};
use async_trait::async_trait;
use indexmap::IndexMap;
use std::any::Any;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

/// Answer to a method call: a value, `None` for "not mine" (the search goes on), or an unwind.
pub type Reply = Result<Option<Value>, Unwind>;

/// Storage for the instance variables of an object.
#[derive(Default)]
pub struct Ivars(RefCell<IndexMap<Sym, Value>>);

impl Ivars {
    /// The value of `@name` (the name is given with its `@`).
    pub fn get(&self, name: &str) -> Option<Value> {
        self.0.borrow().get(&Sym::new(name)).cloned()
    }

    /// Sets `@name`.
    pub fn set(&self, name: &str, value: Value) {
        let old = self.0.borrow_mut().insert(Sym::new(name), value);
        drop(old);
    }

    /// Names that are set.
    pub fn names(&self) -> Vec<Sym> {
        self.0.borrow().keys().cloned().collect()
    }
}

/// A host object: something of the embedding that programs call methods on, or run with as self.
///
/// A word without receiver is looked for in: local variables, [`Object::call`] of self, global `def`s,
/// the library's own functions (`puts`, …), [`Object::missing`] of self, [`Host::missing`].
/// So `call` is for methods, `missing` for what Ruby would do in `method_missing`.
#[async_trait(?Send)]
pub trait Object: Any {
    /// Name of its class.
    fn class_name(&self) -> String;

    /// Calls a method; `Ok(None)` if there is none of this name.
    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply;

    /// Calls what only exists when nothing else answers to the name.
    async fn missing(self: Rc<Self>, _call: &Call, _name: &str, _args: &Args) -> Reply {
        Ok(None)
    }

    /// Whether `respond_to?` is true for the name.
    fn responds_to(&self, _name: &str) -> bool {
        false
    }

    /// Names to suggest when a method is not found.
    fn method_names(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether this is an instance of a class (full name).
    fn is_a(&self, class: &str) -> bool {
        class == self.class_name()
    }

    /// Text for `inspect`.
    fn inspect(&self) -> String {
        format!("#<{}>", self.class_name())
    }

    /// Text for `to_s` and interpolation.
    fn to_s(&self) -> String {
        self.inspect()
    }

    /// Text where Ruby converts implicitly (`to_str`, `to_path`): a path, say.
    fn to_str(&self) -> Option<String> {
        None
    }

    /// `==` with anything that is not this very object.
    fn equals(&self, _other: &Value) -> bool {
        false
    }

    /// `<=>`
    fn compare(&self, _other: &Value) -> Option<Ordering> {
        None
    }

    /// Equal objects must have equal codes. The default is the object's identity.
    fn hash_code(&self) -> u64 {
        std::ptr::from_ref(self).cast::<()>() as usize as u64
    }

    /// Where instance variables live while this is self; by default in the interpreter.
    fn ivars(&self) -> Option<&Ivars> {
        None
    }

    /// Whether it takes no changes any more.
    fn is_frozen(&self) -> bool {
        false
    }

    /// Elements, if the object shall have the methods of Enumerable.
    fn items(&self) -> Option<Vec<Value>> {
        None
    }

    /// Takes a `def` that is evaluated with this as self. `false`: it becomes a global method.
    fn define_method(&self, _name: &str, _body: &Proc) -> bool {
        false
    }
}

/// How a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadKind {
    /// `require`
    Require,
    /// `require_relative`; the name is joined to the directory of the asking file.
    RequireRelative,
    /// `load`
    Load,
}

/// What the host says about a file that is asked for.
pub enum Loaded {
    /// Done, or nothing to do; the value of the call is this.
    Handled(bool),
    /// A text to evaluate with the caller's self.
    Text {
        /// Name for messages.
        name: String,
        /// The program.
        text: String,
    },
    /// LoadError.
    NotFound,
}

/// What the embedding answers for the whole program.
#[async_trait(?Send)]
pub trait Host {
    /// A word or method that nothing else knows. `recv` is `None` for a bare word.
    async fn missing(&self, _call: &Call, _recv: Option<&Value>, _name: &str, _args: &Args) -> Reply {
        Ok(None)
    }

    /// A constant by full name (`Capistrano::CLI`). Asked before the library's own classes.
    fn constant(&self, _call: &Call, _name: &str) -> Reply {
        Ok(None)
    }

    /// A constant that nothing else knows.
    fn constant_missing(&self, _call: &Call, _name: &str) -> Reply {
        Ok(None)
    }

    /// `require`, `require_relative`, `load`.
    async fn load(&self, _call: &Call, _kind: LoadKind, _name: &str) -> Result<Loaded, Unwind> {
        Ok(Loaded::NotFound)
    }

    /// Names to suggest for an unknown bare word.
    fn words(&self, _self_value: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Notes to add to the error about an unknown word or constant.
    fn hints(&self, _name: &str) -> Vec<String> {
        Vec::new()
    }

    /// A `warn` of the library itself, such as an ignored signal handler.
    fn warning(&self, _call: &Call, _message: &str) {}
}

/// A host that knows nothing.
pub struct NoHost;

#[async_trait(?Send)]
impl Host for NoHost {}

/// Self at top level.
pub(super) struct Main;

#[async_trait(?Send)]
impl Object for Main {
    fn class_name(&self) -> String {
        "Object".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, _name: &str, _args: &Args) -> Reply {
        Ok(None)
    }

    fn inspect(&self) -> String {
        "main".to_owned()
    }
}
