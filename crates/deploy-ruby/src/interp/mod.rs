//! The interpreter handle: shared state of one program, and what a host calls.

mod args;
mod classes;
mod context;
mod effects;
mod error;
mod host;
mod memory;

pub use args::Args;
pub use context::{Call, Context, Entered};
pub(crate) use context::{Env, Home};
pub use effects::{Command, CommandLine, Effects, FileKind, Finished, Stat, Stderr, Stream};
pub use error::Error;
pub use host::{Host, Ivars, LoadKind, Loaded, NoHost, Object, Reply};
pub use memory::MemoryEffects;

use crate::ast::{Body, Tree};
use crate::diagnostic::Diagnostic;
use crate::source::{Position, Sources, Span};
use crate::value::{Callable, Class, Closure, Exception, Frame, Jump, Proc, Sym, Unwind, Value};
use indexmap::IndexMap;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

/// A few milliseconds' work.
const STEPS_BETWEEN_PAUSES: u32 = 20_000;

/// Bounds that turn a runaway program into an error.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Evaluation steps until "out of fuel"; `None` for no bound.
    pub fuel: Option<u64>,
    /// Method and block calls inside each other.
    pub calls: u32,
    /// Expressions inside each other over all calls; this is what the native stack must carry.
    pub nesting: u32,
    /// Bytes of one string, and elements of one array made by a single call.
    pub size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: None, calls: 1000, nesting: 10_000, size: 64 << 20 }
    }
}

pub(crate) struct Inner {
    pub sources: Sources,
    pub host: Rc<dyn Host>,
    pub effects: Rc<dyn Effects>,
    pub limits: Limits,
    pub fuel: Cell<Option<u64>>,
    /// Steps since the evaluation last let others go on.
    pub since_pause: Cell<u32>,
    /// The place of the latest step.
    pub at: Cell<Option<Span>>,
    pub defs: RefCell<IndexMap<Sym, Proc>>,
    pub consts: RefCell<IndexMap<String, Value>>,
    pub globals: RefCell<IndexMap<Sym, Value>>,
    pub classes: RefCell<IndexMap<Rc<str>, Rc<Class>>>,
    pub ivars: Ivars,
    pub main: Value,
    pub ids: Cell<u64>,
    pub at_exit: RefCell<Vec<Proc>>,
    pub last_status: RefCell<Value>,
    pub loaded: RefCell<Vec<String>>,
    /// Methods that run inside each other where Rust asks for a text or an order.
    pub at_once: Cell<u32>,
}

/// One Ruby program: its definitions, constants and limits. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Interp(pub(crate) Rc<Inner>);

impl Interp {
    /// An interpreter with default limits.
    pub fn new(host: Rc<dyn Host>, effects: Rc<dyn Effects>) -> Self {
        Self::with_limits(host, effects, Limits::default())
    }

    /// An interpreter.
    pub fn with_limits(host: Rc<dyn Host>, effects: Rc<dyn Effects>, limits: Limits) -> Self {
        let inner = Inner {
            sources: Sources::new(),
            host,
            effects,
            limits,
            fuel: Cell::new(limits.fuel),
            since_pause: Cell::new(0),
            at: Cell::new(None),
            defs: RefCell::default(),
            consts: RefCell::default(),
            globals: RefCell::default(),
            classes: RefCell::new(classes::built_in()),
            ivars: Ivars::default(),
            main: Value::object(host::Main),
            ids: Cell::new(1),
            at_exit: RefCell::default(),
            last_status: RefCell::default(),
            loaded: RefCell::default(),
            at_once: Cell::new(0),
        };
        Self(Rc::new(inner))
    }

    /// The table of source files.
    pub fn sources(&self) -> &Sources {
        &self.0.sources
    }

    /// The effects in use.
    pub fn effects(&self) -> &Rc<dyn Effects> {
        &self.0.effects
    }

    /// The top-level self of plain Ruby.
    pub fn main(&self) -> Value {
        self.0.main.clone()
    }

    /// Sets how many evaluation steps are left; `None` lifts the bound.
    pub fn set_fuel(&self, fuel: Option<u64>) {
        self.0.fuel.set(fuel);
    }

    /// A fresh evaluation context (a fiber): its own call chain and depth.
    pub fn context(&self) -> Context {
        Context::default()
    }

    /// A context with room for a few calls only.
    pub(crate) fn short_context(&self) -> Context {
        let limits = self.0.limits;
        Context::begun(limits.calls.saturating_sub(100), limits.nesting.saturating_sub(1000))
    }

    /// Parses a text without evaluating it.
    ///
    /// # Errors
    /// The first syntax error, and those that name an opener whose `end` is missing.
    pub fn parse(&self, name: &str, text: &str) -> Result<Rc<Tree>, Vec<Diagnostic>> {
        crate::lower::parse(&self.0.sources, name, text.as_bytes(), &[])
    }

    /// Every place of the tree whose syntax is outside the language. Only reached ones stop a program.
    pub fn unsupported(&self, tree: &Tree) -> Vec<Diagnostic> {
        let message = |kind| format!("{kind} is outside the language here");
        tree.unsupported
            .iter()
            .map(|(kind, span)| Diagnostic::error(self.sources(), Some(*span), message(*kind)))
            .collect()
    }

    /// Parses and evaluates a text with the given self. `cx` is the caller's context, so that a
    /// file loaded by a file knows from where.
    ///
    /// # Errors
    /// An exception, a jump out of the file, or `SyntaxError`.
    pub async fn eval_file(&self, cx: &Context, name: &str, text: &str, self_value: Value) -> Result<Value, Unwind> {
        match self.parse(name, text) {
            Ok(tree) => self.eval_tree(cx, &tree, self_value).await,
            Err(diagnostics) => Err(self.syntax_error(cx, diagnostics)),
        }
    }

    pub(crate) fn syntax_error(&self, cx: &Context, diagnostics: Vec<Diagnostic>) -> Unwind {
        let message = diagnostics.first().map(|d| d.message.clone()).unwrap_or_default();
        let exception = self.exception("SyntaxError", message);
        exception.set_payload(Rc::new(diagnostics));
        self.raise_at(cx, exception)
    }

    /// Evaluates a parsed file with the given self.
    ///
    /// # Errors
    /// An exception, or a jump out of the file.
    pub async fn eval_tree(&self, cx: &Context, tree: &Tree, self_value: Value) -> Result<Value, Unwind> {
        let home = Home::new(self_value, None, None, self.next_id());
        let env = Env::new(&tree.body, None, home, 0);
        let _depth = cx.enter_call(self)?;
        match self.eval(cx, &env, &tree.body.code).await {
            Err(unwind) => match *unwind.0 {
                Jump::Return(id, value) if id == env.home.id => Ok(value),
                jump => Err(Unwind::jump(jump)),
            },
            ok => ok,
        }
    }

    /// Calls a proc. With `self_value` the body runs as by `instance_exec`: that value is self.
    ///
    /// # Errors
    /// Whatever the body raises, or a jump that leaves it.
    pub async fn call_proc(
        &self,
        cx: &Context,
        callee: &Proc,
        args: Args,
        self_value: Option<Value>,
    ) -> Result<Value, Unwind> {
        self.invoke(cx, callee, args, self_value).await
    }

    /// Calls a public method of a value.
    ///
    /// # Errors
    /// Whatever the method raises.
    pub async fn call_method(&self, cx: &Context, recv: &Value, name: &str, args: Args) -> Result<Value, Unwind> {
        let call = Call::new(self, cx, recv.clone(), false, None);
        self.send(&call, recv.clone(), &Sym::new(name), args).await
    }

    /// Sets a constant by full name (`RUBY_ENGINE`, `Capistrano::VERSION`).
    pub fn define_const(&self, name: &str, value: Value) {
        self.0.consts.borrow_mut().insert(name.to_owned(), value);
    }

    /// Defines an exception class; the parent must exist, else `StandardError` is taken.
    pub fn define_exception(&self, name: &str, parent: &str) -> Rc<Class> {
        if let Some(class) = self.class(name) {
            return class;
        }
        let parent = self.class(parent).or_else(|| self.class("StandardError"));
        let class = Rc::new(Class::new(name, parent));
        self.0.classes.borrow_mut().insert(name.into(), class.clone());
        class
    }

    /// Defines a global method, as `def` at top level does.
    pub fn define_method(&self, name: &str, body: Proc) {
        self.0.defs.borrow_mut().insert(Sym::new(name), body);
    }

    /// Blocks given to `at_exit`, last first; the host runs them at the end.
    pub fn take_at_exit(&self) -> Vec<Proc> {
        let mut blocks = self.0.at_exit.take();
        blocks.reverse();
        blocks
    }

    pub(crate) fn class(&self, name: &str) -> Option<Rc<Class>> {
        self.0.classes.borrow().get(name).cloned()
    }

    pub(crate) fn next_id(&self) -> u64 {
        let id = self.0.ids.get();
        self.0.ids.set(id + 1);
        id
    }

    /// A new exception object; an unknown class name becomes a class below StandardError.
    pub fn exception(&self, class: &str, message: impl Into<String>) -> Rc<Exception> {
        let class = self.define_exception(class, "StandardError");
        Rc::new(Exception::new(class, Some(Value::from(message.into()))))
    }

    /// Raises an exception object at the place where the context is.
    pub fn raise_at(&self, cx: &Context, exception: Rc<Exception>) -> Unwind {
        if exception.span().is_none() {
            exception.span.replace(cx.span());
            exception.chain.replace(cx.frames());
        }
        Unwind::raise(exception)
    }

    /// Raises a new exception at the place where the context is.
    pub fn raise(&self, cx: &Context, class: &str, message: impl Into<String>) -> Unwind {
        self.raise_at(cx, self.exception(class, message))
    }

    /// Turns an uncaught unwind into an error with a diagnostic.
    pub fn error(&self, unwind: Unwind) -> Error {
        Error::new(self, unwind)
    }

    pub(crate) fn closure(&self, body: &Rc<Body>, env: &Rc<Env>, lambda: bool, tag: u64) -> Proc {
        Proc::new(Callable::Closure(Closure { body: body.clone(), env: env.clone(), lambda, tag, method: None }))
    }

    /// Takes one unit of fuel.
    pub(crate) fn burn(&self, cx: &Context) -> Result<(), Unwind> {
        self.0.since_pause.set(self.0.since_pause.get().saturating_add(1));
        self.0.at.set(cx.span());
        match self.0.fuel.get() {
            None => Ok(()),
            Some(0) => Err(self.raise(
                cx,
                "Interrupt",
                "the program takes more steps than it is allowed: it looks like a loop without end",
            )),
            Some(left) => {
                self.0.fuel.set(Some(left - 1));
                Ok(())
            }
        }
    }

    /// Lets whoever runs the evaluation do something else from time to time, such as dropping it: a loop without end
    /// would hold its thread for ever. Every loop and every call of a block comes by here.
    pub(crate) async fn pause_when_due(&self) {
        if self.0.since_pause.get() < STEPS_BETWEEN_PAUSES {
            return;
        }
        self.0.since_pause.set(0);
        let mut paused = false;
        poll_fn(|task| {
            if std::mem::replace(&mut paused, true) {
                return Poll::Ready(());
            }
            task.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Where the evaluation took its latest step: what a person wants to know of a program that was interrupted.
    pub fn latest(&self) -> Option<Position> {
        self.position(self.0.at.get())
    }

    pub(crate) fn check_size(&self, cx: &Context, size: Option<usize>) -> Result<usize, Unwind> {
        match size {
            Some(size) if size <= self.0.limits.size => Ok(size),
            _ => Err(self.raise(cx, "ArgumentError", "argument too big: the result would exceed the size limit")),
        }
    }

    pub(crate) fn frame_text(&self, frame: &Frame) -> String {
        match frame.site.and_then(|s| self.sources().position(s)) {
            Some(position) if &*frame.label == "loaded" => format!("loaded from {position}"),
            Some(position) => format!("{}, called from {position}", frame.label),
            None => frame.label.to_string(),
        }
    }

    /// A list kept in a global variable, made when first asked for.
    pub(crate) fn global_list(&self, name: &str) -> Value {
        self.0.globals.borrow_mut().entry(Sym::new(name)).or_insert_with(|| Value::array(Vec::new())).clone()
    }

    pub(crate) fn position(&self, span: Option<Span>) -> Option<Position> {
        span.and_then(|s| self.sources().position(s))
    }
}
