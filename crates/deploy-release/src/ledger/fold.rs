//! The fold over the ledger: what each release became, by the ledger alone.

use deploy_plan::{Mark, ReleaseId, ReleaseState, Revision, RunId, When};
use indexmap::IndexMap;

use super::record::{LedgerLine, parse_ledger};

/// What the ledger knows of one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its place in the order of releases.
    pub sequence: u64,
    /// What it became last.
    pub state: ReleaseState,
    /// Whether it was ever live when its run succeeded on the whole fleet, and was not rejected after that.
    pub good: bool,
    /// Its revision.
    pub revision: Option<Revision>,
    /// The run that wrote the last record.
    pub run: RunId,
    /// Who wrote it.
    pub by: String,
    /// When.
    pub at: When,
    /// Never roll back to it.
    pub bad: bool,
    /// Never remove it.
    pub pinned: bool,
}

/// The whole ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Releases in order of their first record.
    pub releases: IndexMap<ReleaseId, Known>,
    /// The highest sequence number seen.
    pub last_sequence: u64,
    /// Damage found while reading.
    pub warnings: Vec<String>,
}

/// Reads and folds a ledger.
#[must_use]
pub fn fold(bytes: &[u8]) -> Folded {
    let (lines, warnings) = parse_ledger(bytes);
    let mut folded = Folded { warnings, ..Folded::default() };
    for line in lines {
        match line {
            LedgerLine::Release(entry) => {
                folded.last_sequence = folded.last_sequence.max(entry.sequence);
                let known = folded.releases.entry(entry.release).or_insert_with(|| Known {
                    sequence: entry.sequence,
                    state: entry.state,
                    good: false,
                    revision: None,
                    run: entry.run.clone(),
                    by: String::new(),
                    at: entry.at.clone(),
                    bad: false,
                    pinned: false,
                });
                if entry.state == ReleaseState::Building {
                    // A name that is built again is another release: it stands at the end of the order.
                    known.sequence = entry.sequence;
                    (known.bad, known.pinned, known.revision) = (false, false, None);
                }
                known.good = match entry.state {
                    ReleaseState::Confirmed => true,
                    // Going live again is an intent; it takes nothing from a release that was good.
                    ReleaseState::Live => known.good,
                    _ => false,
                };
                known.state = entry.state;
                known.revision = entry.revision.or(known.revision.take());
                (known.run, known.by, known.at) = (entry.run, entry.by, entry.at);
            }
            LedgerLine::Mark(entry) => {
                if let Some(known) = folded.releases.get_mut(&entry.release) {
                    match entry.mark {
                        Mark::Bad => known.bad = entry.set,
                        Mark::Pinned => known.pinned = entry.set,
                    }
                }
            }
        }
    }
    folded
}
