//! Everything a program can do to the machine it runs on goes through [`Effects`].

use super::Call;
use async_trait::async_trait;
use std::io;
use std::time::Duration;

/// Where text is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output
    Out,
    /// Standard error
    Err,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// Text for `sh -c`.
    Shell(String),
    /// Program and arguments.
    Argv(Vec<String>),
}

/// What becomes of a process's standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stderr {
    /// It is that of the caller.
    Inherit,
    /// It is returned apart.
    Capture,
    /// It is returned mixed with the output.
    Merge,
}

/// A local process to run.
#[derive(Debug, Clone)]
pub struct Command {
    /// What.
    pub line: CommandLine,
    /// Variables to set, or to remove, in its environment.
    pub env: Vec<(String, Option<String>)>,
    /// Its directory, if not the current one.
    pub dir: Option<String>,
    /// Text for its standard input; `None` inherits.
    pub stdin: Option<Vec<u8>>,
    /// Whether its output is returned; else it is that of the caller.
    pub capture: bool,
    /// What becomes of its standard error.
    pub stderr: Stderr,
}

/// How a process ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// Exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// The signal.
    pub signal: Option<i32>,
    /// Its output, if captured.
    pub stdout: Vec<u8>,
    /// Its standard error, if captured apart.
    pub stderr: Vec<u8>,
    /// Its number.
    pub pid: u32,
}

/// Kind of a directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Regular file
    File,
    /// Directory
    Directory,
    /// Symbolic link
    Symlink,
    /// Anything else
    Other,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Its kind.
    pub kind: FileKind,
    /// Bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Time of the last change.
    pub modified: jiff::Timestamp,
}

/// Local effects. Paths are as the program gave them (`~` expanded), relative ones to [`Effects::cwd`].
#[async_trait(?Send)]
pub trait Effects {
    /// One environment variable.
    fn env(&self, name: &str) -> Option<String>;
    /// The whole environment.
    fn env_all(&self) -> Vec<(String, String)>;
    /// Sets or removes an environment variable, for the program and the processes it starts.
    fn set_env(&self, name: &str, value: Option<&str>);
    /// The time.
    fn now(&self) -> jiff::Timestamp;
    /// The local time zone.
    fn time_zone(&self) -> jiff::tz::TimeZone;
    /// Prints.
    fn print(&self, call: &Call, stream: Stream, text: &[u8]);
    /// Learns of a text that must never be shown to anybody.
    fn keep_secret(&self, _text: &str) {}
    /// Random bits.
    fn random(&self) -> u64;
    /// Name of this machine.
    fn hostname(&self) -> String;
    /// Name of the user.
    fn user(&self) -> String;
    /// The current directory, absolute.
    fn cwd(&self) -> String;
    /// Changes the current directory.
    fn set_cwd(&self, call: &Call, path: &str) -> io::Result<()>;
    /// Waits.
    async fn sleep(&self, call: &Call, time: Duration);
    /// Runs a process to its end.
    async fn run(&self, call: &Call, command: Command) -> io::Result<Finished>;
    /// Reads a line from the person at the terminal; `None` at its end. `echo: false` for secrets.
    async fn prompt(&self, call: &Call, question: &str, echo: bool) -> io::Result<Option<String>>;
    /// Reads a file.
    async fn read(&self, call: &Call, path: &str) -> io::Result<Vec<u8>>;
    /// Writes a file anew, or appends.
    async fn write(&self, call: &Call, path: &str, data: &[u8], append: bool) -> io::Result<()>;
    /// Looks at a file; `follow` looks through a symbolic link.
    async fn stat(&self, call: &Call, path: &str, follow: bool) -> io::Result<Stat>;
    /// Names in a directory, without `.` and `..`.
    async fn list(&self, call: &Call, path: &str) -> io::Result<Vec<String>>;
    /// Makes a directory.
    async fn make_dir(&self, call: &Call, path: &str) -> io::Result<()>;
    /// Removes a file or link.
    async fn remove_file(&self, call: &Call, path: &str) -> io::Result<()>;
    /// Removes an empty directory.
    async fn remove_dir(&self, call: &Call, path: &str) -> io::Result<()>;
    /// Renames.
    async fn rename(&self, call: &Call, from: &str, to: &str) -> io::Result<()>;
    /// Makes a symbolic link at `link`.
    async fn symlink(&self, call: &Call, target: &str, link: &str) -> io::Result<()>;
    /// Target of a symbolic link.
    async fn read_link(&self, call: &Call, path: &str) -> io::Result<String>;
    /// Absolute path without links.
    async fn real_path(&self, call: &Call, path: &str) -> io::Result<String>;
    /// Changes permission bits.
    async fn chmod(&self, call: &Call, path: &str, mode: u32) -> io::Result<()>;
    /// Sets the time of the last change to now.
    async fn touch(&self, call: &Call, path: &str) -> io::Result<()>;
}
