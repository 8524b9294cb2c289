//! What can be made to go wrong on an embedded host, and what it has counted.

use std::time::Duration;

/// Faults of one host. They hold for what begins after they were set; the two `drop_on_…` rules
/// fire once and are then taken back, so that a client that connects again gets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// Logins are refused, the right key included.
    pub refuse_auth: bool,
    /// Exec requests are answered with a channel failure.
    pub refuse_exec: bool,
    /// A command starts this much later.
    pub exec_delay: Option<Duration>,
    /// The channel closes without an exit status.
    pub no_exit_status: bool,
    /// Every command ends with this status, whatever it really was.
    pub exit_status: Option<u32>,
    /// When a client's input to a command has had this text, the connection is reset; the command
    /// has got the text and goes on.
    pub drop_on_input: Option<String>,
    /// When a command's output has this text, the connection is reset; the client does not get it.
    pub drop_on_output: Option<String>,
    /// The port answers with a line of HTTP.
    pub not_ssh: bool,
    /// Connections are accepted and never answered.
    pub mute: bool,
    /// Nobody may forward connections, as with `AllowTcpForwarding no`.
    pub refuse_forwarding: bool,
    /// There is no subsystem `sftp`.
    pub refuse_sftp: bool,
    /// Session channels that one connection may have at a time; OpenSSH's default is 10.
    pub max_sessions: usize,
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            refuse_auth: false,
            refuse_exec: false,
            exec_delay: None,
            no_exit_status: false,
            exit_status: None,
            drop_on_input: None,
            drop_on_output: None,
            not_ssh: false,
            mute: false,
            refuse_forwarding: false,
            refuse_sftp: false,
            max_sessions: 10,
        }
    }
}

/// What clients have asked of an embedded host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostStats {
    /// TCP connections accepted.
    pub connections: usize,
    /// Logins accepted.
    pub logins: usize,
    /// Texts of the exec requests, in order, refused ones included.
    pub execs: Vec<String>,
}

/// Finds a text in a stream of chunks.
#[derive(Debug)]
pub(crate) struct Finder {
    needle: Vec<u8>,
    tail: Vec<u8>,
}

impl Finder {
    pub(crate) fn new(needle: &str) -> Self {
        Finder { needle: needle.as_bytes().to_vec(), tail: Vec::new() }
    }

    /// Whether the text ends in this chunk.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> bool {
        if self.needle.is_empty() {
            return false;
        }
        self.tail.extend_from_slice(chunk);
        let found = self.tail.windows(self.needle.len()).any(|w| w == self.needle);
        let keep = self.needle.len().saturating_sub(1).min(self.tail.len());
        self.tail.drain(..self.tail.len() - keep);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_across_chunks_and_only_once() {
        let mut f = Finder::new("abc");
        assert!(!f.feed(b"xxa"));
        assert!(!f.feed(b"b"));
        assert!(f.feed(b"cab"));
        assert!(!f.feed(b"b"));
        assert!(f.feed(b"..abc.."));
    }

    #[test]
    fn no_text_is_never_found() {
        assert!(!Finder::new("").feed(b"abc"));
    }
}
