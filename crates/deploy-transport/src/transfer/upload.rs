//! From here to a host.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::script::{FileScript, receive_file, receive_tree};
use super::{Progress, Source, TransferError, TransferProblem, Upload, bridge, refused, resume, tree};
use crate::session::{Exec, Running, Session, Stdin};

/// The size of the pieces that a file is read in.
const PIECE: usize = 256 * 1024;
/// How much of a command's complaint is kept.
const COMPLAINT: usize = 16 * 1024;

/// Sends something and gives the number of bytes that went to the host now. `progress` is told after each piece.
///
/// # Errors
/// When a file here cannot be read, or the host could not take all of it; nothing is changed on it then.
pub async fn upload(
    session: &dyn Session,
    host: &str,
    upload: &Upload,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferError> {
    let sent = match &upload.source {
        Source::Bytes(data) => {
            let size = data.len() as u64;
            let command = receive_file(&FileScript { to: &upload.to, name: "file", size, mode: upload.mode });
            feed(session, command, io::Cursor::new(data.clone()), size, None, progress).await
        }
        Source::File(path) => file(session, upload, path, progress).await,
        Source::Tree(path) => send_tree(session, upload, path, progress).await,
    };
    sent.map_err(|problem| TransferError { host: host.to_owned(), action: "sending", path: upload.to.clone(), problem })
}

pub(super) fn local(path: &Path) -> impl FnOnce(io::Error) -> TransferProblem + '_ {
    move |source| TransferProblem::Local { path: path.to_owned(), source }
}

pub(super) fn base_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned())
}

async fn file(
    session: &dyn Session,
    upload: &Upload,
    path: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let opened = tokio::fs::File::open(path).await.map_err(local(path))?;
    let about = opened.metadata().await.map_err(local(path))?;
    if !about.is_file() {
        return Err(local(path)(io::Error::other("it is not a file")));
    }
    let mode = upload.mode.unwrap_or(about.permissions().mode() & 0o777);
    let name = base_name(path);
    let script = FileScript { to: &upload.to, name: &name, size: about.len(), mode: Some(mode) };
    if script.size >= resume::LEAST {
        return resume::send(session, &script, path, &about, progress).await;
    }
    feed(session, receive_file(&script), opened, about.len(), Some(path), progress).await
}

/// Feeds a reader to a command from its beginning.
async fn feed(
    session: &dyn Session,
    command: Result<String, TransferProblem>,
    from: impl AsyncRead + Unpin + Send,
    size: u64,
    path: Option<&Path>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let mut running = session.exec(Exec::new(command?)).await?;
    let stdin = running.take_stdin();
    pour(Pour { running, stdin, from, sent: 0, size, path }, progress).await
}

/// A reader and the command that takes what it gives.
pub(super) struct Pour<'a, R> {
    pub(super) running: Running,
    pub(super) stdin: Option<Stdin>,
    pub(super) from: R,
    /// What the command has already.
    pub(super) sent: u64,
    pub(super) size: u64,
    /// The file that is read, for errors.
    pub(super) path: Option<&'a Path>,
}

/// Reading the command's answers goes on beside the writing: one that ends early must end us too. Gives how much was written.
pub(super) async fn pour(
    what: Pour<'_, impl AsyncRead + Unpin + Send>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let Pour { mut running, stdin, mut from, sent: before, size, path } = what;
    let write = async {
        let mut sent = before;
        if let Some(mut stdin) = stdin {
            let mut buffer = BytesMut::new();
            loop {
                buffer.reserve(PIECE);
                let count = from.read_buf(&mut buffer).await?;
                if count == 0 || stdin.write(buffer.split().freeze()).await.is_err() {
                    break;
                }
                sent += count as u64;
                progress(Progress { bytes: sent, total: Some(size) });
            }
        }
        Ok(sent - before)
    };
    let (sent, done) = tokio::join!(write, running.collect(COMPLAINT));
    let sent: u64 = sent.map_err(local(path.unwrap_or(Path::new("-"))))?;
    if done.status.success() { Ok(sent) } else { Err(refused(&done)) }
}

async fn send_tree(
    session: &dyn Session,
    upload: &Upload,
    path: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let root: PathBuf = tokio::fs::canonicalize(path).await.map_err(local(path))?;
    let command = receive_tree(&upload.to, &base_name(&root), upload.existing)?;
    let mut running = session.exec(Exec::new(command)).await?;
    let (outlet, pieces) = bridge::outlet();
    let packing = tokio::task::spawn_blocking(move || tree::pack(&root, outlet));
    let stdin = running.take_stdin();
    let (sent, done) = tokio::join!(pump(pieces, stdin, progress), running.collect(COMPLAINT));
    let packed = packing.await.unwrap_or_else(|error| Err(local(path)(io::Error::other(error))));
    match packed {
        // The host's refusal says more than that it stopped reading.
        Err(TransferProblem::Local { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => Err(refused(&done)),
        Err(problem) => Err(problem),
        Ok(()) if done.status.success() => Ok(sent),
        Ok(()) => Err(refused(&done)),
    }
}

async fn pump(
    mut pieces: tokio::sync::mpsc::Receiver<Bytes>,
    stdin: Option<Stdin>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> u64 {
    let mut sent = 0;
    let Some(mut stdin) = stdin else {
        return sent;
    };
    while let Some(piece) = pieces.recv().await {
        let length = piece.len() as u64;
        if stdin.write(piece).await.is_err() {
            break;
        }
        sent += length;
        progress(Progress { bytes: sent, total: None });
    }
    sent
}
