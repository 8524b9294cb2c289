//! What the runner answers: an incremental decoder for its two output streams.

use super::request::unescape;
use super::{Hello, HelloError, LockWay, Nonce, StepId};

/// Longest frame that is accepted; what is longer is [`Event::Malformed`].
pub const MAX_FRAME: usize = 64 * 1024;

/// First byte of a frame, and of its end (which a newline follows).
const MARK: u8 = 0x1e;
/// Between the fields of a frame.
const FIELD: u8 = 0x1f;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It exited with this code. Codes from 129 on often mean that what it ran was killed: see
    /// [`Status::likely_signal`].
    Exited(u8),
    /// It was killed by this signal, and the host's shell could tell (dash and ash can for most signals, bash cannot).
    Signaled(u8),
    /// Its wrapper was killed, by the second stage of a kill or from outside: the outcome is unknown, never success.
    Lost,
    /// It could not be started: the host ran out of processes or memory, or has no `sh`.
    NotStarted,
    /// It was not started because this runner does not hold the lock.
    NoLock,
    /// It was not started because a step before it in its chain failed.
    Skipped,
}

impl Status {
    /// The only success there is: the step's own exit with 0.
    pub fn success(self) -> bool {
        self == Self::Exited(0)
    }

    /// The signal that ended the step, proven or by the shells' custom of 128+n.
    pub fn likely_signal(self) -> Option<u8> {
        match self {
            Self::Signaled(n) => Some(n),
            Self::Exited(code @ 129..=192) => Some(code - 128),
            _ => None,
        }
    }
}

/// What a stream of the runner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Bytes before the runner spoke: what the login's start-up files print.
    Noise(Vec<u8>),
    /// The runner is there.
    Hello(Box<Hello>),
    /// Something that says hello is there, but not a runner that we can talk to.
    BadHello(HelloError),
    /// A request's turn has come. On both streams.
    Begin(StepId),
    /// Output of a step, exact. Between steps (`None`) it comes from a process that an earlier step left behind.
    Output {
        /// The running step.
        step: Option<StepId>,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A mark that a script printed.
    Mark {
        /// The running step, as the mark says.
        step: StepId,
        /// Its first word.
        kind: String,
        /// Its other words.
        fields: Vec<Vec<u8>>,
    },
    /// The step ended (stdout only): the proof of its outcome.
    End {
        /// Which.
        step: StepId,
        /// How.
        status: Status,
    },
    /// All that the step itself wrote to stderr has come (stderr only).
    ErrEnd(StepId),
    /// The lock is ours.
    LockTaken {
        /// The request.
        id: StepId,
        /// How it is kept.
        way: LockWay,
        /// Whether this runner held it before.
        again: bool,
    },
    /// Another runner holds the lock.
    LockRefused {
        /// The request.
        id: StepId,
        /// Whether it holds it for the same run: an earlier connection, or another host entry for the same directory.
        same_run: bool,
        /// The run it is held for; empty if that could not be read.
        run: String,
        /// The owner text; empty if it could not be read.
        owner: String,
    },
    /// The lock cannot be taken, whoever holds it.
    LockFailed {
        /// The request.
        id: StepId,
        /// Why.
        reason: String,
    },
    /// The lock is given back.
    Unlocked {
        /// The request.
        id: StepId,
        /// Whether this runner held it.
        held: bool,
    },
    /// The runner ends; nothing follows.
    Bye {
        /// Whether it found that somebody took over its lock (lease way, after a pause longer than the lease).
        lock_lost: bool,
    },
    /// A frame with the right nonce that makes no sense.
    Malformed(Vec<u8>),
}

/// Splits one stream of a runner into [`Event`]s, whatever the chunks it comes in.
///
/// Memory is bounded: at most a frame ([`MAX_FRAME`]) is held back, and of plain output at most 32 bytes. Adjacent
/// [`Event::Output`]s of one step depend on the chunks; their concatenation does not.
///
/// ```
/// use deploy_shell::runner::{Decoder, Event, Nonce, Status, StepId};
/// let nonce = Nonce::new([1; 16]);
/// let mut decoder = Decoder::stdout(&nonce);
/// let frame = format!("\x1e{}E\x1f7\x1f0\x1fexit\x1e\n", nonce.as_str());
/// let events = decoder.push(frame.as_bytes());
/// assert_eq!(events, [Event::End { step: StepId(7), status: Status::Exited(0) }]);
/// ```
#[derive(Debug)]
pub struct Decoder {
    /// `MARK` and the nonce.
    prefix: Vec<u8>,
    held: Vec<u8>,
    /// Bytes of `held` known to hold no end of frame.
    searched: usize,
    open: bool,
    step: Option<StepId>,
    is_stderr: bool,
    /// Output found but not yet reported in this push.
    output: Vec<u8>,
}

impl Decoder {
    /// For the runner's standard output.
    pub fn stdout(nonce: &Nonce) -> Self {
        Self::new(nonce, false)
    }

    /// For the runner's standard error.
    pub fn stderr(nonce: &Nonce) -> Self {
        Self::new(nonce, true)
    }

    fn new(nonce: &Nonce, is_stderr: bool) -> Self {
        let mut prefix = vec![MARK];
        prefix.extend_from_slice(nonce.as_str().as_bytes());
        Self { prefix, held: Vec::new(), searched: 0, open: false, step: None, is_stderr, output: Vec::new() }
    }

    /// The step whose output is coming, if any.
    pub fn step(&self) -> Option<StepId> {
        self.step
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        if self.held.is_empty() {
            self.scan(bytes, &mut events);
        } else {
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(bytes);
            self.scan(&joined, &mut events);
        }
        self.flush(&mut events);
        events
    }

    /// The stream ended: what was held back is output after all, or half a frame.
    pub fn finish(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let held = std::mem::take(&mut self.held);
        if held.starts_with(&self.prefix) {
            events.push(Event::Malformed(held));
        } else {
            self.output = held;
            self.flush(&mut events);
        }
        events
    }

    fn scan(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|&b| b == MARK) {
            let (before, candidate) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            self.output.extend_from_slice(before);
            if let Some(body) = candidate.strip_prefix(self.prefix.as_slice()) {
                let from = self.searched.min(body.len());
                let tail = body.get(from..).unwrap_or_default();
                match tail.windows(2).position(|w| w == [MARK, b'\n']) {
                    Some(end) => {
                        let (frame, after) = body.split_at_checked(from + end).unwrap_or((body, &[]));
                        self.searched = 0;
                        self.flush(events);
                        events.push(self.frame(frame));
                        rest = after.strip_prefix(&[MARK, b'\n']).unwrap_or(after);
                    }
                    None if body.len() > MAX_FRAME => {
                        self.searched = 0;
                        self.flush(events);
                        events.push(Event::Malformed(self.prefix.clone()));
                        rest = body;
                    }
                    None => {
                        // The last byte may be the first of the two that end a frame.
                        self.searched = body.len().saturating_sub(1);
                        self.held = candidate.to_vec();
                        return;
                    }
                }
            } else if self.prefix.starts_with(candidate) {
                self.held = candidate.to_vec();
                return;
            } else {
                self.output.push(MARK);
                rest = candidate.split_first().map_or(&[], |(_, tail)| tail);
            }
        }
        self.output.extend_from_slice(rest);
    }

    fn flush(&mut self, events: &mut Vec<Event>) {
        if !self.output.is_empty() {
            let bytes = std::mem::take(&mut self.output);
            events.push(if self.open { Event::Output { step: self.step, bytes } } else { Event::Noise(bytes) });
        }
    }

    fn frame(&mut self, frame: &[u8]) -> Event {
        let fields: Vec<Vec<u8>> = frame.split(|&b| b == FIELD).map(<[u8]>::to_vec).collect();
        self.understand(&fields).unwrap_or_else(|| Event::Malformed(frame.to_vec()))
    }

    fn understand(&mut self, fields: &[Vec<u8>]) -> Option<Event> {
        let (kind, fields) = fields.split_first()?;
        if kind == b"H" {
            self.open = true;
            return Some(Hello::parse(fields).map_or_else(Event::BadHello, |h| Event::Hello(Box::new(h))));
        }
        if kind == b"Z" {
            self.step = None;
            return Some(Event::Bye { lock_lost: fields.first()? == b"lost" });
        }
        let (id, fields) = fields.split_first()?;
        let id = StepId(number(id)?);
        let field = |i: usize| fields.get(i).map(Vec::as_slice);
        Some(match (kind.as_slice(), self.is_stderr) {
            (b"B", _) => {
                self.open = true;
                self.step = Some(id);
                Event::Begin(id)
            }
            (b"E", true) => {
                self.step = None;
                Event::ErrEnd(id)
            }
            (b"E", false) => {
                self.step = None;
                Event::End { step: id, status: status(number(field(0)?)?, field(1)?)? }
            }
            (b"M", false) => {
                let (kind, fields) = fields.split_first()?;
                Event::Mark { step: id, kind: lossy(kind), fields: fields.to_vec() }
            }
            (b"T", false) => {
                let way = if field(0)? == b"flock" { LockWay::Flock } else { LockWay::Lease };
                self.end_of(Event::LockTaken { id, way, again: field(1)? == b"again" })
            }
            (b"N", false) => {
                let (run, owner) = (lossy(field(1)?), lossy(&unescape(field(2)?)));
                self.end_of(Event::LockRefused { id, same_run: field(0)? == b"same", run, owner })
            }
            (b"F", false) => self.end_of(Event::LockFailed { id, reason: lossy(field(0)?) }),
            (b"U", false) => Event::Unlocked { id, held: field(0)? == b"1" },
            _ => return None,
        })
    }

    fn end_of(&mut self, event: Event) -> Event {
        self.step = None;
        event
    }
}

fn status(code: u32, how: &[u8]) -> Option<Status> {
    let code = u8::try_from(code).ok()?;
    Some(match how {
        b"exit" => Status::Exited(code),
        b"signal" => Status::Signaled(code.checked_sub(128)?),
        b"lost" => Status::Lost,
        b"unstarted" => Status::NotStarted,
        b"unlocked" => Status::NoLock,
        b"skipped" => Status::Skipped,
        _ => return None,
    })
}

fn number(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

fn lossy(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

#[cfg(test)]
mod tests;
