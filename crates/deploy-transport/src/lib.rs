//! Runs commands on many hosts over SSH or locally: connections, host keys, agents and ssh_config.
//!
//! # What it is for
//!
//! A program that works on many servers at once needs little from SSH, but needs it to be dependable: connect the way the
//! person's own `ssh` would (keys, agent, jump hosts, `~/.ssh/config`), never talk to a host whose key is not trusted, run commands
//! whose results cannot be mistaken, and never hang. This crate is that and nothing more. It contains its own SSH client (no
//! `ssh` program is needed), and the same interface for processes of this machine.
//!
//! - [`resolve`] makes a [`Target`] out of a host's name, the program's own settings ([`Overrides`]) and [`SshConfig`], in this order of
//!   precedence.
//! - A [`Connector`] ([`SshConnector`], [`LocalConnector`]) makes a [`Session`] to a target. One [`SshConnector`] serves all hosts of a run:
//!   it asks for each password and passphrase once, shares connections to jump hosts, and does not overrun servers with logins.
//! - [`Session::exec`] starts a command and gives a [`Running`]: events to read, a [`Stdin`] to write to, signals.
//! - A result is one of three things: [`ExitStatus::Code`], [`ExitStatus::Signal`] or [`ExitStatus::Lost`]. Lost is never success.
//! - [`ConnectError`] says where, why and after how many tries, in kinds that a program can tell apart.
//! - [`transfer::upload`] and [`transfer::download`] copy files and trees, whole or not at all.
//! - [`Session::forward`] and [`forward::dial`] connect to a port, from the host or from here; [`http::get`] asks a server there.
//! - [`local::Run`] runs one command of this machine to its end; [`KnownHosts`] reads and judges known_hosts files.
//!
//! # A complete example
//!
//! Over SSH (it is not run here because it needs a server):
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use deploy_transport::{
//!     Connector, Exec, LocalEnvironment, NoPrompter, Overrides, Session, SshConfig, SshConnector, resolve,
//! };
//!
//! let config = SshConfig::standard(LocalEnvironment::current());
//! let connector = SshConnector::new(Arc::new(NoPrompter));
//! let settings = Overrides { user: Some("deploy".into()), ..Overrides::default() };
//! let target = resolve("web1.example.com", &settings, &config)?;
//! let session = connector.connect(&target).await?;
//! let output = session.exec(Exec::new("uptime")).await?.output(64 * 1024).await;
//! println!("{}: {}", output.status, output.stdout_text());
//! session.close().await;
//! # Ok(()) }
//! ```
//!
//! The same on this machine:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use deploy_transport::{Connector, Event, Exec, ExitStatus, LocalConnector, LocalEnvironment, Session, Target};
//!
//! let target = Target::new("localhost", "me", &LocalEnvironment::current());
//! let session = LocalConnector.connect(&target).await?;
//!
//! let mut running = session.exec(Exec::new("tr a-z A-Z; echo done >&2; exit 3")).await?;
//! let mut stdin = running.take_stdin().expect("not taken yet");
//! stdin.write("hello").await?;
//! stdin.finish();
//!
//! let (mut out, mut err) = (Vec::new(), Vec::new());
//! let status = loop {
//!     match running.next().await.expect("Exit is always the last event") {
//!         Event::Stdout(data) => out.extend_from_slice(&data),
//!         Event::Stderr(data) => err.extend_from_slice(&data),
//!         Event::Exit(status) => break status,
//!     }
//! };
//! assert_eq!((out.as_slice(), err.as_slice()), (b"HELLO".as_slice(), b"done\n".as_slice()));
//! assert_eq!(status, ExitStatus::Code(3));
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # Limits
//!
//! - Unix only. The runtime is tokio.
//! - No GSSAPI, no X11, no forwarded ports that listen. Files travel through commands (`cat`, `tar`), not SFTP.
//! - Options of ssh_config that would matter but are not honoured (and those that ssh does not know) are listed in
//!   [`Target::unhonoured`] instead of being ignored silently. Names are not canonicalized.
//! - A command that nobody reads does not slow the others on its connection: what exceeds 1 MiB goes to a file without a name
//!   in the temporary directory, up to 4 GiB, and only then does the connection wait. The SSH library leaves no better way, because
//!   it grants the sender new window before the data is read.
//! - Closing a channel or a connection does not end a remote command (as with `ssh`); send a signal before. OpenSSH passes
//!   signals on only for logins that are not root's.
//! - Once a command has been given the agent, later commands of the same connection can use it as well. Use a session of its own where
//!   only some commands may.
//! - Names are looked up by the system's resolver; the login name of this machine comes from `/etc/passwd` or `$USER`.

pub mod error;
pub mod forward;
pub mod http;
pub mod known_hosts;
pub mod local;
pub mod memory;
pub mod ssh_config;
pub mod target;
pub mod transfer;

mod environment;
mod pattern;
mod prompt;
mod secret;
mod session;
mod spill;
mod ssh;
#[cfg(test)]
mod test_support;

pub use environment::LocalEnvironment;
pub use error::{
    ConnectError, ConnectErrorKind, ConnectPhase, Endpoint, ExecError, HostCertificate, KeyFileProblem, TriedLogin,
    UnknownHostKey,
};
pub use forward::{ForwardError, Stream};
pub use known_hosts::{Fingerprint, KnownHosts};
pub use local::{AnyConnector, LocalConnector};
pub use prompt::{NoPrompter, PromptKind, PromptRequest, Prompter};
pub use secret::Secret;
pub use session::{
    Connector, Controller, Event, Exec, ExitStatus, Note, Output, Pty, Running, Session, Stats, Stdin, StdinClosed,
};
pub use ssh::{ConnectLimiter, SshConnector};
pub use ssh_config::SshConfig;
pub use target::{Overrides, Strictness, Target, resolve};
