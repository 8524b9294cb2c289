//! Tests of the language through the public interface.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod differential;
mod effects;
mod errors;
mod host;
mod library;
mod limits;

use deploy_ruby::{Error, Interp, MemoryEffects, NoHost, Value};
use std::rc::Rc;

/// Runs a future on a thread with the stack that the crate asks for.
pub fn on_big_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap()
}

/// Drives a future to its end.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Evaluates a program without a host.
pub fn eval(effects: &Rc<MemoryEffects>, text: &str) -> Result<Value, Error> {
    let interp = Interp::new(Rc::new(NoHost), effects.clone());
    interp.set_fuel(Some(20_000_000));
    let cx = interp.context();
    block_on(interp.eval_file(&cx, "test.rb", text, interp.main())).map_err(|unwind| interp.error(unwind))
}

/// `inspect` of a program's value.
pub fn value_of(text: &str) -> String {
    let effects = Rc::new(MemoryEffects::new());
    eval(&effects, text).unwrap_or_else(|error| panic!("{text}\n{error}")).inspect()
}

/// The rendered error of a program.
pub fn error_of(text: &str) -> String {
    let effects = Rc::new(MemoryEffects::new());
    eval(&effects, text).expect_err("the program should fail").to_string()
}
