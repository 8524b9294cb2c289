//! The story of a run as lines: what every display for people has in common.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{
    Command, CommandText, Event, ExitStatus, HostRow, Level, Phase, Plan, Problem, ProblemKind, Revision, StepId,
    Stream, Summary, Work,
};

use crate::assembler::Assembler;
use crate::fold::Folds;
use crate::paint::{Paint, Style};
use crate::silence::{Doing, Still};
use crate::words::{self, count, on_hosts, seconds, shorten};
use crate::{Secrets, visible};

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings, failures and the final table.
    Quiet,
    /// Also phases, steps, commands and their output.
    #[default]
    Normal,
    /// Also connections, the start and end of each step on each host, and what is only of use when something is wrong.
    Verbose,
}

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The run, a task, a phase.
    Head,
    /// A command that is about to run.
    Command,
    Start,
    Out,
    Err,
    /// A good end on one host.
    Done,
    /// The same, of a step whose ends are also told together.
    Each,
    /// A good end on several hosts.
    Together,
    /// Something takes long.
    Still,
    Failed,
    Debug,
    Note,
    Warning,
    Error,
    /// An answer that was asked for.
    Answer,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Head | Self::Command | Self::Still | Self::Answer => "",
            Self::Start => "start",
            Self::Out => "out",
            Self::Err => "err",
            Self::Done | Self::Each | Self::Together => "done",
            Self::Failed => "FAILED",
            Self::Debug => "debug",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Head => Style::Head,
            Self::Command | Self::Start | Self::Still | Self::Debug => Style::Dim,
            Self::Done | Self::Each | Self::Together => Style::Good,
            Self::Failed | Self::Error => Style::Bad,
            Self::Warning => Style::Warn,
            Self::Out | Self::Err | Self::Note | Self::Answer => Style::Plain,
        }
    }

    /// Whether it is told at that verbosity.
    pub(crate) fn is_told(self, verbosity: Verbosity) -> bool {
        match self {
            Self::Failed | Self::Warning | Self::Error | Self::Answer => true,
            Self::Start | Self::Each | Self::Debug => verbosity == Verbosity::Verbose,
            // Whoever is told of each does not need the sum.
            Self::Together => verbosity == Verbosity::Normal,
            _ => verbosity >= Verbosity::Normal,
        }
    }
}

/// One line to show: printable, without secrets, without a line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) host: Option<HostId>,
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

impl Line {
    /// The line as it is printed, the host's name padded to `width`.
    pub(crate) fn render(&self, width: usize, paint: Paint) -> String {
        let style = self.kind.style();
        let text = match self.kind {
            Kind::Head | Kind::Command | Kind::Out | Kind::Answer => paint.on(style, &self.text),
            Kind::Still => format!("    {}", paint.on(style, &self.text)),
            Kind::Together => format!("    {}", paint.on(style, &format!("{} {}", self.kind.word(), self.text))),
            Kind::Err => format!("{} {}", paint.on(Style::Warn, "err:"), self.text),
            kind => paint.on(style, &format!("{}: {}", kind.word(), self.text)),
        };
        let text = if self.kind == Kind::Out && self.host.is_some() { format!("out: {text}") } else { text };
        match &self.host {
            None => text,
            Some(host) => {
                let name = visible(host.as_str());
                let pad = width.saturating_sub(name.chars().count());
                format!("{}{:pad$} {text}", paint.on(Style::Bold, &format!("[{name}]")), "")
            }
        }
    }
}

/// A phase that is planned but has not been announced.
struct Pending {
    number: usize,
    phase: Phase,
}

/// Turns events into lines.
pub(crate) struct Narrator {
    secrets: Secrets,
    /// Whether revisions of an answer are told in full.
    in_full: bool,
    assembler: Assembler,
    /// Which phase a step belongs to.
    phase_of: HashMap<StepId, usize>,
    pending: HashMap<usize, Pending>,
    phases: usize,
    /// The number of the last one that has begun.
    announced: usize,
    folds: Folds,
    /// Hosts whose failed step has been told.
    failing: HashSet<HostId>,
    /// The hosts of the run as far as they are known.
    hosts: HashSet<HostId>,
    width: usize,
}

/// On more hosts than these the good ends of a recipe's command are told together, as those of built-in steps always are.
const EACH: usize = 10;

impl Narrator {
    /// Tells whole revisions where an answer has some.
    pub(crate) fn in_full(mut self, yes: bool) -> Self {
        self.in_full = yes;
        self
    }

    /// A cell of an answer as it is shown.
    pub(crate) fn cell(&self, column: Option<&&str>, cell: &str) -> String {
        match (cell, column) {
            ("", _) => "-".to_owned(),
            (hash, Some(&"revision")) if !self.in_full => {
                self.clean(Revision::new(hash).as_ref().map_or(hash, Revision::short))
            }
            _ => self.clean(cell),
        }
    }

    pub(crate) fn new(secrets: Secrets) -> Self {
        Self {
            assembler: Assembler::new(secrets.clone()),
            secrets,
            in_full: false,
            phase_of: HashMap::new(),
            pending: HashMap::new(),
            phases: 0,
            announced: 0,
            folds: Folds::default(),
            failing: HashSet::new(),
            hosts: HashSet::new(),
            width: 0,
        }
    }

    /// Characters of the longest host name so far.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The line of a host as far as it has come.
    pub(crate) fn partial(&self, host: &HostId, stream: Stream) -> Option<&str> {
        self.assembler.partial(host, stream)
    }

    /// A text that may be shown.
    pub(crate) fn clean(&self, text: &str) -> String {
        visible(&self.secrets.clean(text))
    }

    /// The lines that an event adds. The end of a run is the table's business; only open lines are closed here.
    pub(crate) fn event(&mut self, event: &Event) -> Vec<Line> {
        match event {
            Event::RunStarted { run, tasks } => {
                vec![self.line(None, Kind::Head, &format!("==> {} (run {run})", tasks.join(", ")))]
            }
            Event::TaskStarted { task } => vec![self.line(None, Kind::Debug, &format!("task {task}"))],
            Event::Connecting { host } => {
                self.see(host);
                vec![self.line(Some(host), Kind::Debug, "connecting")]
            }
            Event::Connected { host, elapsed } => {
                self.see(host);
                vec![self.line(Some(host), Kind::Debug, &format!("connected ({})", seconds(*elapsed)))]
            }
            Event::Planned { plan } => self.planned(plan),
            Event::StepStarted { host, step, title } => self.step_started(host, *step, title),
            Event::Output { host, stream, bytes, .. } => self.output(host, *stream, bytes),
            // Every line of it would be one too many; the live display shows it beside the step.
            Event::Transferred { .. } => Vec::new(),
            Event::StepEnded { host, step, title, status, elapsed } => {
                self.step_ended(host, *step, title, status, *elapsed)
            }
            Event::Suspended { why, site } => {
                let at = site.as_ref().map(|site| format!(" ({site})")).unwrap_or_default();
                let text = format!("{}{at}", words::suspension_sentence(*why));
                vec![self.line(None, Kind::Debug, &text)]
            }
            Event::Printed { text, .. } => self.printed(text),
            Event::Message { level, host, text } => self.message(*level, host.as_ref(), text),
            Event::Table { columns, rows, .. } => self.answer(columns, rows),
            Event::Failed { problem } => self.failed(problem),
            Event::Undoing { reason } => {
                // What was planned and not begun never will be: the way back is numbered on from here.
                self.phases = self.announced;
                self.pending.clear();
                let mut lines = self.fold_up();
                lines.push(self.line(None, Kind::Warning, &format!("turning back: could not {reason}")));
                lines
            }
            Event::RunEnded { summary } => self.ended(summary),
        }
    }

    fn line(&self, host: Option<&HostId>, kind: Kind, text: &str) -> Line {
        Line { host: host.cloned(), kind, text: self.clean(text).replace('\n', " ") }
    }

    fn see(&mut self, host: &HostId) {
        if !self.hosts.contains(host) {
            self.hosts.insert(host.clone());
            self.width = self.width.max(host.as_str().chars().count());
        }
    }

    /// What takes long, with what has been done of it elsewhere.
    pub(crate) fn still(&mut self, still: &Still) -> Vec<Line> {
        let (on, time) = (on_hosts(&still.hosts, self.hosts.len()), seconds(still.elapsed));
        match &still.doing {
            Doing::Connecting => {
                let to = on.trim_start_matches("on ");
                vec![self.line(None, Kind::Still, &format!("still connecting to {to} ({time})"))]
            }
            Doing::Step(step, title) => {
                let done = self.folds.take(*step, self.hosts.len());
                let mut lines: Vec<Line> =
                    done.map(|text| self.line(None, Kind::Together, &text)).into_iter().collect();
                let text = format!("still running {on}: {} ({time})", shorten(title, 120));
                lines.push(self.line(None, Kind::Still, &text));
                lines
            }
        }
    }

    /// Good ends that were kept to be told together: nothing more is waited for.
    fn fold_up(&mut self) -> Vec<Line> {
        let texts = self.folds.take_all(self.hosts.len());
        texts.iter().map(|text| self.line(None, Kind::Together, text)).collect()
    }

    fn planned(&mut self, plan: &Plan) -> Vec<Line> {
        for host in plan.hosts() {
            self.see(&host);
        }
        for phase in &plan.phases {
            self.phases += 1;
            for step in &phase.steps {
                self.phase_of.insert(step.id, self.phases);
            }
            self.pending.insert(self.phases, Pending { number: self.phases, phase: phase.clone() });
        }
        let kind = |warning| if warning { Kind::Warning } else { Kind::Note };
        plan.notes.iter().map(|note| self.line(None, kind(note.warning), &note.text)).collect()
    }

    fn step_started(&mut self, host: &HostId, step: StepId, title: &str) -> Vec<Line> {
        self.see(host);
        self.failing.remove(host);
        let phase = self.phase_of.get(&step).copied();
        let mut lines = match phase.and_then(|phase| self.pending.remove(&phase)) {
            Some(pending) => self.announce(&pending),
            None => Vec::new(),
        };
        if phase.is_none() {
            // A question of the recipe or of the tool stands in no plan.
            self.folds.expect(step, title, vec![host.clone()]);
        }
        lines.extend(self.finish(host));
        lines.push(self.line(Some(host), Kind::Start, &shorten(title, 120)));
        lines
    }

    /// A phase's title, its hosts, and its commands, each once.
    fn announce(&mut self, pending: &Pending) -> Vec<Line> {
        let phase = &pending.phase;
        let hosts = phase.hosts();
        self.announced = self.announced.max(pending.number);
        let mut lines = self.fold_up();
        let on = on_hosts(&hosts, self.hosts.len());
        let text = format!("--> {}. {} [{}] {on}", pending.number, shorten(&phase.title, 120), phase.slot.word());
        lines.push(self.line(None, Kind::Head, &text));
        for step in &phase.steps {
            let on: Vec<HostId> = step.hosts().cloned().collect();
            match &step.work {
                Work::Ops(_) => self.folds.expect(step.id, &step.title, on),
                Work::Command(command) => {
                    lines.extend(self.command(command, hosts.len()));
                    if on.len() > EACH {
                        self.folds.expect(step.id, &step.title, on);
                    }
                }
            }
        }
        lines
    }

    /// A command as the recipe has it, in a phase that works on so many hosts.
    fn command(&self, command: &Command, hosts: usize) -> Vec<Line> {
        let narrower = command.hosts.len() < hosts;
        let on = if narrower { format!("  # {}", on_hosts(&command.hosts, self.hosts.len())) } else { String::new() };
        let at = command.site.as_ref().map(|site| format!("  # {site}")).unwrap_or_default();
        let varies = matches!(command.text, CommandText::PerHost(_));
        let varies = if varies { "  # another text on each host" } else { "" };
        let shown = self.clean(&command.shown).trim_end().replace('\n', "\n      ");
        let sign = if command.text.is_no_command() { '-' } else { '$' };
        let shown = format!("    {sign} {shown}{}", self.clean(&format!("{at}{on}{varies}")));
        shown.lines().map(|text| Line { host: None, kind: Kind::Command, text: text.to_owned() }).collect()
    }

    fn output(&mut self, host: &HostId, stream: Stream, bytes: &[u8]) -> Vec<Line> {
        self.see(host);
        let lines = self.assembler.push(host, stream, bytes);
        lines.into_iter().map(|text| output_line(host, stream, text)).collect()
    }

    fn finish(&mut self, host: &HostId) -> Vec<Line> {
        self.assembler.finish(host).into_iter().map(|(stream, text)| output_line(host, stream, text)).collect()
    }

    fn step_ended(
        &mut self,
        host: &HostId,
        step: StepId,
        title: &str,
        status: &ExitStatus,
        elapsed: Duration,
    ) -> Vec<Line> {
        let mut lines = self.finish(host);
        let (title, took) = (shorten(title, 80), seconds(elapsed));
        let folded = self.folds.has(step);
        lines.push(match status {
            ExitStatus::Code(0) => {
                let kind = if folded { Kind::Each } else { Kind::Done };
                self.line(Some(host), kind, &format!("{title} ({took})"))
            }
            ExitStatus::Skipped => self.line(Some(host), Kind::Note, &format!("{title}: {status}")),
            _ => {
                self.failing.insert(host.clone());
                self.line(Some(host), Kind::Failed, &format!("{title}: {status} ({took})"))
            }
        });
        let well = status.is_success().then_some(elapsed);
        let together = self.folds.end(step, host, well, self.hosts.len());
        lines.extend(together.map(|text| self.line(None, Kind::Together, &text)));
        lines
    }

    /// What the recipe printed, as it printed it.
    fn printed(&self, text: &str) -> Vec<Line> {
        let whole = text.strip_suffix('\n').unwrap_or(text);
        if text.is_empty() {
            return Vec::new();
        }
        whole.split('\n').map(|text| self.line(None, Kind::Answer, text)).collect()
    }

    fn message(&self, level: Level, host: Option<&HostId>, text: &str) -> Vec<Line> {
        let kind = match level {
            Level::Debug => Kind::Debug,
            Level::Info => Kind::Note,
            Level::Warning => Kind::Warning,
            Level::Error => Kind::Error,
        };
        text.lines().map(|text| self.line(host, kind, text)).collect()
    }

    /// One line at once, if the failed step has not been told already; the whole of it is for the end of the run.
    fn failed(&mut self, problem: &Problem) -> Vec<Line> {
        let mut lines = self.fold_up();
        if problem.host.as_ref().is_some_and(|host| self.failing.remove(host)) {
            return lines;
        }
        if problem.kind == ProblemKind::Interrupted {
            lines.push(self.line(None, Kind::Warning, &format!("interrupted: {}", problem.why)));
            return lines;
        }
        let at = problem.site.as_ref().map(|site| format!(" ({site})")).unwrap_or_default();
        let why = shorten(&problem.why, 200);
        lines.push(self.line(problem.host.as_ref(), Kind::Failed, &format!("{}: {why}{at}", problem.what)));
        lines
    }

    fn ended(&mut self, summary: &Summary) -> Vec<Line> {
        for row in &summary.rows {
            self.see(&row.host);
        }
        let rest = self.assembler.finish_all();
        let mut lines: Vec<Line> =
            rest.into_iter().map(|(host, stream, text)| output_line(&host, stream, text)).collect();
        let trips = |row: &HostRow| {
            let text = format!("{} behind the login", count(row.round_trips as usize, "round trip"));
            self.line(Some(&row.host), Kind::Debug, &text)
        };
        lines.extend(summary.rows.iter().filter(|row| row.round_trips > 0).map(trips));
        lines.extend(self.fold_up());
        lines
    }
}

fn output_line(host: &HostId, stream: Stream, text: String) -> Line {
    let kind = match stream {
        Stream::Out => Kind::Out,
        Stream::Err => Kind::Err,
    };
    Line { host: Some(host.clone()), kind, text }
}
