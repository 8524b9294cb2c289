//! Steps that find out whether the restarted application is healthy.

use deploy_inventory::HostId;
use deploy_plan::{
    Command, CommandText, HealthCheck, HealthItem, PortCheck, Probe, Problem, ProblemKind, ReleaseId, Slot, StepClass,
    Work,
};
use deploy_shell::quote;
use indexmap::IndexMap;

use super::Planner;
use super::draft::{Draft, NewStep};

impl Planner {
    /// A phase of its own behind the restart: it begins when every host has restarted, and a failure turns all of them
    /// back. Checks that are recorded in a row make one phase. Where nothing was published there is nothing to gate.
    pub(super) fn health(&mut self, item: &HealthItem, draft: &mut Draft) -> Result<(), Problem> {
        let Some(published) = self.published.as_ref().filter(|published| !published.confirmed) else { return Ok(()) };
        let hosts: Vec<HostId> = item.hosts.iter().filter(|host| published.hosts.contains(host)).cloned().collect();
        if hosts.is_empty() {
            draft.warn(format!("no host of this run is checked: {}", item.check));
            return Ok(());
        }
        let text = text(&item.check, &published.release, &hosts)?;
        let shown = format!("health check: {}", item.check);
        let command = Command {
            shown: shown.clone(),
            text,
            hosts,
            task: None,
            site: item.site.clone(),
            class: StepClass::Idempotent,
            sudo: false,
            pty: false,
            max_hosts: None,
            continue_on_error: false,
            forward_agent: false,
        };
        let mut step = NewStep::new(Slot::Health, shown, Work::Command(command));
        // A question to a port keeps its deadline itself, and can say then what it has seen.
        let asks_a_port = matches!(item.check.probe, Probe::Http(_) | Probe::Tcp { .. });
        step.deadline = Some(item.check.deadline).filter(|_| !asks_a_port);
        step.site.clone_from(&item.site);
        draft.health(step, &mut self.handlers);
        Ok(())
    }
}

/// What each host gets.
fn text(check: &HealthCheck, release: &ReleaseId, hosts: &[HostId]) -> Result<CommandText, Problem> {
    if matches!(check.probe, Probe::Http(_) | Probe::Tcp { .. }) {
        return Ok(CommandText::Health(Box::new(PortCheck { check: check.clone(), release: release.clone() })));
    }
    let texts: Result<IndexMap<HostId, String>, Problem> = hosts
        .iter()
        .map(|host| {
            let text = attempts(&check.on_host(host), release).map_err(|error| {
                Problem::new(ProblemKind::Usage, format!("plan the health check: {check}"), error.to_string())
            })?;
            Ok((host.clone(), text))
        })
        .collect();
    let texts = texts?;
    let same = texts.values().next().filter(|first| texts.values().all(|text| text == *first)).cloned();
    Ok(same.map_or(CommandText::PerHost(texts), CommandText::Same))
}

/// A command as often as it takes, for whatever shell the login has. The pause is in whole seconds: not every `sleep`
/// knows less.
fn attempts(check: &HealthCheck, release: &ReleaseId) -> Result<String, deploy_shell::QuoteError> {
    let once = match &check.probe {
        Probe::Unit(unit) => format!("systemctl is-active -- {}", quote(unit)?),
        Probe::Command(text) => format!("\"${{SHELL:-/bin/sh}}\" -c {}", quote(text)?),
        Probe::Http(_) | Probe::Tcp { .. } => return Ok(String::new()),
    };
    let pause = check.interval.as_millis().div_ceil(1000);
    let most = check.attempts;
    let body = format!(
        "RELEASE={release}; export RELEASE; cap_n=1\n\
         while :; do\n\
         cap_out=$({once} 2>&1 </dev/null); cap_s=$?\n\
         [ \"$cap_s\" -eq 0 ] && exit 0\n\
         [ \"$cap_n\" -ge {most} ] && break\n\
         cap_n=$((cap_n + 1)); sleep {pause}\n\
         done\n\
         [ -z \"$cap_out\" ] || printf '%s\\n' \"$cap_out\"\n\
         echo \"attempt $cap_n of {most}: exit status $cap_s\" >&2\n\
         exit \"$cap_s\"",
        release = quote(release.as_str())?,
    );
    Ok(format!("sh -c {}", quote(&body)?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use deploy_plan::{Item, Plan, Purpose, Vantage};

    use super::*;
    use crate::fixture::*;
    use crate::{Checker, open};

    const NEW: &str = "20261123060439";

    fn check(probe: Probe) -> HealthCheck {
        let (interval, timeout) = (Duration::from_millis(1500), Duration::from_secs(5));
        let deadline = Duration::from_secs(60);
        HealthCheck { probe, from: Vantage::Host, attempts: 3, interval, timeout, deadline }
    }

    fn item(probe: Probe, hosts: &[&str]) -> Item {
        let hosts = hosts.iter().map(|name| host(name)).collect();
        Item::Health(HealthItem { check: check(probe), hosts, site: None })
    }

    /// The flow of the classic recipe with these in front of the edge.
    fn planned(checks: Vec<Item>) -> Plan {
        let purpose = Purpose::Deploy { release_name: None };
        let fleet = open(&transaction(purpose, &FLEET), &identity(), &fleet(&["20261101000000"])).unwrap();
        let mut items = classic(NEW);
        let edge = items.iter().position(|item| *item == Item::Edge).unwrap();
        items.splice(edge..edge, checks);
        let plan = Planner::new(fleet.context.clone()).segment(&items, true).unwrap();
        Checker::new(&fleet.context).check(&plan).unwrap();
        plan
    }

    #[test]
    fn checks_make_one_phase_between_the_restart_and_what_counts_on_it() {
        let tcp = Probe::Tcp { host: "127.0.0.1".into(), port: 80 };
        let plan =
            planned(vec![item(tcp, &["app1", "elsewhere"]), item(Probe::Unit("puma".into()), &["app1", "app2"])]);
        let slots: Vec<Slot> = plan.phases.iter().map(|phase| phase.slot).collect();
        let end = slots.iter().position(|slot| *slot == Slot::Restart).unwrap();
        assert_eq!(slots[end..], [Slot::Restart, Slot::Health, Slot::After]);
        let phase = &plan.phases[end + 1];
        let steps: Vec<(Slot, usize)> = phase.steps.iter().map(|step| (step.slot, step.hosts().count())).collect();
        // The proof of all hosts travels behind the checks.
        assert_eq!(steps, [(Slot::Health, 1), (Slot::Health, 2), (Slot::Confirm, FLEET.len())]);
        assert_eq!(phase.steps[0].deadline, None);
        assert_eq!(phase.steps[1].deadline, Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_check_without_a_host_is_said_and_without_a_release_is_none() {
        let plan = planned(vec![item(Probe::Unit("puma".into()), &["elsewhere"])]);
        assert!(plan.notes.iter().any(|note| note.warning && note.text.starts_with("no host of this run is checked")));
        assert!(plan.phases.iter().all(|phase| phase.slot != Slot::Health));
        let mut planner = Planner::task_only(identity());
        let plan = planner.segment(&[item(Probe::Unit("puma".into()), &["app1"])], true).unwrap();
        assert!(plan.phases.is_empty() && plan.notes.is_empty());
    }

    #[test]
    fn commands_are_repeated_on_the_host() {
        let release = ReleaseId::new(NEW).unwrap();
        let hosts = [host("app1"), host("app2")];
        let same = text(&check(Probe::Command("it's up".into())), &release, &hosts).unwrap();
        let CommandText::Same(sh) = same else { panic!("{same:?}") };
        assert!(sh.starts_with("sh -c 'RELEASE=20261123060439; export RELEASE"), "{sh}");
        assert!(sh.contains("-ge 3 ] && break") && sh.contains("sleep 2\n"), "{sh}");
        let own = text(&check(Probe::Command("ask $CAPISTRANO:HOST$".into())), &release, &hosts).unwrap();
        let CommandText::PerHost(texts) = own else { panic!("{own:?}") };
        assert!(texts[&host("app2")].contains("ask app2"), "{texts:?}");
    }
}
