//! Files that a recipe carries between the deployer and its hosts.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes that are sent. They may be secret: they are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(Arc<[u8]>);

impl Content {
    /// These bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A file of the deployer, with its mode.
    File(PathBuf),
    /// A directory of the deployer with everything in it. With `inside` it goes below an existing directory under its own
    /// name, as `scp -r` does; without, its content is added to that of the directory.
    Tree {
        /// The directory.
        path: PathBuf,
        /// Whether it goes inside an existing directory.
        inside: bool,
    },
    /// These bytes.
    Bytes(Content),
}

/// How something is carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// Through a command on the host.
    #[default]
    Command,
    /// By SFTP.
    Sftp,
}

/// One file or tree that is carried to or from one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// To the host: under another name first, then renamed.
    Send {
        /// What.
        what: Sent,
        /// Where to.
        to: String,
        /// The mode of a file, if not its own.
        mode: Option<u32>,
        /// How.
        via: Via,
    },
    /// From the host.
    Fetch {
        /// Which file or directory.
        from: String,
        /// Where to; without a place the content is the result.
        to: Option<PathBuf>,
        /// How.
        via: Via,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_not_shown() {
        let transfer = Transfer::Send {
            what: Sent::Bytes(Content::new(*b"geheim")),
            to: "/etc/x".to_owned(),
            mode: None,
            via: Via::Command,
        };
        let shown = format!("{transfer:?}");
        assert!(shown.contains("6 bytes") && !shown.contains("geheim") && !shown.contains("103"), "{shown}");
    }
}
