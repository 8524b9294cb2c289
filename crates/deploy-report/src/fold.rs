//! Good ends of the same step on many hosts, told in one line.

use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::StepId;
use indexmap::IndexMap;

use crate::words::{on_hosts, seconds, shorten};

/// The ends of one step.
struct Fold {
    title: String,
    /// Hosts that it is still waited for.
    waiting: Vec<HostId>,
    done: Vec<(HostId, Duration)>,
}

/// Ends that wait until all hosts of their step have come to theirs.
#[derive(Default)]
pub(crate) struct Folds(IndexMap<StepId, Fold>);

impl Folds {
    /// A step is about to start on these hosts.
    pub(crate) fn expect(&mut self, step: StepId, title: &str, hosts: Vec<HostId>) {
        let fold = self.0.entry(step);
        let fold = fold.or_insert_with(|| Fold { title: title.to_owned(), waiting: Vec::new(), done: Vec::new() });
        fold.waiting.extend(hosts);
    }

    /// Whether this step's good ends are told together.
    pub(crate) fn has(&self, step: StepId) -> bool {
        self.0.contains_key(&step)
    }

    /// A host has come to its end, well or not. Gives the line, when it was the last one.
    pub(crate) fn end(&mut self, step: StepId, host: &HostId, well: Option<Duration>, all: usize) -> Option<String> {
        let fold = self.0.get_mut(&step)?;
        fold.waiting.retain(|other| other != host);
        fold.done.extend(well.map(|elapsed| (host.clone(), elapsed)));
        if fold.waiting.is_empty() { self.take(step, all) } else { None }
    }

    /// What has been done of a step so far.
    pub(crate) fn take(&mut self, step: StepId, all: usize) -> Option<String> {
        let fold = self.0.get_mut(&step)?;
        let done = std::mem::take(&mut fold.done);
        let text = words(&done, &fold.title, all);
        if fold.waiting.is_empty() {
            self.0.shift_remove(&step);
        }
        text
    }

    /// What has been done of all steps: nothing more of them is waited for.
    pub(crate) fn take_all(&mut self, all: usize) -> Vec<String> {
        std::mem::take(&mut self.0).into_values().filter_map(|fold| words(&fold.done, &fold.title, all)).collect()
    }
}

/// `on 5 hosts: link what is shared (0.1-0.4 s)`.
fn words(done: &[(HostId, Duration)], title: &str, all: usize) -> Option<String> {
    let hosts: Vec<HostId> = done.iter().map(|(host, _)| host.clone()).collect();
    let times = done.iter().map(|(_, elapsed)| *elapsed);
    let (least, most) = (times.clone().min()?, times.max()?);
    Some(format!("{}: {} ({})", on_hosts(&hosts, all), shorten(title, 120), between(least, most)))
}

/// `0.1-0.4 s`, or one time where both are shown alike.
fn between(least: Duration, most: Duration) -> String {
    let (least, most) = (seconds(least), seconds(most));
    match (least.strip_suffix(" s"), most.strip_suffix(" s")) {
        _ if least == most => most,
        (Some(least), Some(_)) => format!("{least}-{most}"),
        _ => format!("{least} to {most}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_between() {
        let words = |least, most| between(Duration::from_millis(least), Duration::from_millis(most));
        assert_eq!(words(100, 110), "0.1 s");
        assert_eq!(words(100, 420), "0.1-0.4 s");
        assert_eq!(words(100, 61_000), "0.1 s to 1m 01s");
    }
}
