//! Ops become sh text here, and nowhere else.
//!
//! Every text is POSIX sh, stands in parentheses, and tells success by its exit status. Errors go to standard error with
//! the path and the system's reason; so do warnings, in lines that begin with `warning: `. The only name expected from
//! outside is the function `cap_sudo`, and only with `sudo`.

mod entry;
mod files;
mod links;
mod records;
mod removal;
mod switch;

use deploy_inventory::HostId;
use deploy_plan::{Layout, Op, ReleaseId, RemotePath, RunId, Step, Work};

pub use entry::{entry_script, state_dir_script};
pub(crate) use records::must_last;
pub use records::{journal_script, read_current_script};

use crate::text::path;

/// What a text is compiled for.
#[derive(Clone, Copy, Debug)]
pub struct CompileContext<'a> {
    /// Where the deployment lives.
    pub layout: &'a Layout,
    /// The run: its directory of ready-made links is the fence.
    pub run: &'a RunId,
    /// Whether changes outside of our own directory go through `cap_sudo`.
    pub sudo: bool,
    /// Whether a switch is flushed to disk.
    pub flush: bool,
}

impl CompileContext<'_> {
    /// The prefix of commands that change what may belong to somebody else.
    fn sudo(&self) -> &'static str {
        if self.sudo { "cap_sudo " } else { "" }
    }

    fn release(&self, id: &ReleaseId) -> String {
        path(&self.layout.release(id))
    }

    fn current(&self) -> String {
        path(&self.layout.current)
    }

    /// The directory that holds `current`.
    pub(crate) fn current_dir(&self) -> RemotePath {
        self.layout.current.parent().unwrap_or_else(|| self.layout.deploy_to.clone())
    }

    pub(crate) fn state(&self, name: &str) -> RemotePath {
        self.layout.state().join(name)
    }

    /// The run's own directory of ready-made links.
    pub(crate) fn links(&self) -> RemotePath {
        self.state(&format!("links.{}", self.run))
    }

    /// Says that the run has begun a release. It goes with the run's directory: a run that lost its lock owns nothing.
    fn claim_mark(&self, release: &str) -> String {
        path(&self.links().join(&format!(".claim.{release}")))
    }

    fn ready_link(&self, id: &ReleaseId) -> String {
        path(&self.links().join(id.as_str()))
    }

    /// What a link to a release says, as a word of sh.
    fn link_text(&self, id: &ReleaseId) -> String {
        self.relative_text(id).map_or_else(|| path(&self.layout.release(id)), |text| crate::text::word(&text))
    }

    /// What it says where links are relative and it can be.
    pub(crate) fn relative_text(&self, id: &ReleaseId) -> Option<String> {
        let (target, base) = (self.layout.release(id), self.current_dir());
        let can_be = self.layout.relative_links && target.is_below_home() == base.is_below_home();
        below(&target, &base).filter(|_| can_be).map(str::to_owned)
    }
}

/// What follows `base/` in a path below it.
fn below<'a>(target: &'a RemotePath, base: &RemotePath) -> Option<&'a str> {
    if base.rest().is_empty() {
        return Some(target.rest());
    }
    target.rest().strip_prefix(base.rest())?.strip_prefix('/')
}

/// The text of one op.
#[must_use]
pub fn compile_op(op: &Op, cx: &CompileContext<'_>) -> String {
    let body = match op {
        Op::MakeDir { path } => files::make_dir(path, cx),
        Op::MakeStateDir { path, group } => entry::make_state_dir(path, *group, cx),
        Op::GroupWritable { path, recursive } => files::group_writable(path, *recursive, cx),
        Op::ReplaceWithLink { at, target } => files::replace_with_link(at, target, cx),
        Op::WriteFile { path, content, mode } => files::write_file(path, content, *mode, cx),
        Op::RemoveFile { path } => files::remove_file(path, cx),
        Op::Script { body, .. } => body.clone(),
        Op::TouchAssets { release, children, stamp } => files::touch_assets(release, children, stamp),
        Op::CheckLinks { release, refuse } => links::check_links(release, *refuse),
        Op::ClaimRelease { release } => files::claim(release, cx),
        Op::Flush { path } => files::flush(path),
        Op::Record(entry) => records::record(entry, cx),
        Op::Journal(entry) => records::journal(entry, cx),
        Op::AppendLine { path, line } => records::append_line(path, line, cx),
        Op::ReadyLink { release } => links::ready_link(release, cx),
        Op::Switch { to, expect } => switch::switch(to, expect, cx),
        Op::ReadBack { release } => switch::read_back(release, cx),
        Op::Unpublish { from } => switch::unpublish(from, cx),
        Op::RestoreLink { text, from } => switch::restore(text, from, cx),
        Op::RemoveRelease { release } => removal::remove_release(release, cx),
        Op::AbandonRelease { failed } => removal::abandon(failed, cx),
        Op::EmptyTrash => removal::empty_trash(cx),
    };
    format!("(\n{}\n)", body.trim_end_matches('\n'))
}

/// The text of ops in a row: the first that fails ends it.
fn in_row(ops: &[Op], cx: &CompileContext<'_>) -> Option<String> {
    if ops.is_empty() {
        return None;
    }
    let texts: Vec<String> = ops.iter().map(|op| compile_op(op, cx)).collect();
    Some(format!("(\n{}\n)", texts.join(" || exit\n")))
}

/// The text of a built-in step on a host; none for a recipe's command or where the step does nothing on that host.
#[must_use]
pub fn compile_step(step: &Step, host: &HostId, cx: &CompileContext<'_>) -> Option<String> {
    let cx = CompileContext { sudo: step.sudo, ..*cx };
    match &step.work {
        Work::Ops(ops) => in_row(ops.get(host)?, &cx),
        Work::Command(_) => None,
    }
}

/// The text that undoes a step on a host; none where there is nothing to undo.
#[must_use]
pub fn compile_undo(step: &Step, host: &HostId, cx: &CompileContext<'_>) -> Option<String> {
    let cx = CompileContext { sudo: step.sudo, ..*cx };
    in_row(step.undo.get(host)?, &cx)
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
