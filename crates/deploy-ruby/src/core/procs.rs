//! Proc and Method.

use crate::interp::{Args, Call, Reply};
use crate::value::{Callable, Closure, Proc, Unwind, Value};

pub(super) const NAMES: &[&str] = &[
    "call",
    "()",
    "yield",
    "[]",
    "===",
    "to_proc",
    "lambda?",
    "arity",
    "parameters",
    "curry",
    ">>",
    "<<",
    "receiver",
    "name",
    "unbind",
    "source_location",
    "owner",
];

pub(super) fn call(call: &Call, this: &Proc, name: &str, _args: &Args) -> Reply {
    Ok(Some(match name {
        "to_proc" => Value::Proc(this.clone()),
        "lambda?" => Value::Bool(this.is_lambda()),
        "arity" => {
            let def = match &*this.0 {
                Callable::Method(m) => call.interp().0.defs.borrow().get(&m.name).cloned(),
                _ => None,
            };
            Value::Int(def.as_ref().unwrap_or(this).arity())
        }
        "parameters" => parameters(this),
        "receiver" => match &*this.0 {
            Callable::Method(m) => m.recv.clone(),
            _ => return Ok(None),
        },
        "name" => match &*this.0 {
            Callable::Method(m) => Value::from(&m.name),
            _ => return Ok(None),
        },
        "source_location" => match call.interp().position(this.span()) {
            Some(at) => Value::array(vec![Value::str(&*at.file), Value::from(at.line)]),
            None => Value::Nil,
        },
        _ => return Ok(None),
    }))
}

pub(super) async fn later(call: &Call, this: &Proc, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "call" | "()" | "yield" | "[]" | "===" => {
            call.interp().invoke(call.context(), this, args.clone(), None).await?
        }
        ">>" => compose(call, this.clone(), args.at(0))?,
        "<<" => match args.at(0) {
            Value::Proc(inner) => compose(call, inner, Value::Proc(this.clone()))?,
            _ => return Err(call.type_error("callable object is expected")),
        },
        "curry" => {
            let arity = this.arity();
            let wanted = if arity < 0 { -arity - 1 } else { arity };
            let wanted = super::take::int_or(call, args, 0, wanted)?;
            curry(this.clone(), super::take::to_usize(wanted), Vec::new())
        }
        _ => return Ok(None),
    }))
}

fn compose(call: &Call, first: Proc, second: Value) -> Result<Value, Unwind> {
    let Value::Proc(second) = second else { return Err(call.type_error("callable object is expected")) };
    Ok(Value::Proc(Proc::native(move |call, args| {
        let (first, second) = (first.clone(), second.clone());
        Box::pin(async move {
            let middle = call.interp().invoke(call.context(), &first, args, None).await?;
            call.call_proc(&second, vec![middle]).await
        })
    })))
}

fn curry(this: Proc, wanted: usize, have: Vec<Value>) -> Value {
    Value::Proc(Proc::native(move |call, args| {
        let this = this.clone();
        let mut all = have.clone();
        all.extend(args.positional);
        Box::pin(async move {
            if all.len() >= wanted { call.call_proc(&this, all).await } else { Ok(curry(this, wanted, all)) }
        })
    }))
}

fn parameters(this: &Proc) -> Value {
    let Callable::Closure(closure) = &*this.0 else { return Value::array(Vec::new()) };
    let params = &closure.body.params;
    let local = |slot: &crate::ast::Slot| closure.body.locals.get(slot.index as usize).cloned();
    let pair = |kind: &str, name: Option<crate::value::Sym>| {
        Value::array(std::iter::once(Value::sym(kind)).chain(name.map(Value::Sym)).collect())
    };
    let required = if closure.lambda || closure.method.is_some() { "req" } else { "opt" };
    let target = |t: &crate::ast::Target| match t {
        crate::ast::Target::Local(slot) => pair(required, local(slot)),
        _ => pair(required, None),
    };
    let mut all: Vec<Value> = params.required.iter().map(target).collect();
    all.extend(params.optional.iter().map(|(name, _, _)| pair("opt", Some(name.clone()))));
    if let Some(rest) = &params.rest {
        all.push(pair("rest", rest.as_ref().and_then(local)));
    }
    all.extend(params.post.iter().map(target));
    all.extend(
        params
            .keywords
            .iter()
            .map(|(name, _, default)| pair(if default.is_some() { "key" } else { "keyreq" }, Some(name.clone()))),
    );
    if let Some(rest) = &params.keyword_rest {
        all.push(pair("keyrest", rest.as_ref().and_then(local)));
    }
    if let Some(slot) = &params.block {
        all.push(pair("block", local(slot)));
    }
    Value::array(all)
}

/// `lambda { }`: the same code with the rules of a lambda.
pub(super) fn to_lambda(this: &Proc) -> Proc {
    match &*this.0 {
        Callable::Closure(c) => Proc::new(Callable::Closure(Closure {
            body: c.body.clone(),
            env: c.env.clone(),
            lambda: true,
            tag: c.tag,
            method: c.method.clone(),
        })),
        _ => this.clone(),
    }
}

/// `define_method(:name) { }`: a method that still sees the locals around the block.
pub(super) fn to_method(this: &Proc, name: &str) -> Proc {
    match &*this.0 {
        Callable::Closure(c) => Proc::new(Callable::Closure(Closure {
            body: c.body.clone(),
            env: c.env.clone(),
            lambda: true,
            tag: c.tag,
            method: Some(crate::value::Sym::new(name)),
        })),
        _ => this.clone(),
    }
}
