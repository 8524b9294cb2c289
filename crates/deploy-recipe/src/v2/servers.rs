//! Words about servers: role, server, roles, find_servers.

use std::rc::Rc;

use deploy_inventory::{Address, Properties};
use deploy_ruby::{Args, Call, Hash, Reply, Value};

use super::Cap;
use super::cap::DynamicRole;
use super::convert::{Later, R, name_arg, names, properties, site};
use super::objects::Server;
use super::roles::{RoleList, Roles};
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
    let positional: Vec<Value> = positional.into_iter().filter(|value| !cap.is_inert(value)).collect();
    let servers = names(&Value::array(positional.get(1..).unwrap_or_default().to_vec()));
    let given = properties(&options);
    declare(cap, call, &name, &servers, &given)?;
    if let Some(block) = &args.block {
        let role = DynamicRole { name, block: block.clone(), properties: given };
        cap.dynamic_roles.borrow_mut().push(role);
    }
    Ok(Value::Nil)
}

/// A text where the name of a server was to be filled in (`""`, `your web-server here`, `<ip>`): Capistrano takes any text
/// and fails when it connects. A name that never leads anywhere stands for it, so that the recipe loads, and only who
/// contacts it fails.
pub(crate) fn placeholder(cap: &Cap, call: &Call, text: &str) -> String {
    let Some(name) = blank_name(text) else { return text.to_owned() };
    cap.warn_at(site(call), &format!("{text:?} is no server: {name} stands for it, and cannot be reached"));
    name
}

/// The name that stands for a text that only marks a place; none for every other text.
fn blank_name(text: &str) -> Option<String> {
    let host = text.trim_end_matches('@');
    if host.trim().is_empty() {
        return Some("no-name.invalid".to_owned());
    }
    let marks = |c: char| c.is_whitespace() || "<>{}[]#".contains(c);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@:".contains(c) || marks(c);
    if Address::parse(text).is_ok() || text.starts_with('-') || !text.contains(marks) || !text.chars().all(plain) {
        return None;
    }
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut name = words.join("-");
    name.truncate(50);
    let name = name.trim_matches('-');
    Some(if name.is_empty() { "no-name.invalid".to_owned() } else { format!("{name}.invalid") })
}

/// Adds servers to a role by their names.
pub(crate) fn declare(cap: &Cap, call: &Call, role: &str, servers: &[String], given: &Properties) -> R<()> {
    let servers: Vec<String> = servers.iter().map(|text| placeholder(cap, call, text)).collect();
    let servers = servers.as_slice();
    let done = cap.inventory.borrow_mut().role(role, servers, given);
    done.map_err(|error| call.argument_error(error.to_string()))
}

fn server(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    // What a gem that was let pass should have found: no server is declared in its name.
    if positional.first().is_some_and(|value| cap.is_inert(value)) {
        return Ok(Value::Nil);
    }
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
        Ok(Value::object(RoleList { cap: self.clone(), name: name.to_owned() }))
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

#[cfg(test)]
mod tests {
    use super::blank_name;

    #[test]
    fn texts_that_only_mark_a_place() {
        for (text, name) in [
            ("", Some("no-name.invalid")),
            ("  ", Some("no-name.invalid")),
            ("@", Some("no-name.invalid")),
            ("your web-server here", Some("your-web-server-here.invalid")),
            ("SSH USER@SERVER IP", Some("ssh-user-server-ip.invalid")),
            ("<ip>", Some("ip.invalid")),
            ("deploy@[your host]", Some("deploy-your-host.invalid")),
            ("web1.example.com", None),
            ("deploy@web1:2222", None),
            ("[2001:db8::1]:22", None),
            // These are mistakes, not places to fill in.
            ("-oProxyCommand=x", None),
            ("web1:99999", None),
            ("web1;reboot", None),
        ] {
            assert_eq!(blank_name(text).as_deref(), name, "{text:?}");
        }
    }
}
