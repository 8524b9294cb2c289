//! Evaluation contexts, scopes, and what a callee learns about its call.

use super::{Args, Interp};
use crate::ast::{Body, Slot};
use crate::core::UserClass;
use crate::source::{Position, Span};
use crate::value::{Frame, Proc, Sym, Unwind, Value};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[derive(Default)]
struct State {
    frames: RefCell<Vec<Frame>>,
    calls: Cell<u32>,
    nesting: Cell<u32>,
    rescues: Cell<u32>,
    catches: RefCell<Vec<Value>>,
    span: Cell<Option<Span>>,
}

/// One strand of evaluation with its own call chain. Several may be suspended at once on one thread.
#[derive(Clone, Default)]
pub struct Context(Rc<State>);

/// Lowers a counter when it goes, also when the future that holds it is dropped.
pub(crate) struct Counted<'a>(&'a Cell<u32>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// Removes its frame when it goes.
pub struct Entered(Context);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.frames.borrow_mut().pop();
    }
}

/// Removes its tag when it goes.
pub(crate) struct Catching(Context, Value);

impl Drop for Catching {
    fn drop(&mut self) {
        let mut tags = self.0.0.catches.borrow_mut();
        if let Some(at) = tags.iter().rposition(|tag| tag.same(&self.1)) {
            tags.remove(at);
        }
    }
}

fn count(cell: &Cell<u32>) -> Counted<'_> {
    cell.set(cell.get() + 1);
    Counted(cell)
}

impl Context {
    /// A context for a concurrent strand: it starts with this one's call chain and depth.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Rc::new(State {
            frames: RefCell::new(self.frames()),
            calls: self.0.calls.clone(),
            nesting: self.0.nesting.clone(),
            rescues: self.0.rescues.clone(),
            catches: self.0.catches.clone(),
            span: self.0.span.clone(),
        }))
    }

    /// A context that counts as if so much had been entered.
    pub(super) fn begun(calls: u32, nesting: u32) -> Self {
        Self(Rc::new(State { calls: Cell::new(calls), nesting: Cell::new(nesting), ..State::default() }))
    }

    /// Names what is entered ("in task deploy:restart") until the guard goes.
    #[must_use]
    pub fn enter(&self, label: &str) -> Entered {
        self.0.frames.borrow_mut().push(Frame { label: label.into(), site: self.span() });
        Entered(self.clone())
    }

    /// What has been entered, outermost first.
    pub fn frames(&self) -> Vec<Frame> {
        self.0.frames.borrow().clone()
    }

    /// Place of the call that is being evaluated.
    pub fn span(&self) -> Option<Span> {
        self.0.span.get()
    }

    /// Whether a rescue or ensure is active anywhere around.
    pub fn under_rescue(&self) -> bool {
        self.0.rescues.get() > 0
    }

    pub(crate) fn set_span(&self, span: Option<Span>) {
        self.0.span.set(span);
    }

    /// Until the guard goes, something waits for this tag to be thrown.
    pub(crate) fn enter_catch(&self, tag: &Value) -> Catching {
        self.0.catches.borrow_mut().push(tag.clone());
        Catching(self.clone(), tag.clone())
    }

    /// Whether something waits for this tag.
    pub(crate) fn catches(&self, tag: &Value) -> bool {
        self.0.catches.borrow().iter().any(|t| t.same(tag))
    }

    pub(crate) fn enter_rescue(&self) -> Counted<'_> {
        count(&self.0.rescues)
    }

    pub(crate) fn enter_call(&self, interp: &Interp) -> Result<Counted<'_>, Unwind> {
        if self.0.calls.get() >= interp.0.limits.calls {
            return Err(interp.raise(self, "SystemStackError", "stack level too deep"));
        }
        Ok(count(&self.0.calls))
    }

    pub(crate) fn enter_nesting(&self, interp: &Interp) -> Result<Counted<'_>, Unwind> {
        if self.0.nesting.get() >= interp.0.limits.nesting {
            return Err(interp.raise(self, "SystemStackError", "stack level too deep"));
        }
        Ok(count(&self.0.nesting))
    }
}

/// What all scopes inside one method call, file or instance_exec share.
pub(crate) struct Home {
    pub self_value: Value,
    pub block: Option<Proc>,
    pub method: Option<Sym>,
    /// The class or module around the text: where constants and class variables are looked for, and `super` begins.
    pub owner: Option<Rc<UserClass>>,
    /// What `return` is addressed to.
    pub id: u64,
    pub last_match: Rc<RefCell<Value>>,
    /// Whether `return` still has a place to go to.
    pub alive: Rc<Cell<bool>>,
}

impl Home {
    pub fn new(self_value: Value, block: Option<Proc>, method: Option<Sym>, id: u64) -> Rc<Self> {
        let (last_match, alive) = (Rc::default(), Rc::new(Cell::new(true)));
        Rc::new(Self { self_value, block, method, owner: None, id, last_match, alive })
    }

    /// The home of a call of a method, which was defined in another.
    pub fn of_method(defined_in: &Self, self_value: Value, block: Option<Proc>, method: Sym, id: u64) -> Rc<Self> {
        let (last_match, alive) = (Rc::default(), Rc::new(Cell::new(true)));
        let owner = defined_in.owner.clone();
        Rc::new(Self { self_value, block, method: Some(method), owner, id, last_match, alive })
    }

    /// The home of a class body.
    pub fn of_class(class: Rc<UserClass>, id: u64) -> Rc<Self> {
        let (last_match, alive) = (Rc::default(), Rc::new(Cell::new(true)));
        let self_value = Value::Object(class.clone());
        Rc::new(Self { self_value, block: None, method: None, owner: Some(class), id, last_match, alive })
    }

    /// The same home with another self, or another target of `return`.
    pub fn with(&self, self_value: Option<Value>, id: Option<u64>) -> Rc<Self> {
        Rc::new(Self {
            self_value: self_value.unwrap_or_else(|| self.self_value.clone()),
            block: self.block.clone(),
            method: self.method.clone(),
            owner: self.owner.clone(),
            id: id.unwrap_or(self.id),
            last_match: self.last_match.clone(),
            alive: if id.is_some() { Rc::new(Cell::new(true)) } else { self.alive.clone() },
        })
    }
}

/// One scope of local variables.
pub(crate) struct Env {
    slots: RefCell<Vec<Value>>,
    pub names: Rc<[Sym]>,
    pub parent: Option<Rc<Env>>,
    pub home: Rc<Home>,
    /// What `break` is addressed to.
    pub tag: u64,
}

impl Env {
    pub fn new(body: &Body, parent: Option<Rc<Env>>, home: Rc<Home>, tag: u64) -> Rc<Self> {
        let slots = RefCell::new(vec![Value::Nil; body.locals.len()]);
        Rc::new(Self { slots, names: body.locals.clone(), parent, home, tag })
    }

    /// An empty scope whose home belongs to a class.
    pub fn with_owner(&self, owner: Option<Rc<UserClass>>) -> Rc<Self> {
        let mut home = self.home.with(None, None);
        if let Some(home) = Rc::get_mut(&mut home) {
            home.owner = owner;
        }
        Rc::new(Self { slots: RefCell::default(), names: Rc::from([]), parent: None, home, tag: 0 })
    }

    /// A scope that was not written as one: the variables of a template.
    pub fn with_variables(names: Vec<Sym>, values: Vec<Value>, home: Rc<Home>) -> Rc<Self> {
        Rc::new(Self { slots: RefCell::new(values), names: names.into(), parent: None, home, tag: 0 })
    }

    fn at(&self, depth: u32) -> Option<&Env> {
        let mut env = self;
        for _ in 0..depth {
            env = env.parent.as_deref()?;
        }
        Some(env)
    }

    pub fn get(&self, slot: Slot) -> Value {
        let env = self.at(slot.depth);
        env.and_then(|e| e.slots.borrow().get(slot.index as usize).cloned()).unwrap_or_default()
    }

    pub fn set(&self, slot: Slot, value: Value) {
        let Some(env) = self.at(slot.depth) else { return };
        let mut slots = env.slots.borrow_mut();
        let index = slot.index as usize;
        if index >= slots.len() {
            slots.resize(index + 1, Value::Nil);
        }
        if let Some(place) = slots.get_mut(index) {
            let old = std::mem::replace(place, value);
            drop(slots);
            drop(old);
        }
    }

    /// Names and values visible here, innermost first.
    pub fn visible(&self) -> Vec<(Sym, Value)> {
        let mut found: Vec<(Sym, Value)> = Vec::new();
        let mut env = Some(self);
        while let Some(e) = env {
            for (name, value) in e.names.iter().zip(e.slots.borrow().iter()) {
                if !found.iter().any(|(n, _)| n == name) {
                    found.push((name.clone(), value.clone()));
                }
            }
            env = e.parent.as_deref();
        }
        found
    }

    /// Names by scope, outermost first: what a text evaluated here is parsed with.
    pub fn scopes(&self) -> Vec<Rc<[Sym]>> {
        let mut scopes = Vec::new();
        let mut env = Some(self);
        while let Some(e) = env {
            scopes.push(e.names.clone());
            env = e.parent.as_deref();
        }
        scopes.reverse();
        scopes
    }
}

/// What a callee learns about the call it serves, and how it calls back.
#[derive(Clone)]
pub struct Call {
    interp: Interp,
    cx: Context,
    span: Option<Span>,
    self_value: Value,
    bare: bool,
    pub(crate) env: Option<Rc<Env>>,
}

impl Call {
    pub(crate) fn new(interp: &Interp, cx: &Context, self_value: Value, bare: bool, env: Option<Rc<Env>>) -> Self {
        Self { interp: interp.clone(), cx: cx.clone(), span: cx.span(), self_value, bare, env }
    }

    /// The interpreter.
    pub fn interp(&self) -> &Interp {
        &self.interp
    }

    /// The evaluation context.
    pub fn context(&self) -> &Context {
        &self.cx
    }

    /// Self of the code that makes the call.
    pub fn self_value(&self) -> &Value {
        &self.self_value
    }

    /// Whether the call has no receiver written (or is on `self`).
    pub fn is_bare(&self) -> bool {
        self.bare
    }

    /// Place of the call.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// Place of the call, readable.
    pub fn position(&self) -> Option<Position> {
        self.interp.position(self.span)
    }

    /// What has been entered around, outermost first.
    pub fn chain(&self) -> Vec<Frame> {
        self.cx.frames()
    }

    /// Whether a rescue or ensure is active anywhere around.
    pub fn under_rescue(&self) -> bool {
        self.cx.under_rescue()
    }

    /// An exception to return with `Err`.
    pub fn raise(&self, class: &str, message: impl Into<String>) -> Unwind {
        self.cx.set_span(self.span);
        self.interp.raise(&self.cx, class, message)
    }

    /// `ArgumentError`
    pub fn argument_error(&self, message: impl Into<String>) -> Unwind {
        self.raise("ArgumentError", message)
    }

    /// `TypeError`
    pub fn type_error(&self, message: impl Into<String>) -> Unwind {
        self.raise("TypeError", message)
    }

    /// Checks the number of positional arguments.
    ///
    /// # Errors
    /// ArgumentError with Ruby's wording.
    pub fn arity(&self, args: &Args, low: usize, high: usize) -> Result<(), Unwind> {
        let given = args.len() + usize::from(args.keywords.is_some());
        if (low..=high).contains(&given) {
            return Ok(());
        }
        let expected = match (low, high) {
            (low, high) if low == high => low.to_string(),
            (low, usize::MAX) => format!("{low}+"),
            (low, high) => format!("{low}..{high}"),
        };
        Err(self.argument_error(format!("wrong number of arguments (given {given}, expected {expected})")))
    }

    /// Calls a proc with positional arguments.
    ///
    /// # Errors
    /// Whatever it raises.
    pub async fn call_proc(&self, callee: &Proc, args: Vec<Value>) -> Result<Value, Unwind> {
        self.interp.invoke(&self.cx, callee, Args::new(args), None).await
    }

    /// Calls a proc with another self, as `instance_exec` does.
    ///
    /// # Errors
    /// Whatever it raises.
    pub async fn instance_exec(&self, callee: &Proc, self_value: Value, args: Vec<Value>) -> Result<Value, Unwind> {
        self.interp.invoke(&self.cx, callee, Args::new(args), Some(self_value)).await
    }

    /// Calls a method of a value.
    ///
    /// # Errors
    /// Whatever it raises.
    pub async fn send(&self, recv: &Value, name: &str, args: Args) -> Result<Value, Unwind> {
        self.interp.send(self, recv.clone(), &Sym::new(name), args).await
    }
}
