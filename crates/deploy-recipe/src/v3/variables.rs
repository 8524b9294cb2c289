//! Words about variables: set, fetch, ask, append and their kin.

use std::rc::Rc;

use deploy_ruby::{Args, Call, Proc, Reply, Value};

use crate::v2::{Cap, Later, R, name_arg, site};

/// The words of this theme.
pub(crate) const WORDS: &[&str] =
    &["any?", "append", "ask", "delete", "fetch", "is_question?", "remove", "set", "set_if_empty", "validate"];

/// Does what a word says.
pub(crate) fn word<'a>(cap: &'a Rc<Cap>, call: &'a Call, name: &'a str, args: &'a Args) -> Later<'a, Reply> {
    Box::pin(async move { answer(cap, call, name, args).await.map(Some) })
}

async fn answer(cap: &Rc<Cap>, call: &Call, word: &str, args: &Args) -> R {
    let args = args.folded();
    let name = name_arg(call, &args.at(0), "the variable's name")?;
    match word {
        "set" => set(cap, call, &name, &args).await,
        "set_if_empty" => {
            let known = cap.variables.borrow().exists(&name);
            if known { Ok(Value::Nil) } else { set(cap, call, &name, &args).await }
        }
        "fetch" => fetch(cap, call, &name, &args).await,
        "ask" => ask(cap, call, &name, &args),
        "is_question?" => Ok(Value::Bool(cap.v3.questions.borrow().contains(&name))),
        "append" | "remove" => {
            let known = cap.read3(call, &name).await?.unwrap_or_default();
            let known = if known.is_nil() { Vec::new() } else { known.to_list() };
            let more = Value::array(args.positional.get(1..).unwrap_or_default().to_vec());
            let operator = if word == "append" { "+" } else { "-" };
            let list = call.send(&Value::array(known), operator, Args::new(vec![more])).await?;
            store(cap, call, &name, list).await
        }
        "delete" => {
            let value = cap.read3(call, &name).await?.unwrap_or_default();
            cap.variables.borrow_mut().unset(&name);
            Ok(value)
        }
        "any?" => any(cap, call, &name).await,
        _ => {
            let Some(block) = &args.block else { return Err(call.argument_error("expected a block")) };
            cap.v3.validators.borrow_mut().push((name, block.clone()));
            Ok(Value::Nil)
        }
    }
}

async fn set(cap: &Rc<Cap>, call: &Call, name: &str, args: &Args) -> R {
    if args.len() > 2 {
        let given = args.len() - 1;
        return Err(call.argument_error(format!("`{name}' needs one value, and {given} are given")));
    }
    let value = match (args.get(1), &args.block) {
        (Some(_), Some(_)) => return Err(call.argument_error("Value and block both passed to Configuration#set")),
        (None, Some(block)) => Value::Proc(block.clone()),
        (value, None) => value.cloned().unwrap_or_default(),
    };
    store(cap, call, name, value).await
}

/// Whether a value is called when it is read.
fn is_lazy(value: &Value) -> Option<&Proc> {
    value.as_proc().filter(|callable| {
        let arity = callable.arity();
        arity == 0 || (arity < 0 && callable.required_params() == 0)
    })
}

async fn store(cap: &Rc<Cap>, call: &Call, name: &str, value: Value) -> R {
    cap.v3.questions.borrow_mut().shift_remove(name);
    let lazy = is_lazy(&value).is_some();
    if !lazy {
        cap.validate3(call, name, &value).await?;
    }
    let done = cap.store(name, value.clone(), lazy, site(call));
    done.map_err(|bad| call.argument_error(bad.to_string()))?;
    Ok(value)
}

async fn fetch(cap: &Rc<Cap>, call: &Call, name: &str, args: &Args) -> R {
    if let Some(value) = cap.read3(call, name).await? {
        return Ok(value);
    }
    let default = match (&args.block, args.get(1)) {
        (Some(block), _) => call.call_proc(block, vec![Value::sym(name)]).await?,
        (None, value) => value.cloned().unwrap_or_default(),
    };
    match is_lazy(&default) {
        Some(callable) => {
            let value = settled(call, call.call_proc(callable, Vec::new()).await?).await?;
            let _ = cap.store(name, value.clone(), false, site(call));
            Ok(value)
        }
        None => {
            cap.guard(name, &default);
            Ok(default)
        }
    }
}

/// What is left when nothing more is to be called.
async fn settled(call: &Call, mut value: Value) -> R {
    for _ in 0..100 {
        let Some(callable) = is_lazy(&value).cloned() else { break };
        value = call.call_proc(&callable, Vec::new()).await?;
    }
    Ok(value)
}

async fn any(cap: &Rc<Cap>, call: &Call, name: &str) -> R {
    let value = cap.read3(call, name).await?.unwrap_or_default();
    Ok(Value::Bool(match &value {
        Value::Array(items) => items.to_vec().iter().any(Value::truthy),
        Value::Hash(hash) => !hash.is_empty(),
        Value::Object(_) => call.send(&value, "any?", Args::none()).await.map_or(true, |answer| answer.truthy()),
        other => !other.is_nil(),
    }))
}

/// `ask :branch, "master"`: asked when it is read; where nobody can answer, the default.
fn ask(cap: &Rc<Cap>, call: &Call, name: &str, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let default = positional.get(1).cloned().unwrap_or_default();
    let echo = options.get_name("echo").is_none_or(|value| value.truthy());
    let prompt = options.get_name("prompt").filter(|value| !value.is_nil()).map(|value| value.to_s());
    let (state, key) = (cap.clone(), name.to_owned());
    let weak = Rc::downgrade(&state);
    drop(state);
    let question = Proc::native(move |call, _args| {
        let (weak, key, default, prompt) = (weak.clone(), key.clone(), default.clone(), prompt.clone());
        Box::pin(async move {
            let default = settled(&call, default).await?;
            let text = match (prompt, default.is_nil()) {
                (Some(prompt), true) => format!("{prompt}: "),
                (Some(prompt), false) => format!("{prompt} ({}): ", default.to_s()),
                (None, true) => format!("Please enter {key}: "),
                (None, false) => format!("Please enter {key} ({}): ", default.to_s()),
            };
            if let Some(cap) = weak.upgrade() {
                cap.v3.questions.borrow_mut().shift_remove(&key);
            }
            let effects = call.interp().effects().clone();
            Ok(match effects.prompt(&call, &text, echo).await {
                Ok(Some(answer)) if !answer.trim().is_empty() => Value::from(answer.trim().to_owned()),
                _ => default,
            })
        })
    });
    let done = cap.store(name, Value::Proc(question), true, site(call));
    done.map_err(|bad| call.argument_error(bad.to_string()))?;
    cap.v3.questions.borrow_mut().insert(name.to_owned());
    Ok(Value::Nil)
}

impl Cap {
    /// The value of a variable, evaluated where that has not happened yet; none when it is not set.
    pub async fn read3(self: &Rc<Self>, call: &Call, name: &str) -> Reply {
        let settle = async |value| {
            let value = settled(call, value).await?;
            self.validate3(call, name, &value).await?;
            Ok(value)
        };
        self.evaluated(call, name, settle).await
    }

    async fn validate3(self: &Rc<Self>, call: &Call, name: &str, value: &Value) -> R<()> {
        let mine = |(of, _): &&(String, Proc)| of == name;
        let due: Vec<Proc> = self.v3.validators.borrow().iter().filter(mine).map(|(_, block)| block.clone()).collect();
        for block in due {
            call.call_proc(&block, vec![Value::sym(name), value.clone()]).await?;
        }
        Ok(())
    }

    /// The text of a variable; none when it is not set, nil or empty.
    pub async fn text3(self: &Rc<Self>, call: &Call, name: &str) -> R<Option<String>> {
        let value = self.read3(call, name).await?.unwrap_or_default();
        Ok((!value.is_nil()).then(|| value.to_s()).filter(|text| !text.is_empty()))
    }
}
