//! A server as the recipe sees it: `host` in an `on` block, what `roles` gives.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use deploy_inventory::HostId;
use deploy_ruby::{Args, Call, Object, Reply, Value};

use super::servers::Server;
use crate::v2::{Cap, R, property, value_of};

/// A server. Those that `on` gives are copies: what is changed of them lasts for the block.
pub(crate) struct HostObject {
    pub cap: Rc<Cap>,
    pub server: RefCell<Server>,
    /// Whether it is a copy.
    pub copied: bool,
}

impl HostObject {
    /// Its identity for the engine. With another user than declared it is a host of its own.
    pub fn id(&self) -> HostId {
        let server = self.server.borrow();
        let id = server.id();
        let declared = self.cap.v3.servers.borrow().by_id(&id).cloned();
        let same = declared.is_some_and(|declared| declared.user == server.user);
        match &server.user {
            Some(user) if !same => {
                let other = HostId::new(&format!("{user}@{id}"));
                let host = deploy_inventory::Host { id: other.clone(), ..server.host() };
                self.cap.v3.relogged.borrow_mut().insert(other.as_str().to_owned(), host);
                other
            }
            _ => id,
        }
    }

    fn get(&self, name: &str) -> Value {
        let server = self.server.borrow();
        if name == "roles" {
            return Value::array(server.roles.iter().map(Value::sym).collect());
        }
        server.properties.get(name).map_or(Value::Nil, value_of)
    }

    /// Changes the copy, or the declaration itself.
    fn change(&self, change: impl Fn(&mut Server)) {
        change(&mut self.server.borrow_mut());
        if !self.copied {
            let server = self.server.borrow().clone();
            let mut servers = self.cap.v3.servers.borrow_mut();
            servers.replace(server);
        }
    }

    fn set(&self, name: &str, value: &Value) {
        self.change(|server| match name {
            "user" => server.user = (!value.is_nil()).then(|| value.to_s()),
            _ => server.add(name, property(value)),
        });
    }
}

impl Cap {
    /// A server as a value.
    pub fn server_value(self: &Rc<Self>, server: Server) -> Value {
        Value::object(HostObject { cap: self.clone(), server: RefCell::new(server), copied: false })
    }

    /// The server of a value: an object, or the text of one.
    pub fn server_of(&self, value: &Value) -> Option<Server> {
        if let Some(host) = value.downcast::<HostObject>() {
            return Some(host.server.borrow().clone());
        }
        let text = value.as_name()?;
        let mut servers = super::servers::Servers::default();
        servers.declare(&text, deploy_inventory::Properties::new()).ok()?;
        let named = servers.iter().next()?.clone();
        let known = self.v3.servers.borrow().by_id(&named.id()).cloned();
        if known.is_none() {
            self.v3.relogged.borrow_mut().insert(named.id().as_str().to_owned(), named.host());
        }
        Some(known.unwrap_or(named))
    }
}

#[async_trait(?Send)]
impl Object for HostObject {
    fn class_name(&self) -> String {
        "Capistrano::Configuration::Server".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let first = args.at(0);
        let server = self.server.borrow().clone();
        Ok(Some(match name {
            "hostname" | "host" => Value::str(&server.hostname),
            "user" | "username" => server.user.as_deref().map_or(Value::Nil, Value::str),
            "user=" | "password=" | "ssh_options=" | "key=" | "keys=" => {
                self.set(name.trim_end_matches('='), &first);
                first
            }
            "port" => server.port.map_or(Value::Nil, |port| Value::Int(i64::from(port))),
            "roles" | "roles_array" => self.get("roles"),
            "has_role?" => Value::Bool(server.roles.contains(&first.to_s())),
            "add_role" | "add_roles" => {
                let names = crate::v2::names(&first);
                self.change(|server| server.roles.extend(names.iter().cloned()));
                Value::Object(self)
            }
            "properties" => Value::object(Properties { host: self }),
            "fetch" => self.get(&first.to_s()),
            "set" => {
                self.set(&first.to_s(), &args.at(1));
                args.at(1)
            }
            "primary" => {
                if self.get("primary").truthy() {
                    Value::Object(self)
                } else {
                    Value::Nil
                }
            }
            "ssh_options" | "netssh_options" | "password" | "key" | "keys" => self.get(name),
            "local?" => Value::Bool(false),
            "dup" | "clone" => self.cap.server_value(server),
            "select?" => {
                let (_, options) = args.split_options();
                Value::Bool(super::define::selected(&self.cap, call, &server, &options).await?)
            }
            _ => return Ok(None),
        }))
    }

    fn to_s(&self) -> String {
        self.server.borrow().hostname.clone()
    }

    fn inspect(&self) -> String {
        format!("#<server {}>", self.server.borrow().id())
    }

    fn equals(&self, other: &Value) -> bool {
        other.downcast::<Self>().is_some_and(|other| other.server.borrow().id() == self.server.borrow().id())
    }

    fn hash_code(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.server.borrow().id().hash(&mut hasher);
        hasher.finish()
    }
}

/// `host.properties`
struct Properties {
    host: Rc<HostObject>,
}

#[async_trait(?Send)]
impl Object for Properties {
    fn class_name(&self) -> String {
        "Capistrano::Configuration::Server::Properties".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, args: &Args) -> Reply {
        let all = || self.host.server.borrow().properties.clone();
        Ok(Some(match name {
            "fetch" | "[]" => self.host.get(&args.at(0).to_s()),
            "set" | "[]=" => {
                self.host.set(&args.at(0).to_s(), &args.at(1));
                args.at(1)
            }
            "keys" => Value::array(all().keys().map(Value::sym).collect()),
            "to_h" => crate::v2::options_value(&all()),
            "roles" => self.host.get("roles"),
            "respond_to?" => Value::Bool(all().contains_key(&args.at(0).to_s())),
            _ => return Ok(None),
        }))
    }

    /// Any other name is a property.
    async fn missing(self: Rc<Self>, _call: &Call, name: &str, args: &Args) -> Reply {
        if let Some(name) = name.strip_suffix('=') {
            self.host.set(name, &args.at(0));
            return Ok(Some(args.at(0)));
        }
        Ok(Some(self.host.get(name)))
    }
}

/// The hosts of a value: one, several, nested.
pub(crate) fn hosts_of(cap: &Rc<Cap>, call: &Call, value: &Value) -> R<Vec<Server>> {
    let mut found: Vec<Server> = Vec::new();
    let mut left = vec![value.clone()];
    while let Some(next) = left.pop() {
        match &next {
            Value::Nil => {}
            Value::Array(_) => left.extend(next.to_list().into_iter().rev()),
            one => match cap.server_of(one) {
                Some(server) if found.iter().all(|known| known.id() != server.id()) => found.push(server),
                Some(_) => {}
                None => return Err(call.argument_error(format!("{} is no host", one.inspect()))),
            },
        }
    }
    Ok(found)
}
