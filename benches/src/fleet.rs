//! Five hosts as a probe finds them, and what a recipe records for them in a deploy.

use deploy_inventory::HostId;
use deploy_plan::{
    Builtin, BuiltinItem, Command, CommandText, Item, Layout, Op, Plan, Publish, Purpose, ReleaseId, RemotePath,
    Revision, RunId, SharedLink, Slot, StepClass, Transaction, UpdateCode,
};
use deploy_release::{
    CompileContext, Current, Entry, EntryKind, FleetContext, HostFacts, Owner, Place, PlaceKind, Planner, RunIdentity,
    compile_step, open,
};
use indexmap::IndexMap;

use crate::Failure;

const HOSTS: [&str; 5] = ["web1", "web2", "app1", "app2", "db1"];
const APP: [&str; 2] = ["app1", "app2"];
const LIVE: &str = "20261101060000";

/// A deploy of the whole fleet, opened and recorded, ready to be planned.
pub struct Deploy {
    context: FleetContext,
    items: Vec<Item>,
    layout: Layout,
    run: RunId,
}

impl Deploy {
    /// Opens the transaction on the five hosts.
    ///
    /// # Errors
    /// When the planner refuses the fleet.
    pub fn open() -> Result<Self, Failure> {
        let layout = Layout::new(RemotePath::new("/var/www/shop")?);
        let run = RunId::new("r1")?;
        let purpose = Purpose::Deploy { release_name: None };
        let transaction = Transaction { purpose, layout: layout.clone(), hosts: ids(&HOSTS), sudo: false, site: None };
        // 2026-11-23 06:04:39 UTC
        let identity = RunIdentity { run: run.clone(), by: "alice@laptop".into(), unix_seconds: 1_795_413_879 };
        let facts: IndexMap<HostId, HostFacts> =
            HOSTS.iter().zip(1..).map(|(name, number)| (HostId::new(name), facts(number))).collect();
        let opened = open(&transaction, &identity, &facts)
            .map_err(|problems| problems.into_iter().map(|problem| problem.why).collect::<Vec<_>>().join("; "))?;
        let release = opened.opened.release.ok_or("a deploy has a release")?;
        Ok(Self { context: opened.context, items: items(&release)?, layout, run })
    }

    /// The plan of the whole flow.
    ///
    /// # Errors
    /// When it cannot be planned.
    pub fn plan(&self) -> Result<Plan, Failure> {
        Ok(Planner::new(self.context.clone()).segment(&self.items, true).map_err(|problem| problem.why)?)
    }

    /// The shell text of every built-in step on every host; gives its length.
    #[must_use]
    pub fn compile(&self, plan: &Plan) -> usize {
        let cx = CompileContext { layout: &self.layout, run: &self.run, sudo: false, flush: true };
        let steps = plan.phases.iter().flat_map(|phase| &phase.steps);
        steps
            .flat_map(|step| step.hosts().map(move |host| (step, host)))
            .filter_map(|(step, host)| compile_step(step, host, &cx))
            .map(|text| text.len())
            .sum()
    }
}

fn ids(names: &[&str]) -> Vec<HostId> {
    names.iter().map(|name| HostId::new(name)).collect()
}

fn directory(inode: usize) -> Place {
    let owner = Owner {
        mode: "775".into(),
        user: "deploy".into(),
        group: "deploy".into(),
        device: "64".into(),
        inode: inode.to_string(),
    };
    Place { kind: PlaceKind::Directory, writable: true, owner: Some(owner), ..Place::default() }
}

/// A host that Capistrano has deployed to before: one live release, no ledger.
fn facts(number: usize) -> HostFacts {
    HostFacts {
        user: "deploy".into(),
        home: "/home/deploy".into(),
        boot: Some(format!("boot-{number}")),
        deploy_to: directory(number * 10),
        releases_dir: directory(number * 10 + 1),
        shared_dir: directory(number * 10 + 2),
        current_dir: directory(number * 10),
        releases: vec![Entry {
            name: LIVE.into(),
            exact: true,
            kind: EntryKind::Directory,
            revision: Some("4700".into()),
        }],
        current: Current::Link {
            text: format!("/var/www/shop/releases/{LIVE}"),
            exact: true,
            release: Some(LIVE.into()),
            dangling: false,
        },
        ledger_writable: true,
        ..HostFacts::default()
    }
}

fn items(release: &ReleaseId) -> Result<Vec<Item>, Failure> {
    let revision = Revision::new("4711")?;
    let links = ["log", "pids", "system"]
        .iter()
        .map(|name| {
            Ok(SharedLink { at: (*name).into(), target: RemotePath::new(&format!("/var/www/shop/shared/{name}"))? })
        })
        .collect::<Result<_, Failure>>()?;
    let body = format!("svn checkout -q -r4711 svn://svn.example.com/trunk /var/www/shop/releases/{release}");
    let update = UpdateCode {
        release: release.clone(),
        revision: revision.clone(),
        label: "trunk".into(),
        checkout: vec![Op::Script { title: "check out".into(), body }],
        write_revision: true,
        links,
        group_writable: true,
        assets: None,
        refuse_dangling: false,
        flush: true,
    };
    let publish = Publish {
        release: release.clone(),
        revision: Some(revision),
        label: "trunk".into(),
        log: deploy_plan::LogLine::default(),
        rollout: None,
    };
    Ok(vec![
        started("deploy", None),
        started("deploy:update_code", Some(Slot::Build)),
        builtin("deploy:update_code", Builtin::UpdateCode(Box::new(update))),
        command("ln -nfs /var/www/shop/shared/config/database.yml config/database.yml"),
        ended("deploy:update_code"),
        started("deploy:create_symlink", Some(Slot::Publish)),
        builtin("deploy:create_symlink", Builtin::Publish(publish)),
        ended("deploy:create_symlink"),
        started("deploy:restart", Some(Slot::Restart)),
        command("touch /var/www/shop/current/tmp/restart.txt"),
        ended("deploy:restart"),
        Item::Edge,
        ended("deploy"),
    ])
}

fn started(task: &str, slot: Option<Slot>) -> Item {
    Item::TaskStarted { task: task.into(), slot, site: None }
}

fn ended(task: &str) -> Item {
    Item::TaskEnded { task: task.into() }
}

fn builtin(task: &str, builtin: Builtin) -> Item {
    Item::Builtin(BuiltinItem { builtin, hosts: ids(&HOSTS), task: task.into(), site: None, sudo: false })
}

fn command(text: &str) -> Item {
    Item::Command(Command {
        shown: text.into(),
        text: CommandText::Same(format!("sh -c '{text}'")),
        hosts: ids(&APP),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_switches_all_five_hosts_in_one_phase() {
        let deploy = Deploy::open().unwrap();
        let plan = deploy.plan().unwrap();
        let publish: Vec<_> = plan.phases.iter().filter(|phase| phase.slot == Slot::Publish).collect();
        assert_eq!(publish.len(), 1);
        assert_eq!(publish[0].steps.iter().flat_map(|step| step.hosts()).count(), HOSTS.len());
        assert!(deploy.compile(&plan) > 1000);
    }
}
