//! Paths on a host: absolute, or below the login's home directory.

use std::fmt;

use crate::NameError;

/// A path on a host. It is absolute (`/var/www/shop`) or begins in the login's home (`~/apps/shop`); never relative to
/// a working directory, and never mistaken for a path on the deployer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemotePath {
    /// Whether `rest` is below the home directory.
    home: bool,
    /// What follows `/` or `~/`; empty for the root or the home itself.
    rest: String,
}

impl RemotePath {
    /// Reads an absolute path or one that begins with `~/`.
    ///
    /// # Errors
    /// When the text is empty, relative, or has a control character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        const KIND: &str = "path";
        if text.is_empty() {
            return Err(NameError::Empty { kind: KIND });
        }
        if let Some((index, found)) = text.chars().enumerate().find(|(_, c)| c.is_control()) {
            return Err(NameError::Character { kind: KIND, text: text.to_owned(), found, position: index + 1 });
        }
        let (home, rest) = if text == "~" || text == "$HOME" {
            (true, "")
        } else if let Some(rest) = text.strip_prefix("~/").or_else(|| text.strip_prefix("$HOME/")) {
            (true, rest)
        } else if let Some(rest) = text.strip_prefix('/') {
            (false, rest)
        } else {
            return Err(NameError::Form {
                kind: KIND,
                text: text.to_owned(),
                why: "is neither absolute nor below the home directory (~/…)",
            });
        };
        let parts: Vec<&str> = rest.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
        Ok(Self { home, rest: parts.join("/") })
    }

    /// The path of an entry below this one; `name` may have several parts.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let parts: Vec<&str> = name.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
        let tail = parts.join("/");
        let rest = if self.rest.is_empty() { tail } else { format!("{}/{tail}", self.rest) };
        Self { home: self.home, rest: rest.trim_end_matches('/').to_owned() }
    }

    /// The directory that holds it; none for the root and the home.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = self.rest.rsplit_once('/').map_or("", |(head, _)| head);
        Some(Self { home: self.home, rest: rest.to_owned() })
    }

    /// The last part of the path; empty for the root and the home.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.rest.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it begins in the login's home directory.
    #[must_use]
    pub fn is_below_home(&self) -> bool {
        self.home
    }

    /// What follows `/` or `~/`.
    #[must_use]
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// Whether some part of it is `..`.
    #[must_use]
    pub fn climbs(&self) -> bool {
        self.rest.split('/').any(|part| part == "..")
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = if self.home { "~" } else { "" };
        if self.rest.is_empty() {
            f.write_str(if self.home { "~" } else { "/" })
        } else {
            write!(f, "{start}/{}", self.rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (given, shown) in
            [("/var/www//app/", "/var/www/app"), ("~/apps/x", "~/apps/x"), ("$HOME/x", "~/x"), ("~", "~"), ("/", "/")]
        {
            assert_eq!(RemotePath::new(given).unwrap().to_string(), shown);
        }
        for bad in ["", "apps/x", "~other/x", "/a\nb"] {
            assert!(RemotePath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn family() {
        let path = RemotePath::new("/a/b").unwrap();
        assert_eq!(path.join("c/d").to_string(), "/a/b/c/d");
        assert_eq!(path.parent().unwrap().to_string(), "/a");
        assert_eq!(path.file_name(), "b");
        assert_eq!(RemotePath::new("/").unwrap().parent(), None);
        assert_eq!(path.join("").to_string(), "/a/b");
    }
}
