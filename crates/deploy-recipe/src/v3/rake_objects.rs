//! `Rake::Task`, a task, its arguments, and other objects that stand for Ruby's.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use deploy_ruby::{Args, Call, Object, Reply, Value};

use super::rake::{Action, RakeTask};
use crate::v2::{Cap, name_arg, names};

/// A task.
pub(crate) struct TaskObject {
    pub cap: Rc<Cap>,
    pub task: Rc<RakeTask>,
}

impl TaskObject {
    pub fn value(cap: &Rc<Cap>, task: Rc<RakeTask>) -> Value {
        Value::object(Self { cap: cap.clone(), task })
    }
}

#[async_trait(?Send)]
impl Object for TaskObject {
    fn class_name(&self) -> String {
        "Rake::Task".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let task = &self.task;
        match name {
            "name" | "to_s" => return Ok(Some(Value::str(&task.name))),
            "comment" | "full_comment" => {
                return Ok(Some(task.description().map_or(Value::Nil, Value::from)));
            }
            "prerequisites" | "prereqs" | "sources" => {
                let local = task.params.borrow().clone();
                let list = task.prerequisites.borrow().clone();
                let list = if list.is_empty() && name == "sources" { local } else { list };
                return Ok(Some(Value::array(list.iter().map(Value::str).collect())));
            }
            "source" => return Ok(Some(task.params.borrow().first().map_or(Value::Nil, Value::str))),
            "arg_names" => return Ok(Some(Value::array(task.params.borrow().iter().map(Value::sym).collect()))),
            "already_invoked" => return Ok(Some(Value::Bool(task.invoked.get()))),
            "invoke" => {
                let place = crate::v2::site(call);
                self.cap.invoke_task(call, task.clone(), args.positional.clone(), place).await?;
                return Ok(Some(Value::Nil));
            }
            "execute" => {
                let given = args.positional.clone();
                let given = Rc::new(Arguments::new(task, given));
                self.cap.execute_task(call, task, given, crate::v2::site(call)).await?;
                return Ok(Some(Value::Nil));
            }
            "reenable" => task.invoked.set(false),
            "clear" => {
                task.actions.borrow_mut().clear();
                task.prerequisites.borrow_mut().clear();
                task.comments.borrow_mut().clear();
                task.params.borrow_mut().clear();
            }
            "clear_actions" => task.actions.borrow_mut().clear(),
            "clear_prerequisites" => task.prerequisites.borrow_mut().clear(),
            "clear_comments" => task.comments.borrow_mut().clear(),
            "enhance" => {
                let more = args.positional.iter().flat_map(names);
                task.prerequisites.borrow_mut().extend(more);
                task.actions.borrow_mut().extend(args.block.clone().map(Action::Block));
            }
            _ => return Ok(None),
        }
        Ok(Some(Value::Object(self)))
    }

    fn to_s(&self) -> String {
        self.task.name.clone()
    }

    fn inspect(&self) -> String {
        format!("<Rake::Task {}>", self.task.name)
    }
}

/// The arguments of a call of a task.
pub(crate) struct Arguments {
    names: Vec<String>,
    values: Vec<Value>,
    defaults: RefCell<Vec<(String, Value)>>,
}

impl Arguments {
    pub fn new(task: &RakeTask, values: Vec<Value>) -> Self {
        Self { names: task.params.borrow().clone(), values, defaults: RefCell::default() }
    }

    /// What a prerequisite gets of them: those of the same names.
    pub fn narrowed(&self, task: &RakeTask) -> Self {
        let names = task.params.borrow().clone();
        let values = names.iter().map(|name| self.get(name)).collect();
        Self { names, values, defaults: RefCell::default() }
    }

    fn get(&self, name: &str) -> Value {
        let given = self.names.iter().position(|own| own == name).and_then(|at| self.values.get(at).cloned());
        // An empty text on the command line is no argument.
        if let Some(value) = given.filter(|value| !value.is_nil() && value.as_str().is_none_or(|text| !text.is_empty()))
        {
            return value;
        }
        let defaults = self.defaults.borrow();
        defaults.iter().find(|(own, _)| own == name).map_or(Value::Nil, |(_, value)| value.clone())
    }

    fn extras(&self) -> Vec<Value> {
        self.values.get(self.names.len()..).unwrap_or_default().to_vec()
    }
}

#[async_trait(?Send)]
impl Object for Arguments {
    fn class_name(&self) -> String {
        "Rake::TaskArguments".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match name {
            "[]" | "fetch" => {
                let value = self.get(&args.at(0).to_s());
                if value.is_nil() { args.at(1) } else { value }
            }
            "to_a" => Value::array(self.values.clone()),
            "to_h" | "to_hash" => Value::hash(
                self.names.iter().map(|name| (Value::sym(name), self.get(name))).filter(|(_, v)| !v.is_nil()),
            ),
            "extras" => Value::array(self.extras()),
            "names" => Value::array(self.names.iter().map(Value::sym).collect()),
            "has_key?" | "key?" => Value::Bool(!self.get(&args.at(0).to_s()).is_nil()),
            "with_defaults" => {
                let (_, options) = args.split_options();
                let pairs = options.pairs().into_iter().map(|(key, value)| (key.to_s(), value));
                self.defaults.borrow_mut().extend(pairs);
                Value::Nil
            }
            _ => return Ok(None),
        }))
    }

    /// Any other name is an argument.
    async fn missing(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        Ok(Some(self.get(name)))
    }

    fn inspect(&self) -> String {
        "#<Rake::TaskArguments>".to_owned()
    }
}

/// `Rake::Task`
pub(crate) struct TaskClass {
    pub cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for TaskClass {
    fn class_name(&self) -> String {
        "Class".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let cap = &self.cap;
        Ok(Some(match name {
            "[]" => TaskObject::value(cap, cap.named_task(call, &name_arg(call, &args.at(0), "the task's name")?)?),
            "task_defined?" => Value::Bool(cap.v3.rake.borrow().lookup(&args.at(0).to_s(), "").is_some()),
            "define_task" => super::define::task(cap, call, args)?,
            "tasks" => {
                let all = cap.v3.rake.borrow().sorted();
                Value::array(all.into_iter().map(|task| TaskObject::value(cap, task)).collect())
            }
            _ => return Ok(None),
        }))
    }

    fn inspect(&self) -> String {
        "Rake::Task".to_owned()
    }
}

/// `Rake` and `Rake.application`
pub(crate) struct Application {
    pub cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Application {
    fn class_name(&self) -> String {
        "Rake::Application".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        match name {
            "application" => Ok(Some(Value::Object(self))),
            "lookup" => {
                let found = self.cap.v3.rake.borrow().lookup(&args.at(0).to_s(), "");
                Ok(Some(found.map_or(Value::Nil, |task| TaskObject::value(&self.cap, task))))
            }
            "[]" | "tasks" | "define_task" => Rc::new(TaskClass { cap: self.cap.clone() }).call(call, name, args).await,
            "original_dir" => Ok(Some(Value::from(call.interp().effects().cwd()))),
            _ => Ok(None),
        }
    }
}

/// `env`, `Capistrano::Configuration.env`: the words of the recipe as methods.
pub(crate) struct Env {
    pub cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Env {
    fn class_name(&self) -> String {
        "Capistrano::Configuration".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let cap = &self.cap;
        Ok(Some(match name {
            "env" | "instance" => Value::Object(self),
            "servers" => {
                let all = cap.v3.servers.borrow().iter().cloned().collect::<Vec<_>>();
                Value::array(all.into_iter().map(|server| cap.server_value(server)).collect())
            }
            "roles_for" => {
                let flat = Args { positional: args.at(0).to_list(), ..args.clone() };
                let found = cap.roles3(call, &flat, false).await?;
                Value::array(found.into_iter().map(|server| cap.server_value(server)).collect())
            }
            "keys" => {
                let variables = cap.variables.borrow();
                Value::array(variables.names().map(Value::sym).collect())
            }
            "timestamp" => {
                let now = "Time.now.utc";
                let top = cap.top();
                Box::pin(call.interp().eval_file(call.context(), "timestamp", now, top)).await?
            }
            "add_filter" => {
                match (&args.block, args.at(0)) {
                    (Some(block), _) => cap.v3.custom_filters.borrow_mut().push(block.clone()),
                    _ => return Err(call.argument_error("a filter is given as a block here")),
                }
                Value::Nil
            }
            "backend" => Value::object(super::sshkit::Module { cap: cap.clone() }),
            _ => return super::top::word(cap, call, name, args).await,
        }))
    }
}

/// A constant that only has to be there: a module, a class that something is installed by.
pub(crate) struct Constant {
    pub name: String,
}

#[async_trait(?Send)]
impl Object for Constant {
    fn class_name(&self) -> String {
        "Class".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        Ok(match name {
            "new" => Some(Value::Object(self)),
            "name" | "to_s" => Some(Value::str(&self.name)),
            // How a run is shown is the command line's to say.
            "configure" if self.name == "Airbrussh" => Some(Value::Nil),
            _ => None,
        })
    }

    fn responds_to(&self, name: &str) -> bool {
        ["env", "instance"].contains(&name)
    }

    fn inspect(&self) -> String {
        self.name.clone()
    }

    fn to_s(&self) -> String {
        self.name.clone()
    }
}
