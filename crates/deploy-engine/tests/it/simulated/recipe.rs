//! The recipe of the simulated fleet: what a Capistrano recipe records, without its text.

use std::time::Duration;

use async_trait::async_trait;
use deploy_inventory::{Host, HostId, Properties};
use deploy_plan::{
    Builtin, BuiltinItem, Command, CommandText, HandlerId, HealthCheck, HealthItem, Hosts, Item, LogLine, Mark, Op,
    Opened, Probe, Program, Publish, Purpose, ReleaseId, Revision, Rollback, Rollout, SharedLink, Slot, StepClass,
    Stopped, Tolerance, Transaction, UpdateCode, Vantage, WaveSize,
};

use super::world::layout;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    Deploy,
    Migrate,
    /// A deploy in which one host may fail before the switch.
    Tolerant,
    /// A deploy in waves, the first of one host.
    Waves,
    /// A deploy in which a command of the recipe fails.
    Failing,
    Rollback,
    Cleanup,
    /// Marks a release as bad.
    MarkBad,
    Pin,
    /// What `cap recover` does; the question about migrations is answered with yes.
    Recover,
}

/// What asks the application how it is.
pub const HEALTHY: &str = "is-healthy";
/// How many good releases stay.
pub const KEEP: usize = 3;

pub struct Recipe {
    pub verb: Verb,
    pub hosts: Vec<HostId>,
    /// What is deployed.
    pub revision: u32,
    /// Where a rollback is to go, where that is said; what is marked.
    pub to: Option<ReleaseId>,
}

pub fn revision(number: u32) -> Revision {
    Revision::new(&format!("r{number}")).unwrap()
}

impl Recipe {
    fn builtin(&self, task: &str, builtin: Builtin) -> Item {
        Item::Builtin(BuiltinItem { builtin, hosts: self.hosts.clone(), task: task.into(), site: None, sudo: false })
    }

    fn command(&self, text: &str, hosts: &[HostId]) -> Item {
        Item::Command(Command {
            shown: text.into(),
            text: CommandText::Same(text.into()),
            hosts: hosts.to_vec(),
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

    fn slot(&self, task: &str, slot: Slot, inside: Vec<Item>) -> Vec<Item> {
        let start = Item::TaskStarted { task: task.into(), slot: Some(slot), site: None };
        [vec![start], inside, vec![Item::TaskEnded { task: task.into() }]].concat()
    }

    fn deploy(&self, release: &ReleaseId) -> Vec<Item> {
        let (revision, layout) = (revision(self.revision), layout());
        let body = format!("checkout {revision} {}", layout.release(release));
        let update = UpdateCode {
            release: release.clone(),
            revision: revision.clone(),
            label: "branch main".into(),
            checkout: vec![Op::Script { title: "check out".into(), body }],
            write_revision: true,
            links: vec![SharedLink { at: "log".into(), target: layout.shared.join("log") }],
            group_writable: false,
            assets: None,
            refuse_dangling: false,
            flush: true,
        };
        let publish = Publish {
            release: release.clone(),
            revision: Some(revision),
            label: "branch main".into(),
            log: LogLine::default(),
            rollout: (self.verb == Verb::Waves).then(|| Rollout {
                sizes: vec![WaveSize::Hosts(1), WaveSize::Percent(100)],
                pause: Duration::ZERO,
                ask: false,
            }),
        };
        let update = self.builtin("deploy:update_code", Builtin::UpdateCode(Box::new(update)));
        let hook = if self.verb == Verb::Failing { "fail" } else { "hook" };
        let mut items = self.slot("deploy:update_code", Slot::Build, vec![update, self.command(hook, &self.hosts)]);
        if self.verb == Verb::Migrate {
            items.extend(self.slot("deploy:migrate", Slot::Migrate, vec![self.command("migrate", &self.hosts[..1])]));
        }
        let publish = self.builtin("deploy:create_symlink", Builtin::Publish(publish));
        items.extend(self.slot("deploy:create_symlink", Slot::Publish, vec![publish]));
        items.extend(self.restart());
        items.push(self.builtin("deploy:cleanup", Builtin::Cleanup { keep: KEEP }));
        items
    }

    fn mark(&self) -> Vec<Item> {
        let mark = if self.verb == Verb::Pin { Mark::Pinned } else { Mark::Bad };
        let marked = self.to.clone().map(|release| Builtin::Mark { release, mark, set: true });
        marked.map(|builtin| self.builtin("release", builtin)).into_iter().collect()
    }

    fn restart(&self) -> Vec<Item> {
        let mut items = self.slot("deploy:restart", Slot::Restart, vec![self.command("restart", &self.hosts)]);
        if matches!(self.verb, Verb::Migrate | Verb::Waves | Verb::Rollback) {
            items.push(self.health());
        }
        items.push(Item::Edge);
        items
    }

    /// The application must have been started on what is live.
    fn health(&self) -> Item {
        let check = HealthCheck {
            probe: Probe::Command(HEALTHY.into()),
            from: Vantage::Host,
            attempts: 2,
            interval: Duration::ZERO,
            timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(3600),
        };
        Item::Health(HealthItem { check, hosts: self.hosts.clone(), site: None })
    }

    fn republish(&self, release: &ReleaseId) -> Vec<Item> {
        let publish = Publish {
            release: release.clone(),
            revision: None,
            label: format!("release {release}"),
            log: LogLine::default(),
            rollout: None,
        };
        let publish = self.builtin("capstan:recover", Builtin::Publish(publish));
        [self.slot("capstan:recover", Slot::Publish, vec![publish]), self.restart()].concat()
    }

    fn rollback(&self, opened: &Opened, to: &ReleaseId) -> Vec<Item> {
        let from = opened.hosts.first().and_then(|(_, host)| host.live.clone());
        let back = Builtin::Rollback(Rollback { to: to.clone(), from: from.clone(), log: LogLine::default() });
        let mut items =
            self.slot("deploy:rollback:revision", Slot::Publish, vec![self.builtin("deploy:rollback:revision", back)]);
        items.extend(self.restart());
        if let Some(release) = from {
            items.push(self.builtin("deploy:rollback:cleanup", Builtin::RemoveLeft { release, archive: false }));
        }
        items
    }
}

#[async_trait(?Send)]
impl Program for Recipe {
    async fn run(&self, hosts: &dyn Hosts) -> Result<(), Stopped> {
        let purpose = match self.verb {
            Verb::Deploy | Verb::Migrate | Verb::Tolerant | Verb::Waves | Verb::Failing => {
                Purpose::Deploy { release_name: None }
            }
            Verb::MarkBad | Verb::Pin => Purpose::Records,
            Verb::Rollback => Purpose::Rollback { to: self.to.as_ref().map(ToString::to_string) },
            Verb::Cleanup => Purpose::Cleanup,
            Verb::Recover => Purpose::Recover { migrated: Some(true) },
        };
        if self.verb == Verb::Tolerant {
            hosts.tolerate(Tolerance { failed: 1, needed: Vec::new() });
        }
        let transaction = Transaction { purpose, layout: layout(), hosts: self.hosts.clone(), sudo: false, site: None };
        let opened = hosts.begin(transaction).await?;
        let items = match (self.verb, &opened.release) {
            (Verb::Deploy | Verb::Migrate | Verb::Tolerant | Verb::Waves | Verb::Failing, Some(release)) => {
                self.deploy(release)
            }
            (Verb::MarkBad | Verb::Pin, _) => self.mark(),
            (Verb::Rollback, Some(release)) => self.rollback(&opened, release),
            (Verb::Recover, Some(release)) => self.republish(release),
            (Verb::Recover, None) => Vec::new(),
            _ => vec![self.builtin("deploy:cleanup", Builtin::Cleanup { keep: 1 })],
        };
        for item in items {
            hosts.record(item);
        }
        Ok(())
    }

    async fn undo(&self, _: HandlerId, _: &dyn Hosts) -> Result<(), Stopped> {
        Ok(())
    }

    fn host(&self, id: &HostId) -> Option<Host> {
        let (id, name) = (id.clone(), id.to_string());
        Some(Host { id, name, user: None, port: None, properties: Properties::new() })
    }
}
