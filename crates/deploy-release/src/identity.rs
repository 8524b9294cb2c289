//! Who runs, when, and which name a new release gets.

use deploy_plan::{NameError, ReleaseId, RunId, When};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::facts::HostFacts;

/// A run as the ledger names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunIdentity {
    /// Its id.
    pub run: RunId,
    /// Who, on which machine: `alice@laptop`.
    pub by: String,
    /// The deployer's clock when it began.
    pub unix_seconds: i64,
}

impl RunIdentity {
    /// The moment for people.
    #[must_use]
    pub fn when(&self) -> When {
        When(stamp(self.unix_seconds, "%Y-%m-%dT%H:%M:%SZ"))
    }

    /// The person's name alone.
    #[must_use]
    pub fn user(&self) -> &str {
        self.by.split('@').next().unwrap_or(&self.by)
    }
}

/// Seconds since 1970 as UTC text; a moment that no calendar holds becomes the first one.
fn stamp(seconds: i64, form: &str) -> String {
    let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned(TimeZone::UTC).strftime(form).to_string()
}

/// The moment that a release name tells, if it tells one.
fn moment_of(id: &ReleaseId) -> Option<i64> {
    let text = Some(id.as_str()).filter(|_| id.is_well_formed())?;
    let civil = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_second())
}

const DAY: i64 = 24 * 60 * 60;

/// A name for a new release: UTC `YYYYMMDDHHMMSS` by the deployer's clock, greater than every well-formed name seen on
/// these hosts that is not more than a day ahead of that clock (one that is further ahead is a mistake that must not
/// spread), and new on all of them.
///
/// # Errors
/// When the clock shows a time that makes no name.
pub fn allocate(unix_seconds: i64, hosts: &[&HostFacts]) -> Result<ReleaseId, NameError> {
    let seen: Vec<i64> = hosts.iter().flat_map(|facts| names_seen(facts)).filter_map(|id| moment_of(&id)).collect();
    let limit = unix_seconds.saturating_add(DAY);
    let newest = seen.iter().copied().filter(|moment| *moment <= limit).max();
    let mut moment = newest.map_or(unix_seconds, |newest| unix_seconds.max(newest.saturating_add(1)));
    while seen.contains(&moment) {
        moment = moment.saturating_add(1);
    }
    ReleaseId::new(&stamp(moment, "%Y%m%d%H%M%S"))
}

/// Every name that is taken on a host: by a directory, or by a release that the ledger remembers.
pub(crate) fn names_seen(facts: &HostFacts) -> Vec<ReleaseId> {
    let mut names: Vec<ReleaseId> =
        facts.releases.iter().filter_map(|entry| ReleaseId::new(&entry.name).ok()).collect();
    names.extend(crate::ledger::fold(&facts.ledger).releases.into_keys());
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Entry, EntryKind};

    fn with(names: &[&str]) -> HostFacts {
        let entry =
            |name: &&str| Entry { name: (*name).into(), exact: true, kind: EntryKind::Directory, revision: None };
        HostFacts { releases: names.iter().map(entry).collect(), ..HostFacts::default() }
    }

    // 2026-11-23 06:04:39 UTC
    const NOW: i64 = 1_795_413_879;

    #[test]
    fn names_by_the_clock_and_never_backwards() {
        let cases: [(&[&str], &str); 7] = [
            (&[], "20261123060439"),
            (&["20261123060438", "zebra", "99999999999999"], "20261123060439"),
            (&["20261123060439"], "20261123060440"),
            (&["20261123070000"], "20261123070001"),
            (&["20261124060439"], "20261124060440"),
            (&["20261124060440"], "20261123060439"),
            (&["20261123235959"], "20261124000000"),
        ];
        for (seen, expected) in cases {
            let facts = with(seen);
            assert_eq!(allocate(NOW, &[&facts, &with(&[])]).unwrap().as_str(), expected, "{seen:?}");
        }
    }

    #[test]
    fn one_name_for_the_fleet() {
        let (a, b) = (with(&["20261123060450"]), with(&["20261123060500"]));
        assert_eq!(allocate(NOW, &[&a, &b]).unwrap().as_str(), "20261123060501");
    }

    #[test]
    fn moments_for_people() {
        let run = RunIdentity { run: RunId::new("r").unwrap(), by: "alice@laptop".into(), unix_seconds: NOW };
        assert_eq!(run.when().0, "2026-11-23T06:04:39Z");
        assert_eq!(run.user(), "alice");
    }
}
