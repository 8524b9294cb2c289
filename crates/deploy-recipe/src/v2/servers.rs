//! Words about servers: role, server, roles, find_servers.

use std::rc::Rc;

use deploy_inventory::Properties;
use deploy_ruby::{Args, Call, Hash, Reply, Value};

use super::Cap;
use super::cap::DynamicRole;
use super::convert::{Later, R, name_arg, names, properties, site};
use super::objects::{RoleList, Roles, Server};
use super::scope::Wanted;

/// The words of this theme.
pub(crate) const WORDS: &[&str] =
    &["find_servers", "find_servers_for_task", "role", "role_names_for_host", "roles", "server"];

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
        "role" if !path.is_empty() => {
            return Err(call.raise("NotImplementedError", "roles cannot be defined in a namespace"));
        }
        "role" => role(cap, call, args)?,
        "server" => server(cap, call, args)?,
        "roles" if args.is_empty() => Value::object(Roles { cap: cap.clone() }),
        "find_servers" => find(cap, call, None, args.option_hash()).await?,
        "find_servers_for_task" => {
            let options = if args.len() > 1 || args.keywords.is_some() { args.option_hash() } else { Rc::default() };
            let task = args.at(0).downcast::<super::objects::TaskObject>().map(|object| object.task.clone());
            find(cap, call, task.map(|task| task.options.clone()), options).await?
        }
        "role_names_for_host" => {
            let text = args.at(0).to_s();
            let inventory = cap.inventory.borrow();
            let hosts = inventory.hosts();
            let host = hosts.iter().find(|host| host.id.as_str() == text || host.name == text);
            let roles = host.map(|host| inventory.roles_of(&host.id)).unwrap_or_default();
            Value::array(roles.into_iter().map(Value::sym).collect())
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Options of a call as a hash.
trait OptionHash {
    fn option_hash(&self) -> Rc<Hash>;
}

impl OptionHash for Args {
    fn option_hash(&self) -> Rc<Hash> {
        self.options().unwrap_or_default()
    }
}

fn role(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let name = name_arg(call, positional.first().unwrap_or(&Value::Nil), "the role's name")?;
    let servers = names(&Value::array(positional.get(1..).unwrap_or_default().to_vec()));
    let given = properties(&options);
    declare(cap, call, &name, &servers, &given)?;
    if let Some(block) = &args.block {
        let role = DynamicRole { name, block: block.clone(), properties: given };
        cap.dynamic_roles.borrow_mut().push(role);
    }
    Ok(Value::Nil)
}

/// A text where the name of a server was to be filled in (`your web-server here`): a name that never leads anywhere
/// stands for it, so that the recipe loads, and only who contacts it fails.
pub(crate) fn placeholder(cap: &Cap, call: &Call, text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.' || c.is_whitespace();
    if words.len() < 2 || !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || !text.chars().all(plain) {
        return text.to_owned();
    }
    let name = format!("{}.invalid", words.join("-"));
    cap.warn_at(site(call), &format!("{text:?} is no server: {name} stands for it, and cannot be reached"));
    name
}

fn declare(cap: &Cap, call: &Call, role: &str, servers: &[String], given: &Properties) -> R<()> {
    let servers: Vec<String> = servers.iter().map(|text| placeholder(cap, call, text)).collect();
    let servers = servers.as_slice();
    let done = cap.inventory.borrow_mut().role(role, servers, given);
    done.map_err(|error| call.argument_error(error.to_string()))
}

fn server(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let name = positional.first().map(|value| names(value).join("")).unwrap_or_default();
    let name = placeholder(cap, call, &name);
    let roles = names(&Value::array(positional.get(1..).unwrap_or_default().to_vec()));
    if roles.is_empty() {
        return Err(call.argument_error(format!("the server {name:?} needs at least one role")));
    }
    let done = cap.inventory.borrow_mut().server(&name, &roles, &properties(&options));
    done.map_err(|error| call.argument_error(error.to_string()))?;
    Ok(Value::Nil)
}

async fn find(cap: &Rc<Cap>, call: &Call, task: Option<Rc<Hash>>, options: Rc<Hash>) -> R {
    let wanted = Wanted::read(call, task.as_deref(), &options).await?;
    let hosts = cap.select(call, &wanted.selection).await?;
    Ok(Value::array(hosts.into_iter().map(|host| Server::value(cap, host)).collect()))
}

impl Cap {
    /// Evaluates the blocks of dynamic roles that were not evaluated yet, once.
    pub async fn settle_roles(self: &Rc<Self>, call: &Call) -> R<()> {
        loop {
            let next = {
                let mut waiting = self.dynamic_roles.borrow_mut();
                if waiting.is_empty() { None } else { Some(waiting.remove(0)) }
            };
            let Some(role) = next else { return Ok(()) };
            let _label = call.context().enter(&format!("in the block of role {}", role.name));
            let given = call.call_proc(&role.block, Vec::new()).await?;
            let mut list = given.to_list_unless_hash();
            let mut all = role.properties.clone();
            if let Some(Value::Hash(over)) = list.last().cloned() {
                list.pop();
                all.extend(properties(&over));
            }
            let servers = names(&Value::array(list));
            declare(self, call, &role.name, &servers, &all)?;
        }
    }

    /// The servers of a role, as the recipe sees them.
    pub async fn role_list(self: &Rc<Self>, call: &Call, name: &str) -> R {
        self.settle_roles(call).await?;
        let hosts = self.inventory.borrow().in_role(name);
        let servers = hosts.into_iter().map(|host| Server::value(self, host)).collect();
        Ok(Value::object(RoleList { cap: self.clone(), name: name.to_owned(), servers }))
    }
}

/// What a role's block gives: a hash is not a list of pairs here.
trait ToList {
    fn to_list_unless_hash(&self) -> Vec<Value>;
}

impl ToList for Value {
    fn to_list_unless_hash(&self) -> Vec<Value> {
        match self {
            Value::Hash(_) => vec![self.clone()],
            other => other.to_list(),
        }
    }
}
