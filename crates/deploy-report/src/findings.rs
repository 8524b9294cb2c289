//! What is needed after a run: how it ended, what failed, and the last lines of each host.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use deploy_inventory::HostId;
use deploy_plan::{Event, Observer, Problem, Stream, Summary};

use crate::Secrets;
use crate::assembler::Assembler;

/// How many of a host's last lines are kept.
const TAIL: usize = 20;

/// Remembers failures, the end of the run, and for each host the last lines of its current or failed step.
pub struct Findings(Mutex<Inner>);

struct Inner {
    assembler: Assembler,
    tails: HashMap<HostId, Tail>,
    problems: Vec<Problem>,
    summary: Option<Summary>,
    worked: bool,
}

#[derive(Default)]
struct Tail {
    lines: VecDeque<String>,
    /// A step failed: its lines stay, whatever comes after (undoing prints, too).
    frozen: bool,
}

impl Tail {
    fn push(&mut self, line: String) {
        if self.frozen {
            return;
        }
        if self.lines.len() == TAIL {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

impl Findings {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        let assembler = Assembler::new(secrets);
        Self(Mutex::new(Inner { assembler, tails: HashMap::new(), problems: Vec::new(), summary: None, worked: false }))
    }

    /// What failed, in order.
    pub fn problems(&self) -> Vec<Problem> {
        self.inner().problems.clone()
    }

    /// The end of the run, when it has ended.
    pub fn summary(&self) -> Option<Summary> {
        self.inner().summary.clone()
    }

    /// The last lines that a host printed in its last step, or in the first one that failed; printable.
    pub fn tail(&self, host: &HostId) -> Vec<String> {
        self.inner().tails.get(host).map(|tail| tail.lines.iter().cloned().collect()).unwrap_or_default()
    }

    /// Whether any step began on any host.
    pub fn has_worked(&self) -> bool {
        self.inner().worked
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn add(&mut self, host: &HostId, lines: impl IntoIterator<Item = String>) {
        let tail = self.tails.entry(host.clone()).or_default();
        lines.into_iter().for_each(|line| tail.push(line));
    }

    fn finish(&mut self, host: &HostId) {
        let lines: Vec<(Stream, String)> = self.assembler.finish(host);
        self.add(host, lines.into_iter().map(|(_, line)| line));
    }
}

impl Observer for Findings {
    fn event(&self, event: &Event) {
        let mut inner = self.inner();
        match event {
            Event::StepStarted { host, .. } => {
                inner.worked = true;
                inner.finish(host);
                if let Some(tail) = inner.tails.get_mut(host).filter(|tail| !tail.frozen) {
                    tail.lines.clear();
                }
            }
            Event::Output { host, stream, bytes, .. } => {
                let lines = inner.assembler.push(host, *stream, bytes);
                inner.add(host, lines);
            }
            Event::StepEnded { host, status, .. } => {
                inner.finish(host);
                if !status.is_success() && *status != deploy_plan::ExitStatus::Skipped {
                    inner.tails.entry(host.clone()).or_default().frozen = true;
                }
            }
            Event::Failed { problem } => inner.problems.push(problem.clone()),
            Event::RunEnded { summary } => {
                for (host, _, line) in inner.assembler.finish_all() {
                    inner.add(&host, [line]);
                }
                inner.summary = Some(summary.clone());
            }
            _ => {}
        }
    }
}

/// Tells several observers the same, in order.
#[derive(Clone, Default)]
pub struct Tee(Vec<std::sync::Arc<dyn Observer>>);

impl Tee {
    /// Tells all of these.
    #[must_use]
    pub fn new(observers: Vec<std::sync::Arc<dyn Observer>>) -> Self {
        Self(observers)
    }
}

impl Observer for Tee {
    fn event(&self, event: &Event) {
        for observer in &self.0 {
            observer.event(event);
        }
    }
}
