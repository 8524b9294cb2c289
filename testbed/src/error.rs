//! What can go wrong while a fleet is built, used or taken down.

use std::io;

/// A failure of the testbed itself, never of the commands that run on its hosts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestbedError {
    /// The system refused something.
    #[error("cannot {what}")]
    Io {
        /// What was tried, with its object.
        what: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A program that the testbed needs ended badly.
    #[error("{program} failed while trying to {what}: {detail}")]
    Program {
        /// The program.
        program: String,
        /// What was tried, with its object.
        what: String,
        /// The end of what it wrote to stderr, and its status.
        detail: String,
    },
    /// This machine lacks what a backend needs (root, a program, a container engine).
    #[error("the {backend} fleet cannot run on this machine: {why}")]
    Unavailable {
        /// The backend's name.
        backend: &'static str,
        /// What is missing, and how to get it.
        why: String,
    },
    /// The backend has no such switch.
    #[error("the {backend} fleet cannot {what}")]
    Unsupported {
        /// The backend's name.
        backend: &'static str,
        /// What was asked of it.
        what: &'static str,
    },
    /// A host was named that the fleet does not have.
    #[error("the fleet has no host named {name}")]
    UnknownHost {
        /// The name asked for.
        name: String,
    },
    /// A key could not be made or written.
    #[error("cannot make the SSH key {what}")]
    Key {
        /// Which key.
        what: String,
        /// The reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The container engine refused something.
    #[error("the container engine could not {what}")]
    Engine {
        /// What was tried, with its object.
        what: String,
        /// The engine's reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something did not come up or go away in time.
    #[error("{what} took longer than {seconds} s: {detail}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// The limit.
        seconds: u64,
        /// What is known about the reason.
        detail: String,
    },
}

impl TestbedError {
    /// Whether this machine lacks something, so that a test may be skipped.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, TestbedError::Unavailable { .. })
    }
}

/// The result of most calls of this crate.
pub type Result<T, E = TestbedError> = std::result::Result<T, E>;

/// Says of an IO error what was being tried.
pub(crate) trait Doing<T> {
    /// Adds the intention and its object.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| TestbedError::Io { what: what(), source: e.into() })
    }
}
