//! Ready-made links, and links that lead nowhere.

use deploy_plan::{ReleaseId, RemotePath};

use super::Status;
use super::change::Died;
use super::ops::{Work, status};

pub(super) fn ready_link(work: &mut Work<'_>, release: &ReleaseId) -> Result<Status, Died> {
    let (link, text) = (work.ready_link(release), work.link_text(release));
    let old = work.tree.readlink(&link);
    if old.as_deref() == Some(text.as_str()) {
        return Ok(0);
    }
    if old.is_some() && !work.tree.rm_f(&link)? {
        return Ok(1);
    }
    Ok(status(work.tree.symlink(&text, &link)?))
}

/// Whether the status is a failure depends on what the recipe wants; what is found is only said.
pub(super) fn check_links(work: &Work<'_>, release: &RemotePath, refuse: bool) -> Status {
    let tree = &*work.tree;
    let top = tree.glob(&work.at(release));
    let is_metadata = |path: &str| matches!(path.rsplit('/').next(), Some(".git" | ".svn" | ".hg" | ".bzr"));
    let inner = top
        .iter()
        .filter(|path| !is_metadata(path) && tree.is_dir(path) && !tree.is_link(path))
        .flat_map(|path| tree.glob(path));
    let dangles = |path: &String| tree.is_link(path) && !tree.exists(path);
    let found = top.iter().cloned().chain(inner).any(|path| dangles(&path));
    status(!(refuse && found))
}
