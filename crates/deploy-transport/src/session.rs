//! The two traits that everything else works with, and a command that is running.
//!
//! A [`Connector`] makes a [`Session`] to a [`Target`]; [`Session::exec`] starts a command and gives a [`Running`],
//! whose events end with exactly one [`Event::Exit`]. Writing to the command and reading from it are independent, and
//! neither can hang on the other: when the command is gone, writing fails.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::error::{ConnectError, ExecError};
use crate::forward::{ForwardError, Stream};
use crate::prompt::lock;
use crate::target::Target;

/// Makes sessions.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Connects and logs in.
    async fn connect(&self, target: &Target) -> Result<Arc<dyn Session>, ConnectError>;
}

/// One connection to one host, on which any number of commands run side by side.
#[async_trait]
pub trait Session: Send + Sync {
    /// Starts a command. With [`Exec::wait`] it returns when the server has agreed to run it; without, as soon as the
    /// request is on its way, so that input can follow without waiting for a round trip.
    async fn exec(&self, exec: Exec) -> Result<Running, ExecError>;

    /// Connects to a port as the host sees it, through this connection.
    async fn forward(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, ForwardError> {
        Err(ForwardError::Forbidden(format!("this kind of session does not reach {host}:{port}")))
    }

    /// What this session has done so far.
    fn stats(&self) -> Stats;

    /// Has the connection ended?
    fn is_closed(&self) -> bool;

    /// Ends the connection. Commands that still run get [`ExitStatus::Lost`] here; over SSH they go on running *there*.
    async fn close(&self);
}

/// A command to start.
#[derive(Debug, Clone)]
pub struct Exec {
    /// Shell text: over SSH the login shell runs it, locally `/bin/sh`. Empty means the login shell itself, as [`Exec::shell`] asks
    /// for it.
    pub command: String,
    /// Give it a terminal. That merges standard error into standard output and makes closing the channel end the command.
    pub pty: Option<Pty>,
    /// Let it use the local ssh-agent. The target must allow it ([`Target::forward_agent`]).
    pub forward_agent: bool,
    /// Environment variables. Over SSH they are set by the command line, because servers ignore most requests for
    /// variables without saying so; the login shell must be POSIX-like for that.
    pub env: Vec<(String, String)>,
    /// Wait until the server has agreed to run it?
    pub wait: bool,
    /// Is [`command`](Self::command) the name of a subsystem (`sftp`) instead? Over SSH only.
    pub subsystem: bool,
}

impl Exec {
    /// A plain command: no terminal, no agent, waiting for the server's word.
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: command.into(), pty: None, forward_agent: false, env: Vec::new(), wait: true, subsystem: false }
    }

    /// The login shell, for a person if there is a terminal. Over SSH only.
    pub fn shell(pty: Option<Pty>) -> Self {
        Self { pty, ..Self::new("") }
    }

    /// A subsystem, by its name. Over SSH only.
    pub fn subsystem(name: impl Into<String>) -> Self {
        Self { subsystem: true, ..Self::new(name) }
    }

    /// The same without waiting for the server's word.
    #[must_use]
    pub fn pipelined(mut self) -> Self {
        self.wait = false;
        self
    }

    /// The same with a terminal.
    #[must_use]
    pub fn with_pty(mut self, pty: Pty) -> Self {
        self.pty = Some(pty);
        self
    }

    /// The same with one more environment variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }
}

/// A terminal to give to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pty {
    /// The terminal type, as in `TERM`.
    pub term: String,
    /// Width in characters.
    pub columns: u32,
    /// Height in characters.
    pub rows: u32,
    /// Should the terminal show what is written to it?
    pub echo: bool,
}

impl Default for Pty {
    fn default() -> Self {
        Self { term: "xterm".into(), columns: 80, rows: 24, echo: false }
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitStatus {
    /// It ended by itself, with this code.
    Code(u32),
    /// A signal ended it.
    Signal {
        /// The signal's name without `SIG`.
        name: String,
        /// Did it leave a core dump?
        core_dumped: bool,
        /// What the server adds; often empty.
        message: String,
    },
    /// Nobody knows: the connection or the channel went away first. Never a success.
    Lost(String),
}

impl ExitStatus {
    /// Did it end by itself with code 0?
    pub fn success(&self) -> bool {
        matches!(self, Self::Code(0))
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal { name, core_dumped, .. } => {
                write!(f, "ended by signal {name}")?;
                if *core_dumped {
                    f.write_str(" (core dumped)")?;
                }
                Ok(())
            }
            Self::Lost(reason) => write!(f, "lost: {reason}"),
        }
    }
}

/// What a running command sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Some standard output.
    Stdout(Bytes),
    /// Some standard error.
    Stderr(Bytes),
    /// The end, always last and exactly once.
    Exit(ExitStatus),
}

/// Something about a running command that is worth a word but is no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The command ended, but a process that it left behind kept its output open; the channel was closed after a grace time.
    OutputHeldOpen,
    /// The server does not allow agent forwarding.
    AgentForwardingRefused,
}

/// Requests to the task that looks after a command.
#[derive(Debug)]
pub(crate) enum Control {
    Signal(String),
    Resize { columns: u32, rows: u32 },
    Close,
}

/// Notes of a command, shared with the task that looks after it.
pub(crate) type Notes = Arc<Mutex<Vec<Note>>>;

/// A command that is running. Dropping it closes its channel; over SSH that does not end the command
/// (send a signal first if it should), locally it does.
#[derive(Debug)]
pub struct Running {
    pub(crate) stdin: Option<Stdin>,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) control: Controller,
    pub(crate) accepted: Option<oneshot::Receiver<Result<(), ExecError>>>,
    pub(crate) notes: Notes,
}

impl Running {
    /// The next event. `None` after [`Event::Exit`].
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The writer of the command's standard input, once. Dropping it means end of input.
    pub fn take_stdin(&mut self) -> Option<Stdin> {
        self.stdin.take()
    }

    /// Waits until the server has agreed to run the command. Already known if [`Exec::wait`] was set.
    pub async fn accepted(&mut self) -> Result<(), ExecError> {
        match self.accepted.take() {
            Some(answer) => answer.await.unwrap_or(Ok(())),
            None => Ok(()),
        }
    }

    /// A handle for signals and closing that can be used from elsewhere.
    pub fn controller(&self) -> Controller {
        self.control.clone()
    }

    /// Sends a signal by its name without `SIG`. The server passes it to the command's process group, but OpenSSH does so
    /// only for logins that are not root's.
    pub async fn signal(&self, name: &str) {
        self.control.signal(name).await;
    }

    /// What is worth a word; complete after [`Event::Exit`].
    pub fn notes(&self) -> Vec<Note> {
        lock(&self.notes).clone()
    }

    /// Closes the standard input and collects everything up to the end, keeping at most `limit` bytes of each stream
    /// (the last ones).
    pub async fn output(mut self, limit: usize) -> Output {
        self.stdin = None;
        self.collect(limit).await
    }

    /// Collects everything up to the end, keeping at most `limit` bytes of each stream (the last ones). The standard
    /// input is left alone, so end it elsewhere.
    pub async fn collect(&mut self, limit: usize) -> Output {
        let (mut stdout, mut stderr) = (Tail::new(limit), Tail::new(limit));
        let mut status = ExitStatus::Lost("the command's task ended".into());
        while let Some(event) = self.next().await {
            match event {
                Event::Stdout(data) => stdout.push(&data),
                Event::Stderr(data) => stderr.push(&data),
                Event::Exit(exit) => status = exit,
            }
        }
        Output { status, truncated: stdout.cut || stderr.cut, stdout: stdout.into_vec(), stderr: stderr.into_vec() }
    }
}

/// Sends signals to a running command and closes it.
#[derive(Debug, Clone)]
pub struct Controller {
    pub(crate) sender: mpsc::Sender<Control>,
}

impl Controller {
    /// Sends a signal by its name without `SIG`. Does nothing when the command is gone.
    pub async fn signal(&self, name: &str) {
        let name = name.strip_prefix("SIG").unwrap_or(name).to_owned();
        let _ = self.sender.send(Control::Signal(name)).await;
    }

    /// Tells the command's terminal its new size.
    pub async fn resize(&self, columns: u32, rows: u32) {
        let _ = self.sender.send(Control::Resize { columns, rows }).await;
    }

    /// Closes the channel. What has arrived is still delivered, then [`Event::Exit`].
    pub async fn close(&self) {
        let _ = self.sender.send(Control::Close).await;
    }
}

/// Input for a command, as its writer task takes it.
#[derive(Debug)]
pub(crate) enum Input {
    Data(Bytes),
    Flush(oneshot::Sender<()>),
}

/// The command is gone, or its standard input is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the command no longer reads its input")]
pub struct StdinClosed;

/// The largest piece that is handed on at once; larger writes are cut.
const INPUT_CHUNK: usize = 256 * 1024;

/// Writes to a command's standard input, with flow control. When the command ends, pending and later writes fail
/// instead of waiting.
#[derive(Debug)]
pub struct Stdin {
    pub(crate) sender: mpsc::Sender<Input>,
}

impl Stdin {
    /// Hands over all of `data`, waiting for room. Pieces of 128 KiB and more are the most efficient.
    pub async fn write(&mut self, data: impl Into<Bytes>) -> Result<(), StdinClosed> {
        let mut data: Bytes = data.into();
        while !data.is_empty() {
            let piece = data.split_to(data.len().min(INPUT_CHUNK));
            self.sender.send(Input::Data(piece)).await.map_err(|_| StdinClosed)?;
        }
        Ok(())
    }

    /// Waits until everything written so far has been handed to the connection.
    pub async fn flush(&mut self) -> Result<(), StdinClosed> {
        let (sender, done) = oneshot::channel();
        self.sender.send(Input::Flush(sender)).await.map_err(|_| StdinClosed)?;
        done.await.map_err(|_| StdinClosed)
    }

    /// Ends the input. The same as dropping the writer, but readable at the place of call.
    pub fn finish(self) {}
}

/// What a command said and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// The end of its standard output.
    pub stdout: Vec<u8>,
    /// The end of its standard error.
    pub stderr: Vec<u8>,
    /// Was the beginning of one of them left out?
    pub truncated: bool,
}

impl Output {
    /// The standard output as text, unreadable bytes replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The standard error as text, unreadable bytes replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// The last `limit` bytes of a stream.
struct Tail {
    data: VecDeque<u8>,
    limit: usize,
    cut: bool,
}

impl Tail {
    fn new(limit: usize) -> Self {
        Self { data: VecDeque::new(), limit, cut: false }
    }

    fn push(&mut self, data: &[u8]) {
        self.data.extend(data);
        let excess = self.data.len().saturating_sub(self.limit);
        if excess > 0 {
            self.cut = true;
            self.data.drain(..excess);
        }
    }

    fn into_vec(self) -> Vec<u8> {
        self.data.into()
    }
}

/// What a session has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Channels opened to run commands.
    pub exec_channels: u64,
    /// Times that something waited for the server's answer before it could go on: channel opens and awaited requests.
    pub waits: u64,
    /// Bytes written to the connection, encryption included.
    pub bytes_out: u64,
    /// Bytes read from the connection, encryption included.
    pub bytes_in: u64,
}

/// Counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) exec_channels: AtomicU64,
    pub(crate) waits: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            exec_channels: get(&self.exec_channels),
            waits: get(&self.waits),
            bytes_out: get(&self.bytes_out),
            bytes_in: get(&self.bytes_in),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_keeps_the_end_and_says_that_it_cut() {
        let mut tail = Tail::new(4);
        tail.push(b"abc");
        assert!(!tail.cut);
        tail.push(b"defg");
        assert!(tail.cut);
        assert_eq!(tail.into_vec(), b"defg");
    }

    #[test]
    fn only_code_zero_is_success() {
        assert!(ExitStatus::Code(0).success());
        assert!(!ExitStatus::Code(1).success());
        assert!(!ExitStatus::Lost("x".into()).success());
    }
}
