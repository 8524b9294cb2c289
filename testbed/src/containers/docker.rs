//! The `docker` program: everything that is not a container's life.

use std::process::Command;

use crate::error::{Result, TestbedError};
use crate::output::{find_program, must, run};
use crate::spec::Backend;

/// A docker command with these arguments.
pub(super) fn docker(args: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command.args(args);
    command
}

/// Runs a docker command that has to succeed; gives its output without the newline at its end.
pub(super) fn ask(what: &str, args: &[&str]) -> Result<String> {
    Ok(must(what, &mut docker(args))?.trim_end().to_owned())
}

/// Fails, saying why, where there is no engine.
pub(super) fn check_engine() -> Result<()> {
    let missing = |why: String| Err(TestbedError::Unavailable { backend: Backend::Containers.name(), why });
    if find_program("docker").is_none() {
        return missing("`docker` is missing: apt-get install docker.io".to_owned());
    }
    let out = run(&mut docker(&["version", "--format", "{{.Server.Version}}"]))?;
    if !out.ok() {
        return missing(format!("no container engine answers: {}", out.stderr.trim()));
    }
    Ok(())
}
