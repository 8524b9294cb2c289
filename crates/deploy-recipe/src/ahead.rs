//! What a flow is going to open, told while it is still at what hangs before that: so that every host can be locked and
//! looked at before a command of the recipe goes to any of them.

use std::rc::Rc;

use deploy_plan::{Purpose, Site, Transaction};
use deploy_ruby::{Call, Hash};

use crate::v2::{Body, BuiltinTask, Cap, R, TaskRef, Wanted, is_builtin};
use crate::v3::{Act, RakeTask};

/// A change of the hosts that is certain to come, unless something fails before.
pub(crate) struct Ahead {
    purpose: Purpose,
    site: Option<Site>,
}

fn deploy() -> Purpose {
    Purpose::Deploy { release_name: None }
}

fn rollback() -> Purpose {
    Purpose::Rollback { to: None }
}

impl Cap {
    /// What the outermost of the tasks that are being called is going to open.
    pub fn ahead(&self) -> Option<Ahead> {
        if self.is_three() {
            let invoking = self.v3.invoking.borrow();
            let purpose = invoking.iter().find_map(|task| self.purpose_of_rake(task))?;
            return Some(Ahead { purpose, site: None });
        }
        let flow = self.flow.borrow();
        let called = flow.frames.iter().map(|frame| (&frame.task, frame.site.clone()));
        let starting = flow.starting.iter().map(|task| (task, None));
        let mut all = starting.chain(called);
        all.find_map(|(task, site)| self.purpose_of(task).map(|purpose| Ahead { purpose, site }))
    }

    /// A task whose body, or that of what it calls, is the recipe's own may open nothing.
    fn purpose_of(&self, task: &TaskRef) -> Option<Purpose> {
        let Body::Builtin(builtin) = &task.body else { return None };
        let tasks = self.tasks.borrow();
        let ours = |name: &str, builtin| tasks.find(name).is_some_and(|task| is_builtin(&task, builtin));
        let switches = || {
            let own = !ours("deploy:create_symlink", BuiltinTask::CreateSymlink)
                || !ours("deploy:symlink", BuiltinTask::Symlink);
            (!own).then_some(Purpose::Republish)
        };
        let builds = || if ours("deploy:update_code", BuiltinTask::UpdateCode) { Some(deploy()) } else { switches() };
        match builtin {
            BuiltinTask::CatchUp => Some(Purpose::CatchUp),
            BuiltinTask::UpdateCode => Some(deploy()),
            BuiltinTask::Update | BuiltinTask::Migrations => builds(),
            BuiltinTask::Deploy | BuiltinTask::Cold if ours("deploy:update", BuiltinTask::Update) => builds(),
            BuiltinTask::CreateSymlink | BuiltinTask::Symlink => switches(),
            BuiltinTask::RollbackRevision => Some(rollback()),
            BuiltinTask::Rollback | BuiltinTask::RollbackCode => {
                ours("deploy:rollback:revision", BuiltinTask::RollbackRevision).then(rollback)
            }
            _ => None,
        }
    }

    fn purpose_of_rake(&self, task: &RakeTask) -> Option<Purpose> {
        let rake = self.v3.rake.borrow();
        let ours = |name: &str, act| rake.get(name).is_some_and(|task| task.has(act));
        let any = |acts: &[Act]| acts.iter().any(|act| task.has(*act));
        if any(&[Act::CatchUp]) {
            Some(Purpose::CatchUp)
        } else if any(&[Act::Deploy, Act::Updating, Act::NewReleasePath]) {
            ours("deploy:new_release_path", Act::NewReleasePath).then(deploy)
        } else if any(&[Act::Rollback, Act::Reverting, Act::RevertRelease, Act::RollbackReleasePath]) {
            ours("deploy:rollback_release_path", Act::RollbackReleasePath).then(rollback)
        } else if any(&[Act::Publishing, Act::SymlinkRelease]) {
            ours("deploy:symlink:release", Act::SymlinkRelease).then_some(Purpose::Republish)
        } else {
            None
        }
    }

    /// The whole of it, with layout and hosts as the variables say now; none where no host is meant.
    pub async fn transaction_ahead(self: &Rc<Self>, call: &Call, ahead: Ahead) -> R<Option<Transaction>> {
        let hosts = if self.is_three() {
            self.selected_release_hosts3(call).await?
        } else {
            let name = if matches!(ahead.purpose, Purpose::Deploy { .. }) {
                "deploy:update_code"
            } else {
                "deploy:create_symlink"
            };
            let options = self.tasks.borrow().find(name).map(|task| task.options.clone()).unwrap_or_default();
            let wanted = Wanted::read(call, Some(&options), &Hash::new()).await?;
            self.select(call, &wanted.selection).await?.into_iter().map(|host| host.id).collect()
        };
        if hosts.is_empty() {
            return Ok(None);
        }
        let layout = self.layout(call).await?;
        let sudo = self.builtin_sudo(call).await?;
        Ok(Some(Transaction { purpose: ahead.purpose, layout, hosts, sudo, site: ahead.site }))
    }
}
