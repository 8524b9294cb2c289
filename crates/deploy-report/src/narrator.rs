//! The story of a run as lines: what every display for people has in common.

use std::collections::HashMap;

use deploy_inventory::HostId;
use deploy_plan::{CommandText, Event, ExitStatus, Level, Phase, Plan, Problem, StepId, Stream, Summary, Work};

use crate::assembler::Assembler;
use crate::paint::{Paint, Style};
use crate::words::{self, count, host_list, seconds, shorten};
use crate::{Secrets, visible};

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings, failures and the final table.
    Quiet,
    /// Also steps, commands and their output.
    #[default]
    Normal,
    /// Also connections, and what is only of use when something is wrong.
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
    Done,
    Failed,
    Debug,
    Note,
    Warning,
    Error,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Head | Self::Command => "",
            Self::Start => "start",
            Self::Out => "out",
            Self::Err => "err",
            Self::Done => "done",
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
            Self::Command | Self::Start | Self::Debug => Style::Dim,
            Self::Done => Style::Good,
            Self::Failed | Self::Error => Style::Bad,
            Self::Warning => Style::Warn,
            Self::Out | Self::Err | Self::Note => Style::Plain,
        }
    }

    /// Whether it is told at that verbosity.
    pub(crate) fn is_told(self, verbosity: Verbosity) -> bool {
        let least = match self {
            Self::Failed | Self::Warning | Self::Error => Verbosity::Quiet,
            Self::Debug => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        verbosity >= least
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
            Kind::Head | Kind::Command | Kind::Out => paint.on(style, &self.text),
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
    assembler: Assembler,
    /// Which phase a step belongs to.
    phase_of: HashMap<StepId, usize>,
    pending: HashMap<usize, Pending>,
    phases: usize,
    width: usize,
}

impl Narrator {
    pub(crate) fn new(secrets: Secrets) -> Self {
        Self {
            assembler: Assembler::new(secrets.clone()),
            secrets,
            phase_of: HashMap::new(),
            pending: HashMap::new(),
            phases: 0,
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
            Event::StepEnded { host, title, status, elapsed, .. } => {
                let mut lines = self.finish(host);
                lines.push(self.step_ended(host, title, status, seconds(*elapsed)));
                lines
            }
            Event::Suspended { why, site } => {
                let at = site.as_ref().map(|site| format!(" ({site})")).unwrap_or_default();
                let text = format!("{}{at}", words::suspension_sentence(*why));
                vec![self.line(None, Kind::Debug, &text)]
            }
            Event::Message { level, host, text } => self.message(*level, host.as_ref(), text),
            Event::Failed { problem } => self.failed(problem),
            Event::Undoing { reason } => vec![self.line(None, Kind::Warning, &format!("turning back: {reason}"))],
            Event::RunEnded { summary } => self.ended(summary),
        }
    }

    fn line(&self, host: Option<&HostId>, kind: Kind, text: &str) -> Line {
        Line { host: host.cloned(), kind, text: self.clean(text).replace('\n', " ") }
    }

    fn see(&mut self, host: &HostId) {
        self.width = self.width.max(host.as_str().chars().count());
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
        let pending = self.phase_of.get(&step).and_then(|phase| self.pending.remove(phase));
        let mut lines = pending.map(|p| self.announce(&p)).unwrap_or_default();
        lines.extend(self.finish(host));
        lines.push(self.line(Some(host), Kind::Start, &shorten(title, 120)));
        lines
    }

    /// A phase's title, its hosts, and its commands, each once.
    fn announce(&self, pending: &Pending) -> Vec<Line> {
        let phase = &pending.phase;
        let hosts = phase.hosts();
        let text = format!(
            "--> {}. {} [{}] on {}: {}",
            pending.number,
            shorten(&phase.title, 120),
            phase.slot.word(),
            count(hosts.len(), "host"),
            host_list(&hosts, 5)
        );
        let mut lines = vec![self.line(None, Kind::Head, &text)];
        for step in &phase.steps {
            let Work::Command(command) = &step.work else { continue };
            let narrower = command.hosts.len() < hosts.len();
            let on = if narrower { format!("  # on {}", host_list(&command.hosts, 5)) } else { String::new() };
            let at = command.site.as_ref().map(|site| format!("  # {site}")).unwrap_or_default();
            let varies = matches!(command.text, CommandText::PerHost(_));
            let varies = if varies { "  # another text on each host" } else { "" };
            let shown = self.clean(&command.shown).trim_end().replace('\n', "\n      ");
            let shown = format!("    $ {shown}{}", self.clean(&format!("{at}{on}{varies}")));
            let command = shown.lines().map(|text| Line { host: None, kind: Kind::Command, text: text.to_owned() });
            lines.extend(command);
        }
        lines
    }

    fn output(&mut self, host: &HostId, stream: Stream, bytes: &[u8]) -> Vec<Line> {
        self.see(host);
        let lines = self.assembler.push(host, stream, bytes);
        lines.into_iter().map(|text| output_line(host, stream, text)).collect()
    }

    fn finish(&mut self, host: &HostId) -> Vec<Line> {
        self.assembler.finish(host).into_iter().map(|(stream, text)| output_line(host, stream, text)).collect()
    }

    fn step_ended(&self, host: &HostId, title: &str, status: &ExitStatus, took: String) -> Line {
        let title = shorten(title, 120);
        match status {
            ExitStatus::Code(0) => self.line(Some(host), Kind::Done, &format!("{title} ({took})")),
            ExitStatus::Skipped => self.line(Some(host), Kind::Note, &format!("{title}: {status}")),
            _ => self.line(Some(host), Kind::Failed, &format!("{title}: {status} ({took})")),
        }
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

    /// One line at once; the whole of it is for the end of the run.
    fn failed(&self, problem: &Problem) -> Vec<Line> {
        let at = problem.site.as_ref().map(|site| format!(" ({site})")).unwrap_or_default();
        let why = shorten(&problem.why, 200);
        vec![self.line(problem.host.as_ref(), Kind::Failed, &format!("{}: {why}{at}", problem.what))]
    }

    fn ended(&mut self, summary: &Summary) -> Vec<Line> {
        for row in &summary.rows {
            self.see(&row.host);
        }
        let rest = self.assembler.finish_all();
        rest.into_iter().map(|(host, stream, text)| output_line(&host, stream, text)).collect()
    }
}

fn output_line(host: &HostId, stream: Stream, text: String) -> Line {
    let kind = match stream {
        Stream::Out => Kind::Out,
        Stream::Err => Kind::Err,
    };
    Line { host: Some(host.clone()), kind, text }
}
