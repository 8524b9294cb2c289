//! From a host to here.

use std::io;
use std::path::{Path, PathBuf};

use super::unpack::{Unpacked, unpack};
use super::upload::local;
use super::{Progress, TransferError, TransferProblem, bridge, refused, script};
use crate::session::{Event, Exec, ExitStatus, Output, Session};

/// How much of a command's complaint is kept.
const COMPLAINT: usize = 16 * 1024;

/// One thing to fetch.
#[derive(Debug, Clone)]
pub struct Download {
    /// The file or directory on the host. A link is followed; links inside a directory stay links.
    pub from: String,
    /// Where it goes: inside, under its own name, if a directory is there. A directory is never fetched onto another one.
    pub to: PathBuf,
}

impl Download {
    /// Fetches with the modes it has.
    pub fn new(from: impl Into<String>, to: impl Into<PathBuf>) -> Self {
        Self { from: from.into(), to: to.into() }
    }
}

/// Fetches something and gives the number of bytes that came.
///
/// # Errors
/// When the host does not have it, or not all of it came; nothing is left behind here then.
pub async fn download(
    session: &dyn Session,
    host: &str,
    download: &Download,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferError> {
    let fetched = fetch(session, download, progress).await;
    fetched.map_err(|problem| failed(host, &download.from, problem))
}

pub(super) fn failed(host: &str, path: &str, problem: TransferProblem) -> TransferError {
    TransferError { host: host.to_owned(), action: "fetching", path: path.to_owned(), problem }
}

/// The content of a small file.
///
/// # Errors
/// When the host does not have it, or it is larger than `limit` bytes.
pub async fn read(session: &dyn Session, host: &str, from: &str, limit: usize) -> Result<Vec<u8>, TransferError> {
    let content = async {
        let mut running = session.exec(Exec::new(script::print(from)?)).await?;
        running.stdin = None;
        let mut content = Vec::new();
        let (mut stderr, mut status) = (Vec::new(), ExitStatus::Lost("its task ended".into()));
        while let Some(event) = running.next().await {
            match event {
                Event::Stdout(data) if content.len() + data.len() > limit => {
                    return Err(TransferProblem::TooLarge(limit));
                }
                Event::Stdout(data) => content.extend_from_slice(&data),
                Event::Stderr(data) => stderr.extend(data.iter().take(COMPLAINT.saturating_sub(stderr.len()))),
                Event::Exit(exit) => status = exit,
            }
        }
        if status.success() { Ok(content) } else { Err(refused(&complaint(status, stderr))) }
    };
    content.await.map_err(|problem| failed(host, from, problem))
}

fn complaint(status: ExitStatus, stderr: Vec<u8>) -> Output {
    Output { status, stdout: Vec::new(), stderr, truncated: false }
}

/// A place beside another, which goes away unless it is renamed.
pub(super) struct Beside(pub(super) PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        // One of them is right, or nothing is there.
        let _ = std::fs::remove_file(&self.0).or_else(|_| std::fs::remove_dir_all(&self.0));
    }
}

async fn fetch(
    session: &dyn Session,
    download: &Download,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let to = place(download);
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = Beside(parent.join(script::temporary()));
    let mut running = session.exec(Exec::new(script::send(&download.from)?)).await?;
    running.stdin = None;
    let (sender, inlet) = bridge::inlet();
    let root = beside.0.clone();
    let unpacking = tokio::task::spawn_blocking(move || unpack(inlet, &root));
    let mut sender = Some(sender);
    let (mut bytes, mut stderr, mut status) = (0, Vec::new(), ExitStatus::Lost("its task ended".into()));
    while let Some(event) = running.next().await {
        match event {
            Event::Stdout(data) => {
                bytes += data.len() as u64;
                if let Some(open) = &sender
                    && open.send(data).await.is_err()
                {
                    // The unpacker has had enough; its error says why.
                    sender = None;
                    running.controller().close().await;
                }
                progress(Progress { bytes, total: None });
            }
            Event::Stderr(data) => stderr.extend(data.iter().take(COMPLAINT.saturating_sub(stderr.len()))),
            Event::Exit(exit) => status = exit,
        }
    }
    let cut = sender.is_none();
    drop(sender);
    let unpacked = unpacking.await.unwrap_or_else(|error| Err(io::Error::other(error)));
    if !status.success() && !cut {
        return Err(refused(&complaint(status, stderr)));
    }
    match unpacked {
        Ok(_) if cut => Err(TransferProblem::Archive("it went on after its end".into())),
        Ok(kind) => settle(&beside, &to, kind).map(|()| bytes),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(TransferProblem::Archive(crate::ssh::printable(&error.to_string())))
        }
        Err(error) => Err(local(&beside.0)(error)),
    }
}

/// The name that what is fetched will have.
pub(super) fn place(download: &Download) -> PathBuf {
    let name = download.from.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let plain = !matches!(name, "" | "." | ".." | "~");
    if download.to.is_dir() && plain { download.to.join(name) } else { download.to.clone() }
}

pub(super) fn settle(beside: &Beside, to: &Path, kind: Unpacked) -> Result<(), TransferProblem> {
    if kind == Unpacked::Tree && to.symlink_metadata().is_ok() {
        return Err(local(to)(io::Error::new(io::ErrorKind::AlreadyExists, "there is something already")));
    }
    std::fs::rename(&beside.0, to).map_err(local(to))
}
