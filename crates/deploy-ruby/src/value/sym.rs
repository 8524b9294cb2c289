//! Symbols.

use std::rc::Rc;

/// A symbol's name. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sym(Rc<str>);

impl Sym {
    /// The symbol with this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    pub(crate) fn from_bytes(name: &[u8]) -> Self {
        Self(String::from_utf8_lossy(name).into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Sym {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, ":{}", self.0)
    }
}

impl std::fmt::Display for Sym {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
