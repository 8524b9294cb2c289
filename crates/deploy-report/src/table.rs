//! The end of a run: a table of hosts, what else is to be said, and one last line.

use deploy_plan::{HostResult, HostRow, Outcome, Summary};

use crate::paint::{Paint, Style};
use crate::words::{count, seconds};
use crate::{Secrets, visible};

/// The end of a run as text: a row per host, the notes, and the outcome with the hosts it covers as the last line.
#[must_use]
pub fn summary_text(summary: &Summary, secrets: &Secrets, color: bool) -> String {
    render(summary, &|text| visible(&secrets.clean(text)), Paint(color))
}

pub(crate) fn render(summary: &Summary, clean: &dyn Fn(&str) -> String, paint: Paint) -> String {
    let mut text = String::new();
    if !summary.rows.is_empty() {
        text.push('\n');
        text.push_str(&table(&summary.rows, clean, paint));
    }
    for note in &summary.notes {
        let note = clean(note).replace('\n', " ");
        text.push_str(&format!("{} {note}\n", paint.on(Style::Warn, "note:")));
    }
    let style = match summary.outcome {
        _ if summary.late_failure => Style::Warn,
        Outcome::Done | Outcome::Deployed | Outcome::RolledBack => Style::Good,
        _ => Style::Bad,
    };
    text.push_str(&paint.on(style, &clean(&last_line(summary))));
    text.push('\n');
    text
}

fn table(rows: &[HostRow], clean: &dyn Fn(&str) -> String, paint: Paint) -> String {
    let mut cells = vec![["HOST", "RELEASE", "REVISION", "SECONDS", "RESULT"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let release = row.release.as_ref().map_or("-", |id| id.as_str());
        let revision = row.revision.as_ref().map_or("-", |revision| revision.short());
        let tenths = (row.elapsed.as_millis() + 50) / 100;
        let mut result = result(row.result).to_owned();
        if !row.note.is_empty() {
            result.push_str(": ");
            result.push_str(&row.note);
        }
        let cells = [row.host.as_str(), release, revision, &format!("{}.{}", tenths / 10, tenths % 10), &result];
        cells.map(|cell| clean(cell).replace('\n', " "))
    }));
    let mut widths = [0; 5];
    for line in &cells {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let styles = std::iter::once(Style::Bold).chain(rows.iter().map(|row| style(row.result)));
    let mut text = String::new();
    for ([host, release, revision, took, result], style) in cells.iter().zip(styles) {
        let [a, b, c, d, _] = widths;
        let line = format!("{host:a$}  {release:b$}  {revision:c$}  {took:>d$}  {}", paint.on(style, result));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
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
    }
}

fn style(result: HostResult) -> Style {
    match result {
        HostResult::Live | HostResult::Ok => Style::Good,
        HostResult::Unchanged | HostResult::Idle => Style::Plain,
        HostResult::PutBack => Style::Warn,
        HostResult::Failed | HostResult::Unknown => Style::Bad,
    }
}

/// `2 of 5 hosts (HOSTS=web1,web2)`, or just how many.
fn coverage(summary: &Summary) -> String {
    match &summary.narrowed {
        Some((selected, all, filter)) => format!("{selected} of {} ({filter})", count(*all, "host")),
        None if summary.rows.is_empty() => "no host was touched".to_owned(),
        None => count(summary.rows.len(), "host"),
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
            format!(
                "FAILED: every host serves what it served before, and what commands had done by then stands; {hosts}"
            )
        }
        Outcome::FailedClean => format!("FAILED, nothing changed: every host serves what it served before; {hosts}"),
        Outcome::PutBack => format!("FAILED, everything put back: every host serves what it served before; {hosts}"),
        Outcome::Stuck => format!("STUCK, a person is needed: {}; {hosts}", unsettled(&summary.rows)),
        Outcome::Interrupted => format!("Interrupted, nothing is half-done; {hosts}"),
    };
    line.push_str(&format!(", {}", seconds(summary.elapsed)));
    if let Some(window) = summary.window {
        line.push_str(&format!(", switched within {} ms", window.as_millis()));
    }
    if summary.late_failure {
        line.push_str("; but a task after it was confirmed FAILED");
    }
    line
}

/// The hosts that differ from what was wanted.
fn unsettled(rows: &[HostRow]) -> String {
    let bad = |row: &&HostRow| matches!(row.result, HostResult::Failed | HostResult::Unknown);
    let names: Vec<&str> = rows.iter().filter(bad).map(|row| row.host.as_str()).collect();
    if names.is_empty() { "hosts serve different releases".to_owned() } else { format!("look at {}", names.join(", ")) }
}
