//! `run_locally do … end`: the words of a host on this machine.

use std::rc::Rc;

use deploy_ruby::{Args, Call, Value};

use super::backend::Backend;
use crate::v2::{Cap, R};

/// Runs a block on this machine.
pub(crate) async fn run_locally(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let Some(block) = &args.block else { return Err(call.argument_error("`run_locally' needs a block")) };
    let backend = Rc::new(Backend::here(cap));
    let host = backend.host_value();
    call.instance_exec(block, Value::Object(backend), vec![host]).await
}
