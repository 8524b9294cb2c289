//! Filters of the command line: `ROLES`, `HOSTS`, `HOSTFILTER`, `HOSTROLEFILTER`.

use std::fmt;

use crate::{Address, AddressError, HostId, Inventory, nearest};

/// Splits a list as the command line writes it: by commas, blanks around the names dropped.
#[must_use]
pub fn comma_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// What the person at the command line limits a run to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// `ROLES`: in place of the roles that a task names.
    pub roles: Option<Vec<String>>,
    /// `HOSTS`: exactly these hosts; roles and conditions of a task are ignored.
    pub hosts: Option<Vec<String>>,
    /// `HOSTFILTER`: of what was selected, only hosts of these names.
    pub host_filter: Option<Vec<String>>,
    /// `HOSTROLEFILTER`: of what was selected, only hosts of these roles; not looked at beside `HOSTFILTER`.
    pub host_role_filter: Option<Vec<String>>,
    /// `-r`: only those of `ROLES` that the task names too.
    pub preserve_roles: bool,
}

impl Filters {
    /// Reads the filters from variables of these names (`ENV` of a recipe).
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Self {
        let list = |name: &str| get(name).map(|text| comma_list(&text));
        Self {
            roles: list("ROLES"),
            hosts: list("HOSTS"),
            host_filter: list("HOSTFILTER"),
            host_role_filter: list("HOSTROLEFILTER"),
            preserve_roles: false,
        }
    }

    /// Whether any filter is given.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.named().next().is_some()
    }

    /// The given filters as they would be typed: `HOSTS=web1,web2`. Empty when there is none.
    #[must_use]
    pub fn text(&self) -> String {
        self.named().map(|(name, list)| format!("{name}={}", list.join(","))).collect::<Vec<_>>().join(" ")
    }

    fn named(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        [
            ("ROLES", &self.roles),
            ("HOSTS", &self.hosts),
            ("HOSTFILTER", &self.host_filter),
            ("HOSTROLEFILTER", &self.host_role_filter),
        ]
        .into_iter()
        .filter_map(|(name, list)| list.as_ref().map(|list| (name, list)))
    }

    /// Names in the filters that the recipe does not know, and filters without any name. `HOSTS` may name a host
    /// that is in no role and still work; that a typing error must not pass for success is the caller's to decide.
    #[must_use]
    pub fn problems(&self, inventory: &Inventory) -> Vec<FilterProblem> {
        self.named()
            .flat_map(|(filter, list)| {
                let roles = matches!(filter, "ROLES" | "HOSTROLEFILTER");
                let empty = list.is_empty().then_some(FilterProblem::Empty { filter });
                let bad = list.iter().filter_map(move |name| {
                    if roles { role_problem(filter, name, inventory) } else { host_problem(filter, name, inventory) }
                });
                empty.into_iter().chain(bad)
            })
            .collect()
    }
}

fn role_problem(filter: &'static str, name: &str, inventory: &Inventory) -> Option<FilterProblem> {
    if inventory.has_role(name) {
        return None;
    }
    let nearest = nearest(name, inventory.roles());
    Some(FilterProblem::UnknownRole { filter, name: name.to_owned(), nearest })
}

fn host_problem(filter: &'static str, name: &str, inventory: &Inventory) -> Option<FilterProblem> {
    let address = match Address::parse(name) {
        Ok(address) => address,
        Err(source) => return Some(FilterProblem::Address { filter, source }),
    };
    let known = inventory.addresses();
    if known.iter().any(|other| address.covers(other)) {
        return None;
    }
    let ids: Vec<HostId> = known.iter().map(|address| address.id()).collect();
    let names = ids.iter().map(HostId::as_str).chain(known.iter().map(|address| address.host()));
    let nearest = nearest(name, names);
    Some(FilterProblem::UnknownHost { filter, name: name.to_owned(), nearest })
}

/// Something in a filter that may be a typing error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterProblem {
    /// The filter is given and names nothing.
    Empty {
        /// Its name on the command line.
        filter: &'static str,
    },
    /// No role of this name is declared.
    UnknownRole {
        /// The filter's name on the command line.
        filter: &'static str,
        /// The name that is not known.
        name: String,
        /// Names that may have been meant.
        nearest: Vec<String>,
    },
    /// No host of this name is in any role.
    UnknownHost {
        /// The filter's name on the command line.
        filter: &'static str,
        /// The name that is not known.
        name: String,
        /// Names that may have been meant.
        nearest: Vec<String>,
    },
    /// The name is none that a host can have.
    Address {
        /// The filter's name on the command line.
        filter: &'static str,
        /// What is wrong with it.
        source: AddressError,
    },
}

impl fmt::Display for FilterProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meant = |f: &mut fmt::Formatter<'_>, nearest: &[String]| match nearest {
            [] => Ok(()),
            names => write!(f, "; did you mean {}?", names.join(" or ")),
        };
        match self {
            Self::Empty { filter } => write!(f, "{filter} is given but names nothing"),
            Self::UnknownRole { filter, name, nearest } => {
                write!(f, "{filter} names the role {name:?}, which the recipe does not declare")?;
                meant(f, nearest)
            }
            Self::UnknownHost { filter, name, nearest } => {
                write!(f, "{filter} names the host {name:?}, which is in no role")?;
                meant(f, nearest)
            }
            Self::Address { filter, source } => write!(f, "{filter} has a name that is no host: {source}"),
        }
    }
}
