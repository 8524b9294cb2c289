//! `Net::SSH::Proxy::Command` and `::Jump`: ways to a host that a recipe makes as objects.

use std::rc::Rc;

use async_trait::async_trait;
use deploy_inventory::Property;
use deploy_ruby::{Args, Call, Object, Reply, Value};

use super::convert::{R, unsupported};

/// A class of them.
struct Class {
    name: &'static str,
}

/// One of them: the name of the option that says the same, and its value.
pub(crate) struct SshProxy {
    class: &'static str,
    option: &'static str,
    value: String,
}

/// The class of this full name.
pub(crate) fn class(name: &str) -> Option<Value> {
    let name = match name {
        "Net::SSH::Proxy::Command" => "Net::SSH::Proxy::Command",
        "Net::SSH::Proxy::Jump" => "Net::SSH::Proxy::Jump",
        "Net::SSH::Proxy::HTTP" => "Net::SSH::Proxy::HTTP",
        "Net::SSH::Proxy::HTTPS" => "Net::SSH::Proxy::HTTPS",
        "Net::SSH::Proxy::SOCKS4" => "Net::SSH::Proxy::SOCKS4",
        "Net::SSH::Proxy::SOCKS5" => "Net::SSH::Proxy::SOCKS5",
        _ => return None,
    };
    Some(Value::object(Class { name }))
}

/// Whether a `require` asks for what is built in.
pub(crate) fn is_built_in(name: &str) -> bool {
    name == "net/ssh" || name == "net/ssh/proxy" || name.starts_with("net/ssh/proxy/")
}

impl SshProxy {
    /// As `ssh_options` carry it.
    pub fn property(&self) -> Property {
        Property::Map([(self.option.to_owned(), Property::Str(self.value.clone()))].into_iter().collect())
    }
}

impl Class {
    fn instance(&self, call: &Call, args: &Args) -> R {
        let option = match self.name {
            "Net::SSH::Proxy::Command" => "proxy_command",
            "Net::SSH::Proxy::Jump" => "proxy_jump",
            name => {
                let why = "there is no such way to a host; Net::SSH::Proxy::Command with `nc -X 5 -x PROXY:PORT %h %p' \
                           or the like does the same";
                return Err(unsupported(call, format!("use {name}"), why));
            }
        };
        call.arity(args, 1, 1)?;
        Ok(Value::object(SshProxy { class: self.name, option, value: args.at(0).to_s() }))
    }
}

#[async_trait(?Send)]
impl Object for Class {
    fn class_name(&self) -> String {
        "Class".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        match name {
            "new" => self.instance(call, args).map(Some),
            _ => Ok(None),
        }
    }

    fn inspect(&self) -> String {
        self.name.to_owned()
    }
}

#[async_trait(?Send)]
impl Object for SshProxy {
    fn class_name(&self) -> String {
        self.class.to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        Ok(match (name, self.option) {
            ("command_line_template", "proxy_command") | ("jump_proxies", "proxy_jump") => {
                Some(Value::str(&self.value))
            }
            _ => None,
        })
    }

    fn inspect(&self) -> String {
        format!("#<{} {:?}>", self.class, self.value)
    }
}
