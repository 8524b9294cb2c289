//! Words that define: task, namespace, desc, before, after, server, role; and those that choose servers.

use std::rc::Rc;

use deploy_inventory::Property;
use deploy_ruby::{Args, Call, Hash, Reply, Value};

use super::rake::Action;
use super::rake_objects::TaskObject;
use super::servers::Server;
use crate::v2::{Cap, Later, R, fail, name_arg, names, properties, property, site};

/// The words of this theme.
pub(crate) const WORDS: &[&str] = &[
    "after",
    "before",
    "desc",
    "invoke",
    "invoke!",
    "namespace",
    "primary",
    "release_roles",
    "remote_file",
    "role",
    "role_properties",
    "roles",
    "server",
    "task",
];

/// Does what a word says; none where it is not of this theme after all.
pub(crate) fn word<'a>(cap: &'a Rc<Cap>, call: &'a Call, name: &'a str, args: &'a Args) -> Later<'a, Reply> {
    Box::pin(answer(cap, call, name, args))
}

async fn answer(cap: &Rc<Cap>, call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "task" => task(cap, call, args)?,
        "namespace" => namespace(cap, call, args).await?,
        "desc" => {
            call.arity(args, 1, 1)?;
            cap.v3.rake.borrow_mut().describe(&args.at(0).to_s());
            Value::Nil
        }
        "before" | "after" => hook(cap, call, name, args)?,
        "invoke" | "invoke!" => invoke(cap, call, name, args).await?,
        "remote_file" => remote_file(cap, call, args)?,
        "server" => {
            let (positional, options) = args.split_options();
            // What a gem that was let pass should have found: no server is declared in its name.
            if positional.first().is_some_and(|value| cap.is_inert(value)) {
                return Ok(Some(Value::Nil));
            }
            let text = name_arg(call, positional.first().unwrap_or(&Value::Nil), "the server")?;
            declare(cap, call, &text, properties(&options))?;
            Value::Nil
        }
        "role" => role(cap, call, args)?,
        "roles" => servers_value(cap, cap.roles3(call, args, false).await?),
        "release_roles" => servers_value(cap, cap.roles3(call, args, true).await?),
        "primary" => {
            let found = cap.v3.servers.borrow().in_roles(&names(&args.at(0)));
            let primary = found.iter().find(|server| server.properties.get("primary").is_some_and(Property::is_truthy));
            primary.or(found.first()).cloned().map_or(Value::Nil, |server| cap.server_value(server))
        }
        "role_properties" => role_properties(cap, call, args).await?,
        _ => return Ok(None),
    }))
}

fn servers_value(cap: &Rc<Cap>, servers: Vec<Server>) -> Value {
    Value::array(servers.into_iter().map(|server| cap.server_value(server)).collect())
}

/// What the arguments of `task` say: name, parameters, prerequisites.
struct Definition {
    name: String,
    params: Vec<String>,
    prerequisites: Vec<String>,
}

fn definition(call: &Call, args: &Args) -> R<Definition> {
    let (positional, options) = args.split_options();
    let pair = options.pairs().into_iter().next();
    let mut prerequisites = Vec::new();
    let (name, mut params) = match (positional.first(), pair) {
        // task :name => [:before]
        (None, Some((name, before))) => {
            prerequisites = task_names(&before);
            (name, Vec::new())
        }
        // task :name, [:a] => [:before]
        (Some(name), Some((params, before))) => {
            prerequisites = task_names(&before);
            (name.clone(), names(&params))
        }
        (Some(name), None) => (name.clone(), Vec::new()),
        (None, None) => (Value::Nil, Vec::new()),
    };
    params.extend(positional.iter().skip(1).flat_map(names));
    // As in Rake, `task` without a name (`desc "#{task} nginx"`) is a task without one.
    let name = if name.is_nil() { String::new() } else { name_arg(call, &name, "the task's name")? };
    Ok(Definition { name, params, prerequisites })
}

/// Names of tasks, by text or as the tasks themselves.
fn task_names(value: &Value) -> Vec<String> {
    let name = |value: &Value| value.downcast::<TaskObject>().map(|task| format!("rake:{}", task.task.name));
    value.to_list().iter().flat_map(|value| name(value).map_or_else(|| names(value), |name| vec![name])).collect()
}

/// Defines a task, or adds to one.
pub(crate) fn task(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let definition = definition(call, args)?;
    let task = cap.v3.rake.borrow_mut().define(&definition.name, site(call));
    if !definition.params.is_empty() {
        *task.params.borrow_mut() = definition.params;
    }
    for name in definition.prerequisites {
        if !task.prerequisites.borrow().contains(&name) {
            task.prerequisites.borrow_mut().push(name);
        }
    }
    task.actions.borrow_mut().extend(args.block.clone().map(Action::Block));
    Ok(TaskObject::value(cap, task))
}

async fn namespace(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let name = name_arg(call, &args.at(0), "the namespace's name")?;
    let Some(block) = &args.block else {
        return Err(call.argument_error(format!("the namespace `{name}' needs a block")));
    };
    let outer = cap.v3.rake.borrow_mut().enter(&name);
    let result = call.call_proc(block, vec![Value::Nil]).await;
    cap.v3.rake.borrow_mut().leave(outer);
    result
}

/// `before "task", "other"` makes it the last prerequisite; `after` appends an action that invokes it.
fn hook(cap: &Rc<Cap>, call: &Call, word: &str, args: &Args) -> R {
    let target = match args.at(0).downcast::<TaskObject>() {
        Some(task) => task.task.name.clone(),
        None => name_arg(call, &args.at(0), "the name of a task")?,
    };
    if args.positional.len() < 2 {
        return Err(call.argument_error(format!("`{word} {target:?}' needs the name of the other task")));
    }
    let rest = Args { positional: args.positional.get(1..).unwrap_or_default().to_vec(), ..args.clone() };
    let other = match &args.block {
        Some(_) => {
            let task = task(cap, call, &rest)?;
            task.downcast::<TaskObject>().map(|task| task.task.name.clone()).unwrap_or_default()
        }
        None => task_names(&rest.at(0)).into_iter().next().unwrap_or_default(),
    };
    // What more is given is taken for arguments of a new task, also where there is none: Capistrano 3 drops it unheard.
    if args.block.is_none() && args.positional.len() > 2 {
        let why = format!("`{word}' takes one task; {} is not hooked", args.at(2).inspect());
        cap.say(call, deploy_plan::Level::Warning, format!("{}: {why}", place(call)));
    }
    let task = cap.named_task(call, &target)?;
    // As Rake does it: looked up from the target's namespace, also where a block has just made the task.
    let found = cap.v3.rake.borrow().lookup(&other, &task.scope).filter(|found| found.name != other);
    if let (Some(found), Some(_)) = (found, &args.block) {
        let why = format!(
            "`{word} {target:?}' means {0} by this name, so the block is not hooked (as in Capistrano); give it another name",
            found.name
        );
        cap.say(call, deploy_plan::Level::Warning, format!("{}: {why}", place(call)));
    }
    if word == "before" {
        if !task.prerequisites.borrow().contains(&other) {
            task.prerequisites.borrow_mut().push(other);
        }
    } else {
        task.actions.borrow_mut().push(Action::After(other, site(call)));
    }
    Ok(Value::Nil)
}

fn place(call: &Call) -> String {
    site(call).map_or_else(|| "the recipe".to_owned(), |site| site.to_string())
}

async fn invoke(cap: &Rc<Cap>, call: &Call, word: &str, args: &Args) -> R {
    let name = match args.at(0).downcast::<TaskObject>() {
        Some(task) => task.task.name.clone(),
        None => name_arg(call, &args.at(0), "the name of a task")?,
    };
    let task = cap.named_task(call, &name)?;
    if word == "invoke!" {
        task.invoked.set(false);
    } else if task.invoked.get() {
        let text = format!(
            "{}: skipping task `{name}': a task is invoked once, and this one was; invoke!(\"{name}\") runs it again",
            place(call)
        );
        cap.say(call, deploy_plan::Level::Warning, text);
    }
    let given = args.positional.get(1..).unwrap_or_default().to_vec();
    cap.invoke_task(call, task, given, site(call)).await?;
    Ok(Value::Nil)
}

fn declare(cap: &Rc<Cap>, call: &Call, text: &str, properties: deploy_inventory::Properties) -> R<()> {
    let text = crate::v2::placeholder(cap, call, text);
    let done = cap.v3.servers.borrow_mut().declare(&text, properties);
    done.map_err(|error| {
        let problem = deploy_plan::Problem::new(deploy_plan::ProblemKind::Usage, "declare a server", error.to_string());
        fail(call, problem.at(site(call)).next("write it as in: server \"deploy@web1.example.com:22\", roles: %w[web]"))
    })
}

fn role(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let name = name_arg(call, positional.first().unwrap_or(&Value::Nil), "the role's name")?;
    if name == "all" {
        return Err(call.argument_error("all reserved name for role. Please choose another name"));
    }
    let given = positional.get(1..).unwrap_or_default().iter().filter(|value| !cap.is_inert(value));
    let hosts = given.flat_map(|value| match value.downcast::<super::host_object::HostObject>() {
        Some(host) => vec![host.server.borrow().id().to_string()],
        None => names(value),
    });
    for host in hosts.collect::<Vec<_>>() {
        let mut all = properties(&options);
        all.insert("roles".to_owned(), Property::Str(name.clone()));
        declare(cap, call, &host, all)?;
    }
    Ok(Value::Nil)
}

/// Whether a server has the properties that the options ask for.
pub(crate) async fn selected(cap: &Rc<Cap>, call: &Call, server: &Server, options: &Hash) -> R<bool> {
    for (key, wanted) in options.pairs() {
        let key = key.to_s();
        let special = ["filter", "select", "exclude"].contains(&key.as_str());
        let found = match &wanted {
            Value::Proc(test) => call.call_proc(test, vec![cap.server_value(server.clone())]).await?.truthy(),
            name if special => server.properties.get(&name.to_s()).is_some_and(Property::is_truthy),
            value => server.properties.get(&key).map_or(Property::Nil, Clone::clone) == property(value),
        };
        if found == (key == "exclude") {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn role_properties(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, _) = args.split_options();
    let wanted: Vec<String> = positional.iter().flat_map(names).collect();
    let mut all = Vec::new();
    for server in cap.roles3(call, args, false).await? {
        for role in wanted.iter().filter(|role| server.roles.contains(*role)) {
            let own = server.properties.get(role).map_or(Value::Nil, crate::v2::value_of);
            if let Some(block) = &args.block {
                let args = vec![cap.server_value(server.clone()), Value::sym(role), own];
                call.call_proc(block, args).await?;
                continue;
            }
            let pairs = own.as_hash().map(|hash| hash.pairs()).unwrap_or_default();
            let more = [(Value::sym("role"), Value::sym(role)), (Value::sym("hostname"), Value::str(&server.hostname))];
            all.push(Value::hash(pairs.into_iter().chain(more)));
        }
    }
    Ok(if args.block.is_some() { Value::Nil } else { Value::array(all) })
}

/// `remote_file "shared/x" => "local", roles: :all`: uploaded where it is missing.
fn remote_file(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let pairs = options.pairs();
    let roles = options.get_name("roles").map(|value| names(&value)).unwrap_or_else(|| vec!["all".to_owned()]);
    let file = pairs.iter().find(|(key, _)| key.as_name().as_deref() != Some("roles"));
    let (name, local) = match (positional.first(), file) {
        (_, Some((name, local))) => (name.to_s(), Some(local.to_s())),
        (Some(name), None) => (name.to_s(), None),
        (None, None) => return Err(call.argument_error("`remote_file' needs a path")),
    };
    let task = cap.v3.rake.borrow_mut().define(&name, site(call));
    task.params.borrow_mut().extend(local);
    task.actions.borrow_mut().push(Action::RemoteFile(roles));
    Ok(TaskObject::value(cap, task))
}

impl Cap {
    /// The servers of `roles(…)` or `release_roles(…)`: no filter of the command line narrows them.
    pub async fn roles3(self: &Rc<Self>, call: &Call, args: &Args, releases: bool) -> R<Vec<Server>> {
        let (positional, options) = args.split_options();
        let wanted: Vec<String> = positional.iter().flat_map(names).collect();
        let found = self.v3.servers.borrow().in_roles(&wanted);
        let mut left = Vec::new();
        for server in found {
            if !(releases && server.no_release()) && selected(self, call, &server, &options).await? {
                left.push(server);
            }
        }
        Ok(left)
    }
}
