//! `current` changes by one rename, or not at all.

use deploy_plan::{Expect, ReleaseId};

use super::Status;
use super::change::Died;
use super::ops::{Work, status};

pub(super) fn is_live(work: &Work<'_>, id: &ReleaseId) -> bool {
    let current = work.current();
    work.tree.is_link(&current) && work.tree.same(&current, &work.release(id))
}

fn is_a_thing(work: &Work<'_>) -> bool {
    let current = work.current();
    !work.tree.is_link(&current) && work.tree.exists(&current)
}

fn is_absent(work: &Work<'_>) -> bool {
    let current = work.current();
    !work.tree.exists(&current) && !work.tree.is_link(&current)
}

fn says(work: &Work<'_>, text: &str) -> bool {
    work.tree.readlink(&work.current()).as_deref() == Some(text)
}

/// The directory that holds `current`.
fn directory(work: &Work<'_>) -> String {
    work.at(&work.cx.current_dir())
}

fn staged(work: &Work<'_>) -> String {
    format!("{}/{}", work.links(), work.cx.layout.current.file_name())
}

fn clear(work: &mut Work<'_>, staged: &str) -> Result<bool, Died> {
    Ok(!work.tree.is_link(staged) || work.tree.rm_f(staged)?)
}

fn flush(work: &mut Work<'_>) -> Result<bool, Died> {
    Ok(!work.cx.flush || work.tree.sync()?)
}

fn rename(work: &mut Work<'_>, ready: &str) -> Result<bool, Died> {
    let (staged, directory) = (staged(work), directory(work));
    Ok(clear(work, &staged)?
        && work.tree.mv(ready, &staged)?
        && work.tree.mv(&staged, &format!("{directory}/"))?
        && flush(work)?)
}

pub(super) fn switch(work: &mut Work<'_>, to: &ReleaseId, expect: &Expect) -> Result<Status, Died> {
    if is_a_thing(work) {
        return Ok(1);
    }
    if is_live(work, to) {
        return Ok(0);
    }
    let expected = match expect {
        Expect::Nothing => is_absent(work),
        Expect::Release(id) => is_live(work, id),
        Expect::LinkText(text) => says(work, text),
    };
    let release = work.release(to);
    if !work.tree.is_dir(&release) || !expected {
        return Ok(1);
    }
    let (link, text) = (work.ready_link(to), work.link_text(to));
    if super::links::ready_link(work, to)? != 0 || !rename(work, &link)? {
        return Ok(1);
    }
    if !is_live(work, to) || !says(work, &text) {
        return Ok(1);
    }
    // The next switch to it should need no inode; where there is none now, so be it.
    work.tree.symlink(&text, &link)?;
    Ok(0)
}

pub(super) fn unpublish(work: &mut Work<'_>, from: &ReleaseId) -> Result<Status, Died> {
    if is_absent(work) {
        return Ok(0);
    }
    if is_a_thing(work) || !is_live(work, from) {
        return Ok(1);
    }
    let (current, staged, links) = (work.current(), staged(work), work.links());
    if !clear(work, &staged)? || !work.tree.mv(&current, &format!("{links}/"))? {
        return Ok(1);
    }
    Ok(status(work.tree.rm_f(&staged)? && flush(work)?))
}

pub(super) fn restore(work: &mut Work<'_>, text: &str, from: &ReleaseId) -> Result<Status, Died> {
    if is_a_thing(work) {
        return Ok(1);
    }
    if says(work, text) {
        return Ok(0);
    }
    if !is_live(work, from) {
        return Ok(1);
    }
    let ready = format!("{}/.restore", work.links());
    let made = work.tree.rm_f(&ready)? && work.tree.symlink(text, &ready)? && rename(work, &ready)?;
    Ok(status(made && says(work, text)))
}
