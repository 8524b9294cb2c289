//! The directory of a fleet: made for it, marked with its owner, removed with it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::access::write_file;
use crate::error::{Doing, Result, TestbedError};
use crate::procs;
use crate::spec::Backend;

/// Beginning of the names of temporary fleet directories.
pub(crate) const PREFIX: &str = "capstan-testbed-";
const OWNER: &str = "owner";

/// A directory that is removed on drop.
#[derive(Debug)]
pub(crate) struct WorkDir {
    path: PathBuf,
    gone: bool,
}

/// Who made a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) pid: i32,
    start: u64,
}

impl Owner {
    /// This process.
    pub(crate) fn this_process() -> Self {
        let pid = i32::try_from(std::process::id()).unwrap_or(i32::MAX);
        // Where there is no /proc the number alone has to do.
        Owner { pid, start: procs::start_time(pid).unwrap_or(0) }
    }

    /// Reads it from a fleet's directory.
    pub(crate) fn of(dir: &Path) -> Option<Self> {
        fs::read_to_string(dir.join(OWNER)).ok()?.parse().ok()
    }

    /// Whether that very process still runs.
    pub(crate) fn alive(self) -> bool {
        match procs::start_time(self.pid) {
            Some(start) => start == self.start,
            None => self.start == 0 && procs::alive(self.pid),
        }
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.pid, self.start)
    }
}

impl std::str::FromStr for Owner {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace();
        let mut next = || words.next().unwrap_or_default();
        Ok(Owner { pid: next().parse()?, start: next().parse()? })
    }
}

impl WorkDir {
    /// Makes the directory; one that is there already has to be empty.
    pub(crate) fn create(wanted: Option<&Path>, backend: Backend) -> Result<Self> {
        let path = match wanted {
            Some(dir) => empty_dir(dir)?,
            None => tempfile::Builder::new()
                .prefix(&format!("{PREFIX}{}-", backend.name()))
                .tempdir()
                .doing(|| "create a temporary directory".to_owned())?
                .keep(),
        };
        let path = path.canonicalize().doing(|| format!("resolve {}", path.display()))?;
        let dir = WorkDir { path, gone: false };
        let text = format!("{} {}\n", Owner::this_process(), backend.name());
        write_file(&dir.path.join(OWNER), text.as_bytes(), 0o644)?;
        Ok(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it and says why not.
    pub(crate) fn remove(&mut self) -> Result<()> {
        self.gone = true;
        remove_tree(&self.path)
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if !self.gone
            && let Err(e) = self.remove()
        {
            tracing::warn!("testbed: {e}");
        }
    }
}

fn empty_dir(dir: &Path) -> Result<PathBuf> {
    let doing = || format!("use {} for a fleet", dir.display());
    fs::create_dir_all(dir).doing(doing)?;
    if fs::read_dir(dir).doing(doing)?.next().is_some() {
        return Err(TestbedError::Io { what: doing(), source: std::io::Error::other("it is not empty") });
    }
    Ok(dir.to_owned())
}

/// Removes a tree in which tests may have left directories without write permission.
pub(crate) fn remove_tree(path: &Path) -> Result<()> {
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    open_up(path);
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e).doing(|| format!("remove {}", path.display())),
        _ => Ok(()),
    }
}

fn open_up(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        // Links are not followed: file_type is the entry's own.
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            open_up(&entry.path());
        }
    }
}
