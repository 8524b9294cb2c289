//! `roles` and `roles[:app]`: the recipe's servers as a live table, so that what a recipe takes away is gone.

use std::rc::Rc;

use async_trait::async_trait;
use deploy_inventory::Properties;
use deploy_ruby::{Args, Call, Object, Reply, Value};

use super::Cap;
use super::convert::{R, name_arg, properties};
use super::objects::Server;
use super::servers::declare;

/// `roles[:app]`
pub(crate) struct RoleList {
    pub cap: Rc<Cap>,
    pub name: String,
}

impl RoleList {
    fn servers(&self) -> Vec<Value> {
        let hosts = self.cap.inventory.borrow().in_role(&self.name);
        hosts.into_iter().map(|host| Server::value(&self.cap, host)).collect()
    }
}

#[async_trait(?Send)]
impl Object for RoleList {
    fn class_name(&self) -> String {
        "Capistrano::Role".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match name {
            "servers" | "to_ary" => Value::array(self.servers()),
            "empty?" => Value::Bool(self.servers().is_empty()),
            "size" | "length" => Value::from(self.servers().len()),
            "<<" | "push" => {
                let (mut positional, options) = args.split_options();
                positional.push(Value::Hash(options));
                self.cap.add_to_role(call, &self.name, flat(&Value::array(positional)))?;
                Value::Object(self)
            }
            "clear" => {
                self.cap.empty_role(&self.name);
                Value::Object(self)
            }
            "[]" | "last" | "at" | "values_at" | "dup" | "+" | "|" | "&" | "-" => {
                let list = Value::array(self.servers());
                if name == "dup" { list } else { call.send(&list, name, args.clone()).await? }
            }
            _ => return Ok(None),
        }))
    }

    fn items(&self) -> Option<Vec<Value>> {
        Some(self.servers())
    }
}

/// `roles`
pub(crate) struct Roles {
    pub cap: Rc<Cap>,
}

impl Roles {
    fn names(&self) -> Vec<String> {
        self.cap.inventory.borrow().roles().map(str::to_owned).collect()
    }

    /// What Ruby's `Hash` does, on a copy; what it changes there is changed in the recipe's table, too.
    async fn as_hash(&self, call: &Call, name: &str, args: &Args) -> R {
        self.cap.settle_roles(call).await?;
        let before = self.names();
        let mut pairs = Vec::new();
        for role in &before {
            pairs.push((Value::sym(role), self.cap.role_list(call, role).await?));
        }
        let copy = Value::hash(pairs);
        let given = call.send(&copy, name, args.clone()).await?;
        let Some(after) = copy.as_hash() else { return Ok(given) };
        let mut kept = Vec::new();
        let mut changed = Vec::new();
        for (key, value) in after.pairs() {
            let role = name_arg(call, &key, "the role's name")?;
            let same = value.downcast::<RoleList>().is_some_and(|list| list.name == role);
            if !same || !before.contains(&role) {
                // Read now: what is given may be another role that goes away.
                changed.push((role.clone(), flat(&value)));
            }
            kept.push(role);
        }
        for role in before.iter().filter(|role| !kept.contains(role)) {
            self.cap.drop_role(role);
        }
        for (role, servers) in changed {
            self.cap.empty_role(&role);
            self.cap.add_to_role(call, &role, servers)?;
        }
        Ok(given)
    }
}

#[async_trait(?Send)]
impl Object for Roles {
    fn class_name(&self) -> String {
        "Hash".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match name {
            "[]" if args.len() == 1 => {
                let name = name_arg(call, &args.at(0), "a role")?;
                self.cap.role_list(call, &name).await?
            }
            "[]=" | "store" if args.len() == 2 => {
                let name = name_arg(call, &args.at(0), "a role")?;
                let servers = flat(&args.at(1));
                self.cap.empty_role(&name);
                self.cap.add_to_role(call, &name, servers)?;
                args.at(1)
            }
            // These two ask no block of a role for its servers: nobody wants them any more.
            "clear" if args.is_empty() => {
                let waiting: Vec<String> =
                    self.cap.dynamic_roles.borrow().iter().map(|role| role.name.clone()).collect();
                for name in self.names().iter().chain(&waiting) {
                    self.cap.drop_role(name);
                }
                Value::Object(self)
            }
            "delete" if args.len() == 1 && args.block.is_none() => {
                let name = name_arg(call, &args.at(0), "a role")?;
                let known = self.cap.inventory.borrow().has_role(&name);
                let servers = RoleList { cap: self.cap.clone(), name: name.clone() }.servers();
                self.cap.drop_role(&name);
                if known { Value::array(servers) } else { Value::Nil }
            }
            "class" | "is_a?" | "kind_of?" | "respond_to?" | "nil?" => return Ok(None),
            _ => self.as_hash(call, name, args).await?,
        }))
    }
}

impl Cap {
    /// Takes a role out of the recipe, with the blocks that would give it servers.
    fn drop_role(&self, name: &str) {
        self.keep_its_hosts(name);
        self.dynamic_roles.borrow_mut().retain(|role| role.name != name);
        self.inventory.borrow_mut().remove_role(name);
    }

    /// Takes the servers out of a role, which stays, with the blocks that would give it more.
    fn empty_role(&self, name: &str) {
        self.keep_its_hosts(name);
        self.dynamic_roles.borrow_mut().retain(|role| role.name != name);
        self.inventory.borrow_mut().empty_role(name);
    }

    /// What was recorded for a host before its role went away still has to find it.
    fn keep_its_hosts(&self, name: &str) {
        if !self.port.is_open() {
            return;
        }
        let inventory = self.inventory.borrow();
        for host in inventory.in_role(name).iter().filter_map(|host| inventory.host(&host.id)) {
            self.strangers.borrow_mut().entry(host.id.clone()).or_insert(host);
        }
    }

    /// Adds servers to a role, by their names or as the recipe got them from another; options for all may end the list.
    fn add_to_role(&self, call: &Call, role: &str, mut servers: Vec<Value>) -> R<()> {
        let mut options = Properties::new();
        if let Some(Value::Hash(given)) = servers.last().cloned() {
            servers.pop();
            options = properties(&given);
        }
        declare(self, call, role, &[], &options)?;
        for value in servers.iter().filter(|value| !self.is_inert(value)) {
            match (value.downcast::<Server>(), value.as_name()) {
                (Some(server), _) => {
                    let mut all = server.host.properties.clone();
                    all.extend(options.clone());
                    declare(self, call, role, &[server.host.id.to_string()], &all)?;
                }
                (None, Some(name)) => declare(self, call, role, &[name], &options)?,
                (None, None) => {
                    let why = format!(
                        "{} is no server of the role {role}: give names, as in roles[:{role}] = [\"web1.example.com\"]",
                        value.inspect()
                    );
                    return Err(call.argument_error(why));
                }
            }
        }
        Ok(())
    }
}

/// The servers in what a recipe gives: one, a role, or lists of them.
fn flat(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(_) => value.to_list().iter().flat_map(flat).collect(),
        Value::Nil => Vec::new(),
        other => match other.downcast::<RoleList>() {
            Some(role) => role.servers(),
            None => vec![other.clone()],
        },
    }
}
