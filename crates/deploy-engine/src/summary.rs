//! The end of a run in numbers and one row per host.

use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{HostResult, HostRow, Outcome, Problem, ProblemKind, ReleaseId, Revision, Summary};

use deploy_release::UnitState;

use crate::engine::{Ended, Mode};
use crate::run::{Run, State};
use crate::serving::{release_of, serving, who_serves_what};

/// What "deployed" means as long as nobody has said what healthy is.
const NO_HEALTH_CHECK: &str =
    "no health check is configured: deployed means that every link was read back and every restart command succeeded";

impl Run<'_> {
    /// Puts the end together.
    pub(crate) fn end(self, elapsed: Duration) -> Ended {
        let narrowed = self.program.narrowed();
        let mode = self.settings.mode;
        let mut state = self.state.into_inner();
        if mode != Mode::Real {
            // The plan says who would be left out; nothing has been left out yet.
            state.apart.clear();
        }
        let outcome = outcome(&state, mode);
        let mut notes = state.notes.clone();
        let migrated = state.machine.as_ref().is_some_and(deploy_release::FleetMachine::has_migrated);
        if migrated && !state.past_edge {
            notes.push(of_migrations(&state.migrations_failed));
        }
        if outcome == Outcome::Deployed && !state.gated {
            notes.push(NO_HEALTH_CHECK.to_owned());
        }
        notes.extend(only_built(&state, outcome));
        notes.extend(catch_up(&state, outcome));
        notes.extend(up_to_date(&state, outcome));
        let window = state.switched.iter().max().zip(state.switched.iter().min()).map(|(last, first)| *last - *first);
        let rows = rows(&state, outcome);
        notes.extend(who_serves_what(&state, &rows));
        let differing = differing(&state, outcome, &rows);
        let unproven = unproven(outcome, &rows, &state.problems);
        let summary = Summary {
            outcome,
            rows,
            narrowed,
            notes,
            elapsed,
            window: window.filter(|_| state.publishing),
            late_failure: !state.late.is_empty(),
            abandoned: !state.abandoned.is_empty(),
            unrestarted: outcome == Outcome::Stuck && !state.restart_failed.is_empty() && state.not_put_back.is_empty(),
            commands_ran: state.commands_ran,
        };
        let mut problems = one_per_lost_host(state.problems, &differing);
        problems.extend(unproven);
        problems.extend(state.late);
        let plan = (mode != Mode::Real).then_some(state.rehearsed);
        Ended { summary, problems, plan }
    }
}

/// Where an interrupted run leaves something live that was so before it (the recovery of another run), nothing is put back,
/// and nobody has failed; but who is not proven must be named.
fn unproven(outcome: Outcome, rows: &[HostRow], problems: &[Problem]) -> Vec<Problem> {
    if outcome != Outcome::Stuck || problems.iter().any(|problem| problem.host.is_some()) {
        return Vec::new();
    }
    let named = |row: &HostRow| {
        let release = row.release.as_ref()?;
        let why = format!("{release} is live there, and this run ended before it had restarted and proven it");
        let problem = Problem::new(ProblemKind::NotUniform, "finish what was begun", why).on(&row.host);
        Some(problem.next("`cap recover` goes on (in a recipe of Capistrano 3 the task is deploy:recover)"))
    };
    rows.iter().filter(|row| row.result == HostResult::Live).filter_map(named).collect()
}

/// What a run that was turned back leaves in the database.
fn of_migrations(failed: &[HostId]) -> String {
    if failed.is_empty() {
        return "migrations were run, and turning back does not undo them: the schema stays migrated".to_owned();
    }
    let hosts = failed.iter().map(HostId::to_string).collect::<Vec<_>>().join(", ");
    format!("the migration failed on {hosts}, and turning back does not undo it: what it had done by then stays")
}

/// A release that this run has built on a host and nothing has made live.
fn built<'a>(state: &'a State, outcome: Outcome, host: &HostId) -> Option<&'a ReleaseId> {
    let unit = state.machine.as_ref().filter(|_| outcome == Outcome::Done && !state.publishing)?.unit(host);
    let opened = state.opening.as_ref().map(|opening| &opening.opened)?;
    opened.release.as_ref().filter(|_| unit == Some(UnitState::Ready) && state.revision.is_some())
}

/// How hosts that the run went on without come to what the others serve now.
fn catch_up(state: &State, outcome: Outcome) -> Option<String> {
    let went_on = matches!(outcome, Outcome::Deployed | Outcome::RolledBack);
    let names: Vec<&str> = state.apart.iter().map(|apart| apart.host.as_str()).collect();
    let (is, it) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
    (went_on && !names.is_empty()).then(|| {
        format!(
            "{} {is} not on the release of this run; `cap catch-up` brings {it} there, and so does the next deploy that \
             reaches {it}",
            names.join(", ")
        )
    })
}

/// Hosts on which a run that brings others along had nothing to do.
fn up_to_date(state: &State, outcome: Outcome) -> Option<String> {
    let names: Vec<&str> = state.up_to_date.iter().map(|(host, _)| host.as_str()).collect();
    let caught_up = outcome == Outcome::Deployed && !names.is_empty();
    caught_up.then(|| format!("{} served that release already, and nothing was done there", names.join(", ")))
}

fn only_built(state: &State, outcome: Outcome) -> Option<String> {
    let hosts = &state.opening.as_ref()?.transaction.hosts;
    let release = hosts.iter().find_map(|host| built(state, outcome, host))?;
    Some(format!(
        "release {release} is built and not live: `cap deploy:create_symlink` makes it live; the table shows what is live now"
    ))
}

fn outcome(state: &State, mode: Mode) -> Outcome {
    let stuck = state.problems.iter().any(|problem| problem.kind == ProblemKind::NeedsPerson);
    let interrupted = state.problems.iter().any(|problem| problem.kind == ProblemKind::Interrupted);
    let failed = !state.problems.is_empty();
    if mode != Mode::Real {
        return if failed { Outcome::FailedClean } else { Outcome::Done };
    }
    match (&state.machine, failed) {
        (_, true) if stuck || left_switched(state) => Outcome::Stuck,
        (Some(machine), true) if state.publishing => match machine.outcome() {
            // Something failed before the edge, so whatever the hosts have, this run did not succeed.
            Outcome::Deployed | Outcome::RolledBack | Outcome::Done => Outcome::FailedClean,
            outcome => outcome,
        },
        (_, true) if interrupted => Outcome::Interrupted,
        (_, true) => Outcome::FailedClean,
        (Some(machine), false) => machine.outcome(),
        (None, false) => Outcome::Done,
    }
}

/// Whether a second Ctrl-C has left a host on the release that was to be put back there.
fn left_switched(state: &State) -> bool {
    state.abandoned.iter().any(|host| is_live(state, host))
}

fn is_live(state: &State, host: &HostId) -> bool {
    state.machine.as_ref().is_some_and(|machine| machine.unit(host) == Some(UnitState::Live))
}

/// For each host that was lost after its switch: what it and the others serve, as far as it is known.
fn differing(state: &State, outcome: Outcome, rows: &[HostRow]) -> Vec<(HostId, String)> {
    let Some(machine) = state.machine.as_ref().filter(|_| outcome == Outcome::Stuck && state.publishing) else {
        return Vec::new();
    };
    let Some(new) = state.opening.as_ref().and_then(|opening| opening.opened.release.as_ref()) else {
        return Vec::new();
    };
    let others: Vec<String> = serving(rows).into_iter().map(|line| line + "; ").collect();
    let lost = rows.iter().filter(|row| row.result == HostResult::Unknown);
    let switched = lost.filter(|row| machine.unit(&row.host) == Some(UnitState::Live));
    switched
        .map(|row| (row.host.clone(), format!("{}{} was last switched to {new}", others.concat(), row.host)))
        .collect()
}

/// That such a host was lost and that it could not be put back has one cause: it is told once.
fn one_per_lost_host(problems: Vec<Problem>, differing: &[(HostId, String)]) -> Vec<Problem> {
    let mut kept: Vec<Problem> = Vec::new();
    for mut problem in problems {
        let told = differing.iter().find(|(host, _)| problem.host.as_ref() == Some(host));
        if let Some((host, serves)) = told.filter(|_| problem.kind == ProblemKind::Lost) {
            if kept.iter().any(|other| other.kind == ProblemKind::NotUniform && other.host.as_ref() == Some(host)) {
                continue;
            }
            problem.kind = ProblemKind::NotUniform;
            problem.why = format!("{}; {serves}", problem.why);
        }
        kept.push(problem);
    }
    kept
}

fn rows(state: &State, outcome: Outcome) -> Vec<HostRow> {
    // A run that was refused as a whole has not touched the hosts that nothing stands against, but it was about them.
    let targeted = state.opening.as_ref().map_or(&state.targeted, |opening| &opening.transaction.hosts);
    let mut hosts: Vec<HostId> = targeted.clone();
    let apart = state.apart.iter().map(|apart| &apart.host);
    let idle = state.up_to_date.iter().map(|(host, _)| host);
    for host in
        idle.chain(apart).chain(&state.touched).chain(state.problems.iter().filter_map(|problem| problem.host.as_ref()))
    {
        if !hosts.contains(host) {
            hosts.push(host.clone());
        }
    }
    hosts.into_iter().map(|host| row(state, outcome, host)).collect()
}

fn row(state: &State, outcome: Outcome, host: HostId) -> HostRow {
    let mut all = state.problems.iter().chain(&state.unreached);
    let failed = all.find(|problem| problem.host.as_ref() == Some(&host));
    let result = result(state, outcome, &host, failed);
    let (release, revision) = live(state, &host, result);
    let left_out = state.dropped.contains(&host);
    let apart = state.apart.iter().find(|apart| apart.host == host).map(|apart| apart.why.clone());
    let note = apart.or_else(|| failed.map(|problem| problem.what.clone())).unwrap_or_default();
    let note = match built(state, outcome, &host) {
        _ if note.is_empty() && left_out => "left out after a failure".to_owned(),
        Some(release) if note.is_empty() => format!("built {release}"),
        _ if note.is_empty() && state.blocked.contains(&host) => "not ready".to_owned(),
        _ => note,
    };
    let round_trips = state.round_trips.get(&host).copied().unwrap_or_default();
    let elapsed = state.worked.get(&host).copied().unwrap_or_default();
    HostRow { elapsed, host, release, revision, result, note, round_trips }
}

fn result(state: &State, outcome: Outcome, host: &HostId, failed: Option<&Problem>) -> HostResult {
    let in_machine = state.machine.as_ref().filter(|_| state.publishing).map(|machine| machine.host_result(host));
    if state.apart.iter().any(|apart| apart.host == *host) {
        return HostResult::LeftOut;
    }
    if state.up_to_date.iter().any(|(other, _)| other == host) {
        return if failed.is_some() { HostResult::Failed } else { HostResult::Idle };
    }
    if state.returned.contains(host) {
        // It is known again: what was begun there was undone over the new connection.
        let was_live = state.machine.as_ref().is_some_and(|machine| machine.has_been_live(host));
        return if was_live { HostResult::PutBack } else { HostResult::Failed };
    }
    if state.abandoned.contains(host) {
        return if is_live(state, host) { HostResult::Unknown } else { HostResult::Failed };
    }
    match (in_machine, failed, outcome) {
        (None, None, _) if state.dropped.contains(host) => HostResult::Failed,
        (Some(result), None, _) => result,
        (Some(result @ (HostResult::Live | HostResult::PutBack | HostResult::Unknown)), Some(_), _) => result,
        (_, Some(problem), _) if problem.kind == ProblemKind::Lost => HostResult::Unknown,
        (_, Some(_), _) => HostResult::Failed,
        (None, None, Outcome::Done) => HostResult::Ok,
        (None, None, _) => HostResult::Unchanged,
    }
}

/// What is live on a host now, as far as it was read.
fn live(state: &State, host: &HostId, result: HostResult) -> (Option<ReleaseId>, Option<Revision>) {
    if let Some((_, known)) = state.up_to_date.iter().find(|(other, _)| other == host) {
        return (known.live.clone(), known.live_revision.clone());
    }
    let Some(opening) = &state.opening else { return (None, None) };
    let before = opening.opened.hosts.iter().find(|(id, _)| id == host).map(|(_, release)| release);
    let unit = state.machine.as_ref().filter(|_| state.publishing).and_then(|machine| machine.unit(host));
    match (result, unit) {
        (HostResult::Unknown, _) => (None, None),
        // What could not be undone there may have moved the link or not: the message says what was found.
        (HostResult::Failed, _) if state.publishing && state.not_put_back.contains(host) => {
            (state.found.get(host).and_then(|target| release_of(target)), None)
        }
        (HostResult::Live, _) | (_, Some(UnitState::Live | UnitState::Confirmed)) => {
            (opening.opened.release.clone(), state.revision.clone())
        }
        _ => before.map_or((None, None), |before| (before.live.clone(), before.live_revision.clone())),
    }
}
