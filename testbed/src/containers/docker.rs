//! The `docker` program: everything that is not a container's life. Each call has a deadline, because engines have been
//! seen to stop answering for good.

use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Result, TestbedError};
use crate::output::{HostOutput, failed, find_program, run_within};
use crate::spec::Backend;

/// Seconds that a call may take which asks or changes one thing; another number by the environment.
const SECONDS: (&str, u64) = ("CAPSTAN_TESTBED_ENGINE_SECONDS", 60);

/// For a program that runs in a container, such as a whole deployment.
#[cfg(feature = "containers")]
pub(super) const IN_CONTAINER: Duration = Duration::from_secs(300);

/// For an image to be built.
pub(super) const BUILD: Duration = Duration::from_secs(600);

/// The first call that the engine did not answer, while it has answered none since.
static SILENT: Mutex<Option<String>> = Mutex::new(None);

/// A docker command with these arguments.
pub(super) fn docker(args: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command.args(args);
    command
}

/// How long one ordinary call may take.
pub(super) fn limit() -> Duration {
    let given = std::env::var(SECONDS.0).ok().and_then(|text| text.parse().ok());
    Duration::from_secs(given.unwrap_or(SECONDS.1))
}

/// Runs a docker command that has to succeed; gives its output without the newline at its end.
#[cfg(feature = "containers")]
pub(super) fn ask(what: &str, args: &[&str]) -> Result<String> {
    must(what, limit(), &mut docker(args))
}

/// The same for what may be asked twice without harm: where the first call is not answered, a second one is made.
pub(super) fn ask_again(what: &str, args: &[&str]) -> Result<String> {
    check_still_there()?;
    match must_once(what, limit(), &mut docker(args)) {
        Err(TestbedError::Timeout { .. }) => must(what, limit(), &mut docker(args)),
        other => other,
    }
}

/// Runs a docker command that has to succeed within this time.
pub(super) fn must(what: &str, limit: Duration, command: &mut Command) -> Result<String> {
    check_still_there()?;
    remember(must_once(what, limit, command), command)
}

/// Runs a docker command; the caller looks at the status.
pub(super) fn run(what: &str, limit: Duration, command: &mut Command) -> Result<HostOutput> {
    check_still_there()?;
    remember(run_once(what, limit, command), command)
}

fn must_once(what: &str, limit: Duration, command: &mut Command) -> Result<String> {
    let out = run_once(what, limit, command)?;
    if out.ok() { Ok(out.text().to_owned()) } else { Err(failed(what, command, &out)) }
}

fn run_once(what: &str, limit: Duration, command: &mut Command) -> Result<HostOutput> {
    run_within(limit, command)?.ok_or_else(|| no_answer(&format!("`{}` (to {what})", shown(command)), limit))
}

/// The error for a call that was not answered.
pub(super) fn no_answer(call: &str, limit: Duration) -> TestbedError {
    TestbedError::Timeout {
        what: call.to_owned(),
        seconds: limit.as_secs(),
        detail:
            "the container engine or what runs in it does not answer. Look at `docker info` and at the engine's own \
                 log, restart the engine, remove what is left by `cargo xtask testbed sweep`, and run this again"
                .to_owned(),
    }
}

/// A call that the engine does not answer costs its whole deadline, but only once: as long as the engine answers
/// nothing, the calls that follow fail at once.
fn remember<T>(result: Result<T>, command: &Command) -> Result<T> {
    // What runs in a container may take its time while the engine is well.
    let may_be_slow = command.get_args().next().is_some_and(|word| word == "exec" || word == "build");
    if matches!(result, Err(TestbedError::Timeout { .. })) && !may_be_slow {
        fell_silent(&format!("`{}`", shown(command)));
    }
    result
}

/// Says that a call was not answered.
pub(super) fn fell_silent(call: &str) {
    *silent() = Some(call.to_owned());
}

fn silent() -> std::sync::MutexGuard<'static, Option<String>> {
    SILENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fails quickly where the engine has stopped answering.
pub(super) fn check_still_there() -> Result<()> {
    let Some(since) = silent().clone() else { return Ok(()) };
    let limit = Duration::from_secs(5).min(limit());
    match run_within(limit, &mut docker(&["version"]))? {
        Some(out) if out.ok() => {
            *silent() = None;
            Ok(())
        }
        _ => Err(no_answer(&format!("`docker version`, asked because {since} was not answered,"), limit)),
    }
}

/// Fails, saying why, where there is no engine.
pub(super) fn check_engine() -> Result<()> {
    let missing = |why: String| Err(TestbedError::Unavailable { backend: Backend::Containers.name(), why });
    if find_program("docker").is_none() {
        return missing("`docker` is missing: apt-get install docker.io".to_owned());
    }
    let out = run("find the engine", limit(), &mut docker(&["version", "--format", "{{.Server.Version}}"]))?;
    if !out.ok() {
        return missing(format!("no container engine answers: {}", out.stderr.trim()));
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
