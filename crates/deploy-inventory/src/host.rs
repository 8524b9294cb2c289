//! Hosts: how a recipe names one SSH target, and the properties it attaches to it.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

/// The identity of a host within one recipe, as its dialect defines it (Capistrano 2: `user@host:port` with only the
/// parts the recipe wrote). It is what output is prefixed with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(Arc<str>);

impl HostId {
    /// Makes an identity from its text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The identity as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A property value: what a recipe can attach to a host or a role, without any tie to the recipe's language.
#[derive(Clone, Debug, PartialEq)]
pub enum Property {
    /// Nothing.
    Nil,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Str(String),
    /// A symbol; differs from a text of the same letters.
    Sym(String),
    /// A list.
    List(Vec<Property>),
    /// A map with ordered keys.
    Map(IndexMap<String, Property>),
}

impl Property {
    /// Whether the value counts as true (all but nil and false).
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }

    /// The text of a string, symbol or number.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Str(s) | Self::Sym(s) => Some(s.clone()),
            Self::Int(i) => Some(i.to_string()),
            _ => None,
        }
    }
}

/// Properties by name, in the order in which they were given.
pub type Properties = IndexMap<String, Property>;

/// One SSH target as a recipe declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its identity.
    pub id: HostId,
    /// The name or address to connect to (before `ssh_config` is consulted).
    pub name: String,
    /// The login user, where the recipe names one for this host.
    pub user: Option<String>,
    /// The port, where the recipe names one for this host.
    pub port: Option<u16>,
    /// Everything else: `:primary`, `:no_release`, `:ssh_options` and what the recipe invents.
    pub properties: Properties,
}
