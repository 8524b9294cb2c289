//! What people read and say about releases: the list, marks, and the lock that stays until it is taken away.

use std::rc::Rc;

use deploy_inventory::HostId;
use deploy_plan::{
    Builtin, Event, HostRelease, KnownRelease, Level, Mark, Problem, ProblemKind, Purpose, ReleaseId, Revision,
};
use deploy_ruby::Call;

use crate::v2::Cap;
use crate::v2::convert::{R, fail};

impl Cap {
    /// The hosts that such a task is about.
    async fn hosts_of_records(self: &Rc<Self>, call: &Call) -> R<Option<Vec<HostId>>> {
        if self.is_three() { self.release_hosts3(call).await } else { self.task_hosts(call).await }
    }

    /// `releases`
    pub async fn list_releases(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.hosts_of_records(call).await? else { return Ok(()) };
        let opened = self.open(call, Purpose::Read, hosts).await?;
        if !opened.is_asked() {
            self.note_not_known("which releases there are");
            return Ok(());
        }
        for (host, facts) in &opened.hosts {
            if let Some(hold) = &facts.hold {
                let text = format!("locked by {} since {}: {}", hold.by, hold.since, hold.reason);
                self.port.tell(Event::Message { level: Level::Warning, host: Some(host.clone()), text });
            }
        }
        let rows: Vec<Vec<String>> = opened.hosts.iter().flat_map(|(host, facts)| rows(host, facts)).collect();
        if rows.is_empty() {
            let text = "there is no release on any of the hosts yet".to_owned();
            self.port.tell(Event::Message { level: Level::Info, host: None, text });
        }
        let columns = vec!["host", "release", "state", "revision", "by", "when"];
        self.port.tell(Event::Table { title: "releases".to_owned(), columns, rows });
        Ok(())
    }

    /// `release:bad` and its like.
    pub async fn mark_release(self: &Rc<Self>, call: &Call, mark: Mark, set: bool) -> R<()> {
        let refuse = |why: String| {
            let problem = Problem::new(ProblemKind::Usage, "mark a release", why);
            fail(
                call,
                problem.next("name it as in `cap release:bad RELEASE=20261123054446`; `cap releases` lists them"),
            )
        };
        let named = call.interp().effects().env("RELEASE").map(|name| name.trim().to_owned());
        let Some(name) = named.filter(|name| !name.is_empty()) else {
            return Err(refuse("it is not said which: RELEASE is not set".to_owned()));
        };
        let release = ReleaseId::new(&name).map_err(|error| refuse(error.to_string()))?;
        let Some(hosts) = self.hosts_of_records(call).await? else { return Ok(()) };
        self.open(call, Purpose::Records, hosts.clone()).await?;
        self.record_builtin(Builtin::Mark { release, mark, set }, hosts, false).await;
        Ok(())
    }

    /// `deploy:lock`
    pub async fn lock_fleet(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.hosts_of_records(call).await? else { return Ok(()) };
        let reason = call.interp().effects().env("MESSAGE").unwrap_or_default();
        let opened = self.open(call, Purpose::Records, hosts.clone()).await?;
        if let Some((host, hold)) = opened.hosts.iter().find_map(|(host, facts)| Some((host, facts.hold.as_ref()?))) {
            let why = format!("{} has locked it already, at {}: {}", hold.by, hold.since, hold.reason);
            let problem = Problem::new(ProblemKind::Locked, "lock the deployment", why).on(host);
            return Err(fail(call, problem.next("ask who locked it, or: cap deploy:unlock")));
        }
        self.record_builtin(Builtin::Hold { reason: Some(reason) }, hosts, false).await;
        Ok(())
    }

    /// `deploy:unlock`
    pub async fn unlock_fleet(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.hosts_of_records(call).await? else { return Ok(()) };
        let opened = self.open(call, Purpose::Records, hosts).await?;
        if !opened.is_asked() {
            self.note_not_known("whether somebody has locked the deployment");
            return Ok(());
        }
        let held: Vec<HostId> =
            opened.hosts.iter().filter(|(_, facts)| facts.hold.is_some()).map(|(host, _)| host.clone()).collect();
        if held.is_empty() {
            self.note("nobody has locked the deployment: there is nothing to unlock");
            return Ok(());
        }
        self.record_builtin(Builtin::Hold { reason: None }, held, false).await;
        Ok(())
    }
}

/// A row per release of a host.
fn rows(host: &HostId, facts: &HostRelease) -> Vec<Vec<String>> {
    let row = |known: &KnownRelease| {
        vec![
            host.to_string(),
            known.release.to_string(),
            state(known),
            known.revision.as_ref().map_or_else(String::new, Revision::to_string),
            known.by.clone().unwrap_or_default(),
            known.at.as_ref().map_or_else(String::new, |at| at.0.clone()),
        ]
    };
    facts.history.iter().map(row).collect()
}

/// What a release is, and its marks.
fn state(known: &KnownRelease) -> String {
    let mut words = vec![known.state.word().to_owned()];
    if known.live && known.state.word() != "live" {
        words.insert(0, "live".to_owned());
    }
    words.extend(known.bad.then(|| "bad".to_owned()));
    words.extend(known.pinned.then(|| "pinned".to_owned()));
    words.join(", ")
}
