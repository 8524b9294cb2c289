//! Squares the ledger with the directory listing and `current`: other tools deploy here too.

use deploy_plan::{ReleaseId, ReleaseState, Revision};

use super::fold::{Folded, Known, fold};
use super::history::{Release, UnitHistory};
use crate::facts::{Current, Entry, HostFacts};

/// What is true on a unit.
///
/// - `current` decides what is live, whatever the ledger says.
/// - A directory without a record was made by Capistrano: it counts as confirmed, like every release does there. Only
///   where the live release has a `REVISION` and it has none was it left half-made.
/// - A recorded release without a directory is retired.
/// - Of a host that nobody has asked it is known that something may be live, and nothing else.
/// - One that was being built by a run that is dead now has failed. (Whoever asks holds the lock or changes nothing, so
///   no other run is building.)
#[must_use]
pub fn reconcile(facts: &HostFacts) -> UnitHistory {
    if facts.current == Current::Unknown {
        return UnitHistory { live: Some(ReleaseId::known_at_run("live")), ..UnitHistory::default() };
    }
    let folded = fold(&facts.ledger);
    let live = facts.live();
    let mut history = UnitHistory { live: live.clone(), warnings: folded.warnings.clone(), ..UnitHistory::default() };

    for (id, known) in &folded.releases {
        let entry = facts.release_entries().find(|(name, _)| name == id).map(|(_, entry)| entry);
        let release = recorded(id, known, entry, live.as_ref(), &mut history.warnings);
        history.releases.push(release);
    }
    let strangers = order_strangers(facts, &folded, live.as_ref(), &mut history.warnings);
    let last = strangers.iter().map(|release| release.sequence).fold(folded.last_sequence, u64::max);
    history.releases.extend(strangers);
    history.releases.sort_by(|a, b| (a.sequence, &a.id).cmp(&(b.sequence, &b.id)));
    history.next_sequence = last + 1;
    history
}

fn recorded(
    id: &ReleaseId,
    known: &Known,
    entry: Option<&Entry>,
    live: Option<&ReleaseId>,
    warnings: &mut Vec<String>,
) -> Release {
    let is_live = live == Some(id);
    let state = match (known.state, entry.is_some()) {
        (ReleaseState::Retired | ReleaseState::Failed | ReleaseState::Reverted, true) if is_live => {
            warnings.push(format!("{id} is live although the ledger calls it {}", known.state.word()));
            ReleaseState::Live
        }
        (ReleaseState::Building | ReleaseState::Ready, true) if is_live => ReleaseState::Live,
        (ReleaseState::Building, true) => ReleaseState::Failed,
        // Its run died between the intent and the switch, or somebody else switched away from it.
        (ReleaseState::Live, true) if !is_live => {
            if known.good {
                ReleaseState::Confirmed
            } else {
                ReleaseState::Ready
            }
        }
        (ReleaseState::Live, true) if known.good => ReleaseState::Confirmed,
        (state @ (ReleaseState::Retired | ReleaseState::Failed), false) => state,
        (_, false) => ReleaseState::Retired,
        (state, true) => state,
    };
    Release {
        id: id.clone(),
        sequence: known.sequence,
        state,
        good: known.good && entry.is_some() && !known.bad,
        revision: known.revision.clone().or_else(|| entry.and_then(revision)),
        present: entry.is_some(),
        recorded: true,
        // `live` is told by the link and never written down after the fact.
        unwritten: matches!(state, ReleaseState::Retired | ReleaseState::Failed) && state != known.state,
        bad: known.bad,
        pinned: known.pinned,
        run: Some(known.run.clone()),
        by: Some(known.by.clone()),
        at: Some(known.at.clone()),
    }
}

fn revision(entry: &Entry) -> Option<Revision> {
    entry.revision.as_deref().and_then(|text| Revision::new(text).ok())
}

/// Releases without a record. They were made after our last run, or before our first one.
///
/// The live one, and whatever has a greater name than all that is recorded, comes last. One whose name stands before a
/// recorded one (its record was lost, or the directory was brought back by hand) takes its place by name, which is what
/// Capistrano goes by. Among themselves names decide.
fn order_strangers(
    facts: &HostFacts,
    folded: &Folded,
    live: Option<&ReleaseId>,
    warnings: &mut Vec<String>,
) -> Vec<Release> {
    let live_has_revision =
        live.is_some_and(|live| facts.release_entries().any(|(id, entry)| id == *live && entry.revision.is_some()));
    let mut names: Vec<(ReleaseId, &Entry)> =
        facts.release_entries().filter(|(id, _)| !folded.releases.contains_key(id)).collect();
    names.sort_by(|a, b| a.0.cmp(&b.0));
    let mut last = folded.last_sequence;
    names
        .into_iter()
        .map(|(id, entry)| {
            let next = folded
                .releases
                .iter()
                .filter(|(known, _)| known.is_well_formed() && id.is_well_formed() && **known > id)
                .map(|(_, known)| known.sequence)
                .min();
            let sequence = match next {
                Some(next) if live != Some(&id) => next.saturating_sub(1),
                _ => {
                    last += 1;
                    last
                }
            };
            let half_made = live_has_revision && entry.revision.is_none() && live != Some(&id);
            if half_made {
                warnings.push(format!("{id} has no REVISION: another tool left it half-made"));
            }
            Release {
                sequence,
                state: if half_made { ReleaseState::Failed } else { ReleaseState::Confirmed },
                good: !half_made,
                revision: revision(entry),
                present: true,
                recorded: false,
                unwritten: true,
                bad: false,
                pinned: false,
                run: None,
                by: None,
                at: None,
                id,
            }
        })
        .collect()
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
