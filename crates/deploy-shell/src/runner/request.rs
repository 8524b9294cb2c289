//! What the client sends: requests and their encoding in lines.

use std::fmt;
use std::fmt::Write as _;

/// The number of a request. Numbers of one runner must grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Bytes that must not be shown: their `Debug` tells only the length.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps the bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// Longest text of a [`Work::Command`]: Linux takes no longer string in an argument list.
pub const MAX_COMMAND: usize = 128 * 1024 - 1;
/// Longest input of a [`Work::Command`]: what every pipe can hold, so that a program that never reads it, or a daemon
/// that inherits it, cannot delay the end of the step.
pub const MAX_STDIN: usize = 4096;
/// Longest [`Work::Script`], secrets included.
pub const MAX_SCRIPT: usize = 1024 * 1024;
/// Longest [`Work::Shell`] text, and longest directory and owner text of a [`Lock`].
pub const MAX_TEXT: usize = 16 * 1024;

/// Seconds after which a lock without `flock` may be taken over, unless told otherwise.
pub const LEASE: u32 = 30;

/// Longest line that is sent, newline excluded; short enough for one write into any pipe.
const LINE: usize = 4000;

/// What a step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A recipe's command, run as the login would run it: `"$SHELL" -c TEXT` from home.
    Command {
        /// The text for the login shell.
        text: String,
        /// Its standard input; `/dev/null` when there is none. Never visible in argv or an environment.
        stdin: Option<Secret>,
    },
    /// A script of ours, run by `sh` in a session of its own. It may print marks (`_mark`, `_fact`, `_item`); nothing
    /// of it is visible in argv or an environment; the commands in it have `/dev/null` as input.
    Script {
        /// The sh text. It must be complete: a script cut short by a lost link is not run at all.
        text: String,
        /// Shell variables (not exported) that the script finds set.
        secrets: Vec<(String, Secret)>,
    },
    /// A short text of ours, evaluated in the worker's own shell: cheap (no process), and what it sets (variables,
    /// umask) stays for later steps. It cannot be killed on its own and must not call `exit`.
    Shell {
        /// The sh text.
        text: String,
    },
}

/// Under which conditions a step is started. One that is not started ends with [`Status`](super::Status) `NoLock` or
/// `Skipped`; so steps that depend on each other can be sent without waiting for answers in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gate {
    /// Only if this runner holds the lock.
    pub lock: bool,
    /// Only if no step has failed since the last one that opened a chain.
    pub unless_failed: bool,
    /// A chain begins here: failures before it are forgotten.
    pub opens: bool,
}

impl Gate {
    /// Only with the lock.
    pub const LOCK: Self = Self { lock: true, unless_failed: false, opens: false };

    fn flags(self) -> String {
        [(self.lock, 'l'), (self.unless_failed, 'o'), (self.opens, 'n')]
            .into_iter()
            .filter_map(|(set, flag)| set.then_some(flag))
            .collect()
    }
}

/// A lock to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Directory that holds the lock; made (one level) when it is missing. Absolute or relative to home.
    pub dir: String,
    /// The run that takes it: `[A-Za-z0-9._:-]{1,100}`.
    pub run: String,
    /// What whoever is refused is told: owner, host, reason, time.
    pub owner: String,
    /// Seconds to wait for it. With 0 the answer is immediate and more requests may follow in the same flight.
    pub wait: u32,
    /// Seconds after which it may be taken over, on a host without `flock`; see [`LEASE`].
    pub lease: u32,
    /// Whether the members of the directory's group share the lock: its files get mode 0660 instead of 0600.
    pub group: bool,
}

/// What a client asks of a runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A sign of life; due at least every third of the silence limit.
    Heartbeat,
    /// End the running step if its number is at most this one: TERM to its process group, KILL after one to two
    /// seconds. Its [`End`](super::Event::End) comes as always.
    Kill {
        /// The greatest number to kill.
        through: StepId,
    },
    /// Nothing more will come: give back the lock and end after the requests sent before. The client keeps the channel
    /// open until [`Bye`](super::Event::Bye); closing it kills what runs.
    Quit,
    /// Run something.
    Step {
        /// Its number.
        id: StepId,
        /// What to run.
        work: Work,
        /// Under which conditions it is started.
        gate: Gate,
    },
    /// Take the lock.
    Lock {
        /// The number of the request.
        id: StepId,
        /// What to take.
        lock: Lock,
    },
    /// Give the lock back.
    Unlock {
        /// The number of the request.
        id: StepId,
    },
}

/// A request that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No shell can hold it.
    #[error("cannot send the {what} to the host: NUL byte at position {position}")]
    Nul {
        /// Which part of the request.
        what: &'static str,
        /// Byte offset.
        position: usize,
    },
    /// The host could not take it.
    #[error("cannot send the {what} to the host: {len} bytes, at most {max} are possible")]
    TooLong {
        /// Which part of the request.
        what: &'static str,
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// A name with other characters than it may have.
    #[error("cannot send the {what} to the host: `{value}` is not a valid name")]
    BadName {
        /// Which part of the request.
        what: &'static str,
        /// The name.
        value: String,
    },
}

impl Request {
    /// The lines to send, newline included.
    pub fn encode(&self) -> Result<Vec<u8>, RequestError> {
        let mut out = String::new();
        match self {
            Self::Heartbeat => out.push_str("H\n"),
            Self::Quit => out.push_str("Q\n"),
            Self::Kill { through } => line(&mut out, format_args!("K {through}")),
            Self::Unlock { id } => line(&mut out, format_args!("U {id}")),
            Self::Lock { id, lock } => encode_lock(&mut out, *id, lock)?,
            Self::Step { id, work, gate } => encode_step(&mut out, *id, work, *gate)?,
        }
        Ok(out.into_bytes())
    }
}

fn line(out: &mut String, text: fmt::Arguments<'_>) {
    // Cannot fail: writing to a String.
    let _ = writeln!(out, "{text}");
}

fn encode_step(out: &mut String, id: StepId, work: &Work, gate: Gate) -> Result<(), RequestError> {
    let gate = gate.flags();
    match work {
        Work::Command { text, stdin } => {
            put(out, '1', "command", text.as_bytes(), MAX_COMMAND)?;
            if let Some(stdin) = stdin {
                put(out, '2', "input", stdin.expose(), MAX_STDIN)?;
            }
            let input = if stdin.is_some() { "i" } else { "" };
            line(out, format_args!("C {id} -{gate}{input}"));
        }
        Work::Script { text, secrets } => {
            put(out, '1', "script", &whole_script(text, secrets)?, MAX_SCRIPT)?;
            line(out, format_args!("S {id} -{gate}"));
        }
        Work::Shell { text } => {
            put(out, '1', "shell text", text.as_bytes(), MAX_TEXT)?;
            line(out, format_args!("E {id} -{gate}"));
        }
    }
    Ok(())
}

fn whole_script(text: &str, secrets: &[(String, Secret)]) -> Result<Vec<u8>, RequestError> {
    let what = "secret variable";
    let mut whole = Vec::with_capacity(text.len());
    for (name, value) in secrets {
        if !is_variable(name) {
            return Err(RequestError::BadName { what, value: name.clone() });
        }
        let quoted =
            crate::quote_bytes(value.expose()).map_err(|e| RequestError::Nul { what, position: e.position })?;
        whole.extend_from_slice(name.as_bytes());
        whole.push(b'=');
        whole.extend_from_slice(&quoted);
        whole.push(b'\n');
    }
    whole.extend_from_slice(text.as_bytes());
    Ok(whole)
}

/// A shell variable that is not one of the runner's own.
fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with("_r")
}

fn encode_lock(out: &mut String, id: StepId, lock: &Lock) -> Result<(), RequestError> {
    let name = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
    if lock.run.is_empty() || lock.run.len() > 100 || !lock.run.bytes().all(name) {
        return Err(RequestError::BadName { what: "run id", value: lock.run.clone() });
    }
    if lock.dir.is_empty() {
        return Err(RequestError::BadName { what: "lock directory", value: String::new() });
    }
    // So that no tool takes it for an option.
    let dir = if lock.dir.starts_with('-') { format!("./{}", lock.dir) } else { lock.dir.clone() };
    put(out, '1', "lock directory", dir.as_bytes(), MAX_TEXT)?;
    put(out, '2', "run id", lock.run.as_bytes(), MAX_TEXT)?;
    put(out, '3', "owner text", lock.owner.as_bytes(), MAX_TEXT)?;
    let mask = if lock.group { "007" } else { "077" };
    line(out, format_args!("L {id} {} {} {mask}", lock.wait.min(1_000_000), lock.lease.clamp(1, 1_000_000)));
    Ok(())
}

/// One text of a request, as lines that begin with `slot` and hold it in the form that `printf %b` undoes.
fn put(out: &mut String, slot: char, what: &'static str, bytes: &[u8], max: usize) -> Result<(), RequestError> {
    if let Some(position) = bytes.iter().position(|&b| b == 0) {
        return Err(RequestError::Nul { what, position });
    }
    if bytes.len() > max {
        return Err(RequestError::TooLong { what, len: bytes.len(), max });
    }
    let encoded = escape(bytes);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (head, tail) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        out.push(slot);
        out.push_str(head);
        out.push('\n');
        rest = tail;
    }
    Ok(())
}

/// Printable ASCII for `printf %b`: `\\` for a backslash, `\0ooo` for all that is not printable.
fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 8);
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(char::from(byte)),
            other => {
                // Cannot fail: writing to a String.
                let _ = write!(out, "\\0{other:03o}");
            }
        }
    }
    out
}

/// Undoes [`escape`]. What is no escape of ours (a lock file that somebody else wrote) stays as it is.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'\\', [b'\\', after @ ..]) => {
                out.push(b'\\');
                rest = after;
            }
            (b'\\', [b'0', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(request: &Request) -> String {
        String::from_utf8(request.encode().unwrap()).unwrap()
    }

    fn command(text: &str) -> Request {
        let work = Work::Command { text: text.into(), stdin: None };
        Request::Step { id: StepId(3), work, gate: Gate::LOCK }
    }

    #[test]
    fn requests_look_as_the_contract_says() {
        assert_eq!(text(&Request::Heartbeat), "H\n");
        assert_eq!(text(&Request::Quit), "Q\n");
        assert_eq!(text(&Request::Kill { through: StepId(9) }), "K 9\n");
        assert_eq!(text(&Request::Unlock { id: StepId(4) }), "U 4\n");
        assert_eq!(text(&command("a\\b\né")), "1a\\\\b\\0012\\0303\\0251\nC 3 -l\n");
        let work = Work::Command { text: "x".into(), stdin: Some(Secret::new("pw\n")) };
        let step = Request::Step { id: StepId(1), work, gate: Gate::default() };
        assert_eq!(text(&step), "1x\n2pw\\0012\nC 1 -i\n");
        assert!(!format!("{step:?}").contains("pw"));
        let work = Work::Script { text: "echo".into(), secrets: vec![("key".into(), Secret::new("a b"))] };
        let step = Request::Step { id: StepId(1), work, gate: Gate::default() };
        assert_eq!(text(&step), "1key='a b'\\0012echo\nS 1 -\n");
    }

    #[test]
    fn gates_look_as_the_contract_says() {
        let work = Work::Shell { text: "x".into() };
        let gate = Gate { lock: true, unless_failed: true, opens: true };
        assert_eq!(text(&Request::Step { id: StepId(1), work, gate }), "1x\nE 1 -lon\n");
    }

    #[test]
    fn a_lock_looks_as_the_contract_says() {
        let lock =
            Lock { dir: "-d".into(), run: "r-1".into(), owner: "me\nyou".into(), wait: 0, lease: LEASE, group: true };
        assert_eq!(
            text(&Request::Lock { id: StepId(2), lock: lock.clone() }),
            "1./-d\n2r-1\n3me\\0012you\nL 2 0 30 007\n"
        );
        for run in ["", "a b", "a/b", "é"] {
            let lock = Lock { run: run.into(), ..lock.clone() };
            let refused = Request::Lock { id: StepId(2), lock }.encode();
            assert!(matches!(refused, Err(RequestError::BadName { what: "run id", .. })), "{run}");
        }
    }

    #[test]
    fn what_the_host_could_not_take_is_refused() {
        assert!(command(&"x".repeat(MAX_COMMAND)).encode().is_ok());
        let long = command(&"x".repeat(MAX_COMMAND + 1)).encode();
        assert!(matches!(long, Err(RequestError::TooLong { what: "command", .. })));
        assert_eq!(command("a\0").encode(), Err(RequestError::Nul { what: "command", position: 1 }));
        for name in ["", "1a", "a-b", "_rN", "a b", "é"] {
            let work = Work::Script { text: String::new(), secrets: vec![(name.into(), Secret::new("x"))] };
            let step = Request::Step { id: StepId(1), work, gate: Gate::default() };
            assert!(matches!(step.encode(), Err(RequestError::BadName { .. })), "{name}");
        }
    }

    proptest! {
        #[test]
        fn lines_are_short_and_printable_and_escapes_are_undone(bytes in proptest::collection::vec(1..=255u8, 0..9000)) {
            let mut out = String::new();
            put(&mut out, '1', "x", &bytes, 10_000).unwrap();
            let mut joined = String::new();
            for line in out.lines() {
                prop_assert!(line.len() <= LINE + 1);
                prop_assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)));
                joined.push_str(&line[1..]);
            }
            prop_assert_eq!(unescape(joined.as_bytes()), bytes);
        }
    }
}
