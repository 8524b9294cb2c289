//! Reaching into a fleet that another process holds.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use deploy_testbed::containers::command_in_deployer;
use deploy_testbed::repo::{APPLICATION, AppRepo, Scm};
use deploy_testbed::sweep;

use crate::{Done, say};

/// The project that is deployed from.
pub fn project_dir(fleet: &Path) -> PathBuf {
    fleet.join("project")
}

/// Where the repositories are, served by the fleet's process or its repository container.
pub fn repo_dir(fleet: &Path) -> PathBuf {
    fleet.join("repositories")
}

/// The binary to deploy with: the one asked for, `CAPSTAN_CAP`, or `cap` beside this program.
pub fn find_cap(wanted: Option<&Path>) -> Option<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.join("cap"));
    wanted
        .map(Path::to_owned)
        .or_else(|| std::env::var_os("CAPSTAN_CAP").map(PathBuf::from))
        .or_else(|| beside().filter(|p| p.exists()))
        // It is run from another directory. One that is not there is left for the caller to miss.
        .map(|cap| cap.canonicalize().unwrap_or(cap))
}

/// Fails unless a fleet runs there.
fn running(fleet: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    match sweep::holder(fleet) {
        Some(_) => Ok(fleet.canonicalize()?),
        None => Err(format!("no fleet runs in {}; start one with `up`", fleet.display()).into()),
    }
}

/// Runs a program on this terminal and exits as it did.
fn pass_through(mut command: Command) -> Done {
    let status =
        command.status().map_err(|e| format!("cannot run {}: {e}", command.get_program().to_string_lossy()))?;
    let code = status.code().or_else(|| status.signal().map(|s| 128 + s)).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// The system's ssh.
pub fn ssh(fleet: &Path, host: &str, words: &[String]) -> Done {
    let fleet = running(fleet)?;
    let mut ssh = Command::new("ssh");
    ssh.arg("-F").arg(fleet.join("ssh_config")).arg(host).args(words);
    pass_through(ssh)
}

/// A new version in every repository of the fleet.
pub fn commit(fleet: &Path, version: &str) -> Done {
    let dir = repo_dir(&running(fleet)?);
    for scm in [Scm::Git, Scm::Subversion] {
        let repo = AppRepo::open(&dir, scm, APPLICATION)?;
        if repo.work().exists() {
            say(&format!("version {version} is {} of {}", repo.release(version)?, repo.url_path()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `cap`, in the fleet's project.
pub fn deploy(fleet: &Path, cap: Option<PathBuf>, words: &[String]) -> Done {
    let fleet = running(fleet)?;
    let default = ["deploy".to_owned()];
    let words = if words.is_empty() { &default } else { words };
    let argv: Vec<&str> = std::iter::once("cap").chain(words.iter().map(String::as_str)).collect();
    if let Some(command) = command_in_deployer(&fleet, &argv) {
        return pass_through(command);
    }
    let cap = find_cap(cap.as_deref()).ok_or("no `cap` beside this program; build it, or name one with --cap")?;
    let mut command = Command::new(cap);
    command.current_dir(project_dir(&fleet)).arg("--ssh-config").arg(fleet.join("ssh_config")).args(words);
    pass_through(command)
}
