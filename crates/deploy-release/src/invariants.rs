//! What must be true of units and fleets, whoever looks: one function per invariant, for every layer of tests.
//!
//! A [`UnitView`] is one unit at one moment; a simulator makes it from a tree in memory, a test on real hosts from what it
//! reads there. Each function answers with what is wrong in a sentence. The numbers are those of the project's list of
//! invariants (docs: architecture). Those about time and processes take what was measured.

use std::time::Duration;

use deploy_plan::{Outcome, ReleaseId, ReleaseState, Revision, RunId};

use crate::ledger::{Folded, LedgerLine, UnitHistory, fold, parse_ledger};

/// Which invariant is broken, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("I{number}: {why}")]
pub struct Broken {
    /// Its number in the list.
    pub number: u8,
    /// A sentence about what was seen.
    pub why: String,
}

/// What a check finds.
pub type Checked = Result<(), Broken>;

fn check(number: u8, holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Broken { number, why: why() }) }
}

/// One entry of `releases/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryView {
    /// Its name.
    pub name: String,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// What tells it from other directories, whatever they are called.
    pub identity: u64,
    /// A fingerprint of the checked-out files: paths, types, modes, contents, links; no SCM metadata.
    pub digest: u64,
}

/// One unit at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitView {
    /// What the unit is called.
    pub name: String,
    /// Entries of `releases/`.
    pub entries: Vec<EntryView>,
    /// The directory that `current` resolves to, if it does.
    pub live: Option<u64>,
    /// Whether there is a `current` at all.
    pub has_current: bool,
    /// The ledger as it is on disk.
    pub ledger: Vec<u8>,
    /// A fingerprint of `shared/`.
    pub shared: u64,
    /// A fingerprint of all that is not the deployment's.
    pub outside: u64,
    /// What lies in our own directory, by name: directories of links, graves in the trash, temporary files.
    pub leftovers: Vec<String>,
    /// Ready-made links and marks of claims, by name.
    pub links: Vec<String>,
}

impl UnitView {
    /// The ledger, folded.
    #[must_use]
    pub fn folded(&self) -> Folded {
        fold(&self.ledger)
    }

    /// The entry that is live.
    #[must_use]
    pub fn live_entry(&self) -> Option<&EntryView> {
        let live = self.live?;
        self.entries.iter().find(|entry| entry.is_directory && entry.identity == live)
    }

    fn entry(&self, id: &ReleaseId) -> Option<&EntryView> {
        self.entries.iter().find(|entry| entry.is_directory && entry.name == id.as_str())
    }

    fn live_name(&self) -> &str {
        self.live_entry().map_or("nothing", |entry| &entry.name)
    }
}

/// Whether the ledger takes a release for complete.
fn is_whole(state: ReleaseState) -> bool {
    matches!(state, ReleaseState::Ready | ReleaseState::Live | ReleaseState::Confirmed | ReleaseState::Reverted)
}

/// I1: once a first deploy is confirmed, `current` resolves to a release.
pub fn current_resolves(was_confirmed: bool, unit: &UnitView) -> Checked {
    check(1, !was_confirmed || unit.live_entry().is_some(), || format!("{}: current resolves to no release", unit.name))
}

/// I2: what the ledger calls complete is complete: it has the fingerprint of its revision.
pub fn complete_is_complete(unit: &UnitView, expected: &dyn Fn(&Revision) -> Option<u64>) -> Checked {
    for (id, known) in &unit.folded().releases {
        let wanted = known.revision.as_ref().and_then(expected);
        if let (true, Some(entry), Some(wanted)) = (is_whole(known.state), unit.entry(id), wanted) {
            check(2, entry.digest == wanted, || {
                format!("{}: {id} is {} and not whole", unit.name, known.state.word())
            })?;
        }
    }
    Ok(())
}

/// I3: every entry of `releases/` is known, and none that is not complete is live or a rollback's target.
pub fn entries_are_known(unit: &UnitView, history: &UnitHistory) -> Checked {
    let folded = unit.folded();
    for entry in &unit.entries {
        let known = ReleaseId::new(&entry.name).is_ok_and(|id| folded.releases.contains_key(&id));
        check(3, known, || format!("{}: the ledger knows nothing of {}", unit.name, entry.name))?;
    }
    let partial = |id: &ReleaseId| {
        folded.releases.get(id).is_none_or(|known| matches!(known.state, ReleaseState::Building | ReleaseState::Failed))
    };
    let target = history.rollback_targets().find(|target| partial(&target.id));
    check(3, target.is_none(), || format!("{}: a rollback could go to a partial release", unit.name))?;
    let live = unit.live_entry().and_then(|entry| ReleaseId::new(&entry.name).ok());
    check(3, live.is_none_or(|live| !partial(&live)), || format!("{}: {} is live", unit.name, unit.live_name()))
}

/// I4: a lookup of `current` gives the old or the new target, or nothing where nothing was before.
pub fn lookup_is_old_or_new(before: &UnitView, now: &UnitView, target: Option<&ReleaseId>) -> Checked {
    let is_old = now.live == before.live && now.has_current == before.has_current;
    let is_new =
        now.live.is_some() && now.live_entry().is_some_and(|entry| target.is_some_and(|id| entry.name == id.as_str()));
    check(4, is_old || is_new, || {
        format!("{}: current was {} and is {}", now.name, before.live_name(), now.live_name())
    })
}

/// I5: what was live before a run stays at least until the run is confirmed everywhere, and after that as what a rollback
/// goes to; a rollback may take it away then.
pub fn old_release_stays(before: &UnitView, now: &UnitView, may_go: bool) -> Checked {
    let Some(old) = before.live_entry() else { return Ok(()) };
    let there = now.entries.iter().any(|entry| entry.identity == old.identity && entry.digest == old.digest);
    check(5, may_go || there, || format!("{}: {} was live and is gone", now.name, old.name))
}

/// I6: whoever changes something holds the lock.
pub fn changes_need_the_lock(holder: Option<&RunId>, actor: &RunId, changed: bool) -> Checked {
    check(6, !changed || holder == Some(actor), || format!("{actor} changed something; the lock is {holder:?}"))
}

/// How long a lock may outlive its holder.
pub const LOCK_OUTLIVES: Duration = Duration::from_secs(16);

/// I7: a lock whose holder is dead can be taken without a person within 16 s, unless a step still runs.
pub fn lock_dies_with_holder(is_held: bool, step_runs: bool, since_death: Duration) -> Checked {
    check(7, !is_held || step_runs || since_death <= LOCK_OUTLIVES, || {
        format!("the lock is held after {since_death:?}")
    })
}

/// I8: only its owner releases a lock.
pub fn only_the_owner_releases(owner: Option<&RunId>, by: &RunId, released: bool) -> Checked {
    check(8, !released || owner == Some(by), || format!("{by} released the lock of {owner:?}"))
}

/// I9: the ledger only grows, what is torn is only its end, and a switch has its intent before it. `disk_failed` where
/// records could not be written: from the switch on the link itself is the truth then.
pub fn ledger_only_grows(before: &UnitView, now: &UnitView, disk_failed: bool) -> Checked {
    let (old, new) = (parse_ledger(&before.ledger).0, parse_ledger(&now.ledger).0);
    check(9, new.starts_with(&old), || format!("{}: the ledger lost records", now.name))?;
    let Some(live) = now.live_entry().filter(|entry| before.live != Some(entry.identity)) else { return Ok(()) };
    let is_intent = |line: &&LedgerLine| {
        matches!(line, LedgerLine::Release(entry) if entry.release.as_str() == live.name
            && !matches!(entry.state, ReleaseState::Building | ReleaseState::Failed | ReleaseState::Retired))
    };
    let intended = new.iter().skip(old.len()).any(|line| is_intent(&line));
    check(9, disk_failed || intended, || format!("{}: {} is live and nobody said so before", now.name, live.name))
}

/// I10: a rollback goes to the newest release, by sequence, that every host has as good and older than its live one.
pub fn rollback_target(units: &[UnitView], picked: Option<&ReleaseId>) -> Checked {
    let targets: Vec<Vec<(u64, ReleaseId)>> = units.iter().map(good_and_older).collect();
    let everywhere = |id: &ReleaseId| targets.iter().all(|known| known.iter().any(|(_, other)| other == id));
    let first = targets.first().into_iter().flatten();
    let wanted = first.filter(|(_, id)| everywhere(id)).max().map(|(_, id)| id);
    check(10, picked == wanted, || format!("a rollback picks {picked:?}, not {wanted:?}"))
}

fn good_and_older(unit: &UnitView) -> Vec<(u64, ReleaseId)> {
    let folded = unit.folded();
    let known = |entry: &EntryView| {
        let id = ReleaseId::new(&entry.name).ok()?;
        let known = folded.releases.get(&id)?;
        Some((known.sequence, known.good && !known.bad, id))
    };
    let Some((live, ..)) = unit.live_entry().and_then(known) else { return Vec::new() };
    let all = unit.entries.iter().filter_map(known);
    all.filter(|(sequence, good, _)| *good && *sequence < live).map(|(sequence, _, id)| (sequence, id)).collect()
}

/// I11: cleanup removes nothing that is live, was live, was good among the last `keep`, is pinned, or is an open run's.
pub fn cleanup_spares(before: &UnitView, now: &UnitView, keep: usize, left: bool) -> Checked {
    let gone = |entry: &&EntryView| now.entries.iter().all(|other| other.identity != entry.identity);
    let folded = now.folded();
    let mut good: Vec<(u64, &ReleaseId)> =
        folded.releases.iter().filter(|(_, known)| known.good).map(|(id, known)| (known.sequence, id)).collect();
    good.sort();
    let last: Vec<&ReleaseId> = good.iter().rev().take(keep).map(|(_, id)| *id).collect();
    for entry in before.entries.iter().filter(gone) {
        let Ok(id) = ReleaseId::new(&entry.name) else { continue };
        let pinned = folded.releases.get(&id).is_some_and(|known| known.pinned);
        let was_live = before.live == Some(entry.identity) && !left;
        let spared = now.live == Some(entry.identity) || was_live || pinned || (last.contains(&&id) && !left);
        check(11, !spared, || format!("{}: {id} was removed", now.name))?;
    }
    Ok(())
}

/// I12: nothing in `releases/` that was good is half-removed.
pub fn removal_leaves_no_half(before: &UnitView, now: &UnitView) -> Checked {
    let folded = now.folded();
    for old in &before.entries {
        let still = now.entries.iter().find(|entry| entry.identity == old.identity && entry.name == old.name);
        let id = ReleaseId::new(&old.name).ok();
        let counts = id.and_then(|id| folded.releases.get(&id)).is_some_and(|known| known.good);
        check(12, !counts || still.is_none_or(|entry| entry.digest == old.digest), || {
            format!("{}: {} is half removed", now.name, old.name)
        })?;
    }
    Ok(())
}

/// I13: one id is one and the same on all hosts.
pub fn one_id_one_content(units: &[UnitView], id: &ReleaseId) -> Checked {
    let whole = |unit: &&UnitView| unit.folded().releases.get(id).is_some_and(|known| is_whole(known.state));
    let mut digests = units.iter().filter(whole).filter_map(|unit| unit.entry(id)).map(|entry| entry.digest);
    let first = digests.next();
    check(13, digests.all(|digest| Some(digest) == first), || format!("{id} differs between hosts"))
}

/// I14: a success means that every targeted host is live on the release.
pub fn success_is_true(outcome: Outcome, units: &[UnitView], release: Option<&ReleaseId>) -> Checked {
    let success = matches!(outcome, Outcome::Deployed | Outcome::RolledBack);
    let wrong = units.iter().find(|unit| release.is_none_or(|id| unit.live_name() != id.as_str()));
    check(14, !success || wrong.is_none(), || {
        format!(
            "{outcome:?}, but {} is on {}",
            wrong.map_or("", |unit| &unit.name),
            wrong.map_or("", UnitView::live_name)
        )
    })
}

/// I14, the other way round: where a run says that nothing went live, or that all was put back, every host is as it was.
pub fn failure_is_true(outcome: Outcome, before: &[UnitView], now: &[UnitView]) -> Checked {
    let clean = matches!(outcome, Outcome::FailedClean | Outcome::PutBack | Outcome::Interrupted);
    let moved = before.iter().zip(now).find(|(old, new)| (old.live, old.has_current) != (new.live, new.has_current));
    check(14, !clean || moved.is_none(), || {
        format!("{outcome:?}, but {} is on another release", moved.map_or("", |(_, new)| &new.name))
    })
}

/// I15: what failed, was put back or was never decided becomes live only by a command that names it.
pub fn nothing_goes_live_by_itself(before: &UnitView, now: &UnitView, named: Option<&ReleaseId>) -> Checked {
    let Some(live) = now.live_entry() else { return Ok(()) };
    let moved = before.live != now.live;
    let is_named = named.is_some_and(|id| id.as_str() == live.name);
    let was_good = before.folded().releases.iter().any(|(id, known)| id.as_str() == live.name && known.good);
    check(15, !moved || is_named || was_good, || format!("{}: {} became live by itself", now.name, live.name))
}

/// I16: a step that may run once is started at most once in a run, on the whole fleet.
pub fn once_is_once(starts: usize, step: &str) -> Checked {
    check(16, starts <= 1, || format!("{step} was started {starts} times"))
}

/// I17: no text holds a secret in any form that can be read back.
pub fn secrets_stay_secret(secret: &str, texts: &[&[u8]]) -> Checked {
    let quoted = secret.replace('\'', "'\\''");
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let forms = [secret.to_owned(), quoted, base64(secret.as_bytes()), percent];
    let holds = |text: &&&[u8]| {
        forms.iter().any(|form| text.windows(form.len().max(1)).any(|window| window == form.as_bytes()))
    };
    check(17, !texts.iter().any(|text| holds(&text)), || "a secret can be read".to_owned())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(DIGITS.get(bits as usize & 63).copied().unwrap_or(b'='));
    // Without the last, partial group: that depends on what follows.
    let group = |three: &[u8]| three.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte));
    bytes.chunks_exact(3).map(group).flat_map(|bits| [18, 12, 6, 0].map(|shift| digit(bits >> shift))).collect()
}

/// I18: nothing outside of the deployment is written.
pub fn nothing_outside(before: &UnitView, now: &UnitView) -> Checked {
    check(18, before.outside == now.outside, || format!("{}: something outside of deploy_to changed", now.name))
}

/// I19: what a finished run leaves depends on how many releases are kept, never on how many runs there were.
pub fn leaves_nothing(unit: &UnitView, keep: usize) -> Checked {
    check(19, unit.leftovers.is_empty(), || format!("{}: left behind: {:?}", unit.name, unit.leftovers))?;
    // The good ones, the one that was live before, and the two newest that never were good.
    check(19, unit.entries.len() <= keep.max(2) + 3, || format!("{}: {} releases", unit.name, unit.entries.len()))
}

/// I19, where a run says that it has turned back on a host: nothing is left of what it was building there, however often the
/// connection went and came again. What cannot be mistaken for a release is taken away by the next run that enters: the mark
/// of a claim that came to nothing, and a link that was on its way to be `current`.
pub fn turned_back_leaves_nothing(before: &UnitView, now: &UnitView) -> Checked {
    let is_new = |entry: &&EntryView| before.entries.iter().all(|old| old.identity != entry.identity);
    let built = now.entries.iter().find(is_new);
    check(19, built.is_none(), || {
        format!("{}: turned back, and releases/{} is left", now.name, built.map_or("", |entry| &entry.name))
    })?;
    let there = |name: &str| now.entries.iter().any(|entry| entry.name == name);
    let of_nothing = |name: &&String| !(there(name) || name.starts_with('.') || *name == "current");
    let left = now.links.iter().filter(|name| !before.links.contains(name)).find(of_nothing);
    check(19, left.is_none(), || {
        format!("{}: turned back, and {} is left of no release", now.name, left.map_or("", String::as_str))
    })
}

/// I20: a run takes no longer than the deadlines on its longest path.
pub fn deadlines_hold(took: Duration, deadlines: Duration) -> Checked {
    check(20, took <= deadlines, || format!("it took {took:?}, and its deadlines allow {deadlines:?}"))
}

/// I21: recovering a second time changes nothing.
pub fn recovery_is_idempotent(first: &[UnitView], second: &[UnitView]) -> Checked {
    let seen = |unit: &UnitView| (unit.live, unit.entries.clone(), unit.leftovers.clone());
    let differs = first.iter().zip(second).find(|(a, b)| seen(a) != seen(b));
    check(21, differs.is_none(), || {
        format!("{}: the second recovery changed something", differs.map_or("", |(a, _)| &a.name))
    })
}

/// I22: what is shared is not changed.
pub fn shared_is_untouched(before: &UnitView, now: &UnitView) -> Checked {
    check(22, before.shared == now.shared, || format!("{}: shared/ changed", now.name))
}

/// I23: after a recovery the hosts that could be reached are equal.
pub fn recovered_hosts_agree(units: &[UnitView]) -> Checked {
    let mut names = units.iter().map(UnitView::live_name);
    let first = names.next();
    check(23, names.all(|name| Some(name) == first), || "after a recovery the hosts differ".to_owned())
}

/// I24: looking changes nothing.
pub fn looking_changes_nothing(before: &UnitView, now: &UnitView) -> Checked {
    check(24, before == now, || format!("{}: only looked at, and changed", now.name))
}

/// I25: a host that answers anything at all spoils nobody else's part.
pub fn garbage_stays_at_home(others_before: &[UnitView], others_now: &[UnitView], shown: &[u8]) -> Checked {
    let live = |units: &[UnitView]| units.iter().map(|unit| unit.live).collect::<Vec<_>>();
    check(25, live(others_before) == live(others_now), || "another host was switched".to_owned())?;
    let control = shown.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\n' | b'\t') || *byte == 0x7f);
    check(25, !control, || "a control byte reached the terminal".to_owned())
}

#[cfg(test)]
#[path = "invariants_tests.rs"]
mod tests;
