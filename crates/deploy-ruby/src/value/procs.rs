//! Procs, lambdas, method objects and enumerators.

use super::{Sym, Unwind, Value};
use crate::ast::Body;
use crate::interp::{Args, Call, Env};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// What a native proc returns.
pub type NativeFuture = Pin<Box<dyn Future<Output = Result<Value, Unwind>>>>;

/// A proc, lambda or method object. Cheap to clone.
#[derive(Clone)]
pub struct Proc(pub(crate) Rc<Callable>);

pub(crate) enum Callable {
    /// A block or lambda of a program.
    Closure(Closure),
    /// `&:name`
    Symbol(Sym),
    /// `method(:name)`
    Method(Method),
    /// Given by the host.
    Native { arity: i64, run: Box<dyn Fn(Call, Args) -> NativeFuture> },
}

pub(crate) struct Closure {
    pub body: Rc<Body>,
    pub env: Rc<Env>,
    pub lambda: bool,
    /// Identity that `break` is addressed to.
    pub tag: u64,
    /// A `def`: a call gets a frame of its own.
    pub method: Option<Sym>,
}

pub(crate) struct Method {
    pub recv: Value,
    pub name: Sym,
}

/// A method call that waits for its block.
pub struct Enumerator {
    pub(crate) recv: Value,
    pub(crate) name: Sym,
    pub(crate) args: Args,
    /// Where `next` is; shared by copies.
    pub(crate) stepper: Rc<crate::core::Stepper>,
}

impl Proc {
    pub(crate) fn new(callable: Callable) -> Self {
        Self(Rc::new(callable))
    }

    /// A proc that runs Rust code.
    pub fn native(run: impl Fn(Call, Args) -> NativeFuture + 'static) -> Self {
        Self::new(Callable::Native { arity: -1, run: Box::new(run) })
    }

    /// Whether arguments are checked as for a method.
    pub fn is_lambda(&self) -> bool {
        match &*self.0 {
            Callable::Closure(c) => c.lambda,
            _ => true,
        }
    }

    /// Ruby's arity number: how many arguments, or `-n - 1` for at least n.
    pub fn arity(&self) -> i64 {
        match &*self.0 {
            Callable::Closure(c) => c.body.params.arity(c.lambda || c.method.is_some()),
            Callable::Symbol(_) => -2,
            Callable::Method(_) => -1,
            Callable::Native { arity, .. } => *arity,
        }
    }

    /// Number of parameters that must be given.
    pub fn required_params(&self) -> usize {
        match &*self.0 {
            Callable::Closure(c) => c.body.params.required.len() + c.body.params.post.len(),
            _ => 0,
        }
    }

    /// Where it was written.
    pub fn span(&self) -> Option<crate::source::Span> {
        match &*self.0 {
            Callable::Closure(c) => Some(c.body.span),
            _ => None,
        }
    }

    /// Whether the two are the same proc.
    pub fn same(&self, other: &Proc) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
