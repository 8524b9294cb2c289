//! Enumerators that a program writes itself, those joined end to end, and stepping through any of them.

use super::object::block;
use crate::interp::{Args, Call, Object, Reply};
use crate::value::{Enumerator, NativeFuture, Proc, Unwind, Value};
use async_trait::async_trait;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Poll;

/// `Enumerator.new { |y| … }`
struct Generator(Proc);

#[async_trait(?Send)]
impl Object for Generator {
    fn class_name(&self) -> String {
        "Enumerator::Generator".to_owned()
    }

    fn responds_to(&self, name: &str) -> bool {
        name == "each"
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        match (name, &args.block) {
            ("each", Some(sink)) => {
                let yielder = Value::object(Yielder(sink.clone()));
                call.call_proc(&self.0, vec![yielder]).await.map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// What a generator gives its elements to.
struct Yielder(Proc);

#[async_trait(?Send)]
impl Object for Yielder {
    fn class_name(&self) -> String {
        "Enumerator::Yielder".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        match name {
            "<<" => {
                call.call_proc(&self.0, vec![args.at(0)]).await?;
                Ok(Some(Value::Object(self)))
            }
            "yield" | "call" => call.call_proc(&self.0, args.flat()).await.map(Some),
            "to_proc" => Ok(Some(Value::Proc(self.0.clone()))),
            _ => Ok(None),
        }
    }
}

/// `Enumerator.produce(first) { |last| … }`
struct Producer {
    first: Option<Value>,
    next: Proc,
}

#[async_trait(?Send)]
impl Object for Producer {
    fn class_name(&self) -> String {
        "Enumerator::Producer".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let ("each", Some(sink)) = (name, &args.block) else { return Ok(None) };
        let mut at = match &self.first {
            Some(first) => first.clone(),
            None => call.call_proc(&self.next, Vec::new()).await?,
        };
        loop {
            call.call_proc(sink, vec![at.clone()]).await?;
            at = match call.call_proc(&self.next, vec![at]).await {
                Ok(next) => next,
                Err(unwind) if unwind.is_a("StopIteration") => return Ok(Some(Value::Object(self))),
                Err(unwind) => return Err(unwind),
            };
        }
    }
}

/// `a.chain(b)`, `a + b`
struct Chain(Vec<Value>);

#[async_trait(?Send)]
impl Object for Chain {
    fn class_name(&self) -> String {
        "Enumerator::Chain".to_owned()
    }

    fn inspect(&self) -> String {
        format!("#<Enumerator::Chain: {}>", Value::array(self.0.clone()).inspect())
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let ("each", Some(_)) = (name, &args.block) else { return Ok(None) };
        for part in &self.0 {
            call.send(part, "each", args.clone()).await?;
        }
        Ok(Some(Value::Object(self)))
    }
}

fn each_of(source: Value) -> Value {
    super::enumerate::enumerator(&source, "each", &Args::none())
}

/// The parts one after the other.
pub(super) fn chain(parts: Vec<Value>) -> Value {
    each_of(Value::object(Chain(parts)))
}

pub(super) fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "new" => each_of(Value::object(Generator(block(call, args)?.clone()))),
        "produce" => each_of(Value::object(Producer { first: args.get(0).cloned(), next: block(call, args)?.clone() })),
        _ => return Ok(None),
    }))
}

/// The state of an enumerator that is stepped through with `next`: its loop, suspended at an element.
#[derive(Default)]
pub(crate) struct Stepper {
    run: RefCell<Option<NativeFuture>>,
    ahead: RefCell<Option<Value>>,
    slot: Rc<RefCell<Option<Value>>>,
    ended: RefCell<Option<Value>>,
}

/// `next`, `peek`, `rewind`
pub(super) async fn step(call: &Call, e: &Rc<Enumerator>, name: &str) -> Result<Value, Unwind> {
    let state = e.stepper.clone();
    if name == "rewind" {
        for cell in [&state.ahead, &state.slot, &state.ended] {
            cell.replace(None);
        }
        state.run.replace(None);
        return Ok(Value::Enumerator(e.clone()));
    }
    if state.ahead.borrow().is_none() && state.ended.borrow().is_none() {
        advance(call, e, &state).await?;
    }
    if let Some(result) = state.ended.borrow().clone() {
        let exception = call.interp().exception("StopIteration", "iteration reached an end");
        exception.detail.replace(result);
        return Err(call.interp().raise_at(call.context(), exception));
    }
    let found = if name == "peek" { state.ahead.borrow().clone() } else { state.ahead.take() };
    Ok(found.unwrap_or_default())
}

async fn advance(call: &Call, e: &Rc<Enumerator>, state: &Stepper) -> Result<(), Unwind> {
    let mut run = match state.run.take() {
        Some(run) => run,
        None => start(call, e, &state.slot),
    };
    let slot = state.slot.clone();
    // The loop is suspended by its sink at each element: then the slot is full. Else it waits for something real.
    let end = std::future::poll_fn(|task| match run.as_mut().poll(task) {
        Poll::Ready(end) => Poll::Ready(Some(end)),
        Poll::Pending if slot.borrow().is_some() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await;
    match end {
        Some(end) => drop(state.ended.replace(Some(end?))),
        None => {
            state.ahead.replace(slot.take());
            state.run.replace(Some(run));
        }
    }
    Ok(())
}

fn start(call: &Call, e: &Rc<Enumerator>, slot: &Rc<RefCell<Option<Value>>>) -> NativeFuture {
    let slot = slot.clone();
    let sink = Proc::native(move |_call, args| {
        let (slot, given) = (slot.clone(), Cell::new(false));
        let mut item = Some(super::enumerate::packed(args.positional));
        Box::pin(std::future::poll_fn(move |_| {
            if given.replace(true) {
                return Poll::Ready(Ok(Value::Nil));
            }
            slot.replace(item.take());
            Poll::Pending
        }))
    });
    let enumerator = e.clone();
    // A strand of its own: its frames must not mix with those of whoever steps.
    let inner = Call::new(call.interp(), &call.context().fork(), call.self_value().clone(), false, call.env.clone());
    Box::pin(async move { super::enumerate::run(&inner, &enumerator, sink).await })
}
