//! Words about variables: set, fetch and their kin; reading with evaluation.

use std::rc::Rc;

use deploy_ruby::{Args, Call, Hash, Reply, Unwind, Value};

use super::Cap;
use super::convert::{Later, R, name_arg, site};
use super::places::PLACES;
use crate::nearest::did_you_mean;

/// The words of this theme.
pub(crate) const WORDS: &[&str] =
    &["[]", "[]=", "_cset", "defer", "exists?", "fetch", "reset!", "set", "unset", "variables"];

/// Does what a word says; none where it is not of this theme after all.
pub(crate) fn word<'a>(cap: &'a Rc<Cap>, call: &'a Call, name: &'a str, args: &'a Args) -> Later<'a, Reply> {
    Box::pin(answer(cap, call, name, args))
}

async fn answer(cap: &Rc<Cap>, call: &Call, name: &str, args: &Args) -> Reply {
    let value = match name {
        "set" | "[]=" => set(cap, call, args)?,
        // The bundled recipes set their defaults with it, and so do recipes that copied theirs.
        "_cset" => {
            let name = name_arg(call, &args.at(0), "a variable")?;
            let exists = cap.variables.borrow().exists(&name);
            if exists { Value::Nil } else { set(cap, call, args)? }
        }
        "fetch" => fetch(cap, call, args).await?,
        "[]" => {
            call.arity(args, 1, 1)?;
            let name = name_arg(call, &args.at(0), "a variable")?;
            cap.read(call, &name).await?.unwrap_or_default()
        }
        "exists?" => {
            let name = name_arg(call, &args.at(0), "a variable")?;
            Value::Bool(cap.variables.borrow().exists(&name))
        }
        "unset" => {
            let name = name_arg(call, &args.at(0), "a variable")?;
            cap.variables.borrow_mut().unset(&name);
            Value::Nil
        }
        "reset!" => {
            let name = name_arg(call, &args.at(0), "a variable")?;
            Value::Bool(cap.variables.borrow_mut().reset(&name))
        }
        "defer" => match &args.block {
            Some(block) => Value::Proc(block.clone()),
            None => return Err(call.argument_error("expected a block")),
        },
        "variables" if args.is_empty() => all(cap),
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn set(cap: &Cap, call: &Call, args: &Args) -> R {
    let args = args.folded();
    let name = name_arg(call, &args.at(0), "the variable's name")?;
    let given = args.len().saturating_sub(1);
    if given > 1 {
        return Err(call.argument_error(format!(
            "wrong number of arguments ({given} values for the variable `{name}', expected 1)"
        )));
    }
    let value = match (args.get(1), &args.block) {
        (Some(value), None) => value.clone(),
        (None, Some(block)) => Value::Proc(block.clone()),
        _ => return Err(call.argument_error(format!("`{name}' needs either a value or a block"))),
    };
    let done = cap.store(&name, value.clone(), matches!(value, Value::Proc(_)), site(call));
    done.map_err(|bad| call.argument_error(bad.to_string()))?;
    Ok(value)
}

async fn fetch(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    call.arity(args, 1, 2)?;
    let name = name_arg(call, &args.at(0), "a variable")?;
    if let Some(value) = cap.read(call, &name).await? {
        return Ok(value);
    }
    if let Some(default) = args.folded().get(1) {
        cap.guard(&name, default);
        return Ok(default.clone());
    }
    match &args.block {
        Some(block) => call.call_proc(block, vec![Value::sym(&name)]).await,
        None => Err(cap.not_set(call, &name)),
    }
}

fn all(cap: &Cap) -> Value {
    let variables = cap.variables.borrow();
    let hash = Hash::new();
    for name in variables.names() {
        hash.insert(Value::sym(name), variables.peek(name).cloned().unwrap_or_default());
    }
    Value::Hash(Rc::new(hash))
}

impl Cap {
    /// The value of a variable, evaluated where that has not happened yet; none when it is not set.
    pub async fn read(self: &Rc<Self>, call: &Call, name: &str) -> Reply {
        let value = self.evaluated(call, name, async |value| Ok(value)).await?;
        if let Some(value) = value.as_ref().filter(|value| PLACES.contains(&name) && !value.is_nil())
            && self.is_deploying_task()
        {
            self.refuse_stranger(call, name, &value.to_s())?;
        }
        Ok(value)
    }

    /// The value of a variable, or nil.
    pub async fn get(self: &Rc<Self>, call: &Call, name: &str) -> R {
        Ok(self.read(call, name).await?.unwrap_or_default())
    }

    /// The text of a variable; none when it is not set, nil or empty.
    pub async fn text(self: &Rc<Self>, call: &Call, name: &str) -> R<Option<String>> {
        let value = self.get(call, name).await?;
        Ok((!value.is_nil()).then(|| value.to_s()).filter(|text| !text.is_empty()))
    }

    /// The text of a variable, or IndexError.
    pub async fn need(self: &Rc<Self>, call: &Call, name: &str) -> R<String> {
        match self.read(call, name).await? {
            Some(value) => Ok(value.to_s()),
            None => Err(self.not_set(call, name)),
        }
    }

    /// Whether a variable is true; `default` where it is not set.
    pub async fn flag(self: &Rc<Self>, call: &Call, name: &str, default: bool) -> R<bool> {
        Ok(self.read(call, name).await?.map_or(default, |value| value.truthy()))
    }

    /// IndexError with the nearest names.
    fn not_set(&self, call: &Call, name: &str) -> Unwind {
        let exception = call.interp().exception("IndexError", format!("the variable `{name}' is not set"));
        let variables = self.variables.borrow();
        if let Some(hint) = did_you_mean(name, variables.names()) {
            exception.add_note(hint);
        }
        call.interp().raise_at(call.context(), exception)
    }
}
