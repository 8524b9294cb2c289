//! Classes, exception objects, and what unwinds the evaluator.

use super::{Sym, Value};
use crate::source::Span;
use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

/// A class or module: a name and a place in the hierarchy.
#[derive(Debug)]
pub struct Class {
    name: Rc<str>,
    parent: Option<Rc<Class>>,
}

impl Class {
    pub(crate) fn new(name: &str, parent: Option<Rc<Class>>) -> Self {
        Self { name: name.into(), parent }
    }

    /// Full name, such as `File` or `Capistrano::CommandError`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The class above.
    pub fn parent(&self) -> Option<&Rc<Class>> {
        self.parent.as_ref()
    }

    /// Whether this class or one above has the name.
    pub fn descends_from(&self, name: &str) -> bool {
        let mut class = Some(self);
        while let Some(c) = class {
            if &*c.name == name {
                return true;
            }
            class = c.parent.as_deref();
        }
        false
    }
}

/// Anything that a host attaches to an exception and gets back at the top.
pub type Payload = Rc<dyn Any>;

/// One entry of a call chain: what was entered, and from where.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Such as "in `deploy_info`" or "in task deploy:restart".
    pub label: Rc<str>,
    /// Where it was called.
    pub site: Option<Span>,
}

/// An exception object.
pub struct Exception {
    class: Rc<Class>,
    message: RefCell<Option<Value>>,
    pub(crate) payload: RefCell<Option<Payload>>,
    pub(crate) span: RefCell<Option<Span>>,
    pub(crate) chain: RefCell<Vec<Frame>>,
    pub(crate) notes: RefCell<Vec<String>>,
    pub(crate) cause: RefCell<Value>,
    /// `status` of SystemExit, `key` of KeyError, `result` of StopIteration.
    pub(crate) detail: RefCell<Value>,
    /// `receiver` of KeyError, NameError and FrozenError.
    pub(crate) receiver: RefCell<Value>,
    /// What `set_backtrace` or a third argument of `raise` gave.
    pub(crate) trace: RefCell<Option<Value>>,
}

impl Exception {
    pub(crate) fn new(class: Rc<Class>, message: Option<Value>) -> Self {
        Self {
            class,
            message: RefCell::new(message),
            payload: RefCell::default(),
            span: RefCell::default(),
            chain: RefCell::default(),
            notes: RefCell::default(),
            cause: RefCell::default(),
            detail: RefCell::default(),
            receiver: RefCell::default(),
            trace: RefCell::default(),
        }
    }

    /// Its class.
    pub fn class(&self) -> &Rc<Class> {
        &self.class
    }

    /// Its message, or the class name if it has none.
    pub fn message(&self) -> String {
        match &*self.message.borrow() {
            None | Some(Value::Nil) => self.class.name().to_owned(),
            Some(message) => message.to_s(),
        }
    }

    /// What the host attached.
    pub fn payload(&self) -> Option<Payload> {
        self.payload.borrow().clone()
    }

    /// Attaches something for the host to get back.
    pub fn set_payload(&self, payload: Payload) {
        *self.payload.borrow_mut() = Some(payload);
    }

    /// Adds a hint that is shown under the error when nobody rescues it.
    pub fn add_note(&self, note: impl Into<String>) {
        self.notes.borrow_mut().push(note.into());
    }

    /// Where it was raised.
    pub fn span(&self) -> Option<Span> {
        *self.span.borrow()
    }

    /// A copy with another message, as `exception.exception("…")` makes.
    pub(crate) fn with_message(&self, message: Value) -> Self {
        let copy = Self::new(self.class.clone(), Some(message));
        copy.payload.replace(self.payload());
        copy.detail.replace(self.detail.borrow().clone());
        copy
    }
}

/// Why evaluation left a piece of program before its end: an exception, or a jump. Hosts hand it on with `?`.
#[derive(Debug, Clone)]
pub struct Unwind(pub(crate) Box<Jump>);

#[derive(Clone)]
pub(crate) enum Jump {
    Raise(Rc<Exception>),
    /// To the call that the block with this tag was given to.
    Break(u64, Value),
    LoopBreak(Value),
    Next(Value),
    LoopNext,
    Return(u64, Value),
    Throw(Value, Value),
    Retry,
    /// `exit!`: nothing can catch it.
    Quit(i32),
}

impl std::fmt::Debug for Jump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Raise(e) => write!(f, "raise {}: {}", e.class().name(), e.message()),
            Self::Break(..) | Self::LoopBreak(_) => f.write_str("break"),
            Self::Next(_) | Self::LoopNext => f.write_str("next"),
            Self::Return(..) => f.write_str("return"),
            Self::Throw(tag, _) => write!(f, "throw {tag:?}"),
            Self::Retry => f.write_str("retry"),
            Self::Quit(status) => write!(f, "exit!({status})"),
        }
    }
}

impl Unwind {
    pub(crate) fn jump(jump: Jump) -> Self {
        Self(Box::new(jump))
    }

    /// An unwind that raises this exception.
    pub fn raise(exception: Rc<Exception>) -> Self {
        Self::jump(Jump::Raise(exception))
    }

    /// The exception, unless this is a jump (`break`, `return`, `throw`, …).
    pub fn exception(&self) -> Option<&Rc<Exception>> {
        match &*self.0 {
            Jump::Raise(exception) => Some(exception),
            _ => None,
        }
    }

    /// Whether this is an exception of the class or below it.
    pub fn is_a(&self, class: &str) -> bool {
        self.exception().is_some_and(|e| e.class().descends_from(class))
    }
}

impl From<&Sym> for Value {
    fn from(value: &Sym) -> Self {
        Value::Sym(value.clone())
    }
}
