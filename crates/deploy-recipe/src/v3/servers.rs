//! Servers: known by host name and port, with roles and properties that add up over declarations.

use deploy_inventory::{Address, AddressError, Host, HostId, Properties, Property};
use indexmap::{IndexMap, IndexSet};

/// One server as it is declared.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Server {
    pub hostname: String,
    pub user: Option<String>,
    pub port: Option<u16>,
    pub roles: IndexSet<String>,
    pub properties: Properties,
}

impl Server {
    /// How people and the engine call it.
    pub fn id(&self) -> HostId {
        match self.port {
            Some(port) if self.hostname.contains(':') => HostId::new(&format!("[{}]:{port}", self.hostname)),
            Some(port) => HostId::new(&format!("{}:{port}", self.hostname)),
            None => HostId::new(&self.hostname),
        }
    }

    /// What the engine connects to.
    pub fn host(&self) -> Host {
        Host {
            id: self.id(),
            name: self.hostname.clone(),
            user: self.user.clone(),
            port: self.port,
            properties: self.properties.clone(),
        }
    }

    /// Whether it has no releases.
    pub fn no_release(&self) -> bool {
        self.properties.get("no_release").is_some_and(Property::is_truthy)
    }

    /// Adds a property: maps are merged, lists joined, anything else replaced.
    pub fn add(&mut self, name: &str, value: Property) {
        match (self.properties.get_mut(name), value) {
            (Some(Property::Map(known)), Property::Map(more)) => known.extend(more),
            (Some(Property::List(known)), Property::List(more)) => known.extend(more),
            (_, value) => {
                self.properties.insert(name.to_owned(), value);
            }
        }
    }
}

/// All servers, in order of declaration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers {
    all: IndexMap<(String, Option<u16>), Server>,
}

impl Servers {
    /// Declares a server, for the first time or again.
    pub fn declare(&mut self, text: &str, properties: Properties) -> Result<(), AddressError> {
        let address = Address::parse(text)?;
        let text_of = |name: &str| properties.get(name).and_then(Property::text);
        let port = text_of("port").and_then(|text| text.parse::<u16>().ok());
        let user = text_of("user");
        // Checked like the text itself.
        let address =
            Address::parse(address.host())?.or(user.as_deref().or(address.user()), port.or(address.port()))?;
        let key = (address.host().to_owned(), address.port());
        let server = self.all.entry(key).or_insert_with(|| Server {
            hostname: address.host().to_owned(),
            port: address.port(),
            ..Server::default()
        });
        if let Some(user) = address.user() {
            server.user = Some(user.to_owned());
        }
        for (name, value) in properties {
            match name.as_str() {
                "roles" | "role" => {
                    let names = match value {
                        Property::List(names) => names.iter().filter_map(Property::text).collect(),
                        other => other.text().into_iter().collect::<Vec<_>>(),
                    };
                    server.roles.extend(names);
                }
                "user" | "port" => {}
                _ => server.add(&name, value),
            }
        }
        Ok(())
    }

    /// Puts a changed server in its place.
    pub fn replace(&mut self, server: Server) {
        self.all.insert((server.hostname.clone(), server.port), server);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Server> {
        self.all.values()
    }

    /// Those that have one of the roles; `all` means every server.
    pub fn in_roles(&self, names: &[String]) -> Vec<Server> {
        let every = names.iter().any(|name| name == "all");
        self.iter().filter(|server| every || names.iter().any(|name| server.roles.contains(name))).cloned().collect()
    }

    /// The one of an identity.
    pub fn by_id(&self, id: &HostId) -> Option<&Server> {
        self.iter().find(|server| server.id() == *id)
    }

    /// Names of all roles.
    pub fn roles(&self) -> IndexSet<String> {
        self.iter().flat_map(|server| server.roles.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, Property)]) -> Properties {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn names(list: &[&str]) -> Property {
        Property::List(list.iter().map(|name| Property::Str((*name).to_owned())).collect())
    }

    #[test]
    fn declarations_of_a_server_add_up() {
        let mut servers = Servers::default();
        servers
            .declare("deploy@web1:2222", properties(&[("roles", names(&["web"])), ("tags", names(&["a"]))]))
            .unwrap();
        servers.declare("web1:2222", properties(&[("roles", names(&["app"])), ("tags", names(&["b"]))])).unwrap();
        servers
            .declare("web1", properties(&[("user", Property::Str("bob".into())), ("port", Property::Int(2222))]))
            .unwrap();
        servers.declare("web1", properties(&[("roles", names(&["db"]))])).unwrap();
        let all: Vec<&Server> = servers.iter().collect();
        assert_eq!(all.len(), 2, "another port is another server");
        assert_eq!(all[0].user.as_deref(), Some("bob"), "a property is stronger than the text");
        assert_eq!(all[0].roles.iter().collect::<Vec<_>>(), ["web", "app"]);
        assert_eq!(all[0].properties.get("tags"), Some(&names(&["a", "b"])));
        assert_eq!((all[0].id().as_str(), all[1].id().as_str()), ("web1:2222", "web1"));
        assert_eq!(servers.in_roles(&["app".into()]).len(), 1);
        assert_eq!(servers.in_roles(&["all".into()]).len(), 2);
        assert!(servers.declare("-oProxyCommand=x", Properties::new()).is_err());
    }
}
