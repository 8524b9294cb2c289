//! The object that is `self` in a recipe: the configuration itself, or one of its namespaces.

use std::rc::Rc;

use async_trait::async_trait;
use deploy_ruby::{Args, Call, Ivars, Object, Proc, Reply, Value};

use super::{Cap, actions, define, objects, servers, sudo, variables};
use crate::tasks::{Found, parent};

/// Words of the recipe language that are methods of the configuration.
pub(crate) const WORDS: &[&[&str]] =
    &[define::WORDS, variables::WORDS, servers::WORDS, sudo::WORDS, actions::WORDS, objects::WORDS];

fn is_word(name: &str) -> bool {
    WORDS.iter().any(|theme| theme.contains(&name))
}

/// Methods that every object of a recipe's own language has; a task may not take their names.
const OBJECT_METHODS: &[&str] = &[
    "Array",
    "Float",
    "Integer",
    "String",
    "abort",
    "at_exit",
    "binding",
    "caller",
    "catch",
    "class",
    "clone",
    "display",
    "dup",
    "eval",
    "exec",
    "exit",
    "exit!",
    "extend",
    "fail",
    "fork",
    "format",
    "freeze",
    "gets",
    "hash",
    "inspect",
    "instance_eval",
    "instance_exec",
    "lambda",
    "loop",
    "method",
    "methods",
    "open",
    "p",
    "print",
    "printf",
    "proc",
    "putc",
    "puts",
    "raise",
    "rand",
    "readline",
    "readlines",
    "require",
    "require_relative",
    "select",
    "send",
    "sleep",
    "spawn",
    "sprintf",
    "srand",
    "syscall",
    "system",
    "tap",
    "test",
    "throw",
    "trap",
    "warn",
];

/// Methods of a namespace that is not the configuration.
const NAMESPACE_METHODS: &[&str] = &[
    "alias_task",
    "default_task",
    "find_task",
    "fully_qualified_name",
    "name",
    "namespace",
    "namespaces",
    "parent",
    "role",
    "search_task",
    "task",
    "task_list",
    "tasks",
    "top",
];

/// A namespace; the one without a path is the configuration.
pub(crate) struct Namespace {
    cap: Rc<Cap>,
    path: String,
    ivars: Ivars,
}

impl Namespace {
    pub fn new(cap: &Rc<Cap>, path: &str) -> Self {
        Self { cap: cap.clone(), path: path.to_owned(), ivars: Ivars::default() }
    }

    /// Whether a task or namespace of this name would hide a method.
    pub fn is_method(path: &str, name: &str) -> bool {
        OBJECT_METHODS.contains(&name)
            || if path.is_empty() { is_word(name) } else { NAMESPACE_METHODS.contains(&name) }
    }

    /// The `def` of this name here or in a namespace around.
    fn method(&self, name: &str) -> Option<Proc> {
        let methods = self.cap.methods.borrow();
        let mut at = Some(self.path.as_str());
        while let Some(here) = at {
            if let Some(body) = methods.get(&(here.to_owned(), name.to_owned())) {
                return Some(body.clone());
            }
            at = parent(here);
        }
        None
    }

    async fn member(self: &Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        if let Some(body) = self.method(name) {
            let self_value = Value::Object(self.clone());
            let value = call.interp().call_proc(call.context(), &body, args.clone(), Some(self_value)).await?;
            return Ok(Some(value));
        }
        let found = self.cap.tasks.borrow().word(&self.path, name);
        match found {
            Some(Found::Namespace(path)) if args.is_empty() => Ok(Some(self.cap.namespace_value(&path))),
            Some(Found::Task(task)) => {
                if !args.is_empty() {
                    let given = args.flat().len();
                    return Err(call.argument_error(format!("a task takes no arguments ({given} for 0)")));
                }
                self.cap.execute(call, task, super::convert::site(call)).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn word(self: &Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let (cap, path) = (&self.cap, self.path.as_str());
        let of = |words: &[&str]| words.contains(&name);
        let answer = if of(define::WORDS) {
            define::word(cap, path, call, name, args)
        } else if of(variables::WORDS) {
            variables::word(cap, call, name, args)
        } else if of(servers::WORDS) {
            servers::word(cap, path, call, name, args)
        } else if of(sudo::WORDS) {
            sudo::word(cap, call, name, args)
        } else if of(actions::WORDS) {
            actions::word(cap, call, name, args)
        } else if of(objects::WORDS) {
            objects::word(cap, path, call, name, args)
        } else {
            return Ok(None);
        };
        answer.await
    }
}

#[async_trait(?Send)]
impl Object for Namespace {
    fn class_name(&self) -> String {
        let name =
            if self.path.is_empty() { "Capistrano::Configuration" } else { "Capistrano::Configuration::Namespace" };
        name.to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        if let Some(value) = self.member(call, name, args).await? {
            return Ok(Some(value));
        }
        self.word(call, name, args).await
    }

    async fn missing(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        if !args.is_empty() || args.block.is_some() {
            return Ok(None);
        }
        self.cap.read(call, name).await
    }

    fn responds_to(&self, name: &str) -> bool {
        is_word(name)
            || OBJECT_METHODS.contains(&name)
            || self.method(name).is_some()
            || self.cap.tasks.borrow().word(&self.path, name).is_some()
            // `set(:x) { defined?(x) ? x : 1 }`: what is being found out is not there yet.
            || (self.cap.variables.borrow().exists(name) && !self.cap.variables.borrow().is_wanted(name))
    }

    fn method_names(&self) -> Vec<String> {
        let tasks = self.cap.tasks.borrow();
        let inside = tasks.iter().filter(|task| task.namespace == self.path).map(|task| task.name.clone());
        inside.chain(WORDS.iter().copied().flatten().map(|word| (*word).to_owned())).collect()
    }

    fn inspect(&self) -> String {
        if self.path.is_empty() {
            "#<Capistrano::Configuration>".to_owned()
        } else {
            format!("#<namespace {}>", self.path)
        }
    }

    fn ivars(&self) -> Option<&Ivars> {
        Some(&self.ivars)
    }

    fn define_method(&self, name: &str, body: &Proc) -> bool {
        let key = (self.path.clone(), name.to_owned());
        self.cap.methods.borrow_mut().insert(key, body.clone());
        true
    }
}
