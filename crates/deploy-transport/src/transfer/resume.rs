//! A big file to a host, which goes on where a broken connection left it.
//!
//! It grows under a name that the same file of the same machine gets again. The host says how much is there and the checksum of
//! it; what is not the beginning of the file is sent anew. What a full disk cut off is removed, what a connection cut off stays.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};
use tokio::io::AsyncSeekExt;

use super::script::{FileScript, resume_file};
use super::upload::{Pour, local, pour};
use super::{Progress, TransferProblem, refused};
use crate::session::{Event, Exec, ExitStatus, Output, Running, Session};

/// Smaller files are sent anew: a round trip costs more.
pub(super) const LEAST: u64 = 8 * 1024 * 1024;
/// How much a login shell may print before our script speaks.
const NOISE_LIMIT: usize = 64 * 1024;
/// What our script says first.
const WORD: &str = "capstan-part ";

/// What is there already.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    size: u64,
    sha256: String,
}

pub(super) async fn send(
    session: &dyn Session,
    file: &FileScript<'_>,
    path: &Path,
    about: &Metadata,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, TransferProblem> {
    let mut running = session.exec(Exec::new(resume_file(file, &name(path, about))?)).await?;
    let part = heard(&mut running).await?;
    let from = match part.size {
        1.. if part.size <= file.size && begins_with(path, &part).await? => part.size,
        _ => 0,
    };
    tracing::debug!(path = %path.display(), from, there = part.size, "a big file goes on from there");
    let mut opened = tokio::fs::File::open(path).await.map_err(local(path))?;
    opened.seek(io::SeekFrom::Start(from)).await.map_err(local(path))?;
    let mut stdin = running.take_stdin();
    if let Some(stdin) = &mut stdin {
        // A command that is gone says so at its end.
        let _ = stdin.write(format!("{from}\n").into_bytes()).await;
    }
    pour(Pour { running, stdin, from: opened, sent: from, size: file.size, path: Some(path) }, progress).await
}

/// The name under which it grows: the same for the same file of the same machine, another when the file has changed.
fn name(path: &Path, about: &Metadata) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let machine = rustix::system::uname();
    let is = (about.size(), about.mtime(), about.mtime_nsec(), about.dev(), about.ino());
    let mut hash = Context::new(&SHA256);
    hash.update(path.as_os_str().as_encoded_bytes());
    hash.update(machine.nodename().to_bytes());
    hash.update(format!("{is:?}").as_bytes());
    let hash = HEXLOWER.encode(hash.finish().as_ref());
    format!(".capstan-part-{}", hash.get(..16).unwrap_or(&hash))
}

/// What the host says is there.
async fn heard(running: &mut Running) -> Result<Part, TransferProblem> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(event) = running.next().await {
        match event {
            Event::Stdout(data) => {
                stdout.extend_from_slice(&data);
                if let Some(part) = part_in(&stdout) {
                    return Ok(part);
                }
                if stdout.len() > NOISE_LIMIT {
                    return Err(TransferProblem::Archive("it does not say what is there already".into()));
                }
            }
            Event::Stderr(data) => stderr.extend(data.iter().take(NOISE_LIMIT.saturating_sub(stderr.len()))),
            Event::Exit(status) => return Err(refused(&Output { status, stdout, stderr, truncated: false })),
        }
    }
    Err(TransferProblem::Lost(ExitStatus::Lost("the command's task ended".into()).to_string()))
}

fn part_in(stdout: &[u8]) -> Option<Part> {
    let text = String::from_utf8_lossy(stdout);
    let (whole, _) = text.rsplit_once('\n')?;
    let said = whole.lines().find_map(|line| line.strip_prefix(WORD))?;
    let (size, sha256) = said.split_once(' ')?;
    Some(Part { size: size.parse().ok()?, sha256: sha256.trim().to_owned() })
}

/// Whether the file begins with what is there.
async fn begins_with(path: &Path, part: &Part) -> Result<bool, TransferProblem> {
    let (owned, size) = (path.to_owned(), part.size);
    let sum = tokio::task::spawn_blocking(move || sum_of_prefix(&owned, size)).await;
    let sum = sum.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(local(path))?;
    Ok(sum == part.sha256)
}

fn sum_of_prefix(path: &Path, size: u64) -> io::Result<String> {
    let mut file = File::open(path)?.take(size);
    let (mut hash, mut buffer) = (Context::new(&SHA256), vec![0; 256 * 1024]);
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(HEXLOWER.encode(hash.finish().as_ref()));
        }
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_says_is_found_behind_noise() {
        let part = |size, sha256: &str| Some(Part { size, sha256: sha256.to_owned() });
        assert_eq!(part_in(b"welcome\ncapstan-part 0 -\n"), part(0, "-"));
        assert_eq!(part_in(b"capstan-part 12 abc\n"), part(12, "abc"));
        assert_eq!(part_in(b"capstan-part 12 ab"), None);
        assert_eq!(part_in(b"capstan-part many abc\n"), None);
    }

    #[test]
    fn a_file_that_has_changed_has_another_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let name_now = || name(&path, &path.metadata().unwrap());
        std::fs::write(&path, "one").unwrap();
        let first = name_now();
        assert_eq!(first, name_now());
        std::fs::write(&path, "three").unwrap();
        assert_ne!(first, name_now());
        assert_eq!(sum_of_prefix(&path, 2).unwrap(), sum_of_prefix(&path, 2).unwrap());
        assert_ne!(sum_of_prefix(&path, 2).unwrap(), sum_of_prefix(&path, 3).unwrap());
    }
}
