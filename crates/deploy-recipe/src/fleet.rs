//! What a recipe says about hosts that cannot be reached or that fail: `unreachable` and `max_failed`, in both dialects.

use std::rc::Rc;

use deploy_inventory::{HostId, Property, Selection};
use deploy_plan::Tolerance;
use deploy_ruby::{Call, Value};

use crate::v2::{CATCH_UP, Cap, R};
use crate::v3::CATCH_UP_3;

/// Tasks of dialect 2 that build a release or make one live.
const CHANGING: &[&str] = &[
    "deploy",
    "deploy:default",
    "deploy:update",
    "deploy:update_code",
    "deploy:migrations",
    "deploy:cold",
    "deploy:rollback",
    "deploy:rollback:default",
    "deploy:rollback:code",
    CATCH_UP,
];

/// The same of dialect 3.
const CHANGING_3: &[&str] = &["deploy", "deploy:rollback", CATCH_UP_3];

/// Whether a task of this name may migrate: then the primary database host takes part, or nothing begins.
fn may_migrate(task: &str) -> bool {
    !task.starts_with("deploy:rollback") && task != CATCH_UP && task != CATCH_UP_3
}

impl Cap {
    /// Before the first task that changes the fleet: leaves out who cannot be reached, where the recipe says so, and tells how
    /// many may fail.
    pub async fn settle_fleet(self: &Rc<Self>, call: &Call, task: &str) -> R<()> {
        let changing = if self.is_three() { CHANGING_3 } else { CHANGING };
        if !changing.contains(&task) || !self.port.is_open() || self.flow.borrow().fleet_settled {
            return Ok(());
        }
        self.flow.borrow_mut().fleet_settled = true;
        self.look_at_health_checks(call).await?;
        self.rollout(call).await?;
        let skip = self.skips_unreachable(call).await?;
        let setting = self.fleet_setting(call, "max_failed").await?;
        if !skip && setting.is_nil() {
            return Ok(());
        }
        let hosts = self.all_selected(call).await?;
        let needed = if may_migrate(task) { self.migration_hosts(call).await? } else { Vec::new() };
        let needed: Vec<HostId> = needed.into_iter().filter(|host| hosts.contains(host)).collect();
        let failed = self.max_failed(call, &setting, hosts.len())?;
        if self.port.is_rehearsal() {
            self.note_policy(skip, failed, &needed);
        }
        if skip {
            self.port.reach(hosts, needed.clone()).await;
        }
        self.port.tolerate(Tolerance { failed, needed });
        Ok(())
    }

    /// A setting of ours in either dialect.
    pub async fn fleet_setting(self: &Rc<Self>, call: &Call, name: &str) -> R {
        let value = if self.is_three() { self.read3(call, name).await? } else { self.read(call, name).await? };
        Ok(value.unwrap_or_default())
    }

    /// `unreachable`
    async fn skips_unreachable(self: &Rc<Self>, call: &Call) -> R<bool> {
        let value = self.fleet_setting(call, "unreachable").await?;
        match value.as_name().unwrap_or_else(|| value.to_s()).trim() {
            "skip" => Ok(true),
            "" | "abort" => Ok(false),
            other => Err(self.no_value(call, "unreachable", other, ":skip or :abort")),
        }
    }

    /// `max_failed`: a number of hosts, or a part of them that is rounded down.
    fn max_failed(&self, call: &Call, setting: &Value, hosts: usize) -> R<usize> {
        let text = setting.to_s();
        count_of(&text, hosts).ok_or_else(|| {
            self.no_value(call, "max_failed", &text, "a number of hosts (1) or a part of them (\"25%\")")
        })
    }

    /// All hosts that the filters leave.
    async fn all_selected(self: &Rc<Self>, call: &Call) -> R<Vec<HostId>> {
        if self.is_three() {
            let all: Vec<_> = self.v3.servers.borrow().iter().cloned().collect();
            let left = self.filtered(call, all).await?;
            return Ok(left.iter().map(crate::v3::Server::id).collect());
        }
        let hosts = self.select(call, &Selection::all()).await?;
        Ok(hosts.into_iter().map(|host| host.id).collect())
    }

    /// The hosts on which this recipe migrates, if it does.
    async fn migration_hosts(self: &Rc<Self>, call: &Call) -> R<Vec<HostId>> {
        if self.is_three() {
            if self.v3.rake.borrow().get("deploy:migrate").is_none() {
                return Ok(Vec::new());
            }
            let role = self.fleet_setting(call, "migration_role").await?.as_name().unwrap_or_else(|| "db".to_owned());
            let found = self.v3.servers.borrow().in_roles(&[role]);
            let is_primary =
                |server: &&crate::v3::Server| server.properties.get("primary").is_some_and(Property::is_truthy);
            let primary = found.iter().find(is_primary).or(found.first());
            return Ok(primary.map(crate::v3::Server::id).into_iter().collect());
        }
        let asked =
            self.flow.borrow().asked.iter().any(|name| name.starts_with("deploy:migrat") || name == "deploy:cold");
        if !asked && !self.own_flag(call, "migrate_on_deploy", true).await? {
            return Ok(Vec::new());
        }
        let primary = Selection::roles(["db"]).only("primary", Property::Bool(true));
        let hosts = self.select(call, &primary).await?;
        Ok(hosts.into_iter().map(|host| host.id).collect())
    }

    fn note_policy(&self, skip: bool, failed: usize, needed: &[HostId]) {
        let names: Vec<&str> = needed.iter().map(HostId::as_str).collect();
        let but = if names.is_empty() { String::new() } else { format!(", but never {}", names.join(", ")) };
        if skip {
            self.note(format!(
                "hosts that cannot be reached before the run begins are left out{but} (set :unreachable, :skip)"
            ));
        }
        if failed > 0 {
            let hosts = if failed == 1 { "1 host".to_owned() } else { format!("{failed} hosts") };
            self.note(format!("up to {hosts} may fail before the switch and are left out{but} (max_failed)"));
        }
    }
}

/// How many hosts a text means: a number, or a part in percent that is rounded down.
fn count_of(text: &str, hosts: usize) -> Option<usize> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    match text.strip_suffix('%') {
        Some(part) => {
            let part: usize = part.trim().parse().ok().filter(|part| *part <= 100)?;
            Some(hosts * part / 100)
        }
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::count_of;

    #[test]
    fn counts_and_parts() {
        for (text, hosts, count) in [
            ("", 5, Some(0)),
            ("0", 5, Some(0)),
            ("2", 5, Some(2)),
            (" 25% ", 8, Some(2)),
            ("25%", 7, Some(1)),
            ("10%", 5, Some(0)),
            ("100%", 5, Some(5)),
            ("101%", 5, None),
            ("-1", 5, None),
            ("some", 5, None),
            ("%", 5, None),
        ] {
            assert_eq!(count_of(text, hosts), count, "{text:?} of {hosts}");
        }
    }
}
