//! Directories, files, links in a release, and lines at the end of files.

use deploy_plan::{JournalEntry, LedgerEntry, ReleaseState, RemotePath};

use super::Status;
use super::change::Died;
use super::ops::{Work, status};
use super::tree::Tree;
use crate::compile::must_last;
use crate::ledger::ledger_line;
use crate::recovery::journal_lines;

pub(super) fn make_dir(work: &mut Work<'_>, path: &RemotePath) -> Result<Status, Died> {
    let path = work.at(path);
    Ok(status(work.tree.is_dir(&path) || work.tree.mkdir_p(&path)?))
}

pub(super) fn group_writable(work: &mut Work<'_>, path: &RemotePath, recursive: bool) -> Result<Status, Died> {
    let path = work.at(path);
    let wider = |mode: u16| mode | 0o020;
    Ok(status(if recursive { work.tree.chmod_r(&path, &wider)? } else { work.tree.chmod(&path, wider)? }))
}

pub(super) fn replace_with_link(work: &mut Work<'_>, at: &RemotePath, target: &RemotePath) -> Result<Status, Died> {
    let (place, text) = (work.at(at), work.at(target));
    if !work.tree.rm_rf(&place)? {
        return Ok(1);
    }
    if let Some(parent) = at.parent() {
        let parent = work.at(&parent);
        if !work.tree.is_dir(&parent) && !work.tree.mkdir_p(&parent)? {
            return Ok(1);
        }
    }
    Ok(status(work.tree.symlink(&text, &place)?))
}

pub(super) fn write_file(
    work: &mut Work<'_>,
    path: &RemotePath,
    content: &str,
    mode: Option<u32>,
) -> Result<Status, Died> {
    let file = work.at(path);
    if content.contains('\0') || (work.tree.is_dir(&file) && !work.tree.is_link(&file)) {
        return Ok(1);
    }
    let name = format!(".{}.{}", path.file_name(), work.cx.run);
    let new = path.parent().map_or_else(|| file.clone(), |parent| work.at(&parent.join(&name)));
    let umask = if mode.is_some() { 0o077 } else { work.tree.umask };
    let before = work.tree.set_umask(umask);
    let written = work.tree.write(&new, content.as_bytes());
    work.tree.set_umask(before);
    let made = written?
        && match mode.and_then(|mode| u16::try_from(mode).ok()) {
            Some(mode) => work.tree.chmod(&new, |_| mode)?,
            None => true,
        }
        && work.tree.mv(&new, &file)?;
    if !made {
        work.tree.rm_f(&new)?;
    }
    Ok(status(made))
}

pub(super) fn claim(work: &mut Work<'_>, release: &RemotePath) -> Result<Status, Died> {
    let at = work.at(release);
    if work.tree.exists(&at) || work.tree.is_link(&at) {
        return Ok(1);
    }
    let mark = work.claim_mark(release.file_name());
    Ok(status(work.tree.write(&mark, b"")?))
}

pub(super) fn record(work: &mut Work<'_>, entry: &LedgerEntry) -> Result<Status, Died> {
    let (ledger, reserve) = (work.state("ledger"), work.state("reserve"));
    let line = format!("{}\n", ledger_line(entry));
    let must = matches!(entry.state, ReleaseState::Building | ReleaseState::Ready);
    let written = work.tree.append(&ledger, line.as_bytes())?
        || (work.tree.rm_f(&reserve)? && work.tree.append(&ledger, line.as_bytes())?);
    if must && !written {
        return Ok(1);
    }
    let flushed = !work.cx.flush || !must_last(entry.state) || work.tree.sync_file(&ledger)? || work.tree.sync()?;
    Ok(status(flushed || !must))
}

pub(super) fn journal(work: &mut Work<'_>, entry: &JournalEntry) -> Result<Status, Died> {
    let (journal, reserve) = (work.state("journal"), work.state("reserve"));
    let (lines, replaces) = journal_lines(entry);
    let line: String = lines.iter().map(|line| format!("\n{line}\n")).collect();
    let append = |tree: &mut Tree| match replaces {
        true => tree.write(&journal, line.as_bytes()),
        false => tree.append(&journal, line.as_bytes()),
    };
    if !append(work.tree)? {
        work.tree.rm_f(&reserve)?;
        append(work.tree)?;
    }
    if entry.lasting && work.cx.flush && !work.tree.sync_file(&journal)? {
        work.tree.sync()?;
    }
    Ok(0)
}

pub(super) fn append_line(work: &mut Work<'_>, path: &RemotePath, line: &str) -> Result<Status, Died> {
    let file = work.at(path);
    let is_new = !work.tree.exists(&file);
    let line = format!("{}\n", line.replace(['\n', '\r', '\0'], " "));
    let mut done = work.tree.append(&file, line.as_bytes())?;
    if done && is_new && work.cx.layout.group_writable {
        done = work.tree.chmod(&file, |mode| mode | 0o020)?;
    }
    Ok(status(done))
}
