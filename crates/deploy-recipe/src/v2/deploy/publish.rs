//! Making a release live, going back, and removing what was left.

use std::rc::Rc;

use deploy_plan::{Builtin, LogLine, Problem, ProblemKind, Publish, Purpose, Rollback};
use deploy_ruby::Call;

use super::table::{BuiltinTask, is};
use crate::v2::Cap;
use crate::v2::convert::{R, fail};

impl Cap {
    /// `deploy:create_symlink`; where the recipe has redefined it under its old name, that is called.
    pub async fn create_symlink(self: &Rc<Self>, call: &Call) -> R<()> {
        let old = self.tasks.borrow().find("deploy:symlink");
        if let Some(task) = old.filter(|task| !is(task, BuiltinTask::Symlink))
            && !self.is_inside("deploy:symlink")
        {
            let place = task.site.clone();
            return self.execute(call, task, place).await.map(drop);
        }
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let sudo = self.builtin_sudo(call).await?;
        let publish = match self.deploying() {
            Some(release) => {
                let pinned = self.pinned(call).await?.pinned;
                let (revision, label) = (Some(pinned.revision), pinned.label);
                Publish { release, revision, label, log: LogLine::default(), rollout: self.rollout(call).await? }
            }
            None => {
                let opened = self.open(call, Purpose::Republish, hosts.clone()).await?;
                let Some(release) = opened.release else {
                    let why = "there is no complete release on the hosts";
                    let mut problem = Problem::new(ProblemKind::Layout, "make the newest release live", why);
                    problem.next = Some("cap deploy builds one".to_owned());
                    return Err(fail(call, problem));
                };
                Publish {
                    label: format!("release {release}"),
                    release,
                    revision: None,
                    log: LogLine::default(),
                    rollout: None,
                }
            }
        };
        self.record_builtin(Builtin::Publish(publish), hosts, sudo).await;
        let mut flow = self.flow.borrow_mut();
        (flow.published, flow.switched) = (true, true);
        drop(flow);
        Ok(())
    }

    /// `MIGRATED=`: what a person says about migrations whose end nobody knows.
    pub fn migrated(&self, call: &Call) -> R<Option<bool>> {
        let said = call.interp().effects().env("MIGRATED").map(|word| word.trim().to_lowercase());
        match said.as_deref() {
            None | Some("") => Ok(None),
            Some("yes") => Ok(Some(true)),
            Some("no") => Ok(Some(false)),
            Some(other) => {
                let why = format!("MIGRATED is {other:?}, and that is neither yes nor no");
                let problem = Problem::new(ProblemKind::Usage, "recover what a run left", why);
                Err(fail(call, problem.next("say MIGRATED=yes or MIGRATED=no")))
            }
        }
    }

    /// `recover`: the engine brings the links in order; what is live is then restarted and proven like any other release.
    pub async fn recover(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let migrated = self.migrated(call)?;
        let sudo = self.builtin_sudo(call).await?;
        let opened = self.open(call, Purpose::Recover { migrated }, hosts.clone()).await?;
        if !opened.is_asked() {
            self.note_not_known("what a run has left unfinished");
            return Ok(());
        }
        let Some(release) = opened.release else {
            self.note("no run has left anything unfinished that a restart would finish");
            return Ok(());
        };
        let publish = Publish {
            label: format!("release {release}"),
            release,
            revision: None,
            log: LogLine::default(),
            rollout: None,
        };
        self.record_builtin(Builtin::Publish(publish), hosts, sudo).await;
        self.flow.borrow_mut().published = true;
        self.call_task(call, "deploy:restart").await
    }

    /// `deploy:rollback:revision`: to the release before, or the one that `RELEASE` names.
    pub async fn record_rollback(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let sudo = self.builtin_sudo(call).await?;
        let named = call.interp().effects().env("RELEASE");
        let to = named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let opened = self.open(call, Purpose::Rollback { to }, hosts.clone()).await?;
        let Some(to) = opened.release.clone() else {
            let why = "could not rollback the code because there is no prior release";
            return Err(fail(call, Problem::new(ProblemKind::NothingToRollBack, "roll back", why)));
        };
        let from = opened.hosts.iter().find_map(|(_, facts)| facts.live.clone());
        self.record_builtin(
            Builtin::Rollback(Rollback { to, from: from.clone(), log: LogLine::default() }),
            hosts,
            sudo,
        )
        .await;
        let mut flow = self.flow.borrow_mut();
        flow.published = true;
        flow.left = from;
        Ok(())
    }

    /// `deploy:rollback:cleanup`: the release that this run has left, or a newest one that is not live.
    pub async fn record_remove_left(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let sudo = self.builtin_sudo(call).await?;
        let left = self.flow.borrow().left.clone();
        let release = match left {
            Some(release) => Some(release),
            None => {
                let opened = self.open(call, Purpose::Cleanup, hosts.clone()).await?;
                if !opened.is_asked() {
                    self.note_not_known("whether a release was left behind");
                    return Ok(());
                }
                let facts = opened.hosts.into_iter().next().map(|(_, facts)| facts).unwrap_or_default();
                facts.releases.last().cloned().filter(|newest| facts.live.as_ref() != Some(newest))
            }
        };
        match release {
            Some(release) => self.record_builtin(Builtin::RemoveLeft { release, archive: false }, hosts, sudo).await,
            None => self.note("deploy:rollback:cleanup: the newest release is live, nothing was left behind"),
        }
        Ok(())
    }
}
