//! Everything that stands against a run, on all hosts at once, each with what mends it.

use deploy_inventory::HostId;
use deploy_plan::{Layout, Problem, ProblemKind, Purpose, RemotePath, Transaction};
use indexmap::IndexMap;

use super::rights::{Unwritable, by_hand, chown, shown_word};
use crate::facts::{Current, HostFacts, Place, PlaceKind};

/// What [`open`](crate::open()) would refuse.
#[must_use]
pub fn blockers(transaction: &Transaction, facts: &IndexMap<HostId, HostFacts>) -> Vec<Problem> {
    found_on(transaction, facts, of_run)
}

/// The same for a run that has not come to its opening yet: directories that are missing may still be made.
#[must_use]
pub fn blockers_so_far(transaction: &Transaction, facts: &IndexMap<HostId, HostFacts>) -> Vec<Problem> {
    found_on(transaction, facts, |transaction, host, facts| {
        let missing = |place: &Place| place.kind == PlaceKind::Absent;
        if [&facts.deploy_to, &facts.releases_dir, &facts.current_dir].into_iter().any(missing) {
            return held(transaction, facts, &what_is_begun(transaction)).into_iter().collect();
        }
        of_run(transaction, host, facts)
    })
}

fn found_on(
    transaction: &Transaction,
    facts: &IndexMap<HostId, HostFacts>,
    of_run: impl Fn(&Transaction, &HostId, &HostFacts) -> Vec<Problem>,
) -> Vec<Problem> {
    let mut found: Vec<Problem> = facts
        .iter()
        .flat_map(|(host, facts)| {
            let host_problems = match transaction.purpose {
                Purpose::Read => Vec::new(),
                Purpose::Setup => of_setup(transaction, host, facts),
                _ => of_run(transaction, host, facts),
            };
            host_problems.into_iter().map(move |problem| problem.on(host))
        })
        .collect();
    if transaction.purpose != Purpose::Read {
        found.extend(shared_units(&transaction.layout, facts));
    }
    found.into_iter().map(|problem| problem.at(transaction.site.clone())).collect()
}

fn not_writable(what: &str, path: &RemotePath, place: &Place, host: &HostId, user: &str) -> Problem {
    refused(what, Unwritable::new(path, place, user), host)
}

fn refused(what: &str, found: Unwritable, host: &HostId) -> Problem {
    let next = found.command.map_or_else(|| Unwritable::ELSE.to_owned(), |command| by_hand(host, &command));
    Problem::new(ProblemKind::Layout, what, found.why).next(next)
}

/// Something else stands where a directory belongs.
fn no_directory(what: &str, path: &RemotePath, host: &HostId) -> Problem {
    refused(what, Unwritable::no_directory(path), host)
}

fn of_setup(transaction: &Transaction, host: &HostId, facts: &HostFacts) -> Vec<Problem> {
    let layout = &transaction.layout;
    let what = format!("set up {}", layout.deploy_to);
    let mut found = tools(facts, transaction.sudo);
    match (facts.deploy_to.kind, &facts.ancestor) {
        (PlaceKind::Other, _) => {
            found.push(no_directory(&what, &layout.deploy_to, host));
        }
        (PlaceKind::Absent, Some((path, place))) if place.kind == PlaceKind::Other => {
            found.push(refused(&what, Unwritable::below_a_file(path), host));
        }
        (PlaceKind::Absent, Some((path, place))) if !transaction.sudo && !place.writable => {
            found.push(refused(
                &what,
                Unwritable::to_make(&layout.deploy_to, path, place.owner.as_ref(), &facts.user),
                host,
            ));
        }
        (PlaceKind::Directory, _) if !transaction.sudo => {
            for (path, place) in [
                (&layout.deploy_to, &facts.deploy_to),
                (&layout.releases, &facts.releases_dir),
                (&layout.shared, &facts.shared_dir),
            ] {
                match place.kind {
                    PlaceKind::Directory if !place.writable => {
                        found.push(not_writable(&what, path, place, host, &facts.user))
                    }
                    PlaceKind::Other => {
                        found.push(no_directory(&what, path, host));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
    found
}

fn what_is_begun(transaction: &Transaction) -> String {
    let place = &transaction.layout.deploy_to;
    match transaction.purpose {
        Purpose::Rollback { .. } => format!("roll back in {place}"),
        Purpose::Recover { .. } => format!("recover what a run left in {place}"),
        Purpose::CatchUp => format!("catch up in {place}"),
        Purpose::Cleanup => format!("clean up in {place}"),
        Purpose::Records => format!("change the records of {place}"),
        _ => format!("deploy to {place}"),
    }
}

fn of_run(transaction: &Transaction, host: &HostId, facts: &HostFacts) -> Vec<Problem> {
    let layout = &transaction.layout;
    let what = what_is_begun(transaction);
    let mut found = tools(facts, transaction.sudo);
    let parent = layout.current.parent().unwrap_or_else(|| layout.deploy_to.clone());
    for (path, place) in
        [(&layout.deploy_to, &facts.deploy_to), (&layout.releases, &facts.releases_dir), (&parent, &facts.current_dir)]
    {
        match place.kind {
            PlaceKind::Absent => {
                let why = format!("{path} does not exist");
                found.push(Problem::new(ProblemKind::Layout, what, why).next("cap deploy:setup"));
                // What is below it is absent for the same reason.
                return found;
            }
            PlaceKind::Other => {
                found.push(no_directory(&what, path, host));
                return found;
            }
            PlaceKind::Directory => {}
        }
    }
    found.extend(held(transaction, facts, &what));
    found.extend(writable(transaction, host, facts, &what));
    found.extend(current(layout, host, &facts.current, &what));
    found.extend(same_filesystem(layout, facts, &what));
    found
}

/// A lock that a person has set stands against everything but our own records.
fn held(transaction: &Transaction, facts: &HostFacts, what: &str) -> Option<Problem> {
    let hold = facts.hold().filter(|_| transaction.purpose != Purpose::Records)?;
    let reason = if hold.reason.is_empty() { String::new() } else { format!(": {}", hold.reason) };
    let why = format!("{} locked it with `cap deploy:lock` at {}{reason}", hold.by, hold.since);
    Some(Problem::new(ProblemKind::Locked, what, why).next("ask who locked it, or: cap deploy:unlock"))
}

/// `sudo` renames and removes for us, but checkouts and our own records are made by the login itself, as in Capistrano.
fn writable(transaction: &Transaction, host: &HostId, facts: &HostFacts, what: &str) -> Vec<Problem> {
    let layout = &transaction.layout;
    let state = layout.state();
    let builds = matches!(transaction.purpose, Purpose::Deploy { .. } | Purpose::CatchUp | Purpose::Check);
    let mut found = Vec::new();
    let mut need = |path: &RemotePath, place: &Place| {
        if place.is_directory() && !place.writable {
            found.push(not_writable(what, path, place, host, &facts.user));
        }
    };
    if !transaction.sudo {
        need(&layout.deploy_to, &facts.deploy_to);
        if layout.current.parent().as_ref() != Some(&layout.deploy_to) {
            need(&layout.current.parent().unwrap_or_else(|| layout.deploy_to.clone()), &facts.current_dir);
        }
    }
    if builds || !transaction.sudo {
        need(&layout.releases, &facts.releases_dir);
    }
    need(&state, &facts.state_dir);
    if facts.state_dir.kind == PlaceKind::Other {
        found.push(no_directory(what, &state, host));
    } else if facts.state_dir.writable && !facts.ledger_writable {
        let path = state.join("ledger");
        let why = format!("{path} cannot be read and written by {}", facts.user);
        let path = path.to_string();
        let command = format!("chmod u+rw {} || {}", shown_word(&path), chown(&path, &facts.user));
        found.push(Problem::new(ProblemKind::Layout, what, why).next(by_hand(host, &command)));
    }
    found
}

fn current(layout: &Layout, host: &HostId, current: &Current, what: &str) -> Option<Problem> {
    let path = &layout.current;
    let kind = match current {
        Current::Unknown | Current::Absent | Current::Link { .. } => return None,
        Current::Directory => "a real directory",
        Current::Other => "a file",
    };
    let why = format!("{path} is {kind}, not a link to a release");
    let aside = shown_word(&format!("{path}.before"));
    let away = by_hand(host, &format!("mv {} {aside}", shown_word(&path.to_string())));
    let next = format!("look what is in it, then move it away; {away}");
    Some(Problem::new(ProblemKind::CurrentNotALink, what, why).next(next))
}

/// A rename over `current` is atomic only within one filesystem.
fn same_filesystem(layout: &Layout, facts: &HostFacts, what: &str) -> Option<Problem> {
    let here = facts.current_dir.owner.as_ref()?;
    let state = facts.state_dir.owner.as_ref().or(facts.deploy_to.owner.as_ref())?;
    if here.device == state.device {
        return None;
    }
    let why = format!(
        "{} and {} are on different filesystems, so the link could not be switched in one step",
        layout.current,
        layout.state()
    );
    Some(Problem::new(ProblemKind::Layout, what, why).next("keep both on one filesystem"))
}

fn tools(facts: &HostFacts, sudo: bool) -> Vec<Problem> {
    let mut found: Vec<Problem> = facts
        .tools
        .iter()
        .filter(|(_, there)| !**there)
        .map(|(tool, _)| {
            Problem::new(ProblemKind::MissingTool, format!("use {tool}"), "the program is not installed on the host")
                .next(format!("install {tool} on the host"))
        })
        .collect();
    if sudo && facts.sudo_present == Some(false) {
        found.push(
            Problem::new(ProblemKind::MissingTool, "use sudo", "the program is not installed on the host")
                .next("install sudo on the host, or: set :use_sudo, false"),
        );
    }
    found
}

/// Two hosts that are one and the same place would build, switch and remove the same releases twice.
#[must_use]
pub fn shared_units(layout: &Layout, facts: &IndexMap<HostId, HostFacts>) -> Vec<Problem> {
    let mut seen: IndexMap<crate::facts::UnitIdentity, &HostId> = IndexMap::new();
    let mut found = Vec::new();
    for (host, facts) in facts {
        let Some(unit) = facts.unit() else { continue };
        if let Some(other) = seen.get(&unit) {
            let why = format!("{other} and {host} share one {}", layout.deploy_to);
            let next = "name the machine once, or give one of the two names :no_release => true";
            found.push(Problem::new(ProblemKind::Usage, "tell the hosts apart", why).on(host).next(next));
        } else {
            seen.insert(unit, host);
        }
    }
    found
}
