//! Which hosts a task or command is for: Capistrano 2's rules, and the reason when there are none.

use std::fmt;

use crate::filter::Filters;
use crate::inventory::{to_host, unique};
use crate::{Address, AddressError, Host, Inventory, Properties, Property, nearest};

/// What a task or command asks for. A list that is given but empty means no host at all; one that is not given means
/// no limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// `:roles`.
    pub roles: Option<Vec<String>>,
    /// `:hosts`: exactly these; roles and conditions are ignored.
    pub hosts: Option<Vec<String>>,
    /// `:only`: every one of these must equal the host's property.
    pub only: Properties,
    /// `:except`: none of these may equal the host's property.
    pub except: Properties,
    /// `:skip_hostfilter`: `HOSTFILTER` and `HOSTROLEFILTER` are not looked at.
    pub skip_host_filter: bool,
}

impl Selection {
    /// All hosts of all roles.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The hosts of these roles.
    #[must_use]
    pub fn roles<S: Into<String>>(roles: impl IntoIterator<Item = S>) -> Self {
        Self { roles: Some(roles.into_iter().map(Into::into).collect()), ..Self::default() }
    }

    /// Exactly these hosts.
    #[must_use]
    pub fn hosts<S: Into<String>>(hosts: impl IntoIterator<Item = S>) -> Self {
        Self { hosts: Some(hosts.into_iter().map(Into::into).collect()), ..Self::default() }
    }

    /// Adds a property that must be equal.
    #[must_use]
    pub fn only(mut self, name: &str, value: Property) -> Self {
        self.only.insert(name.to_owned(), value);
        self
    }

    /// Adds a property that must not be equal.
    #[must_use]
    pub fn except(mut self, name: &str, value: Property) -> Self {
        self.except.insert(name.to_owned(), value);
        self
    }

    fn admits(&self, properties: &Properties) -> bool {
        let is = |name: &String, value: &Property| properties.get(name).unwrap_or(&Property::Nil) == value;
        self.only.iter().all(|(name, value)| is(name, value))
            && !self.except.iter().any(|(name, value)| is(name, value))
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let list = |names: &[String]| format!("[{}]", names.join(", "));
        if let Some(hosts) = &self.hosts {
            parts.push(format!("hosts {}", list(hosts)));
        }
        if let Some(roles) = &self.roles {
            parts.push(format!("roles {}", list(roles)));
        }
        for (word, properties) in [("only", &self.only), ("except", &self.except)] {
            if !properties.is_empty() {
                let pairs: Vec<String> = properties.iter().map(|(k, v)| format!("{k} = {}", show(v))).collect();
                parts.push(format!("{word} {}", pairs.join(", ")));
            }
        }
        if parts.is_empty() { f.write_str("all hosts") } else { f.write_str(&parts.join("; ")) }
    }
}

fn show(value: &Property) -> String {
    match value {
        Property::Nil => "nil".to_owned(),
        Property::Bool(b) => b.to_string(),
        Property::Int(i) => i.to_string(),
        Property::Str(s) => format!("{s:?}"),
        Property::Sym(s) => format!(":{s}"),
        Property::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Property::Map(pairs) => {
            format!("{{{}}}", pairs.iter().map(|(k, v)| format!("{k}: {}", show(v))).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The selected hosts, each once. A host's properties are those of the first selected role that it is in.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected {
    /// The hosts.
    pub hosts: Vec<Host>,
    /// How many there would have been without filters.
    pub of: usize,
    /// The given filters as they would be typed; none when there are none.
    pub filter: Option<String>,
}

impl Selected {
    /// Whether the filters left out or replaced some of the hosts.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.filter.is_some() && self.hosts.len() != self.of
    }
}

impl fmt::Display for Selected {
    /// `2 of 5 hosts (HOSTS=web1,web2)`, or `5 hosts`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.of == 1 { "" } else { "s" };
        match &self.filter {
            Some(filter) => write!(f, "{} of {} host{plural} ({filter})", self.hosts.len(), self.of),
            None => write!(f, "{} host{plural}", self.of),
        }
    }
}

impl Inventory {
    /// The hosts for a selection under filters, by the rules of Capistrano 2:
    ///
    /// 1. `:hosts` or `:roles` given as an empty list: none.
    /// 2. `HOSTS`, else `:hosts`, where it names any: exactly these. They need not be in any role.
    /// 3. Else `ROLES`, else `:roles`, else all roles (with `preserve_roles`: only those that `:roles` has too); a role
    ///    that is not declared is empty. Then the conditions `:only` and `:except`.
    /// 4. Each host once; then `HOSTFILTER` or else `HOSTROLEFILTER`.
    ///
    /// A name in `HOSTS` or `:hosts` stands for the declared host that has all of its written parts, if there is
    /// exactly one; so `HOSTS=web1` reaches `deploy@web1:2222` where Capistrano would have tried port 22.
    ///
    /// # Errors
    /// When a name in `HOSTS` or `:hosts` is no server.
    pub fn select(&self, selection: &Selection, filters: &Filters) -> Result<Selected, AddressError> {
        let hosts = self.find(selection, filters)?;
        if !filters.is_given() {
            return Ok(Selected { of: hosts.len(), hosts, filter: None });
        }
        let of = self.find(selection, &Filters::default())?.len();
        Ok(Selected { hosts, of, filter: Some(filters.text()) })
    }

    fn find(&self, selection: &Selection, filters: &Filters) -> Result<Vec<Host>, AddressError> {
        let found = self.before_host_filter(selection, filters)?;
        Ok(if selection.skip_host_filter { found } else { self.host_filter(found, filters) })
    }

    fn before_host_filter(&self, selection: &Selection, filters: &Filters) -> Result<Vec<Host>, AddressError> {
        let empty = |list: &Option<Vec<String>>| list.as_ref().is_some_and(Vec::is_empty);
        if empty(&selection.hosts) || empty(&selection.roles) {
            return Ok(Vec::new());
        }
        let named = filters.hosts.as_ref().or(selection.hosts.as_ref()).filter(|hosts| !hosts.is_empty());
        if let Some(named) = named {
            let hosts: Vec<Host> = named.iter().map(|name| self.named(name)).collect::<Result<_, _>>()?;
            return Ok(unique(hosts));
        }
        let members = self.chosen_roles(selection, filters).into_iter().flat_map(|role| self.members(role));
        Ok(unique(members.filter(|member| selection.admits(&member.properties)).map(|member| member.host())))
    }

    fn chosen_roles<'a>(&'a self, selection: &'a Selection, filters: &'a Filters) -> Vec<&'a str> {
        let asked = filters.roles.as_ref().or(selection.roles.as_ref());
        let mut roles: Vec<&str> = match asked {
            Some(names) => names.iter().map(|name| name.trim()).collect(),
            None => self.roles().collect(),
        };
        if let (true, Some(own)) = (filters.preserve_roles, &selection.roles) {
            roles.retain(|role| own.iter().any(|name| name.trim() == *role));
        }
        roles
    }

    fn named(&self, name: &str) -> Result<Host, AddressError> {
        let address = Address::parse(name.trim())?;
        let hosts = self.hosts();
        if let Some(host) = hosts.iter().find(|host| host.id == address.id()) {
            return Ok(host.clone());
        }
        let known = self.addresses();
        let covered: Vec<&&Address> = known.iter().filter(|known| address.covers(known)).collect();
        let declared = match covered.as_slice() {
            [one] => hosts.into_iter().find(|host| host.id == one.id()),
            _ => None,
        };
        Ok(declared.unwrap_or_else(|| to_host(&address, Properties::new())))
    }

    fn host_filter(&self, found: Vec<Host>, filters: &Filters) -> Vec<Host> {
        if let Some(names) = &filters.host_filter {
            return found.into_iter().filter(|host| names.iter().any(|name| goes_by(host, name))).collect();
        }
        let Some(roles) = &filters.host_role_filter else { return found };
        let names: Vec<&str> =
            roles.iter().flat_map(|role| self.members(role)).map(|member| member.address.host()).collect();
        found.into_iter().filter(|host| names.contains(&host.name.as_str())).collect()
    }

    /// Why a selection has no host; none when it has some.
    ///
    /// # Errors
    /// As [`Inventory::select`].
    pub fn why_none(&self, selection: &Selection, filters: &Filters) -> Result<Option<NoMatch>, AddressError> {
        let selected = self.select(selection, filters)?;
        if !selected.hosts.is_empty() {
            return Ok(None);
        }
        Ok(Some(NoMatch {
            asked: selection.to_string(),
            filter: selected.filter,
            reasons: self.reasons(selection, filters)?,
            known_roles: self.roles().map(str::to_owned).collect(),
            known_hosts: self.hosts().iter().map(|host| host.id.to_string()).collect(),
        }))
    }

    fn reasons(&self, selection: &Selection, filters: &Filters) -> Result<Vec<NoMatchReason>, AddressError> {
        for (what, list) in [("hosts", &selection.hosts), ("roles", &selection.roles)] {
            if list.as_ref().is_some_and(Vec::is_empty) {
                return Ok(vec![NoMatchReason::EmptyList { what }]);
            }
        }
        if self.is_empty() {
            return Ok(vec![NoMatchReason::NoHosts]);
        }
        let before = self.before_host_filter(selection, filters)?;
        if !before.is_empty() {
            return Ok(vec![NoMatchReason::FilteredOut { before: before.len() }]);
        }
        let roles = self.chosen_roles(selection, filters);
        if roles.is_empty() {
            return Ok(vec![NoMatchReason::NoRoleLeft]);
        }
        let mut reasons: Vec<NoMatchReason> = Vec::new();
        for role in &roles {
            if !self.has_role(role) {
                let nearest = nearest(role, self.roles());
                reasons.push(NoMatchReason::UnknownRole { name: (*role).to_owned(), nearest });
            } else if self.members(role).is_empty() {
                reasons.push(NoMatchReason::EmptyRole { name: (*role).to_owned() });
            }
        }
        let members = unique(roles.iter().flat_map(|role| self.members(role)).map(|member| member.host())).len();
        if members > 0 {
            reasons.push(NoMatchReason::Conditions { before: members });
        }
        Ok(reasons)
    }
}

/// Whether a name in `HOSTFILTER` means the host: its bare name, or all of its identity.
fn goes_by(host: &Host, name: &str) -> bool {
    host.name == name
        || host.id.as_str() == name
        || name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) == Some(&host.name)
}

/// One reason why no host is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoMatchReason {
    /// The recipe declares no host.
    NoHosts,
    /// The list itself is nil or empty.
    EmptyList {
        /// `hosts` or `roles`.
        what: &'static str,
    },
    /// `ROLES` and the task's own roles have none in common.
    NoRoleLeft,
    /// A role that is not declared.
    UnknownRole {
        /// Its name.
        name: String,
        /// Names that may have been meant.
        nearest: Vec<String>,
    },
    /// A declared role has no servers.
    EmptyRole {
        /// Its name.
        name: String,
    },
    /// `:only` and `:except` left none.
    Conditions {
        /// How many hosts the roles have.
        before: usize,
    },
    /// `HOSTFILTER` or `HOSTROLEFILTER` left none.
    FilteredOut {
        /// How many hosts there were before.
        before: usize,
    },
}

impl fmt::Display for NoMatchReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHosts => f.write_str("the recipe declares no host"),
            Self::EmptyList { what } => write!(f, ":{what} is nil or empty"),
            Self::NoRoleLeft => f.write_str("ROLES names no role that the task is for"),
            Self::UnknownRole { name, nearest } if nearest.is_empty() => write!(f, "there is no role {name:?}"),
            Self::UnknownRole { name, nearest } => {
                write!(f, "there is no role {name:?}; did you mean {}?", nearest.join(" or "))
            }
            Self::EmptyRole { name } => write!(f, "the role {name:?} has no servers"),
            Self::Conditions { before: 1 } => f.write_str("the conditions exclude the one host there is"),
            Self::Conditions { before } => write!(f, "the conditions exclude all {before} hosts"),
            Self::FilteredOut { before: 1 } => f.write_str("the filter excludes the one host there is"),
            Self::FilteredOut { before } => write!(f, "the filter excludes all {before} hosts"),
        }
    }
}

/// Everything that a message about an empty selection needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoMatch {
    /// The selection as people read it.
    pub asked: String,
    /// The filters as they would be typed.
    pub filter: Option<String>,
    /// Why nothing is left.
    pub reasons: Vec<NoMatchReason>,
    /// The roles that the recipe declares.
    pub known_roles: Vec<String>,
    /// The hosts that the recipe declares.
    pub known_hosts: Vec<String>,
}

impl fmt::Display for NoMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no host matches {}", self.asked)?;
        if let Some(filter) = &self.filter {
            write!(f, " with {filter}")?;
        }
        let reasons: Vec<String> = self.reasons.iter().map(NoMatchReason::to_string).collect();
        write!(f, ": {}", reasons.join("; "))
    }
}

#[cfg(test)]
mod tests;
