//! `catch-up`: hosts that were left out of earlier runs, and new ones, get what the others serve; in both dialects.

use std::rc::Rc;

use deploy_inventory::HostId;
use deploy_plan::{Event, Level, Purpose};
use deploy_ruby::Call;

use crate::v2::{Cap, R};

impl Cap {
    /// `catch-up` of dialect 2: a deploy of what the others serve.
    pub async fn catch_up(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        if !self.is_anyone_behind(call, hosts).await? {
            return Ok(());
        }
        if let Some(place) = self.hook_that_migrates() {
            self.note(format!("warning: {place}, which this run does not leave out"));
        }
        self.call_task(call, "deploy").await
    }

    /// Opens the hosts that are behind; from then on the run is about them alone, and its release and revision are fixed.
    pub async fn is_anyone_behind(self: &Rc<Self>, call: &Call, hosts: Vec<HostId>) -> R<bool> {
        let opened = self.open(call, Purpose::CatchUp, hosts).await?;
        if !opened.is_asked() {
            self.note_not_known("which hosts are behind the others");
            return Ok(false);
        }
        let Some(release) = opened.release else {
            self.note("no host is behind the others: there is nothing to catch up with");
            return Ok(false);
        };
        let names: Vec<&str> = opened.hosts.iter().map(|(host, _)| host.as_str()).collect();
        let (is, them) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
        let revision =
            opened.revision.as_ref().map_or_else(String::new, |known| format!(" (revision {})", known.short()));
        let text = format!(
            "{} {is} behind and {is} brought to {release}{revision}, which the others serve; no migrations are run for {them}",
            names.join(", ")
        );
        self.port.tell(Event::Message { level: Level::Info, host: None, text });
        let mut flow = self.flow.borrow_mut();
        flow.catching_up = true;
        flow.revision = opened.revision;
        flow.pinned = None;
        Ok(true)
    }

    /// Whether a task is left out of this run: what the others serve has been migrated for.
    pub fn leaves_out(&self, task: &str) -> bool {
        let migrates = matches!(task, "deploy:migrate" | "deploy:migrating");
        let out = migrates && self.flow.borrow().catching_up;
        if out {
            self.note(format!(
                "{task} is not run: the release is live on other hosts, so the database is migrated for it"
            ));
        }
        out
    }
}
