//! The built-in tasks: names, prerequisites, descriptions, and what each does.

use deploy_plan::Mark;

use super::rake::Action;
use crate::v2::Cap;

/// What a built-in task does itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    Deploy,
    CatchUp,
    Recover,
    Rollback,
    Starting,
    PrintConfig,
    Updating,
    Reverting,
    Publishing,
    Finishing,
    FinishingRollback,
    Finished,
    Check,
    CheckDirectories,
    CheckLinkedDirs,
    CheckLinkedFileDirs,
    CheckLinkedFiles,
    SetPreviousRevision,
    NewReleasePath,
    RollbackReleasePath,
    RevertRelease,
    SetCurrentRevision,
    SymlinkShared,
    SymlinkLinkedFiles,
    SymlinkLinkedDirs,
    SymlinkRelease,
    Cleanup,
    CleanupRollback,
    LogRevision,
    ScmCheck,
    ScmRevision,
    CreateRelease,
    Doctor,
    Lock,
    Unlock,
    Releases,
    Mark(Mark, bool),
    /// Part of another one, and here for its name.
    Nothing,
}

/// A task: name, prerequisites, what it does, description.
type Row = (&'static str, &'static [&'static str], Option<Act>, &'static str);

/// The tasks of `capistrano/deploy`.
const DEPLOY: &[Row] = &[
    ("deploy:starting", &[], Some(Act::Starting), "Start a deployment, make sure the hosts are ready."),
    ("deploy:started", &[], None, "Started."),
    ("deploy:updating", &["new_release_path"], Some(Act::Updating), "Build a new release on the hosts."),
    ("deploy:updated", &[], None, "Updated."),
    ("deploy:reverting", &[], Some(Act::Reverting), "Choose the release before."),
    ("deploy:reverted", &[], None, "Reverted."),
    ("deploy:publishing", &[], Some(Act::Publishing), "Make the release live."),
    ("deploy:published", &[], None, "Published."),
    ("deploy:finishing", &[], Some(Act::Finishing), "Finish the deployment, clean up on the hosts."),
    ("deploy:finishing_rollback", &[], Some(Act::FinishingRollback), "Finish the rollback, clean up on the hosts."),
    ("deploy:finished", &[], Some(Act::Finished), "Finished."),
    ("deploy:rollback", &[], Some(Act::Rollback), "Go back to the release before."),
    (
        CATCH_UP_3,
        &[],
        Some(Act::CatchUp),
        "Bring hosts that were left out of earlier runs, and new ones, to the release that the others serve.",
    ),
    (
        "deploy:recover",
        &[],
        Some(Act::Recover),
        "Finish or undo what a run left that died (MIGRATED=yes or no where nobody knows how its migrations ended).",
    ),
    (
        "deploy:lock",
        &[],
        Some(Act::Lock),
        "Lock the deployment by hand, until deploy:unlock: cap STAGE deploy:lock -m \"release freeze\".",
    ),
    ("deploy:unlock", &[], Some(Act::Unlock), "Take the lock of deploy:lock away."),
    ("capstan:releases", &[], Some(Act::Releases), "List the releases on the hosts: state, revision, who and when."),
    ("capstan:bad", &[], Some(Act::Mark(Mark::Bad, true)), "Mark a release as bad (RELEASE=): rollbacks pass it over."),
    ("capstan:good", &[], Some(Act::Mark(Mark::Bad, false)), "Take the mark of release:bad away again (RELEASE=)."),
    ("capstan:pin", &[], Some(Act::Mark(Mark::Pinned, true)), "Pin a release (RELEASE=): cleanup never removes it."),
    ("capstan:unpin", &[], Some(Act::Mark(Mark::Pinned, false)), "Take the mark of release:pin away again (RELEASE=)."),
    ("deploy", &[], Some(Act::Deploy), "Deploy a new release."),
    ("deploy:print_config_variables", &[], Some(Act::PrintConfig), ""),
    ("deploy:check", &[], Some(Act::Check), "Check that the directories and files of a deployment are there."),
    (
        "deploy:check:directories",
        &[],
        Some(Act::CheckDirectories),
        "Make the directories for releases and shared files.",
    ),
    ("deploy:check:linked_dirs", &[], Some(Act::CheckLinkedDirs), "Make the linked directories in shared."),
    (
        "deploy:check:make_linked_dirs",
        &[],
        Some(Act::CheckLinkedFileDirs),
        "Make the directories of the linked files in shared.",
    ),
    ("deploy:check:linked_files", &[], Some(Act::CheckLinkedFiles), "Check that the linked files are there in shared."),
    ("deploy:set_previous_revision", &[], Some(Act::SetPreviousRevision), ""),
    ("deploy:set_previous_revision_time", &[], Some(Act::Nothing), ""),
    ("deploy:new_release_path", &[], Some(Act::NewReleasePath), ""),
    ("deploy:rollback_release_path", &[], Some(Act::RollbackReleasePath), ""),
    (
        "deploy:revert_release",
        &["rollback_release_path"],
        Some(Act::RevertRelease),
        "Choose the release to go back to.",
    ),
    (
        "deploy:set_current_revision",
        &[],
        Some(Act::SetCurrentRevision),
        "Write the revision into the file REVISION of the release.",
    ),
    ("deploy:set_current_revision_time", &[], Some(Act::Nothing), ""),
    ("deploy:symlink:release", &[], Some(Act::SymlinkRelease), "Point current to the release."),
    ("deploy:symlink:shared", &[], Some(Act::SymlinkShared), "Link shared files and directories into the release."),
    ("deploy:symlink:linked_files", &[], Some(Act::SymlinkLinkedFiles), "Link the linked files."),
    ("deploy:symlink:linked_dirs", &[], Some(Act::SymlinkLinkedDirs), "Link the linked directories."),
    ("deploy:cleanup", &[], Some(Act::Cleanup), "Remove old releases."),
    ("deploy:cleanup_rollback", &[], Some(Act::CleanupRollback), "Archive and remove the release that was left."),
    ("deploy:log_revision", &[], Some(Act::LogRevision), "Write a line about the deploy into revisions.log."),
    ("deploy:restart", &[], None, ""),
    ("deploy:failed", &[], None, ""),
    ("default", &["deploy"], None, ""),
];

/// The tasks of `capistrano/setup`.
const SETUP: &[Row] = &[
    ("load:defaults", &[], None, ""),
    ("install", &[], Some(Act::Nothing), "Write the files of a new project; cap install STAGES=staging,production."),
    ("doctor", &[], Some(Act::Doctor), "Show the environment, variables and servers of the stage."),
];

/// The tasks of `Capistrano::SCM::Git`.
const GIT: &[Row] = &[
    ("git:wrapper", &[], Some(Act::Nothing), "Kept for its name: ssh is told by the checkout itself what it may ask."),
    ("git:check", &["git:wrapper"], Some(Act::ScmCheck), "Check that the repository can be read."),
    ("git:clone", &["git:wrapper"], Some(Act::Nothing), "Kept for its name: git:create_release clones where needed."),
    (
        "git:update",
        &["git:clone"],
        Some(Act::Nothing),
        "Kept for its name: git:create_release brings the mirror up to date.",
    ),
    (
        "git:create_release",
        &["git:update"],
        Some(Act::CreateRelease),
        "Put the files of the revision into the release.",
    ),
    ("git:set_current_revision", &[], Some(Act::ScmRevision), "Tell which revision is deployed."),
    ("git:set_current_revision_time", &[], Some(Act::Nothing), ""),
];

/// The tasks of `Capistrano::SCM::Svn`.
const SVN: &[Row] = &[
    ("svn:check", &[], Some(Act::ScmCheck), "Check that the repository can be read."),
    ("svn:clone", &[], Some(Act::Nothing), "Kept for its name: svn:create_release exports from the repository."),
    (
        "svn:update",
        &["svn:clone"],
        Some(Act::Nothing),
        "Kept for its name: svn:create_release exports from the repository.",
    ),
    (
        "svn:create_release",
        &["svn:update"],
        Some(Act::CreateRelease),
        "Put the files of the revision into the release.",
    ),
    ("svn:set_current_revision", &[], Some(Act::ScmRevision), "Tell which revision is deployed."),
];

/// The task behind `cap STAGE catch-up`.
pub(crate) const CATCH_UP_3: &str = "deploy:catch_up";

/// The task behind a command of ours, which has the same name in both dialects.
pub(crate) fn task_of(command: &str) -> Option<&'static str> {
    match command {
        "catch-up" => Some(CATCH_UP_3),
        "recover" => Some("deploy:recover"),
        _ => crate::v2::task_of(command),
    }
}

/// Whether the built-in task of a name, or the recipe's own in its place, takes the name of a release; none where we have
/// no such task.
pub(crate) fn takes_release(name: &str) -> Option<bool> {
    let (_, _, act, _) = DEPLOY.iter().find(|(known, ..)| *known == name)?;
    let goes_back = [Act::Rollback, Act::Reverting, Act::RevertRelease, Act::RollbackReleasePath];
    Some(act.is_some_and(|act| goes_back.contains(&act) || matches!(act, Act::Mark(..))))
}

fn add(cap: &Cap, rows: &[Row]) {
    let mut rake = cap.v3.rake.borrow_mut();
    let outer = rake.enter_top();
    for (name, prerequisites, act, description) in rows {
        if !description.is_empty() {
            rake.describe(description);
        }
        let task = rake.define(name, None);
        task.prerequisites.borrow_mut().extend(prerequisites.iter().map(|name| (*name).to_owned()));
        task.actions.borrow_mut().extend(act.map(Action::Builtin));
    }
    rake.leave(outer);
}

impl Cap {
    /// `require "capistrano/setup"`
    pub fn install_setup3(&self) {
        if !self.v3.loaded.borrow_mut().insert("setup".to_owned()) {
            return;
        }
        add(self, SETUP);
    }

    /// `require "capistrano/deploy"`
    pub fn install_deploy3(&self) {
        if self.v3.deploy_loaded.replace(true) {
            return;
        }
        self.deploy_loaded.set(true);
        add(self, DEPLOY);
    }

    /// `install_plugin Capistrano::SCM::Git` or `::Svn`.
    pub fn install_scm3(&self, name: &str, hooks: bool) {
        add(self, if name == "git" { GIT } else { SVN });
        if !hooks {
            return;
        }
        let rake = self.v3.rake.borrow();
        let before = |task: &str, prerequisite: String| {
            if let Some(task) = rake.get(task) {
                task.prerequisites.borrow_mut().push(prerequisite);
            }
        };
        if let Some(task) = rake.get("deploy:new_release_path") {
            task.actions.borrow_mut().push(Action::After(format!("{name}:create_release"), None));
        }
        before("deploy:check", format!("{name}:check"));
        before("deploy:set_current_revision", format!("{name}:set_current_revision"));
        if name == "git" {
            before("deploy:set_current_revision_time", "git:set_current_revision_time".to_owned());
        }
    }
}
