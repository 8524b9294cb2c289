//! Lines at the end of files: the ledger and logs for people.

use deploy_plan::{JournalEntry, Layout, LedgerEntry, ReleaseState, RemotePath};

use super::CompileContext;
use crate::ledger::ledger_line;
use crate::recovery::journal_lines;
use crate::text::{path, word};

/// Appends a record; a full disk gives up the reserve for it.
///
/// Up to the switch a record that cannot be written ends the run. From the switch on the link itself is the truth, and
/// going back must work on a full disk, so a missing record is a warning.
pub(super) fn record(entry: &LedgerEntry, cx: &CompileContext<'_>) -> String {
    let ledger = path(&cx.state("ledger"));
    let reserve = path(&cx.state("reserve"));
    let append = format!("printf '%s\\n' {} >>{ledger}", word(&ledger_line(entry)));
    let must = matches!(entry.state, ReleaseState::Building | ReleaseState::Ready);
    let otherwise = if must {
        super::files::fail(&format!("cannot write {}", cx.state("ledger")))
    } else {
        let said = format!("warning: the ledger does not say that {} is {}", entry.release, entry.state.word());
        format!("printf '%s\\n' {} >&2", word(&said))
    };
    // The redirection stands in a subshell: where it fails, some shells end at once.
    let mut text = format!("( {append} ) 2>/dev/null || {{ rm -f {reserve}; ( {append} ); }} || {{ {otherwise}; }}");
    if cx.flush && must_last(entry.state) {
        let unless = if must { "exit" } else { ":" };
        text.push_str(&format!("\n{{ sync {ledger} 2>/dev/null || sync; }} || {unless}"));
    }
    text
}

/// Records that something relies on which a power cut would leave: an unknown directory is taken for another tool's
/// release, what goes live is complete, a release that nobody confirmed is passed over by a rollback, and what is removed
/// counts no more. (The intent to switch is not among them: it would widen the window, and the link itself tells.)
pub(crate) fn must_last(state: ReleaseState) -> bool {
    use ReleaseState as S;
    matches!(state, S::Building | S::Ready | S::Confirmed | S::Retired)
}

/// Appends to the journal of the run; its first record takes the place of what the run before has left. Like the ledger's
/// records from the switch on it must not keep a full disk from going back.
pub(super) fn journal(entry: &JournalEntry, cx: &CompileContext<'_>) -> String {
    let (journal, reserve) = (path(&cx.state("journal")), path(&cx.state("reserve")));
    let (lines, replaces) = journal_lines(entry);
    let how = if replaces { ">" } else { ">>" };
    let words: Vec<_> = lines.iter().map(|line| word(line).to_string()).collect();
    // Behind a torn record each has still a line of its own.
    let append = format!("printf '\\n%s\\n' {} {how}{journal}", words.join(" "));
    let flush = if entry.lasting && cx.flush {
        format!("\n{{ sync {journal} 2>/dev/null || sync; }} || :")
    } else {
        String::new()
    };
    format!("( {append} ) 2>/dev/null || {{ rm -f {reserve}; ( {append} ) 2>/dev/null; }} || :{flush}")
}

/// The text that appends to the journal, for the runner's own shell.
#[must_use]
pub fn journal_script(layout: &Layout, entry: &JournalEntry) -> String {
    let cx = CompileContext { layout, run: &entry.run, sudo: false, flush: false };
    format!("(\n{}\n)", journal(entry, &cx))
}

/// The text that tells where `current` points to, for the runner's own shell.
#[must_use]
pub fn read_current_script(layout: &Layout) -> String {
    format!("( readlink {} )", path(&layout.current))
}

/// A log is shared with other tools: nothing but a line is added.
pub(super) fn append_line(at: &RemotePath, line: &str, cx: &CompileContext<'_>) -> String {
    let (file, sudo) = (path(at), cx.sudo());
    let line = word(&line.replace(['\n', '\r', '\0'], " "));
    let append = if cx.sudo {
        // Not through a pipe: standard input is where sudo may be given its password.
        format!("cap_sudo sh -c 'printf \"%s\\\\n\" \"$1\" >>\"$2\"' sh {line} {file}")
    } else {
        format!("printf '%s\\n' {line} >>{file}")
    };
    if cx.layout.group_writable {
        format!("if [ -e {file} ]; then {append}; else {append} && {sudo}chmod g+w {file}; fi")
    } else {
        append
    }
}
