//! One conversation with the host's SFTP server.

use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, Packet, Status, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::AbortHandle;

use crate::error::ExecError;
use crate::prompt::lock;
use crate::session::{Event, Exec, ExitStatus, Running, Session};
use crate::transfer::TransferProblem;

/// Bytes that wait between the channel and the protocol.
const BUFFER: usize = 1024 * 1024;
/// How much of a file a request carries: every server takes that.
pub(super) const PIECE: usize = 32 * 1024;
/// Requests on the way at once.
pub(super) const AHEAD: usize = 64;
/// How long an answer may take, in seconds. A dead connection is found out by its own heartbeat long before.
const PATIENCE: u64 = 300;
/// Renames onto a file that is there, which plain SFTP of this version does not.
const POSIX_RENAME: &str = "posix-rename@openssh.com";

/// How the server ended, once it has.
type End = Arc<Mutex<Option<ExitStatus>>>;

pub(super) struct Client {
    pub(super) raw: RawSftpSession,
    replaces: bool,
    end: End,
    bridge: AbortHandle,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.bridge.abort();
    }
}

impl Client {
    pub(super) async fn start(session: &dyn Session) -> Result<Self, TransferProblem> {
        let running = match session.exec(Exec::subsystem("sftp")).await {
            Ok(running) => running,
            Err(ExecError::Refused { .. }) => return Err(TransferProblem::NoSftp),
            Err(error) => return Err(error.into()),
        };
        let (ours, theirs) = tokio::io::duplex(BUFFER);
        let end = End::default();
        let bridge = tokio::spawn(bridge(running, theirs, Arc::clone(&end))).abort_handle();
        let raw = RawSftpSession::new(ours);
        raw.set_timeout(PATIENCE);
        let mut client = Self { raw, replaces: false, end, bridge };
        let version = match client.raw.init().await {
            Ok(version) => version,
            // A server that is not installed, or a forced command that is none, ends before it says a word.
            Err(error) => {
                let lost = client.lost();
                return Err(lost.unwrap_or_else(|| TransferProblem::Sftp(words(&error))));
            }
        };
        client.replaces = version.extensions.contains_key(POSIX_RENAME);
        Ok(client)
    }

    fn lost(&self) -> Option<TransferProblem> {
        match lock(&self.end).as_ref()? {
            ExitStatus::Lost(reason) => Some(TransferProblem::Lost(crate::ssh::printable(reason))),
            ended => Some(TransferProblem::Sftp(format!("the server's side ended ({ended})"))),
        }
    }

    /// A failure in the words of who knows most about it.
    pub(super) fn problem(&self, path: &str, error: Error) -> TransferProblem {
        match error {
            Error::Status(status) => TransferProblem::Remote(format!("{path}: {}", said(&status))),
            other => self.lost().unwrap_or_else(|| TransferProblem::Sftp(words(&other))),
        }
    }

    /// What is there, links followed.
    pub(super) async fn about(&self, path: &str) -> Result<Option<FileAttributes>, TransferProblem> {
        match self.raw.stat(path).await {
            Ok(about) => Ok(Some(about.attrs)),
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(None),
            Err(error) => Err(self.problem(path, error)),
        }
    }

    pub(super) async fn is_directory(&self, path: &str) -> Result<bool, TransferProblem> {
        Ok(self.about(path).await?.is_some_and(|about| about.is_dir()))
    }

    pub(super) async fn set_mode(&self, path: &str, mode: u32) -> Result<(), TransferProblem> {
        let set = self.raw.setstat(path, permissions(mode)).await;
        set.map(drop).map_err(|error| self.problem(path, error))
    }

    /// Gives `from` the name `to`, whatever has that now.
    pub(super) async fn replace(&self, from: &str, to: &str) -> Result<(), TransferProblem> {
        if self.replaces {
            let answer = self.raw.extended(POSIX_RENAME, two_strings(from, to)).await;
            return match answer {
                Ok(Packet::Status(status)) if status.status_code == StatusCode::Ok => Ok(()),
                Ok(Packet::Status(status)) => Err(self.problem(to, status.into())),
                Ok(_) => Err(self.problem(to, Error::UnexpectedPacket)),
                Err(error) => Err(self.problem(to, error)),
            };
        }
        if self.raw.rename(from, to).await.is_ok() {
            return Ok(());
        }
        // There is a moment without the file: the server knows no better.
        self.raw.remove(to).await.map_err(|error| self.problem(to, error))?;
        self.raw.rename(from, to).await.map(drop).map_err(|error| self.problem(to, error))
    }
}

pub(super) fn permissions(mode: u32) -> FileAttributes {
    FileAttributes { permissions: Some(mode & 0o7777), ..FileAttributes::empty() }
}

/// A path as the server takes it: relative to the login's home, which has no sign of its own there.
pub(super) fn remote(path: &str) -> Result<String, TransferProblem> {
    if path.is_empty() || path.contains('\0') {
        return Err(TransferProblem::Path(path.to_owned()));
    }
    Ok(match path {
        "~" | "~/" => ".".to_owned(),
        _ => path.strip_prefix("~/").unwrap_or(path).to_owned(),
    })
}

/// Without a slash at its end, but for the root.
pub(super) fn bare(path: &str) -> &str {
    let bare = path.trim_end_matches('/');
    if bare.is_empty() { path } else { bare }
}

pub(super) fn join(directory: &str, name: &str) -> String {
    if directory.ends_with('/') { format!("{directory}{name}") } else { format!("{directory}/{name}") }
}

fn said(status: &Status) -> String {
    let said = crate::ssh::printable(status.error_message.trim());
    match status.status_code {
        // Its word for all that the protocol has no word for.
        StatusCode::Failure if said.is_empty() || said == "Failure" => {
            "the server says only that it failed (a full disk, a quota, or something that is in the way)".to_owned()
        }
        _ if said.is_empty() => status.status_code.to_string(),
        _ => said,
    }
}

fn words(error: &Error) -> String {
    crate::ssh::printable(&error.to_string())
}

/// Two strings, each behind its length.
fn two_strings(first: &str, second: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for text in [first, second] {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        data.extend_from_slice(&length.to_be_bytes());
        data.extend_from_slice(text.as_bytes());
    }
    data
}

/// Carries bytes between the channel and the protocol until one of them ends.
async fn bridge(mut running: Running, stream: DuplexStream, end: End) {
    let stdin = running.take_stdin();
    let (mut ours, mut theirs) = tokio::io::split(stream);
    let write = async {
        let Some(mut stdin) = stdin else { return };
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(PIECE);
            let read = ours.read_buf(&mut buffer).await;
            if !read.is_ok_and(|count| count > 0) || stdin.write(buffer.split().freeze()).await.is_err() {
                return;
            }
        }
    };
    let read = async {
        while let Some(event) = running.next().await {
            match event {
                Event::Stdout(data) if theirs.write_all(&data).await.is_err() => return,
                Event::Exit(status) => *lock(&end) = Some(status),
                Event::Stdout(_) | Event::Stderr(_) => {}
            }
        }
        let _ = theirs.shutdown().await;
    };
    tokio::join!(write, read);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_the_servers() {
        let path = |text: &str| remote(text).unwrap();
        assert_eq!(path("~/x y"), "x y");
        assert_eq!(path("~"), ".");
        assert_eq!(path("/etc/x"), "/etc/x");
        assert_eq!(path("-r"), "-r");
        assert!(remote("").is_err() && remote("a\0b").is_err());
        assert_eq!((bare("/a/"), bare("/"), bare("a")), ("/a", "/", "a"));
        assert_eq!((join("/", "a"), join("b", "a")), ("/a".to_owned(), "b/a".to_owned()));
    }

    #[test]
    fn a_rename_carries_two_strings() {
        assert_eq!(two_strings("a", "bc"), [0, 0, 0, 1, b'a', 0, 0, 0, 2, b'b', b'c']);
    }
}
