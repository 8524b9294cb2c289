//! `Match exec`: a command whose success decides.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// How long such a command may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs the command with the person's shell, as ssh does, and says whether it succeeded. It gets no input, and its output goes nowhere.
pub(super) fn succeeds(shell: &Path, command: &str) -> Result<bool, String> {
    let mut child = Command::new(shell)
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("the command of Match exec did not start with {}: {error}", shell.display()))?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody listens any more if it took too long.
        let _ = sender.send(child.wait());
    });
    match ended.recv_timeout(DEADLINE) {
        Ok(Ok(status)) => Ok(status.success()),
        Ok(Err(error)) => Err(format!("the command of Match exec is lost: {error}")),
        Err(_) => {
            if let Some(group) = group {
                // It may end at this very moment.
                let _ = kill_process_group(group, Signal::KILL);
            }
            Err(format!("the command of Match exec took longer than {} s", DEADLINE.as_secs()))
        }
    }
}
