//! The end of a run: a table of hosts, what else is to be said, and one last line.

use std::time::Duration;

use deploy_plan::{HostResult, HostRow, Outcome, Summary};

use crate::paint::{Paint, Style};
use crate::words::{count, seconds, shorten};
use crate::{Secrets, visible};

/// With more hosts than these, those with equal rows share one.
const MANY: usize = 20;
/// Most characters of what is said beside a result; the errors below the table tell it in full.
const NOTE: usize = 60;
/// Least room for a result, however narrow the terminal is.
const LEAST: usize = 20;
/// What stands above the columns.
const HEADS: [&str; 5] = ["HOST", "RELEASE", "REVISION", "SECONDS", "RESULT"];
/// What is left out first where the terminal is narrow: the last line has the release and the revision, too.
const DISPENSABLE: [usize; 3] = [2, 1, 3];

/// The end of a run as text: a row per host, the notes, and the outcome with the hosts it covers as the last line. Of many
/// hosts those with equal rows share one, except for those that failed.
#[must_use]
pub fn summary_text(summary: &Summary, secrets: &Secrets, color: bool) -> String {
    render(summary, &|text| visible(&secrets.clean(text)), Paint(color), None)
}

pub(crate) fn render(
    summary: &Summary,
    clean: &dyn Fn(&str) -> String,
    paint: Paint,
    columns: Option<usize>,
) -> String {
    let mut text = String::new();
    if !summary.rows.is_empty() {
        text.push('\n');
        text.push_str(&table(&summary.rows, clean, paint, columns));
    }
    for note in &summary.notes {
        let note = clean(note).replace('\n', " ");
        text.push_str(&format!("{} {note}\n", paint.on(Style::Warn, "note:")));
    }
    let is_short = summary.rows.iter().any(|row| row.result == HostResult::LeftOut);
    let style = match summary.outcome {
        Outcome::Done | Outcome::Deployed | Outcome::RolledBack if summary.late_failure || is_short => Style::Warn,
        _ if summary.late_failure => Style::Warn,
        Outcome::Done | Outcome::Deployed | Outcome::RolledBack => Style::Good,
        _ => Style::Bad,
    };
    text.push_str(&paint.on(style, &clean(&last_line(summary))));
    text.push('\n');
    text
}

/// Hosts that share a row.
fn groups(rows: &[HostRow]) -> Vec<Vec<&HostRow>> {
    if rows.len() <= MANY {
        return rows.iter().map(|row| vec![row]).collect();
    }
    let is_bad = |row: &HostRow| matches!(row.result, HostResult::Failed | HostResult::Unknown | HostResult::LeftOut);
    let same = |a: &HostRow, b: &HostRow| {
        (&a.release, &a.revision, a.result, &a.note) == (&b.release, &b.revision, b.result, &b.note)
    };
    let mut groups: Vec<Vec<&HostRow>> = Vec::new();
    for row in rows.iter().filter(|row| !is_bad(row)) {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| same(first, row))) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups.extend(rows.iter().filter(|row| is_bad(row)).map(|row| vec![row]));
    groups
}

/// The cells of a row, and how its result looks.
fn cells(group: &[&HostRow], clean: &dyn Fn(&str) -> String) -> Option<([String; 5], Style)> {
    let first = group.first()?;
    let host = if group.len() == 1 { first.host.to_string() } else { count(group.len(), "host") };
    let release = first.release.as_ref().map_or("-", |id| id.as_str());
    let revision = first.revision.as_ref().map_or("-", |revision| revision.short());
    let times = group.iter().map(|row| tenths(row.elapsed));
    let (least, most) = (times.clone().min()?, times.max()?);
    let show = |tenths: u128| format!("{}.{}", tenths / 10, tenths % 10);
    let took = if least == most { show(most) } else { format!("{}-{}", show(least), show(most)) };
    let mut result = result(first.result).to_owned();
    if !first.note.is_empty() {
        result.push_str(": ");
        result.push_str(&shorten(&first.note, NOTE));
    }
    let cells = [&host, release, revision, &took, &result];
    Some((cells.map(|cell| clean(cell).replace('\n', " ")), style(first.result)))
}

fn tenths(elapsed: Duration) -> u128 {
    (elapsed.as_millis() + 50) / 100
}

fn table(rows: &[HostRow], clean: &dyn Fn(&str) -> String, paint: Paint, columns: Option<usize>) -> String {
    let mut lines = vec![(HEADS.map(str::to_owned), Style::Bold)];
    lines.extend(groups(rows).iter().filter_map(|group| cells(group, clean)));
    let mut widths = [0; 5];
    for (cells, _) in &lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut shown = shown(&widths, columns);
    if rows.iter().all(|row| row.release.is_none() && row.revision.is_none()) {
        // A run without releases.
        shown.retain(|index| ![1, 2].contains(index));
    }
    let mut text = String::new();
    for (cells, style) in &lines {
        let mut line = String::new();
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            match index {
                4 => {
                    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(line.chars().count()));
                    line.push_str(&paint.on(*style, &shorten(cell, room.max(LEAST))));
                }
                _ if !shown.contains(&index) => {}
                3 => line.push_str(&format!("{cell:>width$}  ")),
                _ => line.push_str(&format!("{cell:width$}  ")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The columns that there is room for. A long result may go on in the next line.
fn shown(widths: &[usize; 5], columns: Option<usize>) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..5).collect();
    let Some(columns) = columns else { return shown };
    let room = |shown: &[usize]| -> usize {
        let widths = shown.iter().map(|index| widths.get(*index).copied().unwrap_or_default());
        widths.map(|width| width.min(30) + 2).sum::<usize>().saturating_sub(2)
    };
    for index in DISPENSABLE {
        if room(&shown) > columns {
            shown.retain(|other| *other != index);
        }
    }
    shown
}

fn result(result: HostResult) -> &'static str {
    match result {
        HostResult::Live => "live",
        HostResult::Ok => "ok",
        HostResult::Unchanged => "unchanged",
        HostResult::PutBack => "put back",
        HostResult::Failed => "FAILED",
        HostResult::Unknown => "UNKNOWN",
        HostResult::Idle => "nothing to do",
        HostResult::LeftOut => "LEFT OUT",
    }
}

fn style(result: HostResult) -> Style {
    match result {
        HostResult::Live | HostResult::Ok => Style::Good,
        HostResult::Unchanged | HostResult::Idle => Style::Plain,
        HostResult::PutBack | HostResult::LeftOut => Style::Warn,
        HostResult::Failed | HostResult::Unknown => Style::Bad,
    }
}

/// `2 of 5 hosts (HOSTS=web1,web2)`, or just how many.
fn coverage(summary: &Summary) -> String {
    match &summary.narrowed {
        Some((selected, all, filter)) if selected == all => format!("{} ({filter})", count(*all, "host")),
        Some((selected, all, filter)) => format!("{selected} of {} ({filter})", count(*all, "host")),
        None if summary.rows.is_empty() => "no host was touched".to_owned(),
        None => {
            let all = summary.rows.len();
            match summary.rows.iter().filter(|row| row.result == HostResult::LeftOut).count() {
                0 => count(all, "host"),
                out => format!("{} of {}", all - out, count(all, "host")),
            }
        }
    }
}

fn last_line(summary: &Summary) -> String {
    let hosts = coverage(summary);
    let live = summary.rows.iter().find(|row| row.result == HostResult::Live);
    let release = live.and_then(|row| {
        let revision = row.revision.as_ref().map(|revision| format!(" (revision {})", revision.short()));
        row.release.as_ref().map(|id| format!("{id}{} on ", revision.unwrap_or_default()))
    });
    let release = release.unwrap_or_else(|| "on ".to_owned());
    let mut line = match summary.outcome {
        Outcome::Done => format!("Done: {hosts}"),
        Outcome::Deployed => format!("Deployed: {release}{hosts}"),
        Outcome::RolledBack => format!("Rolled back: {release}{hosts}"),
        Outcome::FailedClean if summary.commands_ran => {
            format!("FAILED: every host serves what it served before, and what was done by then stays; {hosts}")
        }
        Outcome::FailedClean => format!("FAILED, nothing changed: every host serves what it served before; {hosts}"),
        Outcome::PutBack => format!("FAILED, everything put back: every host serves what it served before; {hosts}"),
        Outcome::Stuck if summary.rows.iter().any(|row| row.result == HostResult::Unknown) => {
            format!("STUCK, hosts may serve different releases: {}; {hosts}", unsettled(&summary.rows))
        }
        Outcome::Stuck if summary.unrestarted => {
            let back = summary.rows.iter().find_map(|row| row.release.as_ref());
            let back = back.map_or_else(|| "what it was".to_owned(), ToString::to_string);
            format!(
                "STUCK, every host's current is back on {back}, and the restart failed there too: {}; {hosts}",
                unsettled(&summary.rows)
            )
        }
        Outcome::Stuck => format!("STUCK, a person is needed: {}; {hosts}", unsettled(&summary.rows)),
        Outcome::Interrupted => format!("Interrupted, {}; {hosts}", interrupted(summary)),
    };
    line.push_str(&format!(", {}", seconds(summary.elapsed)));
    if let Some(window) = summary.window {
        line.push_str(&format!(", switched within {} ms", window.as_millis()));
    }
    line.push_str(&left_out(summary));
    if summary.late_failure {
        line.push_str("; but a task after it was confirmed FAILED");
    }
    line
}

/// The hosts that the run went on without.
fn left_out(summary: &Summary) -> String {
    let rows = summary.rows.iter().filter(|row| row.result == HostResult::LeftOut);
    let names: Vec<&str> = rows.map(|row| row.host.as_str()).collect();
    if names.is_empty() { String::new() } else { format!("; WITHOUT {}", names.join(", ")) }
}

/// What an interrupt left.
fn interrupted(summary: &Summary) -> &'static str {
    if summary.abandoned {
        "NOT everything is undone: every host serves what it served before"
    } else if summary.rows.iter().any(|row| row.result == HostResult::PutBack) {
        "everything put back: every host serves what it served before"
    } else if summary.commands_ran {
        "nothing is half-done, and what was done by then stays"
    } else {
        "nothing is half-done"
    }
}

/// The hosts that differ from what was wanted.
fn unsettled(rows: &[HostRow]) -> String {
    let bad = |row: &&HostRow| matches!(row.result, HostResult::Failed | HostResult::Unknown);
    let names: Vec<&str> = rows.iter().filter(bad).map(|row| row.host.as_str()).collect();
    if names.is_empty() { "hosts serve different releases".to_owned() } else { format!("look at {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use deploy_inventory::HostId;

    use super::*;

    fn row(number: u64, result: HostResult, note: &str) -> HostRow {
        HostRow {
            host: HostId::new(&format!("host{number}.example.com")),
            release: deploy_plan::ReleaseId::new("20261123054446").ok(),
            revision: deploy_plan::Revision::new("4711").ok(),
            elapsed: Duration::from_millis(100 * number),
            result,
            note: note.to_owned(),
            round_trips: 6,
        }
    }

    fn shown(rows: &[HostRow], columns: Option<usize>) -> String {
        table(rows, &str::to_owned, Paint(false), columns)
    }

    #[test]
    fn many_equal_hosts_share_a_row_and_failing_ones_never() {
        let mut rows: Vec<HostRow> = (1..=200).map(|number| row(number, HostResult::Unchanged, "")).collect();
        for (number, note) in [(7, "check out 4711"), (180, "check out 4711")] {
            rows[number] = row(number as u64 + 1, HostResult::Failed, note);
        }
        rows[90] = row(91, HostResult::PutBack, "");
        assert_eq!(
            shown(&rows, None),
            "\
HOST                 RELEASE         REVISION   SECONDS  RESULT
197 hosts            20261123054446  4711      0.1-20.0  unchanged
host91.example.com   20261123054446  4711           9.1  put back
host8.example.com    20261123054446  4711           0.8  FAILED: check out 4711
host181.example.com  20261123054446  4711          18.1  FAILED: check out 4711
"
        );
    }

    #[test]
    fn a_narrow_terminal_keeps_the_hosts_and_their_results() {
        let rows = [row(1, HostResult::Live, ""), row(2, HostResult::Failed, "")];
        let width = |columns| shown(&rows, Some(columns)).lines().map(str::len).max().unwrap();
        assert_eq!(width(80), 60);
        assert_eq!(
            shown(&rows, Some(40)),
            "\
HOST               SECONDS  RESULT
host1.example.com      0.1  live
host2.example.com      0.2  FAILED
"
        );
        assert_eq!(width(30), 25);
        let failed = [row(1, HostResult::Failed, "run `bundle install --deployment --without test`")];
        let text = shown(&failed, Some(80));
        assert!(text.lines().all(|line| line.chars().count() <= 80) && text.contains("FAILED: run `bundle"), "{text}");
    }
}
