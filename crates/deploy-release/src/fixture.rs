//! What the tests of this crate share: hosts, layouts, ledgers and a recipe's flow.

use deploy_inventory::HostId;
use deploy_plan::{
    Builtin, BuiltinItem, Command, CommandText, HandlerId, Item, Layout, LedgerEntry, LogLine, Op, Publish, Purpose,
    ReleaseId, ReleaseState, RemotePath, Revision, Rollback, RunId, SharedLink, Slot, StepClass, Transaction,
    UpdateCode, When,
};
use indexmap::IndexMap;

use crate::{Current, Entry, EntryKind, HostFacts, Owner, Place, PlaceKind, RunIdentity, ledger_line};

pub(crate) fn id(name: &str) -> ReleaseId {
    ReleaseId::new(name).unwrap()
}

pub(crate) fn host(name: &str) -> HostId {
    HostId::new(name)
}

pub(crate) fn hosts(names: &[&str]) -> Vec<HostId> {
    names.iter().map(|name| host(name)).collect()
}

pub(crate) fn layout() -> Layout {
    Layout::new(RemotePath::new("/var/www/shop").unwrap())
}

// 2026-11-23 06:04:39 UTC
pub(crate) fn identity() -> RunIdentity {
    RunIdentity { run: RunId::new("r1").unwrap(), by: "alice@laptop".into(), unix_seconds: 1_795_413_879 }
}

pub(crate) fn line(sequence: u64, name: &str, state: ReleaseState) -> String {
    let entry = LedgerEntry {
        sequence,
        release: id(name),
        state,
        revision: Some(Revision::new("4700").unwrap()),
        run: RunId::new("r0").unwrap(),
        by: "bob@desk".into(),
        at: When("2026-11-20T06:00:00Z".into()),
    };
    format!("{}\n", ledger_line(&entry))
}

fn directory(number: usize) -> Place {
    let owner = Owner {
        mode: "775".into(),
        user: "deploy".into(),
        group: "deploy".into(),
        device: "64".into(),
        inode: number.to_string(),
    };
    Place { kind: PlaceKind::Directory, writable: true, owner: Some(owner), ..Place::default() }
}

/// A host whose releases are confirmed, the last of them live. `number` tells machines apart.
pub(crate) fn facts(number: usize, releases: &[&str]) -> HostFacts {
    let records = releases.iter().enumerate().map(|(i, name)| line(i as u64 + 1, name, ReleaseState::Confirmed));
    facts_with(number, releases, releases.last().copied(), &records.collect::<String>())
}

pub(crate) fn facts_with(number: usize, releases: &[&str], live: Option<&str>, ledger: &str) -> HostFacts {
    let entry = |name: &&str| Entry {
        name: (*name).to_owned(),
        exact: true,
        kind: EntryKind::Directory,
        revision: Some("4700".into()),
    };
    HostFacts {
        user: "deploy".into(),
        boot: Some(format!("boot-{number}")),
        deploy_to: directory(number * 10),
        releases_dir: directory(number * 10 + 1),
        shared_dir: directory(number * 10 + 2),
        current_dir: directory(number * 10),
        releases: releases.iter().map(entry).collect(),
        current: live.map_or(Current::Absent, |name| Current::Link {
            text: format!("/var/www/shop/releases/{name}"),
            exact: true,
            release: Some(name.to_owned()),
            dangling: false,
        }),
        ledger: ledger.as_bytes().to_vec(),
        ledger_writable: true,
        ..HostFacts::default()
    }
}

pub(crate) const FLEET: [&str; 5] = ["web1", "web2", "app1", "app2", "db1"];

pub(crate) fn fleet(releases: &[&str]) -> IndexMap<HostId, HostFacts> {
    FLEET.iter().enumerate().map(|(i, name)| (host(name), facts(i + 1, releases))).collect()
}

pub(crate) fn transaction(purpose: Purpose, names: &[&str]) -> Transaction {
    Transaction { purpose, layout: layout(), hosts: hosts(names), sudo: false, site: None }
}

pub(crate) fn deploy() -> Purpose {
    Purpose::Deploy { release_name: None }
}

pub(crate) fn builtin(task: &str, names: &[&str], builtin: Builtin) -> Item {
    Item::Builtin(BuiltinItem { builtin, hosts: hosts(names), task: task.into(), site: None, sudo: false })
}

pub(crate) fn update_code(release: &str, names: &[&str]) -> Item {
    let body = "svn checkout -q -r4711 svn://svn/trunk /var/www/shop/releases/X".to_owned();
    let update = UpdateCode {
        release: id(release),
        revision: Revision::new("4711").unwrap(),
        label: "trunk".into(),
        checkout: vec![Op::Script { title: "check out".into(), body }],
        write_revision: true,
        links: vec![SharedLink { at: "log".into(), target: RemotePath::new("/var/www/shop/shared/log").unwrap() }],
        group_writable: true,
        assets: None,
        refuse_dangling: false,
        flush: true,
    };
    builtin("deploy:update_code", names, Builtin::UpdateCode(Box::new(update)))
}

pub(crate) fn publish(release: &str, names: &[&str]) -> Item {
    let revision = Some(Revision::new("4711").unwrap());
    let publish =
        Publish { release: id(release), revision, label: "trunk".into(), log: LogLine::default(), rollout: None };
    builtin("deploy:create_symlink", names, Builtin::Publish(publish))
}

pub(crate) fn rollback(to: &str, from: &str, names: &[&str]) -> Item {
    let rollback = Rollback { to: id(to), from: Some(id(from)), log: LogLine::default() };
    builtin("deploy:rollback:revision", names, Builtin::Rollback(rollback))
}

pub(crate) fn command(text: &str, names: &[&str]) -> Item {
    Item::Command(Command {
        shown: text.into(),
        text: CommandText::Same(text.into()),
        hosts: hosts(names),
        task: None,
        site: None,
        class: StepClass::Once,
        sudo: false,
        pty: false,
        max_hosts: None,
        continue_on_error: false,
        forward_agent: false,
    })
}

pub(crate) fn start(task: &str, slot: Option<Slot>) -> Item {
    Item::TaskStarted { task: task.into(), slot, site: None }
}

pub(crate) fn finish(task: &str) -> Item {
    Item::TaskEnded { task: task.into() }
}

pub(crate) fn handler(number: u32) -> Item {
    Item::OnRollback { handler: HandlerId(number), task: "t".into() }
}

/// The flow of the classic recipe: a hook command on the app hosts, a restart command.
pub(crate) fn classic(release: &str) -> Vec<Item> {
    vec![
        start("deploy", None),
        start("deploy:update", None),
        start("deploy:update_code", Some(Slot::Build)),
        update_code(release, &FLEET),
        start("deploy:after_update_code", None),
        command("ln -nfs database.yml", &["app1", "app2"]),
        finish("deploy:after_update_code"),
        finish("deploy:update_code"),
        start("deploy:create_symlink", Some(Slot::Publish)),
        publish(release, &FLEET),
        finish("deploy:create_symlink"),
        finish("deploy:update"),
        start("deploy:restart", Some(Slot::Restart)),
        command("touch restart.txt", &["app1", "app2"]),
        finish("deploy:restart"),
        Item::Edge,
        finish("deploy"),
    ]
}
