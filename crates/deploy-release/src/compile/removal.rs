//! Taking releases away: out of sight by one rename, then deleted.

use deploy_plan::{LedgerEntry, ReleaseId};

use super::CompileContext;
use super::files::fail;
use crate::text::path;

/// Never the live release, however `current` spells it. Where the files cannot all be deleted the release is gone
/// nevertheless, and the rest stays in the trash.
pub(super) fn remove_release(release: &ReleaseId, cx: &CompileContext<'_>) -> String {
    let (at, sudo) = (cx.release(release), cx.sudo());
    let (trash, link) = (path(&cx.state("trash")), cx.ready_link(release));
    let grave = path(&cx.state("trash").join(&format!("{release}.{}", cx.run)));
    [
        refuse_live(release, cx),
        format!("[ ! -L {link} ] || rm -f {link} || :"),
        // What an earlier try of this run moved away and did not finish.
        delete(&grave, sudo),
        format!("if [ -e {at} ] || [ -L {at} ]; then :; else exit 0; fi"),
        format!("[ -d {trash} ] || mkdir {trash} || exit"),
        format!("if [ -e {grave} ]; then {}; fi", fail(&format!("cannot empty the trash of {release}"))),
        format!("{sudo}mv {at} {grave} || exit"),
        delete(&grave, sudo),
        "exit 0".to_owned(),
    ]
    .join("\n")
}

fn refuse_live(release: &ReleaseId, cx: &CompileContext<'_>) -> String {
    let (at, c) = (cx.release(release), cx.current());
    let live = fail(&format!("refused to remove {}: it is live", cx.layout.release(release)));
    format!("if [ -e {c} ] && [ {c} -ef {at} ]; then {live}; fi")
}

/// The undo of a build, however far it came; nothing where the claim failed. A live release stays, and no record says
/// that it has failed: the recipe may have published it in its own way.
pub(super) fn abandon(failed: &LedgerEntry, cx: &CompileContext<'_>) -> String {
    let (mark, refuse) = (cx.claim_mark(failed.release.as_str()), refuse_live(&failed.release, cx));
    let (record, remove) = (super::records::record(failed, cx), remove_release(&failed.release, cx));
    format!("[ -e {mark} ] || exit 0\n{refuse}\n{record}\n(\n{remove}\n) || exit\nrm -f {mark}")
}

/// Directories that the application made read-only are opened first.
fn delete(grave: &str, sudo: &str) -> String {
    format!(
        "if [ -e {grave} ] || [ -L {grave} ]; then\n\
         {sudo}rm -rf {grave} 2>/dev/null || {{ {sudo}chmod -R u+rwX {grave} 2>/dev/null; {sudo}rm -rf {grave} 2>/dev/null; }} ||\n\
         printf 'warning: could not delete all of %s\\n' {grave} >&2\nfi"
    )
}

pub(super) fn empty_trash(cx: &CompileContext<'_>) -> String {
    let trash = path(&cx.state("trash"));
    let sudo = cx.sudo();
    let one = delete("\"$f\"", sudo);
    format!("for f in {trash}/* {trash}/.[!.]*; do\n{one}\ndone\nexit 0")
}
