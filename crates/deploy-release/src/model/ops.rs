//! What an op does to a tree.

use deploy_plan::{Op, ReleaseId, RemotePath};

use super::change::Died;
use super::tree::Tree;
use super::{Status, files, links, removal, switch};
use crate::compile::CompileContext;

/// What the texts of [`Op::Script`] do: they are made by other crates, so whoever has them says it.
pub type Scripts<'a> = &'a dyn Fn(&mut Tree, &str) -> Result<Status, Died>;

/// An op at work on a tree.
pub(super) struct Work<'a> {
    pub tree: &'a mut Tree,
    pub cx: &'a CompileContext<'a>,
}

impl Work<'_> {
    pub fn at(&self, path: &RemotePath) -> String {
        self.tree.spell(path)
    }

    pub fn release(&self, id: &ReleaseId) -> String {
        self.at(&self.cx.layout.release(id))
    }

    pub fn current(&self) -> String {
        self.at(&self.cx.layout.current)
    }

    pub fn state(&self, name: &str) -> String {
        self.at(&self.cx.state(name))
    }

    /// The run's own directory.
    pub fn links(&self) -> String {
        self.at(&self.cx.links())
    }

    pub fn ready_link(&self, id: &ReleaseId) -> String {
        format!("{}/{id}", self.links())
    }

    pub fn claim_mark(&self, release: &str) -> String {
        format!("{}/.claim.{release}", self.links())
    }

    /// What a link to a release says.
    pub fn link_text(&self, id: &ReleaseId) -> String {
        self.cx.relative_text(id).unwrap_or_else(|| self.release(id))
    }
}

/// Success or failure as a status.
pub(super) fn status(done: bool) -> Status {
    Status::from(!done)
}

/// Does one op: what the text of [`compile_op`](crate::compile_op) does in a shell, with the same exit status.
///
/// # Errors
/// When whoever is at work dies on the way.
pub fn apply(op: &Op, cx: &CompileContext<'_>, tree: &mut Tree, scripts: Scripts<'_>) -> Result<Status, Died> {
    let mut work = Work { tree, cx };
    let work = &mut work;
    match op {
        Op::MakeDir { path } => files::make_dir(work, path),
        Op::MakeStateDir { path, group } => super::entry::make(work, path, *group),
        Op::GroupWritable { path, recursive } => files::group_writable(work, path, *recursive),
        Op::ReplaceWithLink { at, target } => files::replace_with_link(work, at, target),
        Op::WriteFile { path, content, mode } => files::write_file(work, path, content, *mode),
        Op::RemoveFile { path } => {
            let path = work.at(path);
            Ok(status(work.tree.rm_f(&path)?))
        }
        Op::Script { body, .. } => scripts(work.tree, body),
        // Times of files are not part of the model.
        Op::TouchAssets { .. } => Ok(0),
        Op::CheckLinks { release, refuse } => Ok(links::check_links(work, release, *refuse)),
        Op::ClaimRelease { release } => files::claim(work, release),
        Op::Flush { .. } => Ok(status(work.tree.sync()?)),
        Op::Record(entry) => files::record(work, entry),
        Op::Journal(entry) => files::journal(work, entry),
        Op::AppendLine { path, line } => files::append_line(work, path, line),
        Op::ReadyLink { release } => links::ready_link(work, release),
        Op::Switch { to, expect } => switch::switch(work, to, expect),
        Op::ReadBack { release } => Ok(status(switch::is_live(work, release))),
        Op::Unpublish { from } => switch::unpublish(work, from),
        Op::RestoreLink { text, from } => switch::restore(work, text, from),
        Op::RemoveRelease { release } => removal::remove_release(work, release),
        Op::AbandonRelease { failed } => removal::abandon(work, failed),
        Op::EmptyTrash => removal::empty_trash(work),
    }
}

/// Does ops in a row: the first that fails ends it.
///
/// # Errors
/// When whoever is at work dies on the way.
pub fn apply_in_row(
    ops: &[Op],
    cx: &CompileContext<'_>,
    tree: &mut Tree,
    scripts: Scripts<'_>,
) -> Result<Status, Died> {
    for op in ops {
        let status = apply(op, cx, tree, scripts)?;
        if status != 0 {
            return Ok(status);
        }
    }
    Ok(0)
}
