//! Self at the top of a recipe and in its tasks: all words but those of a host.

use std::rc::{Rc, Weak};

use async_trait::async_trait;
use deploy_ruby::{Args, Call, Ivars, Object, Pathname, Reply, Value};

use super::{define, on, plugins, sshkit, stage, variables};
use crate::v2::Cap;

/// Words of this theme.
pub(crate) const WORDS: &[&str] = &[
    "asset_timestamp",
    "configure_backend",
    "configure_scm",
    "current_path",
    "deploy_config_path",
    "deploy_path",
    "deploy_to",
    "dry_run?",
    "env",
    "install_plugin",
    "linked_dirs",
    "linked_dir_parents",
    "linked_file_dirs",
    "linked_files",
    "local_user",
    "lock",
    "now",
    "on",
    "release_path",
    "release_timestamp",
    "releases_path",
    "repo_path",
    "repo_url",
    "revision_log",
    "revision_log_message",
    "rollback_log_message",
    "run_locally",
    "scm",
    "set_release_path",
    "shared_path",
    "stage_config_path",
    "stage_set?",
    "stages",
    "t",
];

/// All themes.
const ALL: &[&[&str]] = &[WORDS, define::WORDS, variables::WORDS, stage::WORDS];

/// Whether a word is of this dialect.
pub(crate) fn is_word(name: &str) -> bool {
    ALL.iter().any(|theme| theme.contains(&name))
}

/// Self where no host is.
pub(crate) struct Top {
    cap: Weak<Cap>,
    ivars: Ivars,
}

impl Top {
    pub fn new(cap: &Rc<Cap>) -> Self {
        Self { cap: Rc::downgrade(cap), ivars: Ivars::default() }
    }
}

#[async_trait(?Send)]
impl Object for Top {
    fn class_name(&self) -> String {
        "Object".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        match self.cap.upgrade() {
            Some(cap) => word(&cap, call, name, args).await,
            None => Ok(None),
        }
    }

    /// A command outside of `on` is the mistake of every beginner.
    async fn missing(self: Rc<Self>, call: &Call, name: &str, _args: &Args) -> Reply {
        if !["execute", "test", "capture", "within", "upload!", "download!", "sudo", "as"].contains(&name) {
            return Ok(None);
        }
        let exception = call.interp().exception("NoMethodError", format!("`{name}' needs hosts: it is a word of `on'"));
        exception.add_note(format!("write: on roles(:app) do {name} … end"));
        Err(call.interp().raise_at(call.context(), exception))
    }

    fn responds_to(&self, name: &str) -> bool {
        is_word(name)
    }

    fn method_names(&self) -> Vec<String> {
        ALL.iter().copied().flatten().map(|word| (*word).to_owned()).collect()
    }

    fn inspect(&self) -> String {
        "main".to_owned()
    }

    fn ivars(&self) -> Option<&Ivars> {
        Some(&self.ivars)
    }
}

/// Does what a word says; none where there is no such word.
pub(crate) async fn word(cap: &Rc<Cap>, call: &Call, name: &str, args: &Args) -> Reply {
    let answer = if define::WORDS.contains(&name) {
        define::word(cap, call, name, args)
    } else if variables::WORDS.contains(&name) {
        variables::word(cap, call, name, args)
    } else if stage::WORDS.contains(&name) {
        stage::word(cap, call, name, args)
    } else if WORDS.contains(&name) {
        Box::pin(own(cap, call, name, args))
    } else {
        return Ok(None);
    };
    answer.await
}

fn path(text: impl AsRef<str>) -> Value {
    Value::object(Pathname::new(text.as_ref()))
}

async fn own(cap: &Rc<Cap>, call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "on" => on::on(cap, call, args).await?,
        "run_locally" => super::local::run_locally(cap, call, args).await?,
        "env" => Value::object(super::rake_objects::Env { cap: cap.clone() }),
        "deploy_to" => cap.read3(call, "deploy_to").await?.unwrap_or_default(),
        "deploy_path" => path(cap.deploy_path(call).await?),
        "current_path" | "releases_path" | "shared_path" | "revision_log" => path(cap.place(call, name).await?),
        "release_path" => match cap.read3(call, "release_path").await? {
            Some(value) => path(value.to_s()),
            None => path(cap.place(call, "current_path").await?),
        },
        "repo_path" => path(cap.repo_path(call).await?),
        "set_release_path" => {
            let name = match args.get(0) {
                Some(name) => name.to_s(),
                None => cap.timestamp3(call),
            };
            cap.set_release_path(call, &name).await?
        }
        "repo_url" | "scm" | "local_user" => cap.read3(call, name).await?.unwrap_or_default(),
        "now" | "release_timestamp" => Value::from(cap.timestamp3(call)),
        "asset_timestamp" => {
            let stamp = cap.timestamp3(call);
            let (minutes, seconds) = stamp.split_at_checked(12).unwrap_or((&stamp, "00"));
            Value::from(format!("{minutes}.{seconds}"))
        }
        "stage_config_path" => path(cap.stage_dir(call).await?),
        "deploy_config_path" => path(cap.deploy_config(call).await?),
        "linked_dirs" | "linked_files" | "linked_dir_parents" | "linked_file_dirs" => {
            let variable = if name.starts_with("linked_dir") { "linked_dirs" } else { "linked_files" };
            let base = args.at(0).to_s();
            let mut found: Vec<String> = Vec::new();
            for entry in cap.linked(call, variable).await? {
                let whole = format!("{}/{entry}", base.trim_end_matches('/'));
                let whole = match name {
                    "linked_dir_parents" | "linked_file_dirs" => {
                        whole.rsplit_once('/').map_or_else(|| base.clone(), |(parent, _)| parent.to_owned())
                    }
                    _ => whole,
                };
                if !found.contains(&whole) {
                    found.push(whole);
                }
            }
            Value::array(found.into_iter().map(path).collect())
        }
        "stages" => Value::array(cap.stage_names(call).await?.into_iter().map(Value::from).collect()),
        "stage_set?" => Value::Bool(cap.v3.stage.borrow().is_some()),
        "dry_run?" => Value::Bool(cap.is_rehearsal()),
        "lock" => {
            let version = args.at(0).to_s();
            cap.note_lock(&version);
            Value::Nil
        }
        "install_plugin" => plugins::install(cap, call, args).await?,
        "configure_scm" | "configure_backend" => Value::Nil,
        "t" => Value::from(translated(args)),
        "revision_log_message" | "rollback_log_message" => {
            cap.read3(call, name).await?.unwrap_or_else(|| Value::str(""))
        }
        _ => return Ok(None),
    }))
}

/// `t(:key)`: the key itself in words; texts of Capistrano are not carried along.
fn translated(args: &Args) -> String {
    let (positional, options) = args.split_options();
    let key = positional.first().map(Value::to_s).unwrap_or_default().replace('_', " ");
    let details: Vec<String> =
        options.pairs().iter().map(|(name, value)| format!("{}: {}", name.to_s(), value.to_s())).collect();
    if details.is_empty() { key } else { format!("{key} ({})", details.join(", ")) }
}

/// Constants of this dialect.
pub(crate) fn constant(cap: &Rc<Cap>, name: &str) -> Option<Value> {
    use super::rake_objects::{Application, Constant, TaskClass};
    Some(match name {
        "SSHKit" => Value::object(sshkit::Module { cap: cap.clone() }),
        "SSHKit::Backend::Netssh" => Value::object(sshkit::Netssh { cap: cap.clone() }),
        "Rake::Task" => Value::object(TaskClass { cap: cap.clone() }),
        "Rake" | "Rake.application" => Value::object(Application { cap: cap.clone() }),
        "Capistrano::Configuration" => Value::object(super::rake_objects::Env { cap: cap.clone() }),
        "Capistrano::VERSION" => Value::str("3.20.0"),
        "Airbrussh" | "Capistrano" | "Capistrano::DSL" | "SSHKit::Backend" | "SSHKit::Formatter" | "SSHKit::Runner" => {
            Value::object(Constant { name: name.to_owned() })
        }
        "SSHKit::Logger::DEBUG" | "Logger::DEBUG" => Value::Int(0),
        "SSHKit::Logger::INFO" | "Logger::INFO" => Value::Int(1),
        "SSHKit::Logger::WARN" | "Logger::WARN" => Value::Int(2),
        "SSHKit::Logger::ERROR" | "Logger::ERROR" => Value::Int(3),
        "SSHKit::Logger::FATAL" | "Logger::FATAL" => Value::Int(4),
        name if plugins::is_plugin(name) => Value::object(Constant { name: name.to_owned() }),
        _ => return None,
    })
}
