//! Finding and ending processes that belong to a fleet, by what the kernel knows about them:
//! never by name.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

use crate::background::wait_until;

/// Process groups that we lead, each held until its leader has been waited for.
#[derive(Debug, Default)]
pub(crate) struct Groups(Mutex<HashSet<i32>>);

impl Groups {
    fn set(&self) -> std::sync::MutexGuard<'_, HashSet<i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A leader was started.
    pub(crate) fn add(&self, leader: i32) {
        self.set().insert(leader);
    }

    /// A leader was waited for; its number may be used again by others.
    pub(crate) fn remove(&self, leader: i32) {
        self.set().remove(&leader);
    }

    /// Sends a signal to a group whose leader has not been waited for.
    pub(crate) fn signal(&self, leader: i32, signal: Signal) {
        let set = self.set();
        if set.contains(&leader)
            && let Some(pid) = Pid::from_raw(leader)
        {
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Kills all groups and waits for their leaders to be reaped by whoever waits for them.
    pub(crate) fn kill_all(&self) {
        let leaders: Vec<i32> = self.set().iter().copied().collect();
        for leader in leaders {
            self.signal(leader, Signal::KILL);
        }
        wait_until(Duration::from_secs(5), || self.set().is_empty());
    }
}

/// Whether a process is there (a zombie counts).
pub(crate) fn alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|p| test_kill_process(p).is_ok())
}

/// Sends a signal to one process.
pub(crate) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// When a running process started, in the kernel's ticks: with its number it names it for good.
pub(crate) fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after = stat.get(stat.rfind(')')? + 1..)?;
    // One that is dead and waits for its parent to collect it runs no more.
    if after.trim_start().starts_with(['Z', 'X']) {
        return None;
    }
    after.split_whitespace().nth(19)?.parse().ok()
}

/// Kills every process whose environment has exactly one of these as `HOME`, until nothing is left:
/// that is how a host's daemons that left their process group are found. Does nothing where there is
/// no `/proc`.
pub(crate) fn kill_homes(homes: &[PathBuf]) {
    use std::os::unix::ffi::OsStrExt;
    let entries: HashSet<Vec<u8>> = homes.iter().map(|h| [b"HOME=", h.as_os_str().as_bytes()].concat()).collect();
    wait_until(Duration::from_secs(5), || {
        let mut none = true;
        for pid in pids() {
            let env = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            if env.split(|b| *b == 0).any(|e| entries.contains(e)) {
                signal(pid, Signal::KILL);
                none = false;
            }
        }
        none
    });
}

/// All process numbers of this machine.
fn pids() -> impl Iterator<Item = i32> {
    std::fs::read_dir("/proc").into_iter().flatten().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
}
