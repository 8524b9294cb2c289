//! Primitive actions in words, for `--plan`.

use deploy_plan::{Expect, JournalEvent, Mark, Op, ReleaseState};

/// One line that says what an op does.
///
/// ```
/// use deploy_plan::{Op, RemotePath};
///
/// let op = Op::MakeDir { path: RemotePath::new("/var/www/shop/releases")? };
/// assert_eq!(deploy_report::op_words(&op), "make directory /var/www/shop/releases");
/// # Ok::<(), deploy_plan::NameError>(())
/// ```
#[must_use]
pub fn op_words(op: &Op) -> String {
    match op {
        Op::MakeDir { path } => format!("make directory {path}"),
        Op::MakeStateDir { path, group } => {
            format!(
                "make our own directory {path} ({})",
                if *group { "for the login and its group" } else { "for the login only" }
            )
        }
        Op::GroupWritable { path, recursive: true } => format!("let the group write {path} and everything below it"),
        Op::GroupWritable { path, recursive: false } => format!("let the group write {path}"),
        Op::ReplaceWithLink { at, target } => format!("replace {at} by a link to {target}"),
        Op::WriteFile { path, content, mode } => {
            let mode = mode.map(|mode| format!(", mode {mode:04o}")).unwrap_or_default();
            format!("write {path} ({} bytes{mode})", content.len())
        }
        Op::RemoveFile { path } => format!("remove the file {path} if it is there"),
        Op::Script { title, .. } => title.clone(),
        Op::TouchAssets { release, children, stamp } => {
            format!("give the files in {release}/public/{{{}}} the time {stamp} UTC", children.join(","))
        }
        Op::CheckLinks { release, refuse: true } => format!("refuse links in {release} that point nowhere"),
        Op::CheckLinks { release, refuse: false } => format!("name links in {release} that point nowhere"),
        Op::ClaimRelease { release } => format!("refuse to build if {release} is there already"),
        Op::Flush { path } => format!("bring {path} to disk"),
        Op::Record(entry) => {
            let revision = entry.revision.as_ref().map(|r| format!(" (revision {})", r.short())).unwrap_or_default();
            format!("record release {}{revision} as {} in the ledger", entry.release, state(entry.state))
        }
        Op::Journal(entry) if entry.owes => {
            format!("note in the journal: {}, and an earlier one owes a restart", journal(&entry.event))
        }
        Op::Journal(entry) => format!("note in the journal: {}", journal(&entry.event)),
        Op::AppendLine { path, line } => format!("append {line:?} to {path}"),
        Op::ReadyLink { release } => format!("have a link to release {release} ready"),
        Op::Switch { to, expect } => format!("switch current to release {to}, {}", expected(expect)),
        Op::ReadBack { release } => format!("read back that release {release} is live"),
        Op::Unpublish { from } => format!("remove current again if release {from} is live"),
        Op::RestoreLink { text, from } => format!("point current back to {text:?} if release {from} is live"),
        Op::RemoveRelease { release } => format!("remove release {release} unless it is live"),
        Op::AbandonRelease { failed } => {
            format!("record release {} as failed and remove it, if this run has claimed it", failed.release)
        }
        Op::EmptyTrash => "delete what earlier runs left in the trash".to_owned(),
    }
}

fn journal(event: &JournalEvent) -> &'static str {
    match event {
        JournalEvent::Begin { .. } => "the run begins",
        JournalEvent::Owe => "an earlier run owes a restart",
        JournalEvent::Migrate => "migrations begin",
        JournalEvent::Migrated => "migrations have ended",
        JournalEvent::Wave => "the switch of one wave follows",
        JournalEvent::Switch => "the switch follows",
        JournalEvent::Restart => "the restart follows",
        JournalEvent::Back => "the way back begins",
        JournalEvent::End(_) => "the run is over",
    }
}

fn state(state: ReleaseState) -> &'static str {
    state.word()
}

fn expected(expect: &Expect) -> String {
    match expect {
        Expect::Nothing => "if there is no current yet".to_owned(),
        Expect::Release(id) if !id.is_known() => "if it is still what the run has found".to_owned(),
        Expect::Release(id) => format!("if release {id} is live"),
        Expect::LinkText(text) => format!("if current points to {text:?}"),
    }
}

/// The word for a mark that a person sets on a release.
#[must_use]
pub fn mark_word(mark: Mark) -> &'static str {
    match mark {
        Mark::Bad => "bad",
        Mark::Pinned => "pinned",
    }
}
