//! The remote runner: one long-lived pair of processes on a host that runs steps, one after another, for a client.
//!
//! The client executes [`EXEC_TEXT`] on a channel without a terminal, writes [`boot`] and then [`Request`]s to its
//! input, and shows what comes back to two [`Decoder`]s. Nothing has to be installed on the host and no file is made
//! there except in the directory of a lock. An [`Outbox`] keeps the rule of flow control.
//!
//! # On the host
//!
//! Three processes of one `sh`: the *reader* takes lines from the client and never waits for work; the *worker* runs
//! requests in order and holds the lock; the *watcher* gets notes from both (and a tick a second) through one pipe and
//! is the only one who signals. Every step has a *wrapper*, the leader of a session of its own, which also holds the
//! lock and reports how the command ended. Hence:
//!
//! - A step has ended when its wrapper has, not when its output is closed: a daemon that it started delays nothing.
//! - The command does not inherit the lock's descriptor, the runner's pipes or the nonce; its input is `/dev/null`; its
//!   signals, umask and environment are the login's (without `SHLVL` and `TMOUT`).
//! - When the client closes the channel, or is silent for the limit (12 s), the step's process group gets TERM, after
//!   one to two seconds KILL, then the lock is free and the runner ends. Requests not yet begun are not begun.
//! - When the runner is killed (-9) while a step runs, the lock stays busy until that step has ended, then it is free.
//!   Without `flock` the same holds as long as `/proc` shows the wrapper, and otherwise until the lease has run out.
//! - After TERM, a step has ended when no process of its group is left (at most 3 s; 10 s for processes of another
//!   user, which nobody but that user can kill).
//!
//! # The wire, client to runner
//!
//! The first line is the program ([`boot`]). Every other line is a request, in printable ASCII, at most 4001 bytes:
//!
//! | line | meaning |
//! | --- | --- |
//! | `1`TEXT, `2`TEXT, `3`TEXT | appends TEXT to slot 1, 2 or 3; slots are cleared after each request. TEXT is in the form that `printf %b` undoes: `\\` and `\0ooo` |
//! | `C ID -`FLAGS | command in slot 1; flag `i`: its input is in slot 2 |
//! | `S ID -`FLAGS | script in slot 1 |
//! | `E ID -`FLAGS | shell text in slot 1 |
//! | `L ID WAIT LEASE MASK` | lock: directory in slot 1, run id in slot 2, owner text in slot 3; seconds, seconds, octal umask |
//! | `U ID` | unlock |
//! | `H` | heartbeat |
//! | `K ID` | kill the running step if its number is at most ID; steps sent behind it begin, and those up to ID die at once |
//! | `Q` | end after the requests before; the client goes on holding the channel open until `Z` |
//!
//! Flags of steps: `l`, only with the lock; `n`, a chain begins; `o`, only if no step has failed since the last `n`. So a
//! row of steps of which each needs the one before travels in one flight.
//!
//! IDs grow. **Flow control:** behind a command or a script, or a lock with WAIT > 0, at most [`BEHIND`] bytes of further
//! requests may be sent until its end frame, beside `H` and `K`. Then the pipe between reader and worker cannot fill up
//! while the worker is busy, and the reader always hears. Every line counts as a sign of life, so a long script keeps the
//! runner awake while it comes.
//!
//! # The wire, runner to client
//!
//! Output of steps is passed on raw, stdout and stderr each on the channel's own. In between stand frames: byte 0x1e,
//! the nonce (32 hexadecimal digits), a letter, fields each preceded by 0x1f, and the two bytes 0x1e 0x0a. No byte is
//! added to the output; a frame can stand anywhere in a line. What comes before `H` (stdout) or the first `B` (stderr)
//! is noise of the login's start-up files.
//!
//! | letter and fields | stream | meaning |
//! | --- | --- | --- |
//! | `H` key=value … | out | hello: see [`Hello`] |
//! | `B` ID | both (lock: out) | the request's turn has come |
//! | `M` ID KIND FIELD … | out | mark of a script |
//! | `E` ID CODE HOW | out | end: HOW is `exit`, `signal` (proven), `lost`, `unstarted`, `unlocked`, `skipped` |
//! | `E` ID | err | end of the step's stderr |
//! | `T` ID WAY NEW | out | lock taken: `flock` or `lease`, `new` or `again` |
//! | `N` ID WHOSE RUN OWNER | out | lock refused: `same` or `other` run; owner text as in slot 3 |
//! | `F` ID REASON | out | the lock cannot be taken |
//! | `U` ID HELD | out | unlocked: `1`, or `0` when it was not held |
//! | `Z` HOW | out | the runner ends: `done`, or `lost` if its lease was taken over |
//! | `?` LINE | out | a line that is no request |
//!
//! In scripts these functions are there: `_mark KIND FIELD…`, `_fact KEY VALUE…` and `_item LIST VALUE…` (marks of the
//! kinds `fact` and `item`). Fields may hold any bytes but 0x1e and 0x1f; a mark with one of those is sent as
//! `bad-mark KIND`. Names that begin with `_r` are the runner's.
//!
//! # The lock
//!
//! With `flock` the lock is a kernel lock on `DIR/lock`, a file that is never removed: first line the run id, second
//! the owner text, both emptied at unlock by the holder only. Where there is no `flock` it is one entry in
//! `DIR/lock.d`: `free`, or `T<run>.<pid>` of the holder. Taking, giving back and taking over are each one rename of the
//! entry one believes in, so of any number of contenders one succeeds. The entry's mtime is the lease; the watcher
//! renews it after each sign of life, and a contender compares it with a file that it has just touched, so only the host's
//! own clock counts. A runner that finds its entry gone kills its step and ends. One runner holds at most one lock.
//! The same run asking the same runner again gets it again; another runner of the same run is refused, and told so.
//! A waiting lock can be broken off by closing the channel only.
//!
//! # Limits
//!
//! Killing reaches the step's process group: not a process that left it (a daemon), nor one of another user (`sudo`).
//! Bash as `sh` cannot prove a death by signal; it is then an exit with 128+n. A host must have one way of locking for
//! all logins: `flock` for one and none for another do not exclude each other.

mod decode;
mod hello;
mod outbox;
mod program;
mod request;

pub use decode::{Decoder, Event, MAX_FRAME, Status};
pub use hello::{Hello, LockWay};
pub use outbox::{BEHIND, Outbox};
pub use program::{EXEC_TEXT, SILENCE_LIMIT, boot};
pub use request::{
    Gate, LEASE, Lock, MAX_COMMAND, MAX_SCRIPT, MAX_STDIN, MAX_TEXT, Request, RequestError, Secret, StepId, Work,
};

/// Version of the wire contract.
pub const PROTOCOL: u32 = 1;

/// The secret by which the runner's frames are told from output: 16 random bytes, fresh for every runner.
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// From bytes of a cryptographic random source.
    pub fn new(random: [u8; 16]) -> Self {
        Self(random.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// As 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonce(…)")
    }
}

/// A hello that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// A fact is missing.
    #[error("the host's hello does not tell `{0}`")]
    Missing(&'static str),
    /// A fact has no sensible value.
    #[error("the host's hello tells `{key}` = `{value}`, which is not a number")]
    NotANumber {
        /// The fact.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// Another version of the contract.
    #[error("the host's runner speaks protocol {0}, not {PROTOCOL}")]
    Protocol(u32),
}
