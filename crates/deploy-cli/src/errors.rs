//! What a person is told when something goes wrong: what failed, where, why, and what to do next; and the exit code.

use std::fmt;
use std::fmt::Write as _;

use deploy_inventory::HostId;
use deploy_plan::{HostResult, Outcome, Problem, ProblemKind, Summary};
use deploy_report::{host_list, visible};

/// How the process ends. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: deployed, rolled back or done.
    Done,
    /// 1: failed, nothing changed.
    Failed,
    /// 2: the command line or the recipe is wrong.
    Usage,
    /// 3: failed, everything was put back.
    PutBack,
    /// 4: hosts differ.
    NotUniform,
    /// 5: locked by another run.
    Locked,
    /// 6: a host is unknown, unreachable or lost.
    Unreachable,
    /// 7: a person must decide.
    NeedsPerson,
    /// 8: deployed, but a task after that failed.
    LateFailure,
    /// 130: interrupted, nothing half-done.
    Interrupted,
    /// What a command on a host ended with (`cap ssh`).
    Remote(u8),
}

impl Exit {
    /// The number for the operating system.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::PutBack => 3,
            Self::NotUniform => 4,
            Self::Locked => 5,
            Self::Unreachable => 6,
            Self::NeedsPerson => 7,
            Self::LateFailure => 8,
            Self::Interrupted => 130,
            Self::Remote(code) => code,
        }
    }

    /// The exit of a run: its outcome says what became of the hosts, its problems what kind of failure it was.
    #[must_use]
    pub fn of_run(summary: &Summary, problems: &[Problem]) -> Self {
        let unknown = summary.rows.iter().any(|row| row.result == HostResult::Unknown);
        let undecided =
            problems.iter().any(|p| matches!(p.kind, ProblemKind::NeedsPerson | ProblemKind::HostsDisagree));
        let differ = problems.iter().any(|problem| problem.kind == ProblemKind::NotUniform);
        let is_short = summary.rows.iter().any(|row| row.result == HostResult::LeftOut);
        match summary.outcome {
            Outcome::Done | Outcome::Deployed | Outcome::RolledBack if is_short => Self::Unreachable,
            Outcome::Done | Outcome::Deployed | Outcome::RolledBack if summary.late_failure => Self::LateFailure,
            Outcome::Done | Outcome::Deployed | Outcome::RolledBack => Self::Done,
            Outcome::PutBack => Self::PutBack,
            // A second one, before all was undone.
            Outcome::Interrupted if differ => Self::NotUniform,
            Outcome::Interrupted => Self::Interrupted,
            Outcome::Stuck if undecided => Self::NeedsPerson,
            Outcome::Stuck if differ => Self::NotUniform,
            Outcome::Stuck if unknown => Self::Unreachable,
            Outcome::Stuck => Self::NotUniform,
            Outcome::FailedClean => Self::of_problems(problems),
        }
    }

    /// The exit where nothing has changed: the gravest kind of problem decides.
    #[must_use]
    pub fn of_problems(problems: &[Problem]) -> Self {
        let order =
            [Self::Interrupted, Self::NeedsPerson, Self::NotUniform, Self::Locked, Self::Usage, Self::Unreachable];
        let exits: Vec<Self> = problems.iter().map(|problem| Self::of_kind(problem.kind)).collect();
        order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Self::Failed)
    }

    fn of_kind(kind: ProblemKind) -> Self {
        match kind {
            ProblemKind::Usage
            | ProblemKind::Recipe
            | ProblemKind::NoHosts
            | ProblemKind::Password
            | ProblemKind::Unsupported => Self::Usage,
            ProblemKind::Connect | ProblemKind::Lost => Self::Unreachable,
            ProblemKind::NotUniform => Self::NotUniform,
            ProblemKind::Locked => Self::Locked,
            ProblemKind::HostsDisagree | ProblemKind::NeedsPerson => Self::NeedsPerson,
            ProblemKind::Interrupted => Self::Interrupted,
            ProblemKind::Layout
            | ProblemKind::CurrentNotALink
            | ProblemKind::Scm
            | ProblemKind::Step
            | ProblemKind::Changed
            | ProblemKind::NothingToRollBack
            | ProblemKind::MissingTool => Self::Failed,
        }
    }
}

/// What to do next where the problem itself does not say it.
#[must_use]
pub fn hint(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Usage => "`cap -H` explains the command line, `cap -T` lists the tasks",
        ProblemKind::Recipe => "mend the recipe at the place named above",
        ProblemKind::NoHosts => "look at the task's :roles, :only and :except, and at HOSTS=, ROLES= and HOSTFILTER=",
        ProblemKind::Connect => "try `ssh` to the host by hand with the same user and port; nothing has been changed",
        ProblemKind::Lost => {
            "look whether the host is up, then run the same command again: it finds and mends what was left"
        }
        ProblemKind::NotUniform => {
            "when the host is up again, run the same command again: it brings every host to one release"
        }
        ProblemKind::Locked => "wait for the other run to end, or talk to whoever started it",
        ProblemKind::Layout => {
            "run `cap deploy:setup`; `cap deploy:check` lists everything that is missing on all hosts"
        }
        ProblemKind::CurrentNotALink => "move it out of the way on the host, then deploy again",
        ProblemKind::Scm => {
            "look at :repository, :branch and :revision in the recipe, and whether this machine may read the repository"
        }
        ProblemKind::Step => "run the command by hand in `cap ssh HOST` to see what is wrong",
        ProblemKind::Changed => {
            "somebody else has deployed meanwhile: look at the new plan with --plan, then run it again"
        }
        ProblemKind::NothingToRollBack => "deploy the revision you want instead: `cap deploy -s revision=…`",
        ProblemKind::HostsDisagree => "choose the release by hand, or bring the hosts to one release with `cap deploy`",
        ProblemKind::MissingTool => "install it on the host; `cap deploy:check` lists everything that is missing",
        ProblemKind::Password => "run it from a terminal, or use a key or ssh-agent (for sudo: NOPASSWD in sudoers)",
        ProblemKind::Interrupted => "run the same command again when you are ready",
        ProblemKind::NeedsPerson => "look at the hosts named above, then run the same command again",
        ProblemKind::Unsupported => "leave it out; docs/src/limitations.md of the project says what works today",
    }
}

/// Something that is wrong before or beside any run, in four parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Which kind.
    pub kind: ProblemKind,
    /// What could not be done.
    pub what: String,
    /// Where.
    pub place: String,
    /// Why.
    pub why: String,
    /// What to do next.
    pub next: String,
}

impl Complaint {
    /// Any kind.
    #[must_use]
    pub fn new(
        kind: ProblemKind,
        what: impl Into<String>,
        place: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { kind, what: what.into(), place: place.into(), why: why.into(), next: next.into() }
    }

    /// A wrong command line.
    #[must_use]
    pub fn usage(
        what: impl Into<String>,
        place: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self::new(ProblemKind::Usage, what, place, why, next)
    }

    /// A flag that does not work yet.
    #[must_use]
    pub fn unsupported(flag: &str, place: &str, why: &str, next: &str) -> Self {
        Self::new(ProblemKind::Unsupported, format!("use {flag}"), place, why, next)
    }

    /// Its exit.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::of_kind(self.kind)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&four_parts(&self.what, &self.place, &self.why, "", &self.next))
    }
}

/// Failures as text, in order. The same failure on several hosts is told once.
#[must_use]
pub fn problems_text(problems: &[Problem], tail: &dyn Fn(&HostId) -> Vec<String>) -> String {
    let mut groups: Vec<(&Problem, Vec<&HostId>)> = Vec::new();
    for problem in problems {
        let same = |other: &Problem| {
            (other.kind, &other.what, &other.why, &other.site, &other.task, &other.next)
                == (problem.kind, &problem.what, &problem.why, &problem.site, &problem.task, &problem.next)
        };
        match groups.iter_mut().find(|(first, _)| same(first)) {
            Some((_, hosts)) => hosts.extend(problem.host.as_ref().filter(|host| !hosts.contains(host))),
            None => groups.push((problem, problem.host.iter().collect())),
        }
    }
    let texts: Vec<String> =
        groups.iter().map(|(problem, hosts)| problem_text(problem, hosts, problems, tail)).collect();
    texts.join("\n")
}

/// A hint with a host's name in the place of `HOST`, whatever follows it.
fn on_host(next: &str, host: &HostId) -> String {
    let name = deploy_shell::quote(host.as_str()).unwrap_or_else(|_| host.to_string());
    ["`", " "]
        .iter()
        .fold(next.to_owned(), |text, end| text.replace(&format!("ssh HOST{end}"), &format!("ssh {name}{end}")))
}

/// How many different last lines are shown, each with the hosts that said them.
const TAILS: usize = 3;

fn problem_text(
    problem: &Problem,
    hosts: &[&HostId],
    all: &[Problem],
    tail: &dyn Fn(&HostId) -> Vec<String>,
) -> String {
    let names: Vec<HostId> = hosts.iter().copied().cloned().collect();
    let place = place(problem, &names);
    let mut tails = tails_text(problem, &names, all, tail);
    if names.is_empty() && !problem.tail.is_empty() {
        // What was found on the hosts, one line each.
        tails.push_str("  found:\n");
        problem.tail.iter().for_each(|line| tails.push_str(&format!("    {line}\n")));
    }
    let next = problem.next.as_deref().unwrap_or_else(|| hint(problem.kind));
    // A command that can be typed as it stands: any of the hosts will do.
    let next = names.first().map_or_else(|| next.to_owned(), |host| on_host(next, host));
    four_parts(&problem.what, &place, &problem.why, &tails, &next)
}

/// The last lines of some of the hosts; those that said the same share them, and one line that the cause has is enough.
fn tails_text(problem: &Problem, hosts: &[HostId], all: &[Problem], tail: &dyn Fn(&HostId) -> Vec<String>) -> String {
    let mut groups: Vec<(Vec<String>, Vec<HostId>)> = Vec::new();
    for host in hosts {
        let own = all.iter().find(|p| p.what == problem.what && p.host.as_ref() == Some(host) && !p.tail.is_empty());
        let is_of_commands = matches!(problem.kind, ProblemKind::Step | ProblemKind::Lost | ProblemKind::Scm);
        let lines = match own {
            Some(own) => own.tail.clone(),
            None if is_of_commands => tail(host),
            None => Vec::new(),
        };
        match groups.iter_mut().find(|(other, _)| *other == lines) {
            Some((_, hosts)) => hosts.push(host.clone()),
            None => groups.push((lines, vec![host.clone()])),
        }
    }
    let is_told = |lines: &[String]| match lines {
        [] => true,
        [one] => problem.why.ends_with(one.as_str()),
        _ => false,
    };
    let mut text = String::new();
    for (lines, hosts) in groups.iter().filter(|(lines, _)| !is_told(lines)).take(TAILS) {
        let _ = writeln!(text, "  last lines of {}:", host_list(hosts, 12));
        lines.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
    }
    text
}

fn place(problem: &Problem, hosts: &[HostId]) -> String {
    let mut parts = Vec::new();
    if !hosts.is_empty() {
        parts.push(host_list(hosts, 12));
    }
    parts.extend(problem.task.as_ref().map(|task| format!("task {task}")));
    parts.extend(problem.site.as_ref().map(ToString::to_string));
    match problem.kind {
        _ if !parts.is_empty() => parts.join(", "),
        ProblemKind::Usage => "the command line".to_owned(),
        _ => "the run as a whole".to_owned(),
    }
}

fn four_parts(what: &str, place: &str, why: &str, tails: &str, next: &str) -> String {
    let mut text = format!("error: could not {}\n", what.trim_end());
    part(&mut text, "where:", place);
    part(&mut text, "why:", why);
    text.push_str(tails);
    part(&mut text, "next:", next);
    visible(&text)
}

/// One line beside its label; several lines, which may have columns to keep (source text with carets), below it.
fn part(text: &mut String, label: &str, content: &str) {
    let content = content.trim_end();
    if !content.contains('\n') {
        let _ = writeln!(text, "  {label:6} {content}");
        return;
    }
    let _ = writeln!(text, "  {label}");
    for line in content.lines() {
        text.push_str(format!("    {line}").trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
