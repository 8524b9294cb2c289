//! Waves: parts of the fleet that get a release one after the other.

use std::fmt;
use std::time::Duration;

use deploy_inventory::HostId;

/// How many hosts a wave has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaveSize {
    /// That many.
    Hosts(usize),
    /// A part of all hosts in percent, rounded up, so that it is never none.
    Percent(u8),
}

/// How a release gets to the fleet, where that is not at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// The sizes of the waves in order. The last one counts again and again until every host has had its turn.
    pub sizes: Vec<WaveSize>,
    /// How long a wave is watched before the next begins.
    pub pause: Duration,
    /// Whether a person is asked before the next begins.
    pub ask: bool,
}

impl Rollout {
    /// The hosts of each wave, in the order given.
    #[must_use]
    pub fn waves(&self, hosts: &[HostId]) -> Vec<Vec<HostId>> {
        let count = |size: &WaveSize| match *size {
            WaveSize::Hosts(count) => count.max(1),
            WaveSize::Percent(part) => (hosts.len() * usize::from(part)).div_ceil(100).max(1),
        };
        let mut sizes = self.sizes.iter().map(count);
        let (mut waves, mut left, mut size) = (Vec::new(), hosts, hosts.len());
        while !left.is_empty() {
            size = sizes.next().unwrap_or(size).min(left.len());
            let (wave, rest) = left.split_at(size);
            waves.push(wave.to_vec());
            left = rest;
        }
        waves
    }
}

/// The wave that a phase belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wave {
    /// Which, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// In the first phase of each wave but the first: what comes before it.
    pub gate: Option<Gate>,
}

impl fmt::Display for Wave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wave {} of {}", self.number, self.of)?;
        let Some(gate) = self.gate else { return Ok(()) };
        match (gate.pause.is_zero(), gate.ask) {
            (true, false) => Ok(()),
            (false, false) => write!(f, " (after {} s)", gate.pause.as_secs_f64()),
            (true, true) => write!(f, " (when you say yes)"),
            (false, true) => write!(f, " (after {} s, when you say yes)", gate.pause.as_secs_f64()),
        }
    }
}

/// What comes between two waves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// How long the wave before is watched.
    pub pause: Duration,
    /// Whether a person is asked.
    pub ask: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes(sizes: &[WaveSize], hosts: usize) -> Vec<usize> {
        let hosts: Vec<HostId> = (0..hosts).map(|n| HostId::new(&format!("h{n}"))).collect();
        let rollout = Rollout { sizes: sizes.to_vec(), pause: Duration::ZERO, ask: false };
        rollout.waves(&hosts).iter().map(Vec::len).collect()
    }

    #[test]
    fn one_then_a_tenth_then_all() {
        use WaveSize::{Hosts, Percent};
        assert_eq!(sizes(&[Hosts(1), Percent(10), Percent(100)], 25), [1, 3, 21]);
        assert_eq!(sizes(&[Hosts(1), Percent(10), Percent(100)], 3), [1, 1, 1]);
        assert_eq!(sizes(&[Hosts(2)], 5), [2, 2, 1]);
        assert_eq!(sizes(&[Percent(50)], 5), [3, 2]);
        assert_eq!(sizes(&[Percent(100)], 5), [5]);
        assert_eq!(sizes(&[Hosts(1)], 1), [1]);
        assert_eq!(sizes(&[], 4), [4]);
        assert!(sizes(&[Hosts(1)], 0).is_empty());
    }

    proptest! {
        #[test]
        fn every_host_has_one_turn(
            given in prop::collection::vec(prop_oneof![
                (0_usize..9).prop_map(WaveSize::Hosts),
                (0_u8..=100).prop_map(WaveSize::Percent),
            ], 0..5),
            count in 0_usize..40,
        ) {
            let waves = sizes(&given, count);
            prop_assert_eq!(waves.iter().sum::<usize>(), count);
            prop_assert!(waves.iter().all(|size| *size > 0));
        }
    }
}
