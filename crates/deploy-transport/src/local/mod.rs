//! Processes on this machine: the same interface as over SSH, and a simple way to run one command to its end.

mod process;
mod session;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

pub use session::{AnyConnector, LocalConnector};

use crate::error::ExecError;
use crate::session::{ExitStatus, Output};
use process::Spawn;

/// What to run.
#[derive(Debug, Clone)]
pub enum Program {
    /// Shell text for `/bin/sh`.
    Shell(String),
    /// A program and its arguments, without a shell.
    Argv(Vec<String>),
}

/// A command on this machine that is run to its end.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use deploy_transport::local::Run;
///
/// let output = Run::shell("tr a-z A-Z").input("hello").run().await?;
/// assert!(output.status.success());
/// assert_eq!(output.stdout_text(), "HELLO");
/// # Ok::<(), deploy_transport::ExecError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Run {
    program: Program,
    env: Vec<(String, String)>,
    directory: Option<PathBuf>,
    input: Bytes,
    limit: usize,
    timeout: Option<Duration>,
}

impl Run {
    /// Shell text for `/bin/sh`.
    pub fn shell(text: impl Into<String>) -> Self {
        Self::new(Program::Shell(text.into()))
    }

    /// A program and its arguments, without a shell.
    pub fn argv<T: Into<String>>(argv: impl IntoIterator<Item = T>) -> Self {
        Self::new(Program::Argv(argv.into_iter().map(Into::into).collect()))
    }

    fn new(program: Program) -> Self {
        Self { program, env: Vec::new(), directory: None, input: Bytes::new(), limit: 16 * 1024 * 1024, timeout: None }
    }

    /// With one more environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// In this directory.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// With this text as standard input; otherwise it is empty.
    #[must_use]
    pub fn input(mut self, input: impl Into<Bytes>) -> Self {
        self.input = input.into();
        self
    }

    /// Keep only this many bytes of each stream (the last ones). 16 MiB without it.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// End the command and everything it started after this time; the status is then [`ExitStatus::Lost`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Runs it.
    pub async fn run(self) -> Result<Output, ExecError> {
        let mut running = process::spawn(Spawn {
            host: "localhost".into(),
            program: self.program,
            env: self.env,
            directory: self.directory,
            permit: None,
        })?;
        let stdin = running.take_stdin();
        let input = self.input;
        // Beside the reading, or both sides could wait for each other. That the command does not read it all is its own affair.
        let writer = tokio::spawn(async move {
            if let Some(mut stdin) = stdin {
                let _ = stdin.write(input).await;
            }
        });
        let collected = running.collect(self.limit);
        let output = match self.timeout {
            None => collected.await,
            Some(timeout) => match tokio::time::timeout(timeout, collected).await {
                Ok(output) => output,
                Err(_) => Output {
                    status: ExitStatus::Lost(format!("it took longer than {} s", timeout.as_secs_f32())),
                    stdout: Vec::new(),
                    stderr: Vec::new(),
                    truncated: true,
                },
            },
        };
        writer.abort();
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn code_streams_environment_and_directory() {
        let output =
            Run::shell("echo out $X; pwd; echo err >&2; exit 3").env("X", "a  b'c").directory("/").run().await.unwrap();
        assert_eq!(output.status, ExitStatus::Code(3));
        assert_eq!(output.stdout_text(), "out a b'c\n/\n");
        assert_eq!(output.stderr_text(), "err\n");
    }

    #[tokio::test]
    async fn arguments_are_not_interpreted() {
        let output = Run::argv(["printf", "%s", "$HOME; `id` *"]).run().await.unwrap();
        assert_eq!(output.stdout_text(), "$HOME; `id` *");
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_an_error() {
        let error = Run::argv(["/nonexistent/program"]).run().await.unwrap_err();
        assert!(matches!(error, ExecError::Spawn { .. }), "{error}");
        assert!(Run::argv(Vec::<String>::new()).run().await.is_err());
    }

    #[tokio::test]
    async fn input_that_is_not_read_does_not_hang() {
        let output = Run::shell("exit 0").input(vec![0u8; 4 << 20]).run().await.unwrap();
        assert!(output.status.success());
    }

    #[tokio::test]
    async fn output_is_bounded_and_signals_are_told_apart() {
        let output = Run::shell("head -c 3000000 /dev/zero; kill -TERM $$").limit(1000).run().await.unwrap();
        assert_eq!((output.stdout.len(), output.truncated), (1000, true));
        assert!(matches!(&output.status, ExitStatus::Signal { name, .. } if name == "TERM"), "{:?}", output.status);
    }

    #[tokio::test]
    async fn a_timeout_ends_the_whole_group() {
        let dir = tempfile::tempdir().unwrap();
        let pid_file = dir.path().join("pid");
        let text = format!("sleep 600 & echo $! >{}; wait", pid_file.display());
        let running = Run::shell(text).timeout(Duration::from_millis(300)).run();
        let output = running.await.unwrap();
        assert!(matches!(output.status, ExitStatus::Lost(_)));
        let pid = std::fs::read_to_string(&pid_file).unwrap();
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        // Gone, or at least a zombie that its new parent has not collected yet.
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        for _ in 0..1000 {
            match stat() {
                Err(_) => return,
                Ok(text) if text.contains(") Z ") => return,
                Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        panic!("the sleeping child still runs");
    }
}
