//! Names that look alike are different types: a release id is not a revision, a run is not a step.

use std::fmt;

/// Why a text cannot be a name of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is not a name.
    #[error("the {kind} is empty")]
    Empty {
        /// What it was to be.
        kind: &'static str,
    },
    /// A character that must not be there.
    #[error("the {kind} {text:?} has {found:?} at position {position}")]
    Character {
        /// What it was to be.
        kind: &'static str,
        /// The text as given.
        text: String,
        /// The offending character.
        found: char,
        /// Its 1-based position in characters.
        position: usize,
    },
    /// The text is wrong as a whole.
    #[error("the {kind} {text:?} {why}")]
    Form {
        /// What it was to be.
        kind: &'static str,
        /// The text as given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Refuses what no file name may hold; everything else is safe because it is quoted where it becomes shell text.
fn file_name(kind: &'static str, text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { kind });
    }
    if let Some((index, found)) = text.chars().enumerate().find(|(_, c)| *c == '/' || c.is_control()) {
        return Err(NameError::Character { kind, text: text.to_owned(), found, position: index + 1 });
    }
    if text.starts_with('.') || text.starts_with('-') {
        return Err(NameError::Form { kind, text: text.to_owned(), why: "begins with a dot or a dash" });
    }
    if text.len() > 255 {
        return Err(NameError::Form { kind, text: text.to_owned(), why: "is longer than 255 bytes" });
    }
    Ok(())
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

text_id! {
    /// The name of a directory under `releases/`: by default UTC `YYYYMMDDHHMMSS`, one for the whole fleet.
    ReleaseId
}

/// How everything ends that stands for what only a host can tell.
const KNOWN_AT_RUN: &str = "known at run]";

impl ReleaseId {
    /// Checks that the text can name a release directory.
    ///
    /// # Errors
    /// When it is empty, has a slash or a control character, or begins with a dot or a dash.
    pub fn new(text: &str) -> Result<Self, NameError> {
        file_name("release name", text)?;
        Ok(Self(text.to_owned()))
    }

    /// What stands for the name of a release where nobody has asked the hosts (`-n`): `what` release it is.
    #[must_use]
    pub fn known_at_run(what: &str) -> Self {
        Self(format!("[{what}, {KNOWN_AT_RUN}"))
    }

    /// Whether it is a name, and not what stands for one.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.0.ends_with(KNOWN_AT_RUN)
    }

    /// Whether it has the form that Capistrano gives its releases: 14 digits.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.0.len() == 14 && self.0.bytes().all(|b| b.is_ascii_digit())
    }
}

text_id! {
    /// A pinned revision: a full commit hash or a Subversion revision number.
    Revision
}

impl Revision {
    /// What stands for a revision where nobody has asked the hosts (`-n`).
    #[must_use]
    pub fn known_at_run() -> Self {
        Self(format!("[{KNOWN_AT_RUN}"))
    }

    /// Checks that the text can be a revision.
    ///
    /// # Errors
    /// When it is empty, begins with a dash or has a control character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        file_name("revision", text)?;
        Ok(Self(text.to_owned()))
    }

    /// The first ten characters of a long hash, the whole of anything else: for tables.
    #[must_use]
    pub fn short(&self) -> &str {
        let hash = self.0.len() >= 40 && self.0.bytes().all(|b| b.is_ascii_hexdigit());
        if hash { self.0.get(..10).unwrap_or(&self.0) } else { &self.0 }
    }
}

text_id! {
    /// One execution of a plan.
    RunId
}

impl RunId {
    /// Checks that the text can name a run.
    ///
    /// # Errors
    /// When it could not be a file name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        file_name("run id", text)?;
        Ok(Self(text.to_owned()))
    }
}

/// A step within one run, counted from 1 in the order of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub u32);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// A body that the recipe gave to `on_rollback`; only the recipe knows what is behind the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandlerId(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_names_are_file_names() {
        assert!(ReleaseId::new("20261123054446").unwrap().is_well_formed());
        assert!(!ReleaseId::new("v1.2").unwrap().is_well_formed());
        for bad in ["", "a/b", "..", "-x", "a\nb"] {
            assert!(ReleaseId::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            ReleaseId::new("2026/1").unwrap_err().to_string(),
            "the release name \"2026/1\" has '/' at position 5"
        );
    }

    #[test]
    fn short_form_cuts_only_hashes() {
        assert_eq!(Revision::new(&"ab".repeat(20)).unwrap().short(), "ababababab");
        assert_eq!(Revision::new("4711").unwrap().short(), "4711");
    }
}
