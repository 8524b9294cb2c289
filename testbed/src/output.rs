//! The result of a command, on a host or on this machine, and the one way to run local programs.

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::Signal;

use crate::background::wait_until;
use crate::error::{Doing, Result, TestbedError};

/// What a command on a host wrote and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOutput {
    /// Exit status; none if a signal ended it.
    pub status: Option<i32>,
    /// Standard output, lossily decoded.
    pub stdout: String,
    /// Standard error, lossily decoded.
    pub stderr: String,
}

impl HostOutput {
    /// Whether the status was 0.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.status == Some(0)
    }

    /// Standard output without the white space at its end.
    #[must_use]
    pub fn text(&self) -> &str {
        self.stdout.trim_end()
    }
}

impl From<Output> for HostOutput {
    fn from(o: Output) -> Self {
        HostOutput {
            status: o.status.code(),
            stdout: String::from_utf8_lossy(&o.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&o.stderr).into_owned(),
        }
    }
}

/// Runs a program to its end with no input; the caller looks at the status.
pub(crate) fn run(cmd: &mut Command) -> Result<HostOutput> {
    let program = cmd.get_program().to_string_lossy().into_owned();
    cmd.stdin(Stdio::null()).output().map(HostOutput::from).doing(|| format!("run {program}"))
}

/// The same, but ends the program when the limit has passed; none says that it had to be ended.
pub(crate) fn run_within(limit: Duration, cmd: &mut Command) -> Result<Option<HostOutput>> {
    let program = cmd.get_program().to_string_lossy().into_owned();
    let spawned = cmd.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.doing(|| format!("run {program}"))?;
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    if !wait_until(limit, || has_ended(&mut child)) {
        // First a signal that lets it tidy up.
        crate::procs::signal(i32::try_from(child.id()).unwrap_or(0), Signal::TERM);
        if !wait_until(Duration::from_secs(2), || has_ended(&mut child)) {
            let _ = child.kill();
        }
        let _ = child.wait();
        return Ok(None);
    }
    let status = child.wait().doing(|| format!("wait for {program}"))?;
    // What the program itself started may hold its output open for longer than it lives.
    let rest = |output: mpsc::Receiver<Vec<u8>>| output.recv_timeout(Duration::from_secs(5)).unwrap_or_default();
    Ok(Some(Output { status, stdout: rest(stdout), stderr: rest(stderr) }.into()))
}

fn has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// Reads to the end on a thread of its own.
fn reader(source: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (tx, rx) = mpsc::channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut source) = source {
            let _ = source.read_to_end(&mut all);
        }
        let _ = tx.send(all);
    });
    rx
}

/// Runs a program that has to succeed and gives its standard output.
pub(crate) fn must(what: &str, cmd: &mut Command) -> Result<String> {
    let out = run(cmd)?;
    if out.ok() {
        return Ok(out.stdout);
    }
    Err(failed(what, cmd, &out))
}

/// The error for a program that ended badly.
pub(crate) fn failed(what: &str, cmd: &Command, out: &HostOutput) -> TestbedError {
    let status = match out.status {
        Some(s) => format!("exit status {s}"),
        None => "ended by a signal".to_owned(),
    };
    let tail = last_lines(&out.stderr, 12);
    TestbedError::Program {
        program: cmd.get_program().to_string_lossy().into_owned(),
        what: what.to_owned(),
        detail: if tail.is_empty() { status } else { format!("{status}: {tail}") },
    }
}

/// The last lines of a text, for error messages.
pub(crate) fn last_lines(text: &str, n: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let from = lines.len().saturating_sub(n);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// The first directory of PATH, or of the usual system directories, that has this program.
pub(crate) fn find_program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let extra = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];
    std::env::split_paths(&path).chain(extra.iter().map(Into::into)).map(|d| d.join(name)).find(|p| is_executable(p))
}

fn is_executable(p: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    p.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}
