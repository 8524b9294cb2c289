//! The complete log of a run in a file.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{Clock, Event, Observer, Stream};

use crate::json::timestamp;
use crate::narrator::{Kind, Narrator};
use crate::paint::Paint;
use crate::{Scrubber, Secrets, plan_text, table, words};

/// A line of output that is longer is written in pieces.
const MAX_RAW_LINE: usize = 64 * 1024;

/// A log file could not be opened or written.
#[derive(Debug, thiserror::Error)]
#[error("write the log file {}", .path.display())]
pub struct LogError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Writes every event of a run to a file, also those that no display shows.
///
/// Each line begins with the time in UTC and the seconds since the log was opened:
///
/// ```text
/// 2026-11-23T05:44:46Z    1.250 [web1.example.com] out: A    config/deploy.rb
/// ```
///
/// What hosts print is kept **byte by byte**, except that registered secrets are masked: only line feeds divide it. So a
/// log can hold escape sequences; read it with `less`, which shows them, not with `cat`. A new file is readable by its
/// owner only; an existing file is appended to and keeps its mode.
pub struct LogFile<W = File> {
    state: Mutex<State<W>>,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    start: Duration,
    secrets: Secrets,
}

struct State<W> {
    narrator: Narrator,
    raw: HashMap<(HostId, Stream), Raw>,
    out: W,
    error: Option<io::Error>,
}

/// A line of output that has not ended yet.
struct Raw {
    scrubber: Scrubber,
    line: Vec<u8>,
}

impl LogFile<File> {
    /// Opens a log file for appending and makes it, for its owner only, if it is not there.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path, secrets: Secrets, clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let file = file.map_err(|source| LogError { path: path.to_owned(), source })?;
        Ok(Self::new(file, path.to_owned(), secrets, clock))
    }
}

impl<W: Write + Send> LogFile<W> {
    /// Writes a log to anything; `path` is its name in errors.
    pub fn new(out: W, path: PathBuf, secrets: Secrets, clock: Arc<dyn Clock>) -> Self {
        let start = clock.monotonic();
        let narrator = Narrator::new(secrets.clone()).in_full(true);
        let state = Mutex::new(State { narrator, raw: HashMap::new(), out, error: None });
        Self { state, path, clock, start, secrets }
    }

    /// The first failure to write, once: a full disk does not stop a run, but the user should know that the log ends early.
    pub fn take_error(&self) -> Option<LogError> {
        let error = self.state.lock().unwrap_or_else(PoisonError::into_inner).error.take();
        error.map(|source| LogError { path: self.path.clone(), source })
    }

    fn stamp(&self) -> String {
        let t = self.clock.monotonic().saturating_sub(self.start);
        format!("{} {:>4}.{:03} ", timestamp(self.clock.unix_seconds()), t.as_secs(), t.subsec_millis())
    }

    fn texts(&self, state: &mut State<W>, event: &Event) -> Vec<String> {
        match event {
            Event::Planned { plan } => {
                state.narrator.event(event);
                plan_text(plan, &self.secrets, true).lines().map(str::to_owned).collect()
            }
            Event::Failed { problem } => {
                let narrator = &state.narrator;
                let mut texts = vec![format!("FAILED ({})", words::problem_kind(problem.kind))];
                let host = problem.host.as_ref().map(|host| format!("host: {host}"));
                let site = problem.site.as_ref().map(|site| format!("where: {site}"));
                let next = problem.next.as_ref().map(|next| format!("next: {next}"));
                let parts =
                    [Some(format!("what: {}", problem.what)), host, site, Some(format!("why: {}", problem.why)), next];
                for part in parts.into_iter().flatten() {
                    texts.extend(narrator.clean(&part).lines().map(|line| format!("    {line}")));
                }
                texts
            }
            Event::RunEnded { summary } => {
                let text = table::render(summary, &|text| state.narrator.clean(text), Paint(false), None);
                text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
            }
            _ => {
                let lines = state.narrator.event(event);
                // Each end is told, so their sum is not.
                let lines = lines.iter().filter(|line| line.kind != Kind::Together);
                lines.map(|line| line.render(0, Paint(false))).collect()
            }
        }
    }
}

impl Raw {
    /// The lines that a chunk completes, as bytes.
    fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut clean = Vec::with_capacity(bytes.len());
        self.scrubber.push(bytes, &mut clean);
        self.take(&clean)
    }

    fn take(&mut self, clean: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for piece in clean.split_inclusive(|b| *b == b'\n') {
            self.line.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
            while self.line.len() > MAX_RAW_LINE {
                let rest = self.line.split_off(MAX_RAW_LINE);
                lines.push(std::mem::replace(&mut self.line, rest));
            }
            if piece.ends_with(b"\n") {
                lines.push(std::mem::take(&mut self.line));
            }
        }
        lines
    }

    fn finish(mut self) -> Vec<Vec<u8>> {
        let mut clean = Vec::new();
        self.scrubber.finish(&mut clean);
        let mut lines = self.take(&clean);
        if !self.line.is_empty() {
            lines.push(self.line);
        }
        lines
    }
}

/// Lines of output that an event completes: who printed them, and the bytes.
fn raw_lines<W>(state: &mut State<W>, secrets: &Secrets, event: &Event) -> Vec<(HostId, Stream, Vec<u8>)> {
    let ended: Vec<(HostId, Stream)> = match event {
        Event::Output { host, stream, bytes, .. } => {
            let raw = state.raw.entry((host.clone(), *stream));
            let raw = raw.or_insert_with(|| Raw { scrubber: secrets.stream(), line: Vec::new() });
            return raw.push(bytes).into_iter().map(|line| (host.clone(), *stream, line)).collect();
        }
        Event::StepStarted { host, .. } | Event::StepEnded { host, .. } => {
            vec![(host.clone(), Stream::Out), (host.clone(), Stream::Err)]
        }
        Event::RunEnded { .. } => {
            let mut keys: Vec<(HostId, Stream)> = state.raw.keys().cloned().collect();
            keys.sort_by(|a, b| (&a.0, words::stream(a.1)).cmp(&(&b.0, words::stream(b.1))));
            keys
        }
        _ => return Vec::new(),
    };
    let mut lines = Vec::new();
    for (host, stream) in ended {
        let raw = state.raw.remove(&(host.clone(), stream));
        lines.extend(raw.map(Raw::finish).unwrap_or_default().into_iter().map(|line| (host.clone(), stream, line)));
    }
    lines
}

impl<W: Write + Send> Observer for LogFile<W> {
    fn event(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = self.stamp();
        let mut bytes = Vec::new();
        for (host, stream, line) in raw_lines(&mut state, &self.secrets, event) {
            let host = state.narrator.clean(host.as_str());
            bytes.extend_from_slice(format!("{stamp}[{host}] {}: ", words::stream(stream)).as_bytes());
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
        }
        if !matches!(event, Event::Output { .. }) {
            for text in self.texts(&mut state, event) {
                bytes.extend_from_slice(format!("{stamp}{text}\n").as_bytes());
            }
        }
        if let Err(error) = state.out.write_all(&bytes)
            && state.error.is_none()
        {
            state.error = Some(error);
        }
    }
}
