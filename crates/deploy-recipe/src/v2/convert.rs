//! Between the recipe's values and ours, and from errors to problems.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use deploy_inventory::Property;
use deploy_plan::{Problem, ProblemKind, Site};
use deploy_ruby::{Call, Error, Hash, Position, Unwind, Value};
use indexmap::IndexMap;

use super::ssh_proxy::SshProxy;
use crate::cli_value::CliValue;

/// A future on the heap: what is awaited inside a task's call must not add to the stack of a deep chain of tasks.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What an action of the recipe gives.
pub(crate) type R<T = Value> = Result<T, Unwind>;

/// The place of a call.
pub(crate) fn site(call: &Call) -> Option<Site> {
    call.position().map(|position| site_of(&position))
}

/// A place in our terms.
pub(crate) fn site_of(position: &Position) -> Site {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Site { file: Arc::from(&*position.file), line: number(position.line), column: number(position.column) }
}

/// An exception that carries a problem to whoever started the flow.
pub(crate) fn fail(call: &Call, problem: Problem) -> Unwind {
    let class = match problem.kind {
        ProblemKind::NoHosts => "Capistrano::NoMatchingServersError",
        ProblemKind::Step => "Capistrano::CommandError",
        _ => "Capistrano::Error",
    };
    let exception = call.interp().exception(class, format!("{}: {}", problem.what, problem.why));
    exception.set_payload(Rc::new(problem));
    call.interp().raise_at(call.context(), exception)
}

/// A problem about a part of a recipe that is not supported, at the place of the call.
pub(crate) fn unsupported(call: &Call, what: impl Into<String>, why: impl Into<String>) -> Unwind {
    fail(call, Problem::new(ProblemKind::Unsupported, what, why).at(site(call)))
}

/// What ended an evaluation, as a problem. `what` is the intention, when the error does not carry a problem itself.
pub(crate) fn problem_of(error: &Error, what: &str) -> Problem {
    let place = error.diagnostics.first().and_then(|d| d.position.as_ref()).map(site_of);
    if let Some(problem) = error.payload.as_ref().and_then(|payload| payload.downcast_ref::<Problem>()) {
        let mut problem = problem.clone();
        problem.site = problem.site.or(place);
        return problem;
    }
    let rendered = error.to_string();
    if let Some(gem) = error.message.strip_prefix("cannot load such file -- ").filter(|_| error.class == "LoadError") {
        let problem = Problem::new(ProblemKind::Unsupported, format!("require {gem:?}"), rendered).at(place);
        return problem.next(super::host::how_to_allow(gem));
    }
    let why = if rendered.is_empty() { error.message.clone() } else { rendered };
    Problem::new(ProblemKind::Recipe, what, why).at(place)
}

/// A property of a host or role.
pub(crate) fn property(value: &Value) -> Property {
    match value {
        Value::Nil => Property::Nil,
        Value::Bool(b) => Property::Bool(*b),
        Value::Int(i) => Property::Int(*i),
        Value::Sym(name) => Property::Sym(name.as_str().to_owned()),
        Value::Array(_) => Property::List(value.to_list().iter().map(property).collect()),
        Value::Hash(hash) => Property::Map(properties(hash)),
        other => match other.downcast::<SshProxy>() {
            Some(proxy) => proxy.property(),
            None => Property::Str(other.to_s()),
        },
    }
}

/// Properties from a hash, keys as text.
pub(crate) fn properties(hash: &Hash) -> IndexMap<String, Property> {
    hash.pairs().iter().map(|(key, value)| (key.to_s(), property(value))).collect()
}

/// A property as the recipe sees it.
pub(crate) fn value_of(property: &Property) -> Value {
    match property {
        Property::Nil => Value::Nil,
        Property::Bool(b) => Value::Bool(*b),
        Property::Int(i) => Value::Int(*i),
        Property::Str(text) => Value::str(text),
        Property::Sym(name) => Value::sym(name),
        Property::List(items) => Value::array(items.iter().map(value_of).collect()),
        Property::Map(map) => options_value(map),
    }
}

/// Properties as a hash with symbol keys.
pub(crate) fn options_value(map: &IndexMap<String, Property>) -> Value {
    Value::hash(map.iter().map(|(key, value)| (Value::sym(key), value_of(value))))
}

/// A value of the command line as the recipe sees it.
pub(crate) fn cli_value(value: &CliValue) -> Value {
    match value {
        CliValue::Nil => Value::Nil,
        CliValue::Bool(b) => Value::Bool(*b),
        CliValue::Int(i) => Value::Int(*i),
        CliValue::Float(f) => Value::Float(*f),
        CliValue::Text(text) => Value::str(text),
    }
}

/// The name in a symbol or string argument, or ArgumentError.
pub(crate) fn name_arg(call: &Call, value: &Value, what: &str) -> R<String> {
    match value.as_name() {
        Some(name) => Ok(name),
        None => Err(call.argument_error(format!("expected {what} as a symbol or string, got {}", value.inspect()))),
    }
}

/// Names in one symbol or string, or a list of them.
pub(crate) fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Array(_) => value.to_list().iter().flat_map(names).collect(),
        Value::Nil => Vec::new(),
        other => vec![other.as_name().unwrap_or_else(|| other.to_s())],
    }
}

/// A copy of a hash with the pairs of another over it.
pub(crate) fn merged(under: &Hash, over: &Hash) -> Rc<Hash> {
    Rc::new(Hash::from_pairs(under.pairs().into_iter().chain(over.pairs())))
}
