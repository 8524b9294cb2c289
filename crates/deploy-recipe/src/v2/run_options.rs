//! The options of a command, with their defaults: environment, shell, terminal, hosts.

use std::rc::Rc;

use deploy_ruby::{Call, Hash, Value};

use super::Cap;
use super::command::{Environment, Shell};
use super::convert::{R, merged, unsupported};
use super::options::RUN;
use super::scope::Wanted;

/// How a command is run.
#[derive(Debug)]
pub(crate) struct RunOptions {
    pub wanted: Wanted,
    pub environment: Option<Environment>,
    pub shell: Shell,
    /// The call itself asks for a terminal.
    pub pty: bool,
}

impl RunOptions {
    /// Reads the options of a call, over those of the innermost task and the recipe's defaults.
    pub async fn read(cap: &Rc<Cap>, call: &Call, given: &Hash) -> R<Self> {
        cap.say_unknown(call, "a command", given, RUN);
        let explicit_pty = given.get_name("pty").is_some_and(|value| value.truthy());
        if given.get_name("data").is_some_and(|value| value.truthy()) {
            let why = "text for a command's standard input (:data) is not supported yet";
            return Err(unsupported(call, "run a command with :data", why));
        }
        let defaults = cap.get(call, "default_run_options").await?;
        let defaults = defaults.as_hash().cloned().unwrap_or_default();
        let all = merged(&defaults, given);
        let task = cap.current_task().map(|task| task.options.clone());
        let wanted = Wanted::read(call, task.as_deref(), &all).await?;
        let environment = environment(cap, call, all.get_name("env")).await?;
        let shell = shell(cap, call, all.get_name("shell")).await?;
        Ok(Self { wanted, environment, shell, pty: explicit_pty })
    }
}

async fn environment(cap: &Rc<Cap>, call: &Call, given: Option<Value>) -> R<Option<Environment>> {
    if let Some(Value::Str(text)) = &given {
        return Ok(Some(Environment::Text(text.to_text())));
    }
    let defaults = cap.get(call, "default_environment").await?;
    let mut all = defaults.as_hash().cloned().unwrap_or_default();
    if let Some(Value::Hash(own)) = &given {
        all = merged(&all, own);
    }
    cap.guard("env", &Value::Hash(all.clone()));
    let pairs: Vec<(String, String)> = all.pairs().iter().map(|(name, value)| (name.to_s(), value.to_s())).collect();
    Ok((!pairs.is_empty()).then_some(Environment::Pairs(pairs)))
}

async fn shell(cap: &Rc<Cap>, call: &Call, given: Option<Value>) -> R<Shell> {
    let value = match given {
        Some(Value::Nil) | None => cap.get(call, "default_shell").await?,
        Some(value) => value,
    };
    Ok(match value {
        Value::Bool(false) => Shell::Raw,
        Value::Nil | Value::Bool(true) => Shell::With("sh".to_owned()),
        other => Shell::With(other.to_s()),
    })
}
