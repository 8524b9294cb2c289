//! Releases go by one rename, then they are deleted.

use deploy_plan::{LedgerEntry, ReleaseId};

use super::Status;
use super::change::Died;
use super::ops::{Work, status};

fn is_live(work: &Work<'_>, release: &ReleaseId) -> bool {
    work.tree.same(&work.current(), &work.release(release))
}

pub(super) fn remove_release(work: &mut Work<'_>, release: &ReleaseId) -> Result<Status, Died> {
    if is_live(work, release) {
        return Ok(1);
    }
    let (at, link) = (work.release(release), work.ready_link(release));
    let (trash, grave) = (work.state("trash"), work.state(&format!("trash/{release}.{}", work.cx.run)));
    if work.tree.is_link(&link) {
        work.tree.rm_f(&link)?;
    }
    delete(work, &grave)?;
    if !work.tree.exists(&at) && !work.tree.is_link(&at) {
        return Ok(0);
    }
    if !work.tree.is_dir(&trash) && !work.tree.mkdir(&trash)? {
        return Ok(1);
    }
    if work.tree.exists(&grave) || !work.tree.mv(&at, &grave)? {
        return Ok(1);
    }
    delete(work, &grave)?;
    Ok(0)
}

/// What cannot be deleted is only told.
fn delete(work: &mut Work<'_>, grave: &str) -> Result<(), Died> {
    if (work.tree.exists(grave) || work.tree.is_link(grave)) && !work.tree.rm_rf(grave)? {
        work.tree.chmod_r(grave, &|mode| mode | 0o600)?;
        work.tree.rm_rf(grave)?;
    }
    Ok(())
}

pub(super) fn abandon(work: &mut Work<'_>, failed: &LedgerEntry) -> Result<Status, Died> {
    let mark = work.claim_mark(failed.release.as_str());
    if !work.tree.exists(&mark) {
        return Ok(0);
    }
    if is_live(work, &failed.release) {
        return Ok(1);
    }
    let recorded = super::files::record(work, failed)?;
    if recorded != 0 {
        return Ok(recorded);
    }
    let removed = remove_release(work, &failed.release)?;
    if removed != 0 {
        return Ok(removed);
    }
    Ok(status(work.tree.rm_f(&mark)?))
}

pub(super) fn empty_trash(work: &mut Work<'_>) -> Result<Status, Died> {
    for grave in work.tree.glob(&work.state("trash")) {
        delete(work, &grave)?;
    }
    Ok(0)
}
