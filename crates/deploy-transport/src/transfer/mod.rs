//! Files and directory trees, copied over one command's input or output.
//!
//! Nothing is needed on the host but a POSIX shell with `cat`, `wc`, `chmod` and `mv`, and `tar` for trees and downloads. What
//! arrives is written under another name beside its place and renamed when all of it is there, so nobody sees half a file, and a
//! transfer that breaks changes nothing. Modes are kept, owners are not. Symbolic links in a tree stay links.
//!
//! ```no_run
//! # async fn example(session: &dyn deploy_transport::Session) -> Result<(), deploy_transport::transfer::TransferError> {
//! use deploy_transport::transfer::{Source, Upload, upload};
//!
//! let file = Upload::new(Source::File("config/database.yml".into()), "/var/www/app/shared/config/");
//! upload(session, "web1", &file, &mut |progress| println!("{} bytes", progress.bytes)).await?;
//! # Ok(()) }
//! ```
//!
//! A file of 8 MiB and more that a broken connection cut off goes on from there the next time, if the host has `sha256sum` to
//! prove that what is there is its beginning; what is there stays under a name that begins with `.capstan-part-`.
//!
//! [`sftp`] does the same by SFTP, where nothing is broken off but begins anew.
//!
//! Limits: a broken download, and a broken tree, begin anew. A tree that exists on the host already is added to: it
//! changes file by file, after everything has arrived.

mod bridge;
mod download;
mod resume;
mod script;
pub mod sftp;
mod tree;
mod unpack;
mod upload;

use std::path::PathBuf;

use bytes::Bytes;

pub use download::{Download, download, read};
pub use upload::upload;

use crate::error::ExecError;
use crate::session::{ExitStatus, Output};

/// What is sent.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file of this machine. A symbolic link is followed.
    File(PathBuf),
    /// A directory of this machine with everything in it.
    Tree(PathBuf),
    /// These bytes.
    Bytes(Bytes),
}

/// What becomes of a tree where a directory is already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// The tree's content is added to it, as Capistrano 2 does.
    #[default]
    Merge,
    /// The tree goes inside it under its own name, as `scp -r` does.
    Inside,
}

/// One thing to send.
#[derive(Debug, Clone)]
pub struct Upload {
    /// What is sent.
    pub source: Source,
    /// Where it goes. Relative to the login's home; `~/` is its home too. A file for which a directory is named goes inside it.
    pub to: String,
    /// The mode of a file, if not that of the local one (for bytes: as the login's umask has it).
    pub mode: Option<u32>,
    /// What becomes of a tree where a directory is already.
    pub existing: Existing,
}

impl Upload {
    /// Sends something with the modes it has.
    pub fn new(source: Source, to: impl Into<String>) -> Self {
        Self { source, to: to.into(), mode: None, existing: Existing::Merge }
    }
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of content so far, for trees with their headers.
    pub bytes: u64,
    /// All bytes, where that is known: for single files.
    pub total: Option<u64>,
}

/// A transfer that did not come about. The other side is as it was.
#[derive(Debug, thiserror::Error)]
#[error("{action} {path} {} {host} failed", if *.action == "sending" { "to" } else { "from" })]
pub struct TransferError {
    /// The host's name as shown in output.
    pub host: String,
    /// `sending` or `fetching`.
    pub action: &'static str,
    /// The path on the host.
    pub path: String,
    /// What went wrong.
    #[source]
    pub problem: TransferProblem,
}

/// What went wrong in a transfer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferProblem {
    /// The command for it could not be started.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A local file cannot be used.
    #[error("{}: {source}", .path.display())]
    Local {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The host said no.
    #[error("{0}")]
    Remote(String),
    /// The connection went away meanwhile.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The host lets this login use no SFTP.
    #[error("the host offers no SFTP to this login")]
    NoSftp,
    /// SFTP was spoken, and not well.
    #[error("the conversation in SFTP broke off: {0}")]
    Sftp(String),
    /// A path cannot be used.
    #[error("{0:?} cannot be a path there")]
    Path(String),
    /// What the host sent is not what was asked for.
    #[error("the host sent something else: {0}")]
    Archive(String),
    /// It is larger than the caller allows.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
}

/// A command's failure in the words of its standard error.
fn refused(done: &Output) -> TransferProblem {
    if let ExitStatus::Lost(reason) = &done.status {
        return TransferProblem::Lost(crate::ssh::printable(reason));
    }
    let said = done.stderr_text();
    let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = said.split_at(said.len().saturating_sub(3)).1.join("; ");
    let last = crate::ssh::printable(&last);
    TransferProblem::Remote(if last.is_empty() { done.status.to_string() } else { format!("{last} ({})", done.status) })
}
