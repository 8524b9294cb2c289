//! Objects that a recipe meets: tasks, servers, roles, the logger, channels; and the words that give them.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use deploy_inventory::{Host, HostId};
use deploy_plan::{Event, Level};
use deploy_ruby::{Args, Call, Object, Reply, Stream, Value};

use super::convert::{Later, R, options_value, unsupported};
use super::deploy::source::{SourceObject, StrategyObject};
use super::execute::NOTHING;
use super::{Cap, TaskRef};
use crate::tasks::{join, parent};

/// The words of this theme.
pub(crate) const WORDS: &[&str] = &[
    "current_task",
    "debug",
    "dry_run",
    "fully_qualified_name",
    "logger",
    "name",
    "namespaces",
    "parent",
    "source",
    "strategy",
    "task_call_frames",
    "top",
    "with_env",
];

/// Does what a word says; none where it is not of this theme after all.
pub(crate) fn word<'a>(
    cap: &'a Rc<Cap>,
    path: &'a str,
    call: &'a Call,
    name: &'a str,
    args: &'a Args,
) -> Later<'a, Reply> {
    Box::pin(answer(cap, path, call, name, args))
}

async fn answer(cap: &Rc<Cap>, path: &str, call: &Call, name: &str, args: &Args) -> Reply {
    if name == "with_env" {
        return with_env(call, args).await.map(Some);
    }
    if name == "find_servers_for_task" || !args.is_empty() {
        return Ok(None);
    }
    Ok(Some(match name {
        "logger" => Value::object(Logger { cap: cap.clone() }),
        "current_task" => match cap.current_task() {
            Some(task) => Value::object(TaskObject { cap: cap.clone(), task }),
            None => Value::Nil,
        },
        "task_call_frames" => {
            let flow = cap.flow.borrow();
            let object = |task: &TaskRef| Value::object(FrameObject { cap: cap.clone(), task: task.clone() });
            Value::array(flow.frames.iter().map(|frame| object(&frame.task)).collect())
        }
        "dry_run" => Value::Bool(cap.settings.dry_run),
        "debug" if !cap.variables.borrow().exists("debug") => Value::Bool(false),
        "top" => cap.namespace_value(""),
        "parent" => parent(path).map_or(Value::Nil, |outer| cap.namespace_value(outer)),
        "fully_qualified_name" if !path.is_empty() => Value::str(path),
        "name" if !path.is_empty() => Value::sym(path.rsplit(':').next().unwrap_or_default()),
        "namespaces" => namespaces(cap, path),
        "source" => Value::object(SourceObject { cap: cap.clone() }),
        "strategy" => Value::object(StrategyObject { cap: cap.clone() }),
        _ => return Ok(None),
    }))
}

fn namespaces(cap: &Rc<Cap>, path: &str) -> Value {
    let tasks = cap.tasks.borrow();
    let prefix = if path.is_empty() { String::new() } else { format!("{path}:") };
    let inside: Vec<String> = tasks
        .namespaces()
        .filter_map(|full| full.strip_prefix(&prefix))
        .filter(|rest| !rest.is_empty() && !rest.contains(':'))
        .map(str::to_owned)
        .collect();
    Value::hash(
        inside.iter().map(|name| (Value::sym(name), cap.namespace_value(&join(path, name)))).collect::<Vec<_>>(),
    )
}

/// `with_env "NAME", "value" do … end`
async fn with_env(call: &Call, args: &Args) -> R {
    call.arity(args, 2, 2)?;
    let Some(block) = &args.block else { return Err(call.argument_error("expected a block")) };
    let effects = call.interp().effects().clone();
    let (name, value) = (args.at(0).to_s(), args.at(1).to_s());
    let before = effects.env(&name);
    effects.set_env(&name, Some(&value));
    let result = call.call_proc(block, Vec::new()).await;
    effects.set_env(&name, before.as_deref());
    result
}

/// A task as a value.
pub(crate) struct TaskObject {
    pub cap: Rc<Cap>,
    pub task: TaskRef,
}

#[async_trait(?Send)]
impl Object for TaskObject {
    fn class_name(&self) -> String {
        "Capistrano::TaskDefinition".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        let task = &self.task;
        let text = |text: Option<String>| text.map_or(Value::Nil, Value::from);
        Ok(Some(match name {
            "name" => Value::sym(&task.name),
            "fully_qualified_name" => Value::from(task.full_name()),
            "namespace" => self.cap.namespace_value(&task.namespace),
            "options" => Value::Hash(task.options.clone()),
            "desc" | "description" => text(task.description.clone()),
            "brief_description" => Value::from(task.summary()),
            "continue_on_error?" => {
                let on_error = task.options.get_name("on_error").and_then(|value| value.as_name());
                Value::Bool(on_error.as_deref() == Some("continue"))
            }
            "max_hosts" => task.options.get_name("max_hosts").unwrap_or_default(),
            _ => return Ok(None),
        }))
    }

    fn equals(&self, other: &Value) -> bool {
        other.downcast::<Self>().is_some_and(|other| other.task.full_name() == self.task.full_name())
    }

    fn inspect(&self) -> String {
        format!("#<task {}>", self.task.full_name())
    }
}

/// An entry of `task_call_frames`.
struct FrameObject {
    cap: Rc<Cap>,
    task: TaskRef,
}

#[async_trait(?Send)]
impl Object for FrameObject {
    fn class_name(&self) -> String {
        "Capistrano::Configuration::Execution::TaskCallFrame".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        Ok(match name {
            "task" => Some(Value::object(TaskObject { cap: self.cap.clone(), task: self.task.clone() })),
            "rollback" => Some(Value::Nil),
            _ => None,
        })
    }
}

/// A server as a value.
pub(crate) struct Server {
    cap: Rc<Cap>,
    pub host: Host,
}

impl Server {
    pub fn value(cap: &Rc<Cap>, host: Host) -> Value {
        Value::object(Self { cap: cap.clone(), host })
    }
}

#[async_trait(?Send)]
impl Object for Server {
    fn class_name(&self) -> String {
        "Capistrano::ServerDefinition".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        let host = &self.host;
        Ok(Some(match name {
            "host" => Value::str(&host.name),
            "user" => match &host.user {
                Some(user) => Value::str(user),
                None => self.cap.logins.borrow().user.as_deref().map_or(Value::Nil, Value::str),
            },
            "port" => host.port.map_or(Value::Nil, Value::from),
            "options" => options_value(&host.properties),
            _ => return Ok(None),
        }))
    }

    fn to_s(&self) -> String {
        self.host.id.to_string()
    }

    fn to_str(&self) -> Option<String> {
        Some(self.to_s())
    }

    fn inspect(&self) -> String {
        format!("#<server {}>", self.host.id)
    }

    fn equals(&self, other: &Value) -> bool {
        other.downcast::<Self>().is_some_and(|other| other.host.id == self.host.id)
    }

    fn compare(&self, other: &Value) -> Option<std::cmp::Ordering> {
        other.downcast::<Self>().map(|other| self.host.id.cmp(&other.host.id))
    }

    fn hash_code(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.host.id.hash(&mut hasher);
        hasher.finish()
    }
}

/// `logger`
pub(crate) struct Logger {
    pub cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Logger {
    fn class_name(&self) -> String {
        "Capistrano::Logger".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let level = match name {
            "important" | "warn" | "error" => Level::Warning,
            "info" => Level::Info,
            "debug" | "trace" => Level::Debug,
            "log" => match args.at(0).as_int() {
                Some(0) => Level::Warning,
                Some(1) => Level::Info,
                _ => Level::Debug,
            },
            "level" => return Ok(Some(Value::Int(3))),
            "level=" => return Ok(Some(args.at(0))),
            "close" | "disable_formatters=" => return Ok(Some(NOTHING)),
            _ => return Ok(None),
        };
        let text = args.at(usize::from(name == "log")).to_s();
        self.cap.say(call, level, text);
        Ok(Some(NOTHING))
    }
}

impl Cap {
    /// Tells the observer, or, while no flow runs, the person at the terminal.
    pub fn say(&self, call: &Call, level: Level, text: String) {
        if self.port.is_open() {
            self.port.tell(Event::Message { level, host: None, text });
        } else if level != Level::Debug {
            call.interp().effects().print(call, Stream::Err, format!("{text}\n").as_bytes());
        }
    }
}

/// The channel that the block of a command gets.
pub(crate) struct Channel {
    cap: Rc<Cap>,
    host: HostId,
}

impl Channel {
    pub fn value(cap: &Rc<Cap>, host: &HostId) -> Value {
        Value::object(Self { cap: cap.clone(), host: host.clone() })
    }
}

#[async_trait(?Send)]
impl Object for Channel {
    fn class_name(&self) -> String {
        "Net::SSH::Connection::Channel".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match name {
            "[]" => match args.at(0).as_name().as_deref() {
                Some("host") => {
                    Value::from(self.cap.host(&self.host).map_or_else(|| self.host.to_string(), |host| host.name))
                }
                Some("server") => match self.cap.host(&self.host) {
                    Some(host) => Server::value(&self.cap, host),
                    None => Value::Nil,
                },
                _ => Value::Nil,
            },
            "[]=" => args.at(1),
            "properties" => Value::hash([]),
            "send_data" => {
                let why =
                    "the command had ended when its block was called: answering a running command is not supported yet";
                return Err(unsupported(call, "send data to a command", why));
            }
            "close" | "eof!" => NOTHING,
            _ => return Ok(None),
        }))
    }
}

/// What `depend` gives, for `.or("message")`.
pub(crate) struct DependencyEntry {
    pub message: Rc<RefCell<Option<String>>>,
}

#[async_trait(?Send)]
impl Object for DependencyEntry {
    fn class_name(&self) -> String {
        "Capistrano::Deploy::RemoteDependency".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, args: &Args) -> Reply {
        if name != "or" {
            return Ok(None);
        }
        *self.message.borrow_mut() = Some(args.at(0).to_s());
        Ok(Some(Value::Object(self)))
    }
}
