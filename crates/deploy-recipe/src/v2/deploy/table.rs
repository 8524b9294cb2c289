//! The built-in tasks: names, options, descriptions.

use std::rc::Rc;

use deploy_ruby::{Hash, Value};

use crate::tasks::{Task, full_name};
use crate::v2::cap::Body;
use crate::v2::{Cap, TaskRef};

/// A task whose body is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BuiltinTask {
    CatchUp,
    Check,
    Cleanup,
    Cold,
    CreateSymlink,
    Deploy,
    FinalizeUpdate,
    Invoke,
    Lock,
    MarkBad,
    MarkGood,
    Migrate,
    Migrations,
    Pending,
    PendingDiff,
    Pin,
    Recover,
    Releases,
    Restart,
    Rollback,
    RollbackCleanup,
    RollbackCode,
    RollbackRevision,
    Setup,
    Shell,
    Start,
    Stop,
    Symlink,
    Unlock,
    Unpin,
    Update,
    UpdateCode,
    Upload,
    WebDisable,
    WebEnable,
}

impl BuiltinTask {
    /// Whether it goes to, or is about, a release that `--to` or `RELEASE` names.
    fn takes_release(self) -> bool {
        match self {
            Self::MarkBad
            | Self::MarkGood
            | Self::Pin
            | Self::Unpin
            | Self::Rollback
            | Self::RollbackCode
            | Self::RollbackRevision => true,
            Self::CatchUp
            | Self::Check
            | Self::Cleanup
            | Self::Cold
            | Self::CreateSymlink
            | Self::Deploy
            | Self::FinalizeUpdate
            | Self::Invoke
            | Self::Lock
            | Self::Migrate
            | Self::Migrations
            | Self::Pending
            | Self::PendingDiff
            | Self::Recover
            | Self::Releases
            | Self::Restart
            | Self::RollbackCleanup
            | Self::Setup
            | Self::Shell
            | Self::Start
            | Self::Stop
            | Self::Symlink
            | Self::Unlock
            | Self::Update
            | Self::UpdateCode
            | Self::Upload
            | Self::WebDisable
            | Self::WebEnable => false,
        }
    }
}

/// Which hosts a built-in task is for.
#[derive(Clone, Copy)]
enum For {
    /// It only calls others.
    All,
    /// Hosts with releases.
    Releases,
    /// The role, hosts with releases.
    RoleReleases(&'static str),
    /// The role.
    Role(&'static str),
    /// The primary host of the role `db`.
    PrimaryDb,
}

impl For {
    fn options(self) -> Rc<Hash> {
        let options = Hash::new();
        let no_release = || Value::hash([(Value::sym("no_release"), Value::Bool(true))]);
        match self {
            Self::All => {}
            Self::Releases => {
                options.insert(Value::sym("except"), no_release());
            }
            Self::RoleReleases(role) => {
                options.insert(Value::sym("roles"), Value::sym(role));
                options.insert(Value::sym("except"), no_release());
            }
            Self::Role(role) => {
                options.insert(Value::sym("roles"), Value::sym(role));
            }
            Self::PrimaryDb => {
                options.insert(Value::sym("roles"), Value::sym("db"));
                options.insert(Value::sym("only"), Value::hash([(Value::sym("primary"), Value::Bool(true))]));
            }
        }
        Rc::new(options)
    }
}

/// Tasks that are there without `load 'deploy'`.
const STANDARD: &[(&str, &str, For, BuiltinTask, &str)] = &[
    (
        "",
        "invoke",
        For::All,
        BuiltinTask::Invoke,
        "Runs one command on the hosts.\n\nGive the command in COMMAND; it goes to all hosts, or to those that ROLES or HOSTS name. \
         With SUDO=1 it runs through sudo.\n\n  cap invoke COMMAND=\"uptime\" ROLES=app\n  cap invoke COMMAND=\"service nginx reload\" SUDO=1",
    ),
    (
        "",
        "shell",
        For::All,
        BuiltinTask::Shell,
        "[internal] Opens a prompt for commands to all hosts.\n\nNot there yet: `cap invoke COMMAND=…` runs one command.",
    ),
];

/// Tasks of the deploy recipes.
const DEPLOY: &[(&str, &str, For, BuiltinTask, &str)] = &[
    (
        "deploy",
        "default",
        For::All,
        BuiltinTask::Deploy,
        "Deploys the project.\n\nBuilds a new release on every host, makes it live on all of them in one short window, and restarts \
         the application. If a host fails on the way, every host is put back. Run deploy:setup once before, and deploy:cold for the \
         first deploy of an application that has to be started.",
    ),
    (
        "deploy",
        "setup",
        For::Releases,
        BuiltinTask::Setup,
        "Makes the directories of a deployment on the hosts.\n\nIt can be run again at any time, for new hosts too: what is there \
         already stays as it is.",
    ),
    (
        "deploy",
        "update",
        For::All,
        BuiltinTask::Update,
        "Builds a new release and makes it live, without restarting anything.\n\nIf a host fails, every host keeps the release that \
         was live.",
    ),
    (
        "deploy",
        "update_code",
        For::Releases,
        BuiltinTask::UpdateCode,
        "Builds a new release on the hosts, without making it live.\n\nThe revision is looked up once, on this machine, so that \
         every host gets the same one. deploy_via says how the code comes to the hosts.",
    ),
    (
        "deploy",
        "finalize_update",
        For::Releases,
        BuiltinTask::FinalizeUpdate,
        "[internal] Lets the group write the new release, links what is shared into it, and evens out the time stamps of assets.",
    ),
    (
        "deploy",
        "create_symlink",
        For::Releases,
        BuiltinTask::CreateSymlink,
        "Makes the newest complete release live.\n\nPoints the `current` link of every host to it. Ordinarily a part of deploy:update.",
    ),
    ("deploy", "symlink", For::Releases, BuiltinTask::Symlink, "[internal] The old name of deploy:create_symlink."),
    (
        "deploy",
        "restart",
        For::RoleReleases("app"),
        BuiltinTask::Restart,
        "Does nothing until the recipe redefines it.\n\nDefine deploy:restart in the recipe to have the application restarted after \
         each deploy and rollback.",
    ),
    (
        "deploy",
        "start",
        For::Role("app"),
        BuiltinTask::Start,
        "Does nothing until the recipe redefines it.\n\nDefine deploy:start in the recipe to have deploy:cold start the application.",
    ),
    (
        "deploy",
        "stop",
        For::Role("app"),
        BuiltinTask::Stop,
        "Does nothing until the recipe redefines it.\n\nDefine deploy:stop in the recipe to stop the application.",
    ),
    (
        "deploy",
        "migrate",
        For::PrimaryDb,
        BuiltinTask::Migrate,
        "Runs rake db:migrate on the primary database host.\n\nIn the newest release; with `set :migrate_target, :current` in the \
         live one. rake, rails_env and migrate_env say with what.",
    ),
    (
        "deploy",
        "migrations",
        For::All,
        BuiltinTask::Migrations,
        "Deploys, and runs pending migrations before the new release goes live.\n\nIf a host fails, every host is put back; the \
         database stays migrated, which the report says.",
    ),
    (
        "deploy",
        "cold",
        For::All,
        BuiltinTask::Cold,
        "Deploys for the first time: update, migrate, start.\n\nRun deploy:setup before. Unlike deploy it starts the application \
         instead of restarting it.",
    ),
    (
        "deploy",
        "cleanup",
        For::Releases,
        BuiltinTask::Cleanup,
        "Removes old releases.\n\nThe newest keep_releases (5) stay, and so do always the live one and the one that a rollback would \
         go to.",
    ),
    (
        "deploy",
        "check",
        For::Releases,
        BuiltinTask::Check,
        "Checks that the hosts are ready for a deploy.\n\nChanges nothing. Lists everything that is in the way, on all hosts at once, \
         each with what mends it. Own conditions are added with `depend`.",
    ),
    (
        "deploy",
        "upload",
        For::Releases,
        BuiltinTask::Upload,
        "Copies files of this machine into the live release.\n\nGive them in FILES, divided by commas: names or patterns, seen \
         from where cap was started. Each goes to the same path below current, so that its directory must be there. A directory \
         goes with everything in it. The release is changed in place: nothing is restarted, and no rollback undoes it.\n\n  \
         cap deploy:upload FILES=templates,controller.rb\n  cap deploy:upload FILES='config/*.yml' HOSTS=app1",
    ),
    (
        "deploy:pending",
        "default",
        For::Releases,
        BuiltinTask::Pending,
        "Shows what has been committed since the last deploy.\n\nThe log from the live revision to the one that a deploy would take.",
    ),
    (
        "deploy:pending",
        "diff",
        For::Releases,
        BuiltinTask::PendingDiff,
        "Shows the changes since the last deploy as a diff.",
    ),
    (
        "deploy:rollback",
        "default",
        For::All,
        BuiltinTask::Rollback,
        "Goes back to the release before, and restarts.\n\nRELEASE names another one to go to, by its directory in releases. The \
         release that was left is removed when all hosts are back.\n\n  cap deploy:rollback RELEASE=20261123054446",
    ),
    (
        "deploy:rollback",
        "code",
        For::Releases,
        BuiltinTask::RollbackCode,
        "Goes back to the release before, without restarting.\n\nRELEASE names another one to go to, as for deploy:rollback.",
    ),
    (
        "deploy:rollback",
        "revision",
        For::Releases,
        BuiltinTask::RollbackRevision,
        "[internal] Makes the release before live again, or the one that RELEASE names.",
    ),
    (
        "deploy:rollback",
        "cleanup",
        For::Releases,
        BuiltinTask::RollbackCleanup,
        "[internal] Removes the release that a rollback has left.",
    ),
    (
        "deploy:web",
        "disable",
        For::RoleReleases("web"),
        BuiltinTask::WebDisable,
        "Puts up a page that says the site is down for maintenance.\n\nWrites shared/system/maintenance.html on the web hosts; the \
         web server must be told to show it when it is there. REASON and UNTIL are shown on the page.\n\n  \
         cap deploy:web:disable REASON=\"a hardware upgrade\" UNTIL=\"12pm Central Time\"",
    ),
    (
        "deploy:web",
        "enable",
        For::RoleReleases("web"),
        BuiltinTask::WebEnable,
        "Takes the maintenance page down again.",
    ),
    (
        "deploy",
        "lock",
        For::Releases,
        BuiltinTask::Lock,
        "Locks the deployment by hand: no deploy, rollback or cleanup begins until deploy:unlock.\n\nThe message is shown to \
         whoever is refused, before any command that the recipe hangs before these tasks has run.\n\n  cap deploy:lock -m \"release freeze until Monday\"",
    ),
    (
        "deploy",
        "unlock",
        For::Releases,
        BuiltinTask::Unlock,
        "Takes away the lock that deploy:lock has set.\n\nThe lock of a run that is at work cannot be taken away; it goes with the run.",
    ),
    (
        OURS,
        "releases",
        For::Releases,
        BuiltinTask::Releases,
        "Lists the releases on the hosts: state, revision, who and when.\n\nBy each host's ledger, squared with what is on disk. \
         Hosts that have the same are told once.",
    ),
    (
        OURS,
        "catch_up",
        For::Releases,
        BuiltinTask::CatchUp,
        "Brings hosts that were left out of earlier runs, and new ones, to the release that the others serve.\n\nWho is behind is \
         told by the ledgers. The release is built there under the same name and from the same revision, goes live and \
         is restarted, with the hooks of deploy and without migrations; hosts that serve it already are not touched. If a host \
         fails, all that were behind are put back.\n\n  cap catch-up\n  cap --plan catch-up   # who is behind, and what would be done",
    ),
    (
        OURS,
        "recover",
        For::Releases,
        BuiltinTask::Recover,
        "Finishes or undoes what a run left that died, and shows what it decides on each host.\n\nWhere the release is whole on every \
         host it goes on: the release goes live everywhere and deploy:restart runs. Otherwise every host goes back. Where \
         nothing was left unfinished it changes nothing. `cap deploy` does the same before it begins.\n\n  cap recover\n  cap \
         recover MIGRATED=yes   # or no: when nobody knows how the migrations ended",
    ),
    (
        OURS,
        "bad",
        For::Releases,
        BuiltinTask::MarkBad,
        "Marks a release as bad: deploy:rollback passes it over.\n\n  cap release:bad RELEASE=20261123054446",
    ),
    (
        OURS,
        "good",
        For::Releases,
        BuiltinTask::MarkGood,
        "Takes the mark of release:bad away again.\n\n  cap release:good RELEASE=20261123054446",
    ),
    (
        OURS,
        "pin",
        For::Releases,
        BuiltinTask::Pin,
        "Pins a release: deploy:cleanup never removes it.\n\n  cap release:pin RELEASE=20261123054446",
    ),
    (
        OURS,
        "unpin",
        For::Releases,
        BuiltinTask::Unpin,
        "Takes the mark of release:pin away again.\n\n  cap release:unpin RELEASE=20261123054446",
    ),
];

/// The namespace of commands that Capistrano does not have. Recipes read variables of such names (`releases`), so they must
/// not be found as words of the recipe.
const OURS: &str = "capstan";

/// The task behind `cap catch-up`.
pub(crate) const CATCH_UP: &str = "capstan:catch_up";

/// How these commands are called, and the tasks behind them. A recipe's own task of that name goes first.
const COMMANDS: &[(&str, &str)] = &[
    ("catch-up", CATCH_UP),
    ("recover", "capstan:recover"),
    ("releases", "capstan:releases"),
    ("release:bad", "capstan:bad"),
    ("release:good", "capstan:good"),
    ("release:pin", "capstan:pin"),
    ("release:unpin", "capstan:unpin"),
];

/// The task behind a command of ours.
pub(crate) fn task_of(command: &str) -> Option<&'static str> {
    COMMANDS.iter().find(|(name, _)| *name == command).map(|(_, task)| *task)
}

/// The command that a task of ours is called by.
pub(crate) fn command_of(task: &str) -> Option<&'static str> {
    COMMANDS.iter().find(|(_, name)| *name == task).map(|(command, _)| *command)
}

/// Whether the built-in task of a full name, or the recipe's own in its place, takes the name of a release; none where we
/// have no such task.
pub(crate) fn takes_release(full: &str) -> Option<bool> {
    let rows = STANDARD.iter().chain(DEPLOY);
    let named = |row: &&(&str, &str, For, BuiltinTask, &str)| full_name(row.0, row.1) == full;
    rows.clone().find(named).map(|row| row.3.takes_release())
}

fn add(cap: &Cap, rows: &[(&str, &str, For, BuiltinTask, &str)]) {
    let mut tasks = cap.tasks.borrow_mut();
    for (namespace, name, hosts, builtin, description) in rows {
        let mut inside = String::new();
        for part in namespace.split(':').filter(|part| !part.is_empty()) {
            // A recipe that has a task of that name keeps it, and goes without the built-in ones below.
            inside = tasks.open(&inside, part).unwrap_or_default();
        }
        if inside == **namespace && tasks.get(namespace, name).is_none() {
            let task: Task<Body, Rc<Hash>> = Task {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
                description: Some((*description).to_owned()),
                options: hosts.options(),
                body: Body::Builtin(*builtin),
                site: None,
            };
            // Cannot shadow anything: there is neither a task nor a namespace of that name.
            let _ = tasks.define(task);
        }
    }
}

/// Adds what is there in every recipe.
pub(crate) fn install_standard(cap: &Cap) {
    add(cap, STANDARD);
}

/// Adds the deploy recipes.
pub(crate) fn install(cap: &Rc<Cap>) {
    if cap.deploy_loaded.replace(true) {
        return;
    }
    super::defaults::install(cap);
    add(cap, DEPLOY);
}

/// Whether a task's body is this one of ours.
pub(crate) fn is(task: &TaskRef, builtin: BuiltinTask) -> bool {
    matches!(task.body, Body::Builtin(b) if b == builtin)
}
