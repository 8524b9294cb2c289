//! A request at work on a host: its output, the steps inside it, and its end.

use std::time::Duration;

use std::sync::Arc;

use deploy_inventory::HostId;
use deploy_plan::{Event, ExitStatus, Level, Observer, StepId, Stream};
use deploy_shell::StepReport;
use deploy_shell::runner::{Event as Said, Status, StepId as Number};

use crate::flight::{Job, JobKind, JobResult, Output};
use crate::group::Group;
use crate::host::exit_status;
use crate::ports::Ports;

/// Most of standard output that is kept of a captured job.
const CAPTURE_LIMIT: usize = 16 * 1024 * 1024;
/// Most of the last output that is kept of any job.
const TAIL_LIMIT: usize = 16 * 1024;
/// How our own scripts begin a line that is a warning, and most of a line that is looked at for it.
const WARNING: &[u8] = b"warning: ";
const LINE_LIMIT: usize = 16 * 1024;

/// Why a step that needs the lock was refused by the runner.
const NO_LOCK: &[u8] = b"not started: this run does not hold the lock any more, another run may have taken it over";

/// One job inside the request.
struct Part {
    job: Job,
    started: Option<Duration>,
    ended: Option<Duration>,
    status: Option<ExitStatus>,
    stdout: Vec<u8>,
    tail: Vec<u8>,
    /// From its begin to its end, for traces; inside the span of its host.
    span: tracing::Span,
}

impl Part {
    fn new(job: Job) -> Self {
        let (stdout, tail) = (Vec::new(), Vec::new());
        Self { job, started: None, ended: None, status: None, stdout, tail, span: tracing::Span::none() }
    }
}

/// A request at work.
pub(crate) struct Progress {
    host: HostId,
    number: Number,
    parts: Vec<Part>,
    /// The part whose output is coming.
    current: usize,
    /// A script reports its parts by marks; everything else has one part.
    is_script: bool,
    /// Proven by the end on standard output.
    end: Option<ExitStatus>,
    /// All of standard error has come.
    err_end: bool,
    refused_by: Option<String>,
    killed: Option<String>,
    /// The beginning of a line of our own script's standard error.
    line: Vec<u8>,
    /// When its turn came.
    since: Option<Duration>,
    ports: Arc<Ports>,
}

impl Progress {
    pub(crate) fn new(host: HostId, number: Number, group: Group, ports: &Arc<Ports>) -> Self {
        let is_script = matches!(group.kind, JobKind::Script { .. });
        let no_stderr = matches!(group.kind, JobKind::Lock { .. } | JobKind::Unlock);
        let parts = group.jobs.into_iter().map(Part::new).collect();
        Self {
            host,
            number,
            parts,
            current: 0,
            is_script,
            end: None,
            err_end: no_stderr,
            refused_by: None,
            killed: None,
            line: Vec::new(),
            since: None,
            ports: Arc::clone(ports),
        }
    }

    /// How much longer what is at work may take; no limit once it has been killed for it. Each part has its own: a
    /// checkout without one lends its patience to nothing else in the same script.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        let part = self.parts.get(self.current).filter(|part| self.killed.is_none() && part.ended.is_none())?;
        let since = part.started.or(self.since)?;
        Some((since + part.job.deadline?).saturating_sub(self.ports.clock.monotonic()))
    }

    /// Its number on the wire.
    pub(crate) fn number(&self) -> Number {
        self.number
    }

    /// One that is over before it was sent.
    pub(crate) fn over(host: HostId, number: Number, group: Group, ports: &Arc<Ports>, end: &ExitStatus) -> Self {
        let mut progress = Self::new(host, number, group, ports);
        progress.ended(end.clone());
        progress
    }

    /// It is being ended from outside.
    pub(crate) fn killed(&mut self, why: &str) {
        self.killed = Some(why.to_owned());
    }

    /// Takes one event of the runner that is about this request.
    pub(crate) fn hear(&mut self, said: Said, stream: Stream) {
        match said {
            Said::Begin(_) if stream == Stream::Out => {
                self.since = Some(self.ports.clock.monotonic());
                if !self.is_script {
                    self.begin(0);
                }
            }
            Said::Output { bytes, .. } => self.output(stream, bytes),
            Said::Mark { kind, fields, .. } => self.mark(&kind, &fields),
            Said::End { status, .. } => {
                if status == Status::NoLock {
                    self.keep_tail(NO_LOCK);
                }
                self.end(exit_status(status));
            }
            Said::ErrEnd(_) => {
                let rest = std::mem::take(&mut self.line);
                self.lines_of_ours(&rest);
                self.err_end = true;
            }
            Said::LockTaken { .. } | Said::Unlocked { .. } => self.end(ExitStatus::Code(0)),
            Said::LockRefused { owner, run, .. } => {
                self.refused_by = Some(if owner.is_empty() { format!("held by run {run}") } else { owner });
                self.end(ExitStatus::Code(1));
            }
            Said::LockFailed { reason, .. } => {
                self.keep_tail(reason.as_bytes());
                self.end(ExitStatus::Code(1));
            }
            _ => {}
        }
    }

    fn begin(&mut self, index: usize) {
        self.current = index;
        let now = self.ports.clock.monotonic();
        let Some(part) = self.parts.get_mut(index) else { return };
        part.started = Some(now);
        part.span = tracing::info_span!("step", title = part.job.title);
        tracing::debug!(parent: &part.span, "started");
        if let Some(step) = part.job.step {
            let (host, title) = (self.host.clone(), part.job.title.clone());
            self.ports.observer.event(&Event::StepStarted { host, step, title });
        }
    }

    fn output(&mut self, stream: Stream, bytes: Vec<u8>) {
        let Some(part) = self.parts.get_mut(self.current) else { return };
        if part.job.output != Output::Told {
            if stream == Stream::Err {
                keep_last(&mut part.tail, &bytes);
            } else if part.stdout.len() < CAPTURE_LIMIT {
                part.stdout.extend_from_slice(&bytes);
            }
            if part.job.output == Output::Both {
                self.show(stream, bytes);
            }
            return;
        }
        keep_last(&mut part.tail, &bytes);
        if self.is_script && stream == Stream::Err {
            self.line.extend(bytes);
            let whole = self.line.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let whole = if whole == 0 && self.line.len() > LINE_LIMIT { self.line.len() } else { whole };
            let lines: Vec<u8> = self.line.drain(..whole).collect();
            return self.lines_of_ours(&lines);
        }
        self.show(stream, bytes);
    }

    /// What a script of ours warns of is a warning of the run, and not a host's output like any other.
    fn lines_of_ours(&self, text: &[u8]) {
        let mut other = Vec::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let Some(warning) = line.strip_prefix(WARNING) else {
                other.extend_from_slice(line);
                continue;
            };
            let text = String::from_utf8_lossy(warning).trim_end().to_owned();
            self.ports.observer.event(&Event::Message { level: Level::Warning, host: Some(self.host.clone()), text });
        }
        if !other.is_empty() {
            self.show(Stream::Err, other);
        }
    }

    fn show(&self, stream: Stream, bytes: Vec<u8>) {
        let step: Option<StepId> = self.parts.get(self.current).and_then(|part| part.job.step);
        self.ports.observer.event(&Event::Output { host: self.host.clone(), step, stream, bytes });
    }

    fn keep_tail(&mut self, bytes: &[u8]) {
        if let Some(part) = self.parts.get_mut(self.current) {
            keep_last(&mut part.tail, bytes);
        }
    }

    fn mark(&mut self, kind: &str, fields: &[Vec<u8>]) {
        match StepReport::read(kind, fields) {
            Some(StepReport::Begun { id }) => {
                if let Ok(index) = id.parse() {
                    self.begin(index);
                }
            }
            Some(StepReport::Ended { id, status, .. }) => {
                if let Ok(index) = id.parse() {
                    self.part_ended(index, ExitStatus::Code(i32::from(status)));
                }
            }
            None => {}
        }
    }

    fn part_ended(&mut self, index: usize, status: ExitStatus) {
        let status = match &self.killed {
            Some(why) if !status.is_success() => ExitStatus::Signal(format!("TERM ({why})")),
            _ => status,
        };
        let now = self.ports.clock.monotonic();
        let Some(part) = self.parts.get_mut(index) else { return };
        part.status = Some(status.clone());
        part.ended = Some(now);
        let elapsed = part.started.map_or(Duration::ZERO, |started| now.saturating_sub(started));
        tracing::debug!(parent: &part.span, %status, ?elapsed, "ended");
        part.span = tracing::Span::none();
        if let Some(step) = part.job.step {
            let (host, title) = (self.host.clone(), part.job.title.clone());
            self.ports.observer.event(&Event::StepEnded { host, step, title, status, elapsed });
        }
    }

    /// A command on a channel of its own ended.
    pub(crate) fn ended(&mut self, status: ExitStatus) {
        self.end(status);
        self.err_end = true;
    }

    fn end(&mut self, status: ExitStatus) {
        self.end = Some(status);
    }

    /// Whether its end is proven and all of its output has come.
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some() && self.err_end
    }

    /// The results of all of its jobs.
    pub(crate) fn results(mut self) -> Vec<JobResult> {
        let end = self.end.clone().unwrap_or(ExitStatus::Skipped);
        self.settle(&end);
        self.into_results()
    }

    /// The end of the request settles the parts that have not reported: the one at work ended with it, those behind
    /// were not started.
    fn settle(&mut self, end: &ExitStatus) {
        let mut blamed = self.parts.iter().any(|part| matches!(&part.status, Some(status) if !status.is_success()));
        for index in 0..self.parts.len() {
            let Some(part) = self.parts.get(index) else { return };
            if part.status.is_some() {
                continue;
            }
            let begun = part.started.is_some() || !self.is_script;
            // A script that ends with 0 has reported all of its parts; silence about one is no success.
            let end = match end {
                ExitStatus::Code(0) if self.is_script => ExitStatus::Lost("the step did not report its end".to_owned()),
                other => other.clone(),
            };
            if !blamed && (begun || index == 0) && end != ExitStatus::Skipped {
                blamed = !end.is_success();
                self.part_ended(index, end);
            } else if let Some(part) = self.parts.get_mut(index) {
                part.status = Some(ExitStatus::Skipped);
            }
        }
    }

    /// The host was lost: whether a part behind the one at work was started is not known either.
    pub(crate) fn lost(&mut self, why: &str) {
        for index in 0..self.parts.len() {
            if self.parts.get(index).is_some_and(|part| part.status.is_none()) {
                self.part_ended(index, ExitStatus::Lost(why.to_owned()));
            }
        }
        self.ended(ExitStatus::Lost(why.to_owned()));
    }

    /// It could not even be sent.
    pub(crate) fn refused(&mut self, why: &str) {
        self.keep_tail(why.as_bytes());
        self.ended(ExitStatus::Code(126));
    }

    /// It could not be done, for this reason.
    pub(crate) fn failed(&mut self, why: &str, status: ExitStatus) {
        self.keep_tail(why.as_bytes());
        self.ended(status);
    }

    /// How far a transfer is.
    pub(crate) fn transferred(&self, bytes: u64, total: Option<u64>) {
        let step = self.parts.get(self.current).and_then(|part| part.job.step);
        self.ports.observer.event(&Event::Transferred { host: self.host.clone(), step, bytes, total });
    }

    /// What a transfer has fetched as a value.
    pub(crate) fn fetched(&mut self, content: Vec<u8>) {
        if let Some(part) = self.parts.get_mut(self.current) {
            part.stdout = content;
        }
    }

    fn into_results(self) -> Vec<JobResult> {
        let refused_by = self.refused_by;
        self.parts
            .into_iter()
            .map(|part| JobResult {
                step: part.job.step,
                status: part.status.unwrap_or(ExitStatus::Skipped),
                stdout: part.stdout,
                tail: part.tail,
                refused_by: refused_by.clone(),
                time: part.started.zip(part.ended),
            })
            .collect()
    }
}

/// Appends and keeps only the last of it.
fn keep_last(tail: &mut Vec<u8>, bytes: &[u8]) {
    tail.extend_from_slice(bytes);
    let over = tail.len().saturating_sub(TAIL_LIMIT);
    if over > 0 {
        tail.drain(..over);
    }
}
