//! What a recipe declares: roles, the servers in them, and the properties of a server in a role.

use indexmap::IndexMap;

use crate::address::check_role;
use crate::{Address, AddressError, Field, Host, HostId, Properties, Property};

/// A server in one role, with the properties that the declaration gave it there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) address: Address,
    pub(crate) properties: Properties,
}

impl Member {
    fn new(server: &str, properties: &Properties) -> Result<Self, AddressError> {
        let mut properties = properties.clone();
        let user = properties.shift_remove("user").as_ref().and_then(Property::text);
        let port = properties.shift_remove("port").map(|port| read_port(server, &port)).transpose()?.flatten();
        let address = Address::parse(server.trim())?.or(user.as_deref(), port)?;
        Ok(Self { address, properties })
    }

    pub(crate) fn host(&self) -> Host {
        to_host(&self.address, self.properties.clone())
    }
}

pub(crate) fn to_host(address: &Address, properties: Properties) -> Host {
    Host {
        id: address.id(),
        name: address.host().to_owned(),
        user: address.user().map(str::to_owned),
        port: address.port(),
        properties,
    }
}

fn read_port(server: &str, port: &Property) -> Result<Option<u16>, AddressError> {
    let Some(text) = port.text() else { return Ok(None) };
    match text.trim().parse::<u16>() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(AddressError::Form {
            field: Field::Port,
            text: server.to_owned(),
            why: "is given as a property that is no number between 1 and 65535",
        }),
    }
}

/// Roles in the order of their declaration, each with its servers.
///
/// A server's identity is host, user and port as written. It may be in several roles, with properties of its own in
/// each of them.
///
/// ```
/// use deploy_inventory::{Filters, Inventory, Properties, Property, Selection};
///
/// let mut inventory = Inventory::new();
/// inventory.role("app", ["app1.example.com", "app2.example.com"], &Properties::new())?;
/// let primary = Properties::from_iter([("primary".to_owned(), Property::Bool(true))]);
/// inventory.role("db", ["deploy@db1.example.com:2222"], &primary)?;
///
/// let migrate = Selection::roles(["db"]).only("primary", Property::Bool(true));
/// let selected = inventory.select(&migrate, &Filters::default())?;
/// assert_eq!(selected.hosts[0].id.as_str(), "deploy@db1.example.com:2222");
/// # Ok::<(), deploy_inventory::AddressError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    roles: IndexMap<String, Vec<Member>>,
}

impl Inventory {
    /// Without any role.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds servers to a role; without servers it only declares the role. The properties `user` and `port` are the
    /// login's where the server's text has none; all others belong to the servers in this role only.
    ///
    /// # Errors
    /// When a name is refused; nothing is added then.
    pub fn role<S: AsRef<str>>(
        &mut self,
        name: &str,
        servers: impl IntoIterator<Item = S>,
        properties: &Properties,
    ) -> Result<(), AddressError> {
        check_role(name)?;
        let members: Vec<Member> =
            servers.into_iter().map(|server| Member::new(server.as_ref(), properties)).collect::<Result<_, _>>()?;
        self.roles.entry(name.to_owned()).or_default().extend(members);
        Ok(())
    }

    /// Adds one server to several roles, with the same properties in each.
    ///
    /// # Errors
    /// When a name is refused; nothing is added then.
    pub fn server<S: AsRef<str>>(
        &mut self,
        server: &str,
        roles: impl IntoIterator<Item = S>,
        properties: &Properties,
    ) -> Result<(), AddressError> {
        let member = Member::new(server, properties)?;
        let roles: Vec<S> = roles.into_iter().collect();
        roles.iter().try_for_each(|role| check_role(role.as_ref()))?;
        for role in roles {
            self.roles.entry(role.as_ref().to_owned()).or_default().push(member.clone());
        }
        Ok(())
    }

    /// Takes a role away, with its servers as far as they are in it.
    pub fn remove_role(&mut self, name: &str) {
        self.roles.shift_remove(name);
    }

    /// Takes the servers out of a role, which stays declared.
    pub fn empty_role(&mut self, name: &str) {
        if let Some(members) = self.roles.get_mut(name) {
            members.clear();
        }
    }

    /// The names of the roles, in order of declaration.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    /// Whether the role is declared, be it empty.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.contains_key(name)
    }

    /// The hosts of a role, each once; none for a role that is not declared.
    #[must_use]
    pub fn in_role(&self, name: &str) -> Vec<Host> {
        unique(self.members(name).iter().map(Member::host))
    }

    /// Every host once, in order of declaration, with the properties of all its roles; where roles differ in a
    /// property, the role declared first wins.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let mut hosts: IndexMap<HostId, Host> = IndexMap::new();
        for member in self.roles.values().flatten() {
            let host = hosts.entry(member.address.id()).or_insert_with(|| to_host(&member.address, Properties::new()));
            for (name, value) in &member.properties {
                host.properties.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        hosts.into_values().collect()
    }

    /// A host by its identity, with the properties of all its roles.
    #[must_use]
    pub fn host(&self, id: &HostId) -> Option<Host> {
        self.hosts().into_iter().find(|host| host.id == *id)
    }

    /// The roles that a host is in, in order of declaration.
    #[must_use]
    pub fn roles_of(&self, id: &HostId) -> Vec<&str> {
        self.roles
            .iter()
            .filter(|(_, members)| members.iter().any(|member| member.address.id() == *id))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Whether no host is declared at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roles.values().all(Vec::is_empty)
    }

    pub(crate) fn members(&self, role: &str) -> &[Member] {
        self.roles.get(role).map_or(&[], Vec::as_slice)
    }

    /// The addresses of all members, each once, in order of declaration.
    pub(crate) fn addresses(&self) -> Vec<&Address> {
        let mut seen: Vec<&Address> = Vec::new();
        for member in self.roles.values().flatten() {
            if !seen.contains(&&member.address) {
                seen.push(&member.address);
            }
        }
        seen
    }
}

/// Keeps the first of hosts with one identity.
pub(crate) fn unique(hosts: impl IntoIterator<Item = Host>) -> Vec<Host> {
    let mut kept: IndexMap<HostId, Host> = IndexMap::new();
    for host in hosts {
        kept.entry(host.id.clone()).or_insert(host);
    }
    kept.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, Property)]) -> Properties {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
    }

    fn ids(hosts: &[Host]) -> Vec<&str> {
        hosts.iter().map(|h| h.id.as_str()).collect()
    }

    #[test]
    fn roles_accumulate_in_order() {
        let mut inventory = Inventory::new();
        inventory.role("web", ["b", "a"], &Properties::new()).unwrap();
        inventory.role("app", ["c"], &Properties::new()).unwrap();
        inventory.role("web", [" d ", "a"], &Properties::new()).unwrap();
        assert_eq!(ids(&inventory.in_role("web")), ["b", "a", "d"]);
        assert_eq!(inventory.roles().collect::<Vec<_>>(), ["web", "app"]);
        assert_eq!(ids(&inventory.hosts()), ["b", "a", "d", "c"]);
        assert_eq!(inventory.roles_of(&HostId::new("a")), ["web"]);
    }

    #[test]
    fn properties_stay_in_their_role() {
        let mut inventory = Inventory::new();
        inventory.role("app", ["h"], &Properties::new()).unwrap();
        inventory.role("db", ["h"], &properties(&[("primary", Property::Bool(true))])).unwrap();
        assert!(inventory.in_role("app")[0].properties.is_empty());
        assert_eq!(inventory.in_role("db")[0].properties["primary"], Property::Bool(true));
        assert_eq!(inventory.hosts().len(), 1);
        assert_eq!(inventory.host(&HostId::new("h")).unwrap().properties["primary"], Property::Bool(true));
    }

    #[test]
    fn user_and_port_are_special_and_the_text_wins() {
        let given = properties(&[
            ("user", Property::Str("bob".into())),
            ("port", Property::Int(2200)),
            ("weight", Property::Int(3)),
        ]);
        let mut inventory = Inventory::new();
        inventory.role("app", ["h", "al@h", "h:22"], &given).unwrap();
        assert_eq!(ids(&inventory.in_role("app")), ["bob@h:2200", "al@h:2200", "bob@h:22"]);
        assert_eq!(inventory.in_role("app")[0].properties, properties(&[("weight", Property::Int(3))]));
        let text = properties(&[("port", Property::Str("2201".into())), ("user", Property::Nil)]);
        inventory.role("web", ["h"], &text).unwrap();
        assert_eq!(ids(&inventory.in_role("web")), ["h:2201"]);
    }

    #[test]
    fn refusals_change_nothing() {
        let mut inventory = Inventory::new();
        for port in [Property::Int(0), Property::Int(65_536), Property::Str("x".into())] {
            assert!(inventory.role("app", ["h"], &properties(&[("port", port)])).is_err());
        }
        assert!(inventory.role("app", ["h", "-x"], &Properties::new()).is_err());
        assert!(inventory.role("a,b", ["h"], &Properties::new()).is_err());
        assert!(inventory.role("", ["h"], &Properties::new()).is_err());
        assert!(inventory.role("app", ["h"], &properties(&[("user", Property::Str("$x".into()))])).is_err());
        assert!(inventory.server("h", ["app", "-x"], &Properties::new()).is_err());
        assert_eq!(inventory, Inventory::new());
    }

    #[test]
    fn roles_are_emptied_and_taken_away() {
        let mut inventory = Inventory::new();
        inventory.server("h", ["web", "app"], &Properties::new()).unwrap();
        inventory.role("db", ["d"], &Properties::new()).unwrap();
        inventory.empty_role("web");
        inventory.empty_role("unknown");
        assert_eq!(inventory.roles().collect::<Vec<_>>(), ["web", "app", "db"]);
        assert_eq!(ids(&inventory.hosts()), ["h", "d"]);
        inventory.remove_role("app");
        inventory.remove_role("unknown");
        assert_eq!(inventory.roles().collect::<Vec<_>>(), ["web", "db"]);
        assert_eq!(ids(&inventory.hosts()), ["d"]);
    }

    #[test]
    fn empty_roles_and_servers() {
        let mut inventory = Inventory::new();
        inventory.role("app", [""; 0], &Properties::new()).unwrap();
        assert!(inventory.has_role("app") && !inventory.has_role("web") && inventory.is_empty());
        inventory.server("h", ["web", "app"], &properties(&[("primary", Property::Bool(true))])).unwrap();
        assert_eq!(inventory.roles_of(&HostId::new("h")), ["app", "web"]);
        assert!(inventory.in_role("web")[0].properties["primary"].is_truthy());
        assert!(!inventory.is_empty());
    }
}
