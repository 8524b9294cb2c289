//! Hosts whose clocks are wrong, or this machine's: worth a word, because logs and certificates go by them. No order does.

use deploy_inventory::HostId;
use deploy_plan::Level;
use deploy_release::HostFacts;
use indexmap::IndexMap;

use crate::run::Run;

/// From how many seconds on it is worth a word.
const TOLERATED: i64 = 60;

impl Run<'_> {
    /// Warns, once per run and host, of clocks that are off. The hosts read theirs at some moment since `begun`, by this
    /// machine's clock; how long they took is not held against them.
    pub(crate) fn warn_of_clocks(&self, begun: i64, facts: &IndexMap<HostId, HostFacts>) {
        let now = self.ports.clock.unix_seconds().max(begun);
        let off = |facts: &HostFacts| Some(offset(facts.clock?, begun, now)).filter(|off| off.abs() > TOLERATED);
        let wrong: Vec<(&HostId, i64)> = facts.iter().filter_map(|(host, facts)| Some((host, off(facts)?))).collect();
        let mut state = self.state.borrow_mut();
        let new: Vec<String> = wrong
            .iter()
            .filter(|(host, _)| !state.skewed.contains(*host))
            .map(|(host, off)| format!("{host} is {} {}", span(*off), if *off > 0 { "ahead" } else { "behind" }))
            .collect();
        if new.is_empty() {
            return;
        }
        state.skewed.extend(wrong.iter().map(|(host, _)| (*host).clone()));
        drop(state);
        let whose = match wrong.len() == facts.len() && facts.len() > 1 {
            true => "no host agrees with this machine's clock, so that one may be wrong",
            false => "set the clocks right there (NTP)",
        };
        self.say(
            Level::Warning,
            format!("clocks differ: {}; {whose}; the order of releases does not depend on it", new.join(", ")),
        );
    }
}

/// How far a clock is off that was read between two moments.
fn offset(theirs: i64, begun: i64, now: i64) -> i64 {
    theirs.saturating_sub(theirs.clamp(begun, now))
}

/// A time in its two largest units.
fn span(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds.unsigned_abs();
    let mut parts = Vec::new();
    for (size, unit) in units {
        if left >= size && parts.len() < 2 {
            parts.push(format!("{} {unit}", left / size));
            left %= size;
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_wrong_clock() {
        assert_eq!(offset(1_050, 1_000, 1_100), 0);
        assert_eq!(offset(1_170, 1_000, 1_100), 70);
        assert_eq!(offset(900, 1_000, 1_100), -100);
        assert_eq!(offset(i64::MIN, 1_000, 1_100), i64::MIN);
    }

    #[test]
    fn spans_are_short() {
        let cases =
            [(61, "1 min 1 s"), (-3_720, "1 h 2 min"), (90_061, "1 d 1 h"), (86_401, "1 d 1 s"), (120, "2 min")];
        for (seconds, text) in cases {
            assert_eq!(span(seconds), text);
        }
    }
}
