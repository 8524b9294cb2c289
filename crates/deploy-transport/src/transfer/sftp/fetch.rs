//! From a host to here.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use tokio::io::AsyncWriteExt;

use super::client::{AHEAD, Client, PIECE, join, remote};
use crate::session::Session;
use crate::transfer::download::{Beside, failed, place, settle};
use crate::transfer::unpack::Unpacked;
use crate::transfer::upload::local;
use crate::transfer::{Download, Progress, TransferError, TransferProblem, script};

/// Fetches something and gives the number of bytes that came.
///
/// # Errors
/// When the host does not have it or offers no SFTP, or not all of it came; nothing is left behind here then.
pub async fn download(
    session: &dyn Session,
    host: &str,
    download: &Download,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferError> {
    let fetched = fetch(session, download, progress).await;
    fetched.map_err(|problem| failed(host, &download.from, problem))
}

async fn fetch(
    session: &dyn Session,
    download: &Download,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let from = remote(&download.from)?;
    let to = place(download);
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = Beside(parent.join(script::temporary()));
    let client = Client::start(session).await?;
    let Some(about) = client.about(&from).await? else {
        return Err(TransferProblem::Remote(format!("{from}: No such file")));
    };
    if about.is_dir() {
        let bytes = tree(&client, &from, &beside.0, progress).await?;
        return settle(&beside, &to, Unpacked::Tree).map(|()| bytes);
    }
    let bytes = file(&client, &from, &about, &beside.0, 0, progress).await?;
    settle(&beside, &to, Unpacked::File).map(|()| bytes)
}

/// One file, its pieces asked for ahead and written in their order. `before` has come already, with other files.
async fn file(
    client: &Client,
    from: &str,
    about: &FileAttributes,
    to: &Path,
    before: u64,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let told = |error| client.problem(from, error);
    let handle = client.raw.open(from, OpenFlags::READ, FileAttributes::empty()).await.map_err(told)?.handle;
    let mut opened = tokio::fs::File::create_new(to).await.map_err(local(to))?;
    let mode = about.permissions.unwrap_or(0o600) & 0o777;
    opened.set_permissions(std::fs::Permissions::from_mode(0o600)).await.map_err(local(to))?;
    let size = about.size.unwrap_or(0);
    let (mut asked, mut got, mut ended) = (0_u64, 0_u64, false);
    let mut on_the_way = FuturesOrdered::new();
    while !ended {
        while asked < size && on_the_way.len() < AHEAD {
            let (raw, handle, at) = (&client.raw, handle.clone(), asked);
            asked += PIECE as u64;
            on_the_way.push_back(async move { piece(raw, &handle, at).await });
        }
        // Behind the size that it had there may be more by now, and a file without a size (in /proc) has content, too.
        let read = match on_the_way.next().await {
            Some(read) => read,
            None => piece(&client.raw, &handle, got).await,
        };
        let data = read.map_err(told)?;
        ended = data.len() < PIECE;
        got += data.len() as u64;
        opened.write_all(&data).await.map_err(local(to))?;
        progress(Progress { bytes: before + got, total: about.size.filter(|size| before == 0 && *size > 0) });
    }
    drop(on_the_way);
    client.raw.close(handle).await.map_err(told)?;
    opened.flush().await.map_err(local(to))?;
    opened.set_permissions(std::fs::Permissions::from_mode(mode)).await.map_err(local(to))?;
    if got < size {
        return Err(TransferProblem::Archive(format!("{got} of {size} bytes came")));
    }
    Ok(got)
}

/// A piece of the file, shorter only at its end: a server may give less than it was asked for.
async fn piece(raw: &russh_sftp::client::RawSftpSession, handle: &str, at: u64) -> Result<Vec<u8>, Error> {
    let mut data = Vec::new();
    while data.len() < PIECE {
        let wanted = u32::try_from(PIECE - data.len()).unwrap_or(u32::MAX);
        match raw.read(handle, at + data.len() as u64, wanted).await {
            Ok(more) if more.data.is_empty() => break,
            Ok(more) => data.extend(more.data),
            Err(Error::Status(status)) if status.status_code == StatusCode::Eof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(data)
}

async fn tree(
    client: &Client,
    from: &str,
    to: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let mut bytes = 0;
    let mut modes: Vec<(PathBuf, u32)> = Vec::new();
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        tokio::fs::create_dir(&to).await.map_err(local(&to))?;
        let about = client.about(&from).await?.unwrap_or_else(FileAttributes::empty);
        modes.push((to.clone(), about.permissions.unwrap_or(0o700) & 0o777));
        for (name, about) in entries(client, &from).await? {
            let (there, here) = (join(&from, &name), to.join(&name));
            if about.is_dir() {
                open.push((there, here));
            } else if about.is_symlink() {
                let link = client.raw.readlink(&there).await.map_err(|error| client.problem(&there, error))?;
                let target = link.files.into_iter().next().map(|file| file.filename).unwrap_or_default();
                tokio::fs::symlink(target, &here).await.map_err(local(&here))?;
            } else if about.is_regular() {
                bytes += file(client, &there, &about, &here, bytes, progress).await?;
            }
        }
    }
    for (to, mode) in modes.into_iter().rev() {
        let set = tokio::fs::set_permissions(&to, std::fs::Permissions::from_mode(mode)).await;
        set.map_err(local(&to))?;
    }
    Ok(bytes)
}

/// What a directory has in it. A name that would lead elsewhere is refused.
async fn entries(client: &Client, path: &str) -> Result<Vec<(String, FileAttributes)>, TransferProblem> {
    let told = |error| client.problem(path, error);
    let handle = client.raw.opendir(path).await.map_err(told)?.handle;
    let mut found = Vec::new();
    loop {
        match client.raw.readdir(&handle).await {
            Ok(names) => found.extend(names.files.into_iter().map(|file| (file.filename, file.attrs))),
            Err(Error::Status(status)) if status.status_code == StatusCode::Eof => break,
            Err(error) => return Err(told(error)),
        }
    }
    client.raw.close(handle).await.map_err(told)?;
    found.retain(|(name, _)| name != "." && name != "..");
    match found.iter().find(|(name, _)| name.is_empty() || name.contains(['/', '\0'])) {
        Some((name, _)) => Err(TransferProblem::Archive(format!("a name that is none: {name:?}"))),
        None => Ok(found),
    }
}
