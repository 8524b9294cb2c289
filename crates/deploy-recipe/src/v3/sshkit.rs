//! `SSHKit.config` and what hangs on it.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use deploy_plan::Level;
use deploy_ruby::{Args, Call, Hash, Object, Reply, Value};
use indexmap::IndexMap;

use super::command::default_mapping;
use crate::v2::{Cap, R};

/// How commands are made.
#[derive(Default)]
pub(crate) struct SshKit {
    pub map: RefCell<IndexMap<String, Value>>,
    /// Lists that stay the same objects, so that a recipe can push to them.
    pub prefixes: RefCell<IndexMap<String, Value>>,
    pub default_env: RefCell<Rc<Hash>>,
    pub umask: RefCell<Option<String>>,
    /// `default_runner_config`
    pub runner: RefCell<Option<Rc<Hash>>>,
}

impl SshKit {
    pub fn clear(&self) {
        self.map.borrow_mut().clear();
        self.prefixes.borrow_mut().clear();
        *self.default_env.borrow_mut() = Rc::default();
        *self.runner.borrow_mut() = None;
    }

    fn prefix(&self, command: &str) -> Value {
        self.prefixes.borrow_mut().entry(command.to_owned()).or_insert_with(|| Value::array(Vec::new())).clone()
    }
}

/// The value, or what it gives when it is called.
async fn called(call: &Call, value: &Value) -> R<String> {
    match value {
        Value::Proc(callable) => Ok(call.call_proc(callable, Vec::new()).await?.to_s()),
        other => Ok(other.to_s()),
    }
}

impl Cap {
    /// What a command is on the hosts.
    pub async fn mapped(self: &Rc<Self>, call: &Call, command: &str) -> R<String> {
        let prefixes = self.v3.sshkit.prefixes.borrow().get(command).map(Value::to_list).unwrap_or_default();
        if !prefixes.is_empty() {
            let mut words = Vec::new();
            for prefix in &prefixes {
                words.push(called(call, prefix).await?);
            }
            words.push(command.to_owned());
            return Ok(words.join(" "));
        }
        let own = self.v3.sshkit.map.borrow().get(command).cloned();
        match own {
            Some(value) => called(call, &value).await,
            None => Ok(default_mapping(command)),
        }
    }
}

/// `SSHKit`
pub(crate) struct Module {
    pub cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Module {
    fn class_name(&self) -> String {
        "Module".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let config = Value::object(Config { cap: self.cap.clone() });
        Ok(Some(match (name, &args.block) {
            ("config", _) => config,
            ("configure", Some(block)) => call.call_proc(block, vec![config]).await?,
            _ => return Ok(None),
        }))
    }

    fn inspect(&self) -> String {
        "SSHKit".to_owned()
    }
}

/// `SSHKit.config`
struct Config {
    cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Config {
    fn class_name(&self) -> String {
        "SSHKit::Configuration".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let kit = &self.cap.v3.sshkit;
        Ok(Some(match name {
            "command_map" => Value::object(CommandMap { cap: self.cap.clone() }),
            "command_map=" => {
                if let Some(hash) = args.at(0).as_hash() {
                    let pairs = hash.pairs().into_iter().map(|(key, value)| (key.to_s(), value));
                    *kit.map.borrow_mut() = pairs.collect();
                }
                args.at(0)
            }
            "default_env" => Value::Hash(kit.default_env.borrow().clone()),
            "default_env=" => {
                *kit.default_env.borrow_mut() = args.at(0).as_hash().cloned().unwrap_or_default();
                args.at(0)
            }
            "umask" => kit.umask.borrow().as_deref().map_or(Value::Nil, Value::str),
            "umask=" => {
                *kit.umask.borrow_mut() = (!args.at(0).is_nil()).then(|| args.at(0).to_s());
                args.at(0)
            }
            "default_runner_config" => kit.runner.borrow().clone().map_or(Value::Nil, Value::Hash),
            "default_runner_config=" => {
                *kit.runner.borrow_mut() = args.at(0).as_hash().cloned();
                args.at(0)
            }
            "backend" => Value::object(Netssh { cap: self.cap.clone() }),
            "output" => Value::object(Output { cap: self.cap.clone() }),
            "output_verbosity" | "format" => Value::Nil,
            // How a run is shown is the command line's to say.
            "output_verbosity="
            | "format="
            | "output="
            | "backend="
            | "default_runner="
            | "use_format"
            | "deprecation_output=" => args.at(0),
            _ => return Err(unknown(call, "SSHKit.config", name)),
        }))
    }
}

fn unknown(call: &Call, of: &str, name: &str) -> deploy_ruby::Unwind {
    call.raise("NoMethodError", format!("{of} has no `{name}` here"))
}

/// `SSHKit.config.command_map`
struct CommandMap {
    cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for CommandMap {
    fn class_name(&self) -> String {
        "SSHKit::CommandMap".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let kit = &self.cap.v3.sshkit;
        Ok(Some(match name {
            "[]" => Value::from(self.cap.mapped(call, &args.at(0).to_s()).await?),
            "[]=" => {
                kit.map.borrow_mut().insert(args.at(0).to_s(), args.at(1));
                args.at(1)
            }
            "prefix" => Value::object(Prefixes { cap: self.cap.clone() }),
            "clear" => {
                kit.map.borrow_mut().clear();
                Value::Nil
            }
            _ => return Ok(None),
        }))
    }
}

/// `SSHKit.config.command_map.prefix`
struct Prefixes {
    cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Prefixes {
    fn class_name(&self) -> String {
        "SSHKit::CommandMap::PrefixProvider".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, args: &Args) -> Reply {
        let kit = &self.cap.v3.sshkit;
        Ok(match name {
            "[]" => Some(kit.prefix(&args.at(0).to_s())),
            "[]=" => {
                kit.prefixes.borrow_mut().insert(args.at(0).to_s(), Value::array(args.at(1).to_list()));
                Some(args.at(1))
            }
            _ => None,
        })
    }
}

/// `SSHKit::Backend::Netssh`: connections are the engine's; what a recipe sets of them is taken where it means something.
pub(crate) struct Netssh {
    pub cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Netssh {
    fn class_name(&self) -> String {
        "Class".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match (name, &args.block) {
            ("configure", Some(block)) => call.call_proc(block, vec![Value::Object(self.clone())]).await?,
            ("config" | "pool", _) => Value::Object(self.clone()),
            ("ssh_options", _) => self.cap.get(call, "ssh_options").await?,
            ("ssh_options=", _) => {
                let _ = self.cap.store("ssh_options", args.at(0), false, crate::v2::site(call));
                args.at(0)
            }
            ("pty=" | "connection_timeout=" | "idle_timeout=" | "transfer_method=" | "max_connections=", _) => {
                args.at(0)
            }
            ("close_connections", _) => Value::Nil,
            _ => return Ok(None),
        }))
    }

    fn inspect(&self) -> String {
        "SSHKit::Backend::Netssh".to_owned()
    }
}

/// `SSHKit.config.output`
struct Output {
    cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Output {
    fn class_name(&self) -> String {
        "SSHKit::Formatter".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let Some(level) = level_of(name) else { return Ok(None) };
        self.cap.say(call, level, args.at(0).to_s());
        Ok(Some(Value::Nil))
    }
}

/// The level of a word that logs.
pub(crate) fn level_of(name: &str) -> Option<Level> {
    Some(match name {
        "debug" => Level::Debug,
        "info" | "log" | "<<" => Level::Info,
        "warn" => Level::Warning,
        "error" | "fatal" => Level::Error,
        _ => return None,
    })
}
