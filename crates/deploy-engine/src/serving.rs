//! What hosts serve that could not be put back: read there, and told at the end beside what all others serve.

use deploy_inventory::HostId;
use deploy_plan::{HostResult, HostRow, ReleaseId};
use deploy_release::read_current_script;
use indexmap::IndexMap;

use crate::flight::{Job, JobKind, Output};
use crate::run::{Run, State};

impl Run<'_> {
    /// Asks the hosts that were not put back and still answer where `current` points to now.
    pub(crate) async fn see_what_is_live(&self) {
        let hosts: Vec<HostId> = self.state.borrow().not_put_back.clone();
        let Some(layout) = self.layout() else { return };
        let job = Job {
            step: None,
            title: "read current".to_owned(),
            kind: JobKind::Shell { body: read_current_script(&layout) },
            output: Output::Kept,
            always: true,
            needs_lock: false,
            deadline: None,
        };
        let there = hosts.into_iter().filter(|host| !self.fleet.is_lost(host));
        let mut flights: IndexMap<HostId, Vec<Job>> = IndexMap::new();
        for host in there {
            flights.entry(host).or_insert_with(|| vec![job.clone()]);
        }
        for (host, results) in self.fleet.fly(flights.into_iter().collect()).await {
            let read = results.first().filter(|result| result.status.is_success());
            if let Some(target) = read.map(|result| String::from_utf8_lossy(&result.stdout).trim_end().to_owned()) {
                self.state.borrow_mut().found.insert(host, target);
            }
        }
    }
}

/// The release that a link names.
pub(crate) fn release_of(target: &str) -> Option<ReleaseId> {
    target.trim_end_matches('/').rsplit('/').next().and_then(|name| ReleaseId::new(name).ok())
}

/// Who serves what, where hosts are known to serve different releases.
pub(crate) fn who_serves_what(state: &State, rows: &[HostRow]) -> Option<String> {
    if !rows.iter().any(|row| state.found.contains_key(&row.host)) {
        return None;
    }
    let serving = serving(rows);
    (serving.len() > 1).then(|| serving.join("; "))
}

/// For each release the hosts that are known to serve it.
pub(crate) fn serving(rows: &[HostRow]) -> Vec<String> {
    let mut all: IndexMap<String, Vec<&str>> = IndexMap::new();
    for row in rows.iter().filter(|row| row.result != HostResult::Unknown) {
        let serves = row.release.as_ref().map_or_else(|| "no release".to_owned(), ToString::to_string);
        all.entry(serves).or_default().push(row.host.as_str());
    }
    let verb = |hosts: &[&str]| if hosts.len() == 1 { "serves" } else { "serve" };
    all.iter().map(|(release, hosts)| format!("{} {} {release}", hosts.join(", "), verb(hosts))).collect()
}
