//! The setting `health_check`, in both dialects: what has to answer before a restarted release counts as good.

mod read;

use std::rc::Rc;

use deploy_inventory::{HostId, Property, Selection};
use deploy_plan::{HealthItem, Item, Problem, ProblemKind};
use deploy_ruby::{Call, Unwind};

use crate::v2::{Cap, R, fail};
use read::{Given, Wrong};

/// Its name.
const SETTING: &str = "health_check";
/// The role whose hosts are checked where the recipe names none.
const APP: &str = "app";

impl Cap {
    /// Reads the setting before any host is asked for anything, so that a slip of the pen is no failed deploy.
    pub async fn look_at_health_checks(self: &Rc<Self>, call: &Call) -> R<()> {
        for given in self.health_checks(call).await? {
            self.health_hosts(call, &given).await?;
        }
        Ok(())
    }

    /// Behind the restart: records what has to be healthy now.
    pub async fn record_health(self: &Rc<Self>, call: &Call) -> R<()> {
        for given in self.health_checks(call).await? {
            let hosts = self.health_hosts(call, &given).await?;
            let site = self.set_at(SETTING);
            self.port.record(Item::Health(HealthItem { check: given.check, hosts, site }));
        }
        Ok(())
    }

    async fn health_checks(self: &Rc<Self>, call: &Call) -> R<Vec<Given>> {
        let value = self.fleet_setting(call, SETTING).await?;
        read::checks(&value).map_err(|wrong| self.wrong_check(call, &wrong))
    }

    fn wrong_check(&self, call: &Call, wrong: &Wrong) -> Unwind {
        let problem = Problem::new(ProblemKind::Usage, "read the variable `health_check'", wrong.why.clone());
        fail(call, problem.at(self.set_at(SETTING)).next(wrong.next.clone()))
    }

    /// The hosts of the roles that it names; else those of the role `app`, else all that have releases.
    async fn health_hosts(self: &Rc<Self>, call: &Call, given: &Given) -> R<Vec<HostId>> {
        let known: Vec<String> = match self.is_three() {
            true => self.v3.servers.borrow().roles().into_iter().collect(),
            false => self.inventory.borrow().roles().map(str::to_owned).collect(),
        };
        if let Some(name) = given.roles.iter().flatten().find(|name| *name != "all" && !known.contains(name)) {
            let why = format!("its roles name {name:?}, and the recipe has no such role (it has {})", known.join(", "));
            let next = "name roles of the recipe, or leave :roles out".to_owned();
            return Err(self.wrong_check(call, &Wrong { why, next }));
        }
        let roles = match &given.roles {
            Some(roles) => roles.clone(),
            None if known.iter().any(|name| name == APP) => vec![APP.to_owned()],
            None => vec!["all".to_owned()],
        };
        if self.is_three() {
            let found: Vec<_> = self.v3.servers.borrow().in_roles(&roles);
            let found = found.into_iter().filter(|server| !server.no_release()).collect();
            return Ok(self.filtered(call, found).await?.iter().map(crate::v3::Server::id).collect());
        }
        let every = roles.iter().any(|name| name == "all");
        let selection = if every { Selection::all() } else { Selection::roles(roles) };
        let hosts = self.select(call, &selection.except("no_release", Property::Bool(true))).await?;
        Ok(hosts.into_iter().map(|host| host.id).collect())
    }
}
