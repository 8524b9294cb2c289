//! Our own directory: made before the lock, taken over under it.

use deploy_plan::{Layout, RemotePath, RunId};

use super::Status;
use super::change::Died;
use super::ops::{Work, status};
use super::tree::Tree;
use crate::compile::CompileContext;

/// What [`state_dir_script`](crate::state_dir_script) does, without sudo.
///
/// # Errors
/// When whoever is at work dies on the way.
pub fn apply_state_dir(layout: &Layout, run: &RunId, tree: &mut Tree) -> Result<Status, Died> {
    if !tree.is_dir(&tree.spell(&layout.deploy_to)) {
        return Ok(3);
    }
    let cx = CompileContext { layout, run, sudo: false, flush: false };
    make(&mut Work { tree, cx: &cx }, &layout.state(), layout.group_writable)
}

pub(super) fn make(work: &mut Work<'_>, state: &RemotePath, group: bool) -> Result<Status, Died> {
    let at = work.at(state);
    if work.tree.is_dir(&at) {
        return Ok(0);
    }
    if !work.tree.mkdir(&at)? {
        return Ok(1);
    }
    let (mode, umask) = if group { (0o2770, 0o007) } else { (0o700, 0o077) };
    if !work.tree.chmod(&at, |_| mode)? {
        return Ok(1);
    }
    let before = work.tree.set_umask(umask);
    let made = work.tree.append(&format!("{at}/ledger"), b"");
    work.tree.set_umask(before);
    Ok(status(made?))
}

/// What [`entry_script`](crate::entry_script) does.
///
/// # Errors
/// When whoever is at work dies on the way.
pub fn apply_entry(layout: &Layout, run: &RunId, tree: &mut Tree) -> Result<Status, Died> {
    let cx = CompileContext { layout, run, sudo: false, flush: false };
    let umask = if layout.group_writable { 0o007 } else { 0o077 };
    let before = tree.set_umask(umask);
    let done = enter(&mut Work { tree, cx: &cx });
    tree.set_umask(before);
    done.map(status)
}

fn enter(work: &mut Work<'_>) -> Result<bool, Died> {
    let mode: u16 = if work.cx.layout.group_writable { 0o2770 } else { 0o700 };
    let (state, links) = (work.at(&work.cx.layout.state()), work.links());
    if !take_over(work, &state, &links)? {
        return Ok(false);
    }
    let made = work.tree.is_dir(&links) || (work.tree.mkdir(&links)? && work.tree.chmod(&links, |_| mode)?);
    if !made {
        return Ok(false);
    }
    let mut cleared = true;
    for name in [work.cx.layout.current.file_name(), ".restore"] {
        cleared &= work.tree.rm_f(&format!("{links}/{name}"))?;
    }
    if !cleared {
        return Ok(false);
    }
    let (trash, ledger, reserve) = (work.state("trash"), work.state("ledger"), work.state("reserve"));
    if !work.tree.is_dir(&trash) && work.tree.mkdir(&trash)? {
        work.tree.chmod(&trash, |_| mode)?;
    }
    if !work.tree.exists(&ledger) && !work.tree.append(&ledger, b"")? {
        return Ok(false);
    }
    let journal = work.state("journal");
    if !work.tree.exists(&journal) {
        work.tree.append(&journal, b"")?;
    }
    if work.tree.read(&ledger).is_some_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n'))
        && !work.tree.append(&ledger, b"\n")?
    {
        return Ok(false);
    }
    if work.tree.read(&reserve).is_none_or(|bytes| bytes.is_empty()) {
        let filled = work.tree.write(&reserve, &[b'0'; 16384])?;
        if !filled {
            work.tree.rm_f(&reserve)?;
        }
    }
    Ok(true)
}

/// Every path that an earlier holder could still use leads nowhere from here on.
fn take_over(work: &mut Work<'_>, state: &str, links: &str) -> Result<bool, Died> {
    let others: Vec<String> = work
        .tree
        .names(state)
        .into_iter()
        .filter(|name| name.starts_with("links."))
        .map(|name| format!("{state}/{name}"))
        .filter(|path| path != links && work.tree.is_dir(path))
        .collect();
    for other in others {
        let gone = if work.tree.is_dir(links) {
            work.tree.rm_rf(&other)?
        } else {
            disown(work, &other)? && work.tree.mv(&other, links)?
        };
        if !gone {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What another run has claimed is nobody's any more.
fn disown(work: &mut Work<'_>, links: &str) -> Result<bool, Died> {
    let marks: Vec<String> = work.tree.names(links).into_iter().filter(|name| name.starts_with(".claim.")).collect();
    let mut gone = true;
    for mark in marks {
        gone &= work.tree.rm_f(&format!("{links}/{mark}"))?;
    }
    Ok(gone)
}
