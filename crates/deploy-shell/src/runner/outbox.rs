//! The client's side of flow control: what may be sent when.

use std::collections::VecDeque;

use super::{Event, Request, RequestError, StepId, Work};

/// How many bytes may wait at the runner behind a running step: what every pipe can hold (Linux shrinks new pipes to one
/// page when a user has very many), so that its reader never has to wait and goes on hearing heartbeats and kills.
pub const BEHIND: usize = 4096;

/// Requests on their way to a runner, in order.
///
/// The runner's reader hands work on through a pipe; were that pipe full, it could hear neither heartbeats nor kills.
/// So behind a running step or a waiting lock at most [`BEHIND`] bytes may be sent beside heartbeats and kills. An outbox
/// keeps that rule: put requests in with [`push`](Self::push), send what [`take`](Self::take) gives, show it every
/// stdout event.
///
/// ```
/// use deploy_shell::runner::{Event, Gate, Outbox, Request, Status, StepId, Work};
/// let step = |n, text: &str| Request::Step {
///     id: StepId(n),
///     work: Work::Command { text: text.into(), stdin: None },
///     gate: Gate::default(),
/// };
/// let mut outbox = Outbox::default();
/// outbox.push(&step(2, "true"))?;
/// outbox.push(&step(3, "true"))?;
/// outbox.push(&step(4, &"x".repeat(20_000)))?;
/// outbox.push(&Request::Heartbeat)?;
/// assert_eq!(outbox.take(), b"H\n1true\nC 2 -\n1true\nC 3 -\n");
/// assert_eq!(outbox.take(), b"");
/// for step in [StepId(2), StepId(3)] {
///     outbox.on_event(&Event::End { step, status: Status::Exited(0) });
/// }
/// assert!(outbox.take().len() > 20_000);
/// # Ok::<(), deploy_shell::runner::RequestError>(())
/// ```
#[derive(Debug, Default)]
pub struct Outbox {
    urgent: Vec<u8>,
    queue: VecDeque<Entry>,
    /// Sent and not answered.
    sent: VecDeque<Entry>,
    /// How many requests that are answered have been sent.
    requests: u64,
}

#[derive(Debug)]
struct Entry {
    /// `None` for what is never answered.
    id: Option<StepId>,
    /// Whether the runner may be at it for long.
    blocks: bool,
    len: usize,
    bytes: Vec<u8>,
}

impl Outbox {
    /// Puts a request in: heartbeats and kills in front, all others behind what is there.
    pub fn push(&mut self, request: &Request) -> Result<(), RequestError> {
        let bytes = request.encode()?;
        let (id, blocks) = match request {
            Request::Heartbeat | Request::Kill { .. } => {
                self.urgent.extend_from_slice(&bytes);
                return Ok(());
            }
            Request::Quit => (None, false),
            Request::Step { id, work, .. } => (Some(*id), !matches!(work, Work::Shell { .. })),
            Request::Lock { id, lock } => (Some(*id), lock.wait > 0),
            Request::Unlock { id } => (Some(*id), false),
        };
        self.queue.push_back(Entry { id, blocks, len: bytes.len(), bytes });
        Ok(())
    }

    /// The bytes that may be sent now; empty when there is nothing to send or the runner has enough.
    pub fn take(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.urgent);
        while let Some(next) = self.queue.front() {
            let is_blocked = self.busy().is_some();
            let behind: usize = self.sent.iter().skip_while(|e| !e.blocks).skip(1).map(|e| e.len).sum();
            if is_blocked && behind + next.len > BEHIND {
                break;
            }
            if let Some(mut entry) = self.queue.pop_front() {
                bytes.append(&mut entry.bytes);
                if entry.id.is_some() {
                    self.requests += 1;
                    self.sent.push_back(entry);
                }
            }
        }
        bytes
    }

    /// Shows it an event of the runner's stdout.
    pub fn on_event(&mut self, event: &Event) {
        let answered = match event {
            Event::End { step, .. } => *step,
            Event::LockTaken { id, .. }
            | Event::LockRefused { id, .. }
            | Event::LockFailed { id, .. }
            | Event::Unlocked { id, .. } => *id,
            _ => return,
        };
        self.sent.retain(|entry| entry.id != Some(answered));
    }

    /// How many requests have been given out to be sent, those without an answer (heartbeats, kills, the end) not counted.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The step or waiting lock that the runner is at work on, as far as is known here.
    pub fn busy(&self) -> Option<StepId> {
        self.sent.iter().find(|entry| entry.blocks).and_then(|entry| entry.id)
    }

    /// Whether nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.urgent.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::{Gate, LEASE, Lock, Status};
    use proptest::prelude::*;

    fn step(id: u32, work: Work) -> Request {
        Request::Step { id: StepId(id), work, gate: Gate::default() }
    }

    fn request(id: u32, kind: u8, len: usize) -> Request {
        let text = "x".repeat(len);
        let lock =
            |wait| Lock { dir: "d".into(), run: "r".into(), owner: text.clone(), wait, lease: LEASE, group: false };
        match kind {
            0 => step(id, Work::Command { text, stdin: None }),
            1 => step(id, Work::Script { text, secrets: Vec::new() }),
            2 => step(id, Work::Shell { text }),
            3 => Request::Lock { id: StepId(id), lock: lock(0) },
            4 => Request::Lock { id: StepId(id), lock: lock(9) },
            _ => Request::Unlock { id: StepId(id) },
        }
    }

    #[test]
    fn a_lock_and_a_long_script_leave_in_one_flight() {
        let mut outbox = Outbox::default();
        outbox.push(&request(1, 3, 10)).unwrap();
        outbox.push(&request(2, 1, 100_000)).unwrap();
        assert!(outbox.take().len() > 100_000);
        assert_eq!(outbox.busy(), Some(StepId(2)));
        assert!(outbox.is_empty());
        outbox.push(&Request::Heartbeat).unwrap();
        assert!(!outbox.take().is_empty());
        assert_eq!(outbox.requests(), 2, "a heartbeat is no request");
    }

    proptest! {
        #[test]
        fn never_more_than_the_pipe_holds_behind_a_step_and_all_is_sent_in_the_end(
            requests in proptest::collection::vec((0..6u8, 0..3000usize), 1..40),
        ) {
            let mut outbox = Outbox::default();
            let mut all = Vec::new();
            // Number, whether it blocks, length.
            let mut waiting = VecDeque::new();
            for (id, (kind, len)) in (1..).zip(&requests) {
                let request = request(id, *kind, *len);
                let bytes = request.encode().unwrap();
                waiting.push_back((StepId(id), [0, 1, 4].contains(kind), bytes.len()));
                all.extend(bytes);
                outbox.push(&request).unwrap();
            }
            let mut sent = Vec::new();
            let mut answered = 0;
            while let Some((id, blocks, len)) = waiting.pop_front() {
                sent.extend(outbox.take());
                prop_assert!(sent.len() >= answered + len, "a request is held back though nothing runs");
                answered += len;
                if blocks {
                    prop_assert!(sent.len() - answered <= BEHIND);
                }
                outbox.on_event(&Event::End { step: id, status: Status::Exited(0) });
            }
            prop_assert_eq!(sent, all);
            prop_assert!(outbox.is_empty() && outbox.busy().is_none());
        }
    }
}
