//! Words and numbers as they are shown everywhere: durations, ends of commands, kinds of failures.

use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{ExitStatus, HostResult, Level, Outcome, ProblemKind, StepClass, Stream, Suspension};

/// A duration for people: `0.3 s`, `2m 05s`.
#[must_use]
pub fn seconds(elapsed: Duration) -> String {
    let whole = elapsed.as_secs();
    if whole < 60 {
        let tenths = (elapsed.as_millis() + 50) / 100;
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else if whole < 3600 {
        format!("{}m {:02}s", whole / 60, whole % 60)
    } else {
        format!("{}h {:02}m {:02}s", whole / 3600, whole / 60 % 60, whole % 60)
    }
}

/// `1 host`, `5 hosts`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// How far a transfer is: `42 % of 190.7 MiB`, or `12.0 MiB` where its size is not known.
#[must_use]
pub fn carried(bytes: u64, total: Option<u64>) -> String {
    let in_units = |bytes: u64, unit: u64, name: &str| format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit);
    let size = |bytes: u64| match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => in_units(bytes, 1024, "KiB"),
        _ => in_units(bytes, 1_048_576, "MiB"),
    };
    match total {
        Some(total) => format!("{} % of {}", bytes.saturating_mul(100) / total.max(1), size(total)),
        None => size(bytes),
    }
}

/// The names of some hosts, the first `most` of them in full.
#[must_use]
pub fn host_list(hosts: &[HostId], most: usize) -> String {
    let names: Vec<&str> = hosts.iter().take(most).map(HostId::as_str).collect();
    let rest = hosts.len().saturating_sub(most);
    if rest == 0 { names.join(", ") } else { format!("{} and {rest} more", names.join(", ")) }
}

/// How many hosts are named before they are only counted.
const NAMED: usize = 4;

/// Where something is done: the names of hosts when they are few, else `on 5 hosts` when these are all hosts of the run
/// and `on 40 of 200 hosts` when they are not.
#[must_use]
pub fn on_hosts(hosts: &[HostId], all: usize) -> String {
    match hosts.len() {
        some if some <= NAMED => format!("on {}", host_list(hosts, NAMED)),
        some if some >= all => format!("on {}", count(some, "host")),
        some => format!("on {some} of {}", count(all, "host")),
    }
}

/// A text cut to at most `most` characters; what was cut is marked by an ellipsis. Only the first line is kept.
#[must_use]
pub fn shorten(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut = line.len() < text.trim_end().len();
    if line.chars().count() <= most && !cut {
        return line.to_owned();
    }
    let head: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", head.trim_end())
}

pub(crate) fn stream(stream: Stream) -> &'static str {
    match stream {
        Stream::Out => "out",
        Stream::Err => "err",
    }
}

pub(crate) fn level(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

pub(crate) fn status(status: &ExitStatus) -> &'static str {
    match status {
        ExitStatus::Code(_) => "code",
        ExitStatus::Signal(_) => "signal",
        ExitStatus::Lost(_) => "lost",
        ExitStatus::Skipped => "skipped",
    }
}

pub(crate) fn class(class: StepClass) -> &'static str {
    match class {
        StepClass::Idempotent => "idempotent",
        StepClass::Probe => "probe",
        StepClass::Once => "once",
    }
}

pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Deployed => "deployed",
        Outcome::RolledBack => "rolled_back",
        Outcome::FailedClean => "failed_clean",
        Outcome::PutBack => "put_back",
        Outcome::Stuck => "stuck",
        Outcome::Interrupted => "interrupted",
    }
}

pub(crate) fn result(result: HostResult) -> &'static str {
    match result {
        HostResult::Live => "live",
        HostResult::Ok => "ok",
        HostResult::Unchanged => "unchanged",
        HostResult::PutBack => "put_back",
        HostResult::Failed => "failed",
        HostResult::Unknown => "unknown",
        HostResult::Idle => "idle",
        HostResult::LeftOut => "left_out",
    }
}

pub(crate) fn suspension(why: Suspension) -> &'static str {
    match why {
        Suspension::Result => "result",
        Suspension::Facts => "facts",
        Suspension::LocalEffect => "local_effect",
        Suspension::Prompt => "prompt",
        Suspension::Sleep => "sleep",
        Suspension::Rescue => "rescue",
        Suspension::Exit => "exit",
    }
}

/// Why the recipe's own code decides from here on.
pub(crate) fn suspension_sentence(why: Suspension) -> &'static str {
    match why {
        Suspension::Result => "the recipe waits for a command's result and decides with it",
        Suspension::Facts => "the recipe reads something from the hosts and decides with it",
        Suspension::LocalEffect => "the recipe runs or writes something on this machine",
        Suspension::Prompt => "the recipe asks a question",
        Suspension::Sleep => "the recipe sleeps",
        Suspension::Rescue => "the recipe may rescue a command's failure",
        Suspension::Exit => "hooks of :exit follow when all else is done",
    }
}

/// A kind of failure as one stable word, for machines.
#[must_use]
pub fn problem_kind(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Usage => "usage",
        ProblemKind::Recipe => "recipe",
        ProblemKind::NoHosts => "no_hosts",
        ProblemKind::Connect => "connect",
        ProblemKind::Lost => "lost",
        ProblemKind::Locked => "locked",
        ProblemKind::Layout => "layout",
        ProblemKind::CurrentNotALink => "current_not_a_link",
        ProblemKind::Scm => "scm",
        ProblemKind::Step => "step",
        ProblemKind::Changed => "changed",
        ProblemKind::NothingToRollBack => "nothing_to_roll_back",
        ProblemKind::HostsDisagree => "hosts_disagree",
        ProblemKind::NotUniform => "not_uniform",
        ProblemKind::MissingTool => "missing_tool",
        ProblemKind::Password => "password",
        ProblemKind::Interrupted => "interrupted",
        ProblemKind::NeedsPerson => "needs_person",
        ProblemKind::Unsupported => "unsupported",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (millis, shown) in [
            (0, "0.0 s"),
            (49, "0.0 s"),
            (50, "0.1 s"),
            (12_340, "12.3 s"),
            (125_000, "2m 05s"),
            (3_725_000, "1h 02m 05s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(millis)), shown);
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(carried(512, None), "512 B");
        assert_eq!(carried(1536, None), "1.5 KiB");
        assert_eq!(carried(100 << 20, Some(200_000_000)), "52 % of 190.7 MiB");
        assert_eq!(carried(0, Some(0)), "0 % of 0 B");
    }

    #[test]
    fn lists_are_bounded() {
        let hosts: Vec<HostId> = (1..=4).map(|n| HostId::new(&format!("h{n}"))).collect();
        assert_eq!(host_list(&hosts, 4), "h1, h2, h3, h4");
        assert_eq!(host_list(&hosts, 2), "h1, h2 and 2 more");
        assert_eq!(host_list(&[], 2), "");
        assert_eq!(count(1, "host"), "1 host");
        assert_eq!(on_hosts(&hosts, 4), "on h1, h2, h3, h4");
        assert_eq!(on_hosts(&hosts, 5), "on h1, h2, h3, h4");
        assert_eq!(on_hosts(&hosts[..1], 1), "on h1");
        let many: Vec<HostId> = (1..=40).map(|n| HostId::new(&format!("h{n}"))).collect();
        assert_eq!(on_hosts(&many, 40), "on 40 hosts");
        assert_eq!(on_hosts(&many, 200), "on 40 of 200 hosts");
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abcde…");
        assert_eq!(shorten("ab\ncd", 6), "ab…");
        assert_eq!(shorten("ab\n", 6), "ab");
    }
}
