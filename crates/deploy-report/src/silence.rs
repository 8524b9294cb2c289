//! What is at work and has said nothing for long: a person who waits should know on whom.

use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{Event, StepId};
use indexmap::IndexMap;

/// After this much silence it is told.
const FIRST: Duration = Duration::from_secs(15);
/// A host that is nearly as silent as another is told of with it, not in a line of its own a moment later.
const NEARLY: Duration = Duration::from_secs(5);
/// The longest time between two tellings.
const LONGEST: Duration = Duration::from_secs(120);

/// What a host is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Logging in.
    Connecting,
    /// A step.
    Step(StepId, String),
}

struct Work {
    doing: Doing,
    since: Duration,
    /// When it was last heard or told of.
    heard: Duration,
    /// How long it may now be silent.
    patience: Duration,
}

/// Hosts that do the same and are silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Still {
    pub(crate) doing: Doing,
    pub(crate) hosts: Vec<HostId>,
    /// Since the first of them began.
    pub(crate) elapsed: Duration,
}

/// Watches who is at work since when.
#[derive(Default)]
pub(crate) struct Silence(IndexMap<HostId, Work>);

impl Silence {
    /// Takes an event that happened `now` (monotonic).
    pub(crate) fn event(&mut self, event: &Event, now: Duration) {
        match event {
            Event::Connecting { host } => self.begin(host, Doing::Connecting, now),
            Event::StepStarted { host, step, title } => self.begin(host, Doing::Step(*step, title.clone()), now),
            Event::Output { host, .. } | Event::Transferred { host, .. } => {
                if let Some(work) = self.0.get_mut(host) {
                    (work.heard, work.patience) = (now, FIRST);
                }
            }
            Event::Connected { host, .. } | Event::StepEnded { host, .. } => drop(self.0.shift_remove(host)),
            Event::Failed { problem } => {
                if let Some(host) = &problem.host {
                    self.0.shift_remove(host);
                }
            }
            Event::RunEnded { .. } => self.0.clear(),
            _ => {}
        }
    }

    fn begin(&mut self, host: &HostId, doing: Doing, now: Duration) {
        self.0.insert(host.clone(), Work { doing, since: now, heard: now, patience: FIRST });
    }

    /// Who has been silent for so long that it has to be told; then it is told less and less often.
    pub(crate) fn due(&mut self, now: Duration) -> Vec<Still> {
        let late = |work: &Work, slack: Duration| now.saturating_sub(work.heard) + slack >= work.patience;
        let mut due: Vec<Doing> = Vec::new();
        for work in self.0.values().filter(|work| late(work, Duration::ZERO)) {
            if !due.contains(&work.doing) {
                due.push(work.doing.clone());
            }
        }
        let told = due.into_iter().map(|doing| {
            let mut still = Still { doing, hosts: Vec::new(), elapsed: Duration::ZERO };
            for (host, work) in &mut self.0 {
                if work.doing == still.doing && late(work, NEARLY) {
                    still.hosts.push(host.clone());
                    still.elapsed = still.elapsed.max(now.saturating_sub(work.since));
                    (work.heard, work.patience) = (now, (work.patience * 2).min(LONGEST));
                }
            }
            still
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn start(silence: &mut Silence, host: &str, step: u32, at: u64) {
        let event = Event::StepStarted { host: HostId::new(host), step: StepId(step), title: "bundle".to_owned() };
        silence.event(&event, seconds(at));
    }

    fn due(silence: &mut Silence, at: u64) -> Vec<(String, u64)> {
        let names = |still: &Still| still.hosts.iter().map(HostId::as_str).collect::<Vec<_>>().join(" ");
        silence.due(seconds(at)).iter().map(|still| (names(still), still.elapsed.as_secs())).collect()
    }

    #[test]
    fn silence_is_told_together_and_ever_more_rarely() {
        let mut silence = Silence::default();
        start(&mut silence, "web1", 1, 0);
        start(&mut silence, "web2", 1, 3);
        start(&mut silence, "db1", 2, 0);
        assert_eq!(due(&mut silence, 14), []);
        assert_eq!(due(&mut silence, 15), [("web1 web2".to_owned(), 15), ("db1".to_owned(), 15)]);
        assert_eq!(due(&mut silence, 16), []);
        let ended = Event::StepEnded {
            host: HostId::new("db1"),
            step: StepId(2),
            title: String::new(),
            status: deploy_plan::ExitStatus::Code(0),
            elapsed: Duration::ZERO,
        };
        silence.event(&ended, seconds(20));
        assert_eq!(due(&mut silence, 44), []);
        assert_eq!(due(&mut silence, 45), [("web1 web2".to_owned(), 45)]);
        let times: Vec<u64> = (46..600).filter(|at| !due(&mut silence, *at).is_empty()).collect();
        assert_eq!(times, [105, 225, 345, 465, 585]);
    }

    #[test]
    fn who_speaks_is_not_silent() {
        let mut silence = Silence::default();
        start(&mut silence, "web1", 1, 0);
        let output = Event::Output {
            host: HostId::new("web1"),
            step: None,
            stream: deploy_plan::Stream::Out,
            bytes: b".".to_vec(),
        };
        silence.event(&output, seconds(14));
        assert_eq!(due(&mut silence, 28), []);
        assert_eq!(due(&mut silence, 29), [("web1".to_owned(), 29)]);
        silence.event(&Event::Connecting { host: HostId::new("db1") }, seconds(30));
        assert_eq!(silence.due(seconds(45))[0].doing, Doing::Connecting);
    }
}
