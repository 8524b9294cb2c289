//! Words about other users: sudo, try_sudo, try_runner, invoke_command.

use std::rc::Rc;

use deploy_ruby::{Args, Call, Hash, Reply, Value};

use super::Cap;
use super::actions::run;
use super::command;
use super::convert::{Later, R, name_arg};

/// The words of this theme.
pub(crate) const WORDS: &[&str] = &["invoke_command", "sudo", "try_runner", "try_sudo"];

/// Does what a word says; none where it is not of this theme after all.
pub(crate) fn word<'a>(cap: &'a Rc<Cap>, call: &'a Call, name: &'a str, args: &'a Args) -> Later<'a, Reply> {
    Box::pin(answer(cap, call, name, args))
}

async fn answer(cap: &Rc<Cap>, call: &Call, name: &str, args: &Args) -> Reply {
    let value = match name {
        "sudo" => sudo(cap, call, args).await?,
        "try_sudo" => as_user(cap, call, args, "admin_runner", None).await?,
        "try_runner" => as_user(cap, call, args, "runner", Some("app")).await?,
        "invoke_command" => {
            let (positional, options) = args.split_options();
            let via = options.get_name("via").unwrap_or_else(|| Value::sym("run"));
            let text = positional.first().cloned().unwrap_or_default();
            via_method(
                cap,
                call,
                &name_arg(call, &via, "the way (:via)")?,
                &text.to_s(),
                without(&options, "via"),
                args,
            )
            .await?
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn without(options: &Hash, key: &str) -> Rc<Hash> {
    let kept = options.pairs().into_iter().filter(|(name, _)| name.as_name().as_deref() != Some(key));
    Rc::new(Hash::from_pairs(kept))
}

/// `sudo "command", :as => "user"`; without a command the words to put before one.
async fn sudo(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let user = options.get_name("as").filter(|user| user.truthy()).map(|user| user.to_s());
    let words = cap.sudo_words(call, user.as_deref()).await?;
    match positional.first() {
        None => Ok(Value::from(words)),
        Some(text) => {
            let text = format!("{words} {}", text.to_s());
            run(cap, call, &text, &without(&options, "as"), args.block.as_ref()).await
        }
    }
}

async fn as_user(cap: &Rc<Cap>, call: &Call, args: &Args, variable: &str, default: Option<&str>) -> R {
    let (positional, options) = args.split_options();
    if positional.len() > 1 {
        return Err(call.argument_error(format!("too many arguments ({} for 1)", positional.len())));
    }
    let user = match options.get_name("as") {
        Some(user) => user,
        None => cap.read(call, variable).await?.unwrap_or_else(|| default.map_or(Value::Nil, Value::str)),
    };
    let user = user.truthy().then(|| user.to_s());
    let via = cap.run_method(call).await?;
    match positional.first() {
        Some(text) if via == "sudo" => {
            let words = cap.sudo_words(call, user.as_deref()).await?;
            let text = format!("{words} {}", text.to_s());
            run(cap, call, &text, &without(&options, "as"), args.block.as_ref()).await
        }
        Some(text) => via_method(cap, call, &via, &text.to_s(), without(&options, "as"), args).await,
        None if via == "sudo" => Ok(Value::from(cap.sudo_words(call, user.as_deref()).await?)),
        None => Ok(Value::str("")),
    }
}

async fn via_method(cap: &Rc<Cap>, call: &Call, via: &str, text: &str, options: Rc<Hash>, args: &Args) -> R {
    match via {
        "run" => run(cap, call, text, &options, args.block.as_ref()).await,
        "sudo" => {
            let mut sudo_args = Args::new(vec![Value::str(text)]).with_block(args.block.clone());
            sudo_args.keywords = Some(options);
            sudo(cap, call, &sudo_args).await
        }
        // A way of the recipe's own: a method or task of that name.
        other => {
            let root = cap.namespace_value("");
            let mut rest = Args::new(vec![Value::str(text)]).with_block(args.block.clone());
            rest.keywords = (!options.is_empty()).then_some(options);
            call.send(&root, other, rest).await
        }
    }
}

impl Cap {
    /// The words of `sudo` before a command.
    pub async fn sudo_words(self: &Rc<Self>, call: &Call, user: Option<&str>) -> R<String> {
        let (sudo, prompt) = self.sudo_settings(call).await?;
        Ok(command::sudo_words(&sudo, &prompt, user))
    }

    /// The program and the prompt.
    pub async fn sudo_settings(self: &Rc<Self>, call: &Call) -> R<(String, String)> {
        let sudo = self.text(call, "sudo").await?.unwrap_or_else(|| "sudo".to_owned());
        let prompt = self.get(call, "sudo_prompt").await?;
        let prompt = if prompt.is_nil() { self.settings.sudo_prompt.clone() } else { prompt.to_s() };
        Ok((sudo, prompt))
    }

    /// `sudo` or `run`: how built-in work and `try_sudo` change things.
    pub async fn run_method(self: &Rc<Self>, call: &Call) -> R<String> {
        let own = self.get(call, "run_method").await?;
        if let Some(name) = own.as_name() {
            return Ok(name);
        }
        Ok(if self.flag(call, "use_sudo", true).await? { "sudo" } else { "run" }.to_owned())
    }

    /// Whether built-in work goes through `sudo`.
    pub async fn builtin_sudo(self: &Rc<Self>, call: &Call) -> R<bool> {
        Ok(!self.is_three() && self.run_method(call).await? == "sudo")
    }
}
