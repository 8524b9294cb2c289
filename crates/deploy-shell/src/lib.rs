//! Text for remote shells: quoting of arguments, scripts of named steps, and the protocol of a remote runner.
//!
//! Three things that every program needs that works on other machines through `sh`:
//!
//! - [`quote`] and [`Argv`] turn arguments into sh text at one place, and refuse what no shell can carry.
//! - [`Script`] joins named steps into one POSIX script that reports each of them.
//! - [`runner`] is a long-lived pair of processes on the other machine that runs commands and scripts one after another,
//!   keeps their output exact, knows for certain how each ended, ends them when the client is gone, and holds a
//!   lock meanwhile. The machine needs `sh` and coreutils, or BusyBox.
//!
//! The crate is pure: it makes and reads bytes. Who carries them (SSH, a local process) is the caller's business.
//!
//! # Limits
//!
//! Quoting is for POSIX shells; csh and fish read `!` and `\` inside single quotes in their own way. Shells tested: dash,
//! bash, BusyBox ash. A killed step's daemons and processes of other users live on. A command's text is at most
//! 128 KiB, its input 4 KiB, a script 1 MiB; no text may hold a NUL. See [`runner`] for the rest.
//!
//! # Example
//!
//! A command on this machine, in the way it would go over a channel:
//!
//! ```
//! use std::io::{Read, Write};
//! use std::process::{Command, Stdio};
//! use deploy_shell::runner::{Decoder, EXEC_TEXT, Event, Gate, Nonce, Request, Status, StepId, Work, boot};
//! use deploy_shell::Argv;
//!
//! let mut channel = Command::new("sh")
//!     .args(["-c", EXEC_TEXT])
//!     .stdin(Stdio::piped())
//!     .stdout(Stdio::piped())
//!     .stderr(Stdio::null())
//!     .spawn()?;
//! let (mut to, mut from) = (channel.stdin.take().unwrap(), channel.stdout.take().unwrap());
//!
//! // In earnest these are 16 random bytes.
//! let nonce = Nonce::new(*b"sixteen bytes 16");
//! let text = Argv::new("printf").args(["%s", "it's\nexact"]).to_sh()?;
//! let step = Request::Step { id: StepId(1), work: Work::Command { text, stdin: None }, gate: Gate::default() };
//! // All in one flight.
//! to.write_all(&boot(&nonce, 12))?;
//! to.write_all(&step.encode()?)?;
//! to.write_all(&Request::Quit.encode()?)?;
//!
//! let mut decoder = Decoder::stdout(&nonce);
//! let (mut output, mut status) = (Vec::new(), None);
//! let mut chunk = [0; 4096];
//! loop {
//!     let n = from.read(&mut chunk)?;
//!     if n == 0 {
//!         break;
//!     }
//!     for event in decoder.push(&chunk[..n]) {
//!         match event {
//!             Event::Output { bytes, .. } => output.extend(bytes),
//!             Event::End { status: end, .. } => status = Some(end),
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(output, b"it's\nexact");
//! assert_eq!(status, Some(Status::Exited(0)));
//! channel.wait()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod runner;

mod quote;
mod script;

pub use quote::{Argv, QuoteError, quote, quote_bytes};
pub use script::{Script, ScriptError, StepReport};
