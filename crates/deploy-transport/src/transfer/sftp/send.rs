//! From here to a host.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use russh_sftp::protocol::{FileAttributes, OpenFlags};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::client::{AHEAD, Client, PIECE, bare, join, permissions, remote};
use crate::session::Session;
use crate::transfer::script::temporary;
use crate::transfer::upload::{base_name, local};
use crate::transfer::{Existing, Progress, Source, TransferError, TransferProblem, Upload};

/// Sends something and gives the number of bytes that went to the host. `progress` is told after each piece.
///
/// # Errors
/// When a file here cannot be read, the host offers no SFTP, or it could not take all of it; no file there is half then.
pub async fn upload(
    session: &dyn Session,
    host: &str,
    upload: &Upload,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferError> {
    let sent = send(session, upload, progress).await;
    sent.map_err(|problem| TransferError { host: host.to_owned(), action: "sending", path: upload.to.clone(), problem })
}

async fn send(
    session: &dyn Session,
    upload: &Upload,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let to = remote(&upload.to)?;
    match &upload.source {
        Source::Bytes(data) => {
            let client = Client::start(session).await?;
            let what = What { size: Some(data.len() as u64), mode: upload.mode, path: None };
            let to = inside(&client, &to, "file").await?;
            put(&client, io::Cursor::new(data.clone()), &to, &what, 0, progress).await
        }
        Source::File(path) => {
            let (opened, mode, size) = open(path).await?;
            let client = Client::start(session).await?;
            let to = inside(&client, &to, &base_name(path)).await?;
            let what = What { size: Some(size), mode: Some(upload.mode.unwrap_or(mode)), path: Some(path) };
            put(&client, opened, &to, &what, 0, progress).await
        }
        Source::Tree(path) => {
            let root: PathBuf = tokio::fs::canonicalize(path).await.map_err(local(path))?;
            let client = Client::start(session).await?;
            tree(&client, &root, &to, upload.existing, progress).await
        }
    }
}

async fn open(path: &Path) -> Result<(tokio::fs::File, u32, u64), TransferProblem> {
    let opened = tokio::fs::File::open(path).await.map_err(local(path))?;
    let about = opened.metadata().await.map_err(local(path))?;
    if !about.is_file() {
        return Err(local(path)(io::Error::other("it is not a file")));
    }
    Ok((opened, about.permissions().mode() & 0o777, about.len()))
}

/// Where a file goes: inside, under its own name, if a directory is named.
async fn inside(client: &Client, to: &str, name: &str) -> Result<String, TransferProblem> {
    Ok(if client.is_directory(to).await? { join(to, name) } else { bare(to).to_owned() })
}

/// What is sent.
struct What<'a> {
    size: Option<u64>,
    mode: Option<u32>,
    /// The file that is read, for errors.
    path: Option<&'a Path>,
}

/// One file: beside its place first, then under its name. `before` has gone to the host already, with other files.
async fn put(
    client: &Client,
    from: impl AsyncRead + Unpin,
    to: &str,
    what: &What<'_>,
    before: u64,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let beside = match to.rsplit_once('/') {
        Some((directory, _)) => format!("{directory}/{}", temporary()),
        None => temporary(),
    };
    let sent = pour(client, from, &beside, what, before, progress).await;
    let settled = match sent {
        Ok(sent) => client.replace(&beside, to).await.map(|()| sent),
        Err(problem) => Err(problem),
    };
    if settled.is_err() {
        // Where the connection is gone nothing can be done about it.
        let _ = client.raw.remove(&beside).await;
    }
    settled
}

async fn pour(
    client: &Client,
    mut from: impl AsyncRead + Unpin,
    beside: &str,
    what: &What<'_>,
    before: u64,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let told = |error| client.problem(beside, error);
    let flags = OpenFlags::CREATE | OpenFlags::EXCLUDE | OpenFlags::WRITE;
    // A file that is to be private is so from its first byte on.
    let first = if what.mode.is_some() { permissions(0o600) } else { FileAttributes::empty() };
    let handle = client.raw.open(beside, flags, first).await.map_err(told)?.handle;
    let (mut sent, mut read, mut ended) = (0_u64, 0_u64, false);
    let mut on_the_way = FuturesUnordered::new();
    while !ended || !on_the_way.is_empty() {
        while !ended && on_the_way.len() < AHEAD {
            let piece = next_piece(&mut from).await.map_err(local(what.path.unwrap_or(Path::new("-"))))?;
            if piece.is_empty() {
                ended = true;
                break;
            }
            let (at, length) = (read, piece.len() as u64);
            read += length;
            let (raw, handle) = (&client.raw, handle.clone());
            on_the_way.push(async move { raw.write(handle, at, piece).await.map(|_| length) });
        }
        if let Some(written) = on_the_way.next().await {
            sent += written.map_err(told)?;
            progress(Progress { bytes: before + sent, total: what.size });
        }
    }
    client.raw.close(handle).await.map_err(told)?;
    if let Some(mode) = what.mode {
        client.set_mode(beside, mode).await?;
    }
    Ok(sent)
}

async fn next_piece(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE);
    let mut limited = from.take(PIECE as u64);
    while piece.len() < PIECE && limited.read_buf(&mut piece).await? > 0 {}
    Ok(piece)
}

/// A directory with everything in it. One that is there is added to.
async fn tree(
    client: &Client,
    root: &Path,
    to: &str,
    existing: Existing,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let is_there = client.is_directory(to).await?;
    let to = match existing {
        Existing::Inside if is_there => join(to, &base_name(root)),
        _ => bare(to).to_owned(),
    };
    let mut sent = 0;
    let mut modes = Vec::new();
    let mut open_places = vec![(root.to_owned(), to)];
    while let Some((path, at)) = open_places.pop() {
        let about = tokio::fs::symlink_metadata(&path).await.map_err(local(&path))?;
        if about.is_dir() {
            make_directory(client, &at).await?;
            modes.push((at.clone(), about.permissions().mode() & 0o777));
            let mut names = tokio::fs::read_dir(&path).await.map_err(local(&path))?;
            while let Some(entry) = names.next_entry().await.map_err(local(&path))? {
                open_places.push((entry.path(), join(&at, &entry.file_name().to_string_lossy())));
            }
        } else if about.is_symlink() {
            let target = tokio::fs::read_link(&path).await.map_err(local(&path))?;
            link(client, &target.to_string_lossy(), &at).await?;
        } else {
            let (opened, mode, _) = open(&path).await?;
            let what = What { size: None, mode: Some(mode), path: Some(&path) };
            sent += put(client, opened, &at, &what, sent, progress).await?;
        }
    }
    // A directory that may not be written to is filled first.
    for (at, mode) in modes.into_iter().rev() {
        client.set_mode(&at, mode).await?;
    }
    Ok(sent)
}

async fn make_directory(client: &Client, at: &str) -> Result<(), TransferProblem> {
    match client.raw.mkdir(at, permissions(0o700)).await {
        Ok(_) => Ok(()),
        Err(error) if client.is_directory(at).await? => {
            tracing::debug!(at, %error, "the directory is there");
            Ok(())
        }
        Err(error) => Err(client.problem(at, error)),
    }
}

async fn link(client: &Client, target: &str, at: &str) -> Result<(), TransferProblem> {
    let beside = format!("{at}{}", temporary());
    // OpenSSH takes the two the other way round than the protocol says, and others have followed it.
    client.raw.symlink(target, &beside).await.map_err(|error| client.problem(at, error))?;
    let placed = client.replace(&beside, at).await;
    if placed.is_err() {
        let _ = client.raw.remove(&beside).await;
    }
    placed
}
