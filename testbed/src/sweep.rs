//! Removing what fleets left behind whose process was killed before it could.

use std::path::{Path, PathBuf};

use crate::error::{Result, TestbedError};
use crate::procs;
use crate::workdir::{Owner, PREFIX, remove_tree};

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Directories of dead fleets, now gone.
    pub directories: Vec<PathBuf>,
    /// Containers and networks of dead fleets, now gone.
    pub containers: usize,
}

/// Sweeps the temporary directory and, where one answers, the container engine.
pub fn sweep() -> Result<Swept> {
    let mut swept = Swept::default();
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && sweep_dir(&entry.path())? {
            swept.directories.push(entry.path());
        }
    }
    swept.containers = match crate::containers::sweep::sweep_dead() {
        Err(error @ TestbedError::Timeout { .. }) => return Err(error),
        // Without an engine there are no containers.
        other => other.unwrap_or_default(),
    };
    Ok(swept)
}

/// Removes one fleet's directory and what still runs from it, if the fleet's process is gone; says
/// whether it did.
pub fn sweep_dir(dir: &Path) -> Result<bool> {
    // Without the mark it is not a fleet's, or is just being made.
    if Owner::of(dir).is_none_or(Owner::alive) {
        return Ok(false);
    }
    // Hosts of the sshd backend end with their process; embedded ones may have left daemons.
    let hosts = std::fs::read_dir(dir.join("hosts")).into_iter().flatten().flatten();
    let homes: Vec<PathBuf> = hosts.map(|h| h.path().join("home")).collect();
    procs::kill_homes(&homes);
    remove_tree(dir)?;
    Ok(true)
}

/// The number of the process that holds the fleet in this directory, if it runs.
#[must_use]
pub fn holder(dir: &Path) -> Option<i32> {
    Owner::of(dir).filter(|o| o.alive()).map(|o| o.pid)
}
