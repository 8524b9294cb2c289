//! One cell: the run with its fault, and what comes after.

use std::fs;
use std::path::Path;

use deploy_plan::ReleaseId;
use deploy_release::invariants as i;
use rustix::process::Signal;

use super::cell::{Cell, Kind, Scenario, Then};
use super::ground::{Field, Ground, KEEP, ROOT, as_root, plain, quiet, restore, run, state, views};
use super::judge::{after_run, runs_what_is_live, same_everywhere, target, told, units};
use super::view::View;
use crate::support::{Ran, Stage};
use crate::terminal::{Background, until};

/// Everything that is wrong in a cell.
pub fn play(ground: &mut Ground, cell: &Cell) -> Vec<String> {
    let field = ground.field(cell.kind.is_of_the_disk());
    let stage = &field.stage;
    restore(stage, &state(cell.scenario, cell.hosts), cell.hosts);
    let before = views(stage, cell.hosts);
    let ran = faulted(field, cell);
    let mut found = at_once(stage, cell, &before);
    if cell.then != Then::DeployAtOnce {
        quiet(stage, cell.hosts);
        let now = views(stage, cell.hosts);
        let target = target(cell.scenario, &field.commits[3], &before, &now);
        found.extend(after_run(cell, &before, &now, target.as_ref(), &field.whole));
        found.extend(told(cell, ran.code, &before, &now, target.as_ref()));
    }
    if found.is_empty() {
        found.extend(match cell.then {
            Then::DeployAtOnce | Then::Deploy => deploys(field, cell),
            Then::Recover => recovers(stage, cell),
        });
    }
    if found.is_empty() {
        found.extend(goes_back(stage, cell));
    }
    if !found.is_empty() {
        found.push(format!("the run with the fault said ({}): {}", ran.code, ran.text.replace('\n', "\n      ")));
    }
    found
}

/// The run that the fault meets. What has been done to a host is undone behind it.
fn faulted(field: &Field, cell: &Cell) -> Ran {
    let stage = &field.stage;
    let mark = stage.project.join("mark");
    let _ = fs::remove_file(&mark);
    let mut command = field.faulty(cell.scenario, cell.hosts);
    command.env("CAPSTAN_FAULT", cell.fault()).env("CAPSTAN_FAULT_MARK", &mark);
    let mut run = Background::start(command);
    if cell.kind.is_made_here() {
        until("the place is reached, or the run is over", || mark.exists() || !run.runs());
        if mark.exists() {
            strike(stage, cell, &run, &mark);
        }
    }
    let ran = run.end();
    match cell.kind {
        Kind::Host => stage.fleet.start_host(&cell.host).unwrap(),
        Kind::ReadOnly => as_root(stage, &cell.host, "mount -o remount,rw /var/www"),
        Kind::Full | Kind::Inodes => as_root(stage, &cell.host, "rm -rf /var/www/fill*"),
        _ => {}
    }
    ran
}

fn strike(stage: &Stage, cell: &Cell, run: &Background, mark: &Path) {
    match cell.kind {
        Kind::Host => stage.fleet.stop_host(&cell.host).unwrap(),
        Kind::Interrupt => run.signal(Signal::INT),
        Kind::ReadOnly => {
            // Refused as long as a file is open for writing there: then this cell is one without a fault.
            let _ = stage.fleet.run_as(&cell.host, deploy_testbed::RunAs::Root, "mount -o remount,ro /var/www");
        }
        Kind::Full => {
            as_root(
                stage,
                &cell.host,
                "dd if=/dev/zero bs=4096 of=/var/www/fill 2>/dev/null; ! echo x >> /var/www/fill",
            );
        }
        _ => {
            let text = "mkdir -p /var/www/fill.d; cd /var/www/fill.d && seq 2000 | xargs touch 2>/dev/null; true";
            as_root(stage, &cell.host, text);
        }
    }
    let _ = fs::remove_file(mark);
}

/// What is true at every moment: `current` resolves to a whole release wherever there was one before.
fn at_once(stage: &Stage, cell: &Cell, before: &[View]) -> Vec<String> {
    let resolves = |view: &&View| {
        let text = format!("test -e {ROOT}/current/REVISION && test -e {ROOT}/current/VERSION && echo whole; true");
        view.unit.live.is_none() || stage.on(&view.unit.name, &text) == "whole"
    };
    let broken = before[..cell.hosts].iter().filter(|view| !resolves(view));
    broken.map(|view| format!("I1: at once: current of {} resolves to no whole release", view.unit.name)).collect()
}

/// Again as long as the lock of the dead run is held.
fn when_free(stage: &Stage, hosts: usize, args: &[&str]) -> Ran {
    let mut last = None;
    until("the lock is free", || {
        let ran = run(plain(stage, hosts, args));
        let refused = ran.code == 5;
        last = Some(ran);
        !refused
    });
    last.unwrap()
}

fn said(what: &str, ran: &Ran) -> String {
    format!("{what} ended with {}: {}", ran.code, ran.text.replace('\n', "\n      "))
}

/// A plain deploy of a newer commit publishes what it was asked to.
fn deploys(field: &Field, cell: &Cell) -> Vec<String> {
    let stage = &field.stage;
    let commit = format!("revision={}", field.commits[4]);
    let deploy = ["deploy", "-S", &commit];
    let mut ran = when_free(stage, cell.hosts, &deploy);
    if ran.code == 7 && cell.scenario == Scenario::Migrations {
        // Only a person knows how the migrations ended.
        let recovered = when_free(stage, cell.hosts, &["recover", "MIGRATED=yes"]);
        if recovered.code != 0 {
            return vec![said("recover MIGRATED=yes", &recovered)];
        }
        ran = when_free(stage, cell.hosts, &deploy);
    }
    if ran.code != 0 {
        return vec![said("the next deploy", &ran)];
    }
    let now = views(stage, cell.hosts);
    let mut found = same_everywhere(&now);
    for view in &now {
        let live = view.unit.live_entry().map(|entry| entry.digest);
        if live != field.whole.get(&field.commits[4]).copied() {
            found.push(format!("{}: the next deploy did not publish what it was asked to", view.unit.name));
        }
        found.extend(i::leaves_nothing(&view.unit, KEEP).err().map(|broken| broken.to_string()));
    }
    found.extend(i::recovered_hosts_agree(&units(&now)).err().map(|broken| broken.to_string()));
    found.extend(runs_what_is_live(&now));
    found
}

/// `cap recover` brings the hosts to one release; a second one changes nothing.
fn recovers(stage: &Stage, cell: &Cell) -> Vec<String> {
    let mut ran = when_free(stage, cell.hosts, &["recover"]);
    if ran.code == 7 && cell.scenario == Scenario::Migrations {
        ran = when_free(stage, cell.hosts, &["recover", "MIGRATED=yes"]);
    }
    if ran.code != 0 {
        return vec![said("recover", &ran)];
    }
    let first = views(stage, cell.hosts);
    let mut found: Vec<String> = Vec::new();
    found.extend(i::recovered_hosts_agree(&units(&first)).err().map(|broken| broken.to_string()));
    found.extend(runs_what_is_live(&first));
    let again = run(plain(stage, cell.hosts, &["recover"]));
    if again.code != 0 || !again.text.contains("no run has left anything unfinished") {
        found.push(said("I21: the second recover", &again));
    }
    let second = views(stage, cell.hosts);
    found.extend(i::recovery_is_idempotent(&units(&first), &units(&second)).err().map(|broken| broken.to_string()));
    let wrote = first.iter().zip(&second).filter(|(a, b)| a.unit.ledger != b.unit.ledger);
    found.extend(wrote.map(|(a, _)| format!("I21: {}: the second recover wrote into the ledger", a.unit.name)));
    found
}

/// A rollback goes to what was good before.
fn goes_back(stage: &Stage, cell: &Cell) -> Vec<String> {
    let before = views(stage, cell.hosts);
    let ran = run(plain(stage, cell.hosts, &["deploy:rollback"]));
    let now = views(stage, cell.hosts);
    let live = |view: &View| view.unit.live_entry().and_then(|entry| ReleaseId::new(&entry.name).ok());
    let picked = if ran.code == 0 { now.first().and_then(live) } else { None };
    let mut found: Vec<String> = i::rollback_target(&units(&before), picked.as_ref())
        .err()
        .map(|broken| broken.to_string())
        .into_iter()
        .collect();
    if ran.code == 0 {
        found.extend(runs_what_is_live(&now));
        found.extend(i::recovered_hosts_agree(&units(&now)).err().map(|broken| broken.to_string()));
    } else if before.iter().zip(&now).any(|(old, new)| old.unit.live != new.unit.live) {
        found.push("a rollback that was refused changed what is live".to_owned());
    }
    if !found.is_empty() {
        found.push(said("the rollback", &ran));
    }
    found
}
