//! Words that define: task, namespace, desc, hooks, aliases; and those that look tasks up.

use std::rc::Rc;

use deploy_ruby::{Args, Call, Hash, Proc, Reply, Value};

use super::cap::{Body, CapTask, Dependency};
use super::convert::{Later, R, name_arg, names, site};
use super::namespace::Namespace;
use super::objects::{DependencyEntry, TaskObject};
use super::options::{HOOK, TASK};
use super::{Cap, TaskRef};
use crate::callbacks::{Action, Hook, When};
use crate::tasks::{Task, parent};

/// The words of this theme.
pub(crate) const WORDS: &[&str] = &[
    "after",
    "alias_task",
    "before",
    "default_task",
    "depend",
    "desc",
    "find_and_execute_task",
    "find_task",
    "load",
    "namespace",
    "on",
    "search_task",
    "task",
    "task_list",
    "tasks",
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
    let value = match name {
        "task" => task(cap, path, call, args)?,
        "namespace" => namespace(cap, path, call, args).await?,
        "desc" => {
            call.arity(args, 1, 1)?;
            cap.tasks.borrow_mut().describe(&args.at(0).to_s());
            Value::Nil
        }
        "before" | "after" => around(cap, call, name, args)?,
        "on" => on(cap, call, args)?,
        "alias_task" => alias(cap, path, call, args)?,
        "find_and_execute_task" => {
            let name = task_name(call, &args.at(0))?;
            let place = site(call);
            cap.execute_named(call, &name, place).await?
        }
        "find_task" => {
            let name = task_name(call, &args.at(0))?;
            let full = crate::tasks::join(path, &name);
            let tasks = cap.tasks.borrow();
            object(cap, tasks.find(&full))
        }
        "search_task" => {
            let name = task_name(call, &args.at(0))?;
            object(cap, cap.tasks.borrow().search(path, &name))
        }
        "default_task" => object(cap, cap.tasks.borrow().get(path, "default")),
        "task_list" => task_list(cap, path),
        "tasks" => {
            let tasks = cap.tasks.borrow();
            let inside = tasks.iter().filter(|task| task.namespace == path);
            Value::hash(
                inside.map(|task| (Value::sym(&task.name), object(cap, Some(task.clone())))).collect::<Vec<_>>(),
            )
        }
        "depend" => depend(cap, call, args)?,
        "load" => load(cap, call, args).await?,
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn object(cap: &Rc<Cap>, task: Option<TaskRef>) -> Value {
    task.map_or(Value::Nil, |task| Value::object(TaskObject { cap: cap.clone(), task }))
}

fn task_list(cap: &Rc<Cap>, path: &str) -> Value {
    let tasks = cap.tasks.borrow();
    let inside = |t: &&TaskRef| path.is_empty() || t.namespace == path || t.namespace.starts_with(&format!("{path}:"));
    Value::array(tasks.iter().filter(inside).map(|task| object(cap, Some(task.clone()))).collect())
}

fn task_name(call: &Call, value: &Value) -> R<String> {
    if let Some(task) = value.downcast::<TaskObject>() {
        return Ok(task.task.full_name());
    }
    name_arg(call, value, "the task's name")
}

fn task(cap: &Rc<Cap>, path: &str, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let name = name_arg(call, positional.first().unwrap_or(&Value::Nil), "the task's name")?;
    let Some(block) = &args.block else {
        return Err(call.argument_error(format!("the task `{name}' needs a block")));
    };
    cap.say_unknown(call, &format!("the task {name}"), &options, TASK);
    define(cap, path, call, &name, Rc::new(Hash::from_pairs(options.pairs())), Body::Block(block.clone()))?;
    Ok(Value::Nil)
}

fn define(cap: &Rc<Cap>, path: &str, call: &Call, name: &str, options: Rc<Hash>, body: Body) -> R<()> {
    let mut tasks = cap.tasks.borrow_mut();
    let existing = tasks.get(path, name);
    if existing.is_none() && Namespace::is_method(path, name) {
        drop(tasks);
        let message = format!("defining a task named `{name}' would shadow an existing method with that name");
        return Err(call.argument_error(message));
    }
    let description = tasks.take_description();
    let task: CapTask =
        Task { namespace: path.to_owned(), name: name.to_owned(), description, options, body, site: site(call) };
    let done = tasks.define(task);
    drop(tasks);
    done.map_err(|shadows| call.argument_error(shadows.to_string()))
}

async fn namespace(cap: &Rc<Cap>, path: &str, call: &Call, args: &Args) -> R {
    let name = name_arg(call, &args.at(0), "the namespace's name")?;
    let Some(block) = &args.block else {
        return Err(call.argument_error(format!("the namespace `{name}' needs a block")));
    };
    let inside = crate::tasks::join(path, &name);
    let known = cap.tasks.borrow().has_namespace(&inside);
    if !known && Namespace::is_method(path, &name) {
        let message = format!("defining a namespace named `{name}' would shadow an existing method with that name");
        return Err(call.argument_error(message));
    }
    let opened = cap.tasks.borrow_mut().open(path, &name);
    let full = opened.map_err(|shadows| call.argument_error(shadows.to_string()))?;
    call.instance_exec(block, cap.namespace_value(&full), Vec::new()).await?;
    Ok(Value::Nil)
}

/// `before`/`after TASK, …` is `on :before/:after, …, :only => TASK`.
fn around(cap: &Rc<Cap>, call: &Call, event: &str, args: &Args) -> R {
    let (mut positional, options) = args.split_options();
    if positional.is_empty() {
        return Err(call.argument_error(format!("`{event}' needs the name of a task")));
    }
    let target = positional.remove(0);
    let only = match target.downcast::<TaskObject>() {
        Some(task) => vec![task.task.full_name()],
        None => names(&target),
    };
    cap.say_unknown(call, event, &options, HOOK);
    let when = if event == "before" { When::Before } else { When::After };
    register(cap, call, when, &positional, only, except_of(&options), args.block.as_ref())
}

fn on(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (mut positional, options) = args.split_options();
    if positional.is_empty() {
        return Err(call.argument_error("`on' needs the name of an event"));
    }
    let event = name_arg(call, &positional.remove(0), "the event's name")?;
    let Some(when) = When::from_name(&event) else {
        let known = "load, start, before, after, finish and exit";
        return Err(call.argument_error(format!("there is no event `{event}'; the events are {known}")));
    };
    cap.say_unknown(call, "on", &options, HOOK);
    let only = options.get_name("only").map(|value| names(&value)).unwrap_or_default();
    register(cap, call, when, &positional, only, except_of(&options), args.block.as_ref())
}

fn except_of(options: &Hash) -> Vec<String> {
    options.get_name("except").map(|value| names(&value)).unwrap_or_default()
}

fn register(
    cap: &Rc<Cap>,
    call: &Call,
    when: When,
    tasks: &[Value],
    only: Vec<String>,
    except: Vec<String>,
    block: Option<&Proc>,
) -> R {
    let only: Vec<String> = only.iter().map(|name| current_name(name)).collect();
    let hook = |action: Action<Proc>| Hook { action, only: only.clone(), except: except.clone(), site: site(call) };
    let mut hooks = cap.hooks.borrow_mut();
    match (tasks.is_empty(), block) {
        (true, Some(block)) => hooks.add(when, hook(Action::Block(block.clone()))),
        (false, None) => {
            for task in tasks {
                // A proc in place of a name is as good as a block.
                if let Value::Proc(body) = task {
                    hooks.add(when, hook(Action::Block(body.clone())));
                    continue;
                }
                let name = task_name(call, task)?;
                hooks.add(when, hook(Action::Task(current_name(&name))));
            }
        }
        (true, None) => return Err(call.argument_error("a hook needs either a task's name or a block")),
        (false, Some(_)) => return Err(call.argument_error("a hook takes a task's name or a block, not both")),
    }
    Ok(Value::Nil)
}

/// `deploy:symlink` is the old name of `deploy:create_symlink`.
pub(crate) fn current_name(name: &str) -> String {
    if name == "deploy:symlink" { "deploy:create_symlink".to_owned() } else { name.to_owned() }
}

fn alias(cap: &Rc<Cap>, path: &str, call: &Call, args: &Args) -> R {
    let new = name_arg(call, &args.at(0), "the new name")?;
    let old = name_arg(call, &args.at(1), "the old name")?;
    let mut at = Some(path);
    let mut found = None;
    while let (Some(here), None) = (at, &found) {
        found = cap.tasks.borrow().find(&crate::tasks::join(here, &old));
        at = parent(here);
    }
    let Some(task) = found else { return Err(cap.no_task(call, &old)) };
    if let Some(description) = &task.description {
        cap.tasks.borrow_mut().describe(description);
    }
    define(cap, path, call, &new, task.options.clone(), task.body.clone())?;
    Ok(Value::Nil)
}

/// `depend :remote, :directory, "/path"`.
fn depend(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let [location, kind, arguments @ ..] = positional.as_slice() else {
        return Err(call.argument_error("`depend' needs a place (:remote or :local) and a kind, such as :directory"));
    };
    let (location, kind) = (location.to_s(), kind.to_s());
    let arguments = arguments.to_vec();
    let remote_kinds = ["directory", "file", "writable", "command", "gem", "deb", "rpm", "match"];
    let known = match location.as_str() {
        "remote" => remote_kinds.contains(&kind.as_str()),
        "local" => kind == "command",
        _ => return Err(call.argument_error(format!("`depend' knows :remote and :local, not :{location}"))),
    };
    if !known {
        let kinds = if location == "remote" { remote_kinds.join(", ") } else { "command".to_owned() };
        return Err(call.argument_error(format!("`depend :{location}' knows {kinds}, not {kind}")));
    }
    let message = Rc::default();
    let entry = Dependency { remote: location == "remote", kind, arguments, options, message, site: site(call) };
    let object = DependencyEntry { message: entry.message.clone() };
    cap.dependencies.borrow_mut().push(entry);
    Ok(Value::object(object))
}

/// `load { … }`, `load :string => "…"`, `load :proc => p`, `load :file => "f"`.
async fn load(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let root = cap.namespace_value("");
    if let Some(block) = &args.block {
        return call.instance_exec(block, root, Vec::new()).await;
    }
    if let Some(Value::Proc(body)) = args.option("proc") {
        return call.instance_exec(&body, root, Vec::new()).await;
    }
    if let Some(text) = args.option("string") {
        let name = args.option("name").map_or_else(|| "<eval>".to_owned(), |name| name.to_s());
        return call.interp().eval_file(call.context(), &name, &text.to_s(), root).await;
    }
    let file = args.option("file").or_else(|| args.get(0).cloned().filter(|value| !matches!(value, Value::Hash(_))));
    match file {
        Some(file) => cap.load_file(call, &file.to_s()).await,
        None => Err(call.argument_error("`load' needs a file, a :string, a :proc or a block")),
    }
}

impl Cap {
    /// The task of a full name, or NoSuchTaskError with the nearest names.
    pub fn find_task(&self, call: &Call, name: &str) -> R<TaskRef> {
        let found = self.tasks.borrow().find(name);
        found.ok_or_else(|| self.no_task(call, name))
    }
}
