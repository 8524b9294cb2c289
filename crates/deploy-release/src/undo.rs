//! The way back: what was started is undone in reverse, host by host.

use deploy_inventory::HostId;
use deploy_plan::{Op, Phase, Slot, Step, StepClass, StepId, Work};
use indexmap::IndexMap;

/// One phase of the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoPhase {
    /// The part of the deployment that it undoes. After [`Slot::Publish`] the older release is live again, so the
    /// application is restarted before anything else is undone.
    pub of: Slot,
    /// The work. A step that fails here must not keep the others from running.
    pub phase: Phase,
}

/// Undoes every step that was recorded as started on a host, done or half-done: each undo looks at the host first, so it
/// is right in both cases. Later steps are undone first; steps of one slot in a row make one phase. Numbers of the undo
/// steps count on from `next`.
#[must_use]
pub fn undo_phases(started: &[(HostId, &Step)], next: &mut StepId) -> Vec<UndoPhase> {
    let mut steps: IndexMap<StepId, (&Step, IndexMap<HostId, Vec<Op>>)> = IndexMap::new();
    for (host, step) in started {
        if let Some(ops) = step.undo.get(host).filter(|ops| !ops.is_empty()) {
            steps.entry(step.id).or_insert_with(|| (step, IndexMap::new())).1.insert(host.clone(), ops.clone());
        }
    }
    steps.sort_by(|a, _, b, _| b.cmp(a));
    let mut phases: Vec<UndoPhase> = Vec::new();
    for (step, ops) in steps.into_values() {
        let undo = undo_step(step, ops, *next);
        *next = StepId(next.0 + 1);
        match phases.last_mut().filter(|last| last.of == step.slot) {
            Some(last) => last.phase.steps.push(undo),
            None => {
                let title = match step.slot {
                    Slot::Publish => "switch back".to_owned(),
                    Slot::Build => "remove what was built".to_owned(),
                    _ => format!("undo: {}", step.title),
                };
                let phase = Phase {
                    title,
                    slot: Slot::Undo,
                    steps: vec![undo],
                    handlers: Vec::new(),
                    condition: None,
                    wave: None,
                };
                phases.push(UndoPhase { of: step.slot, phase });
            }
        }
    }
    phases
}

fn undo_step(step: &Step, ops: IndexMap<HostId, Vec<Op>>, id: StepId) -> Step {
    Step {
        id,
        title: format!("undo: {}", step.title),
        slot: Slot::Undo,
        task: step.task.clone(),
        site: step.site.clone(),
        class: StepClass::Idempotent,
        deadline: None,
        sudo: step.sudo,
        forward_agent: false,
        work: Work::Ops(ops),
        undo: IndexMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_plan::{ReleaseId, RemotePath};

    fn step(id: u32, slot: Slot, hosts: &[&str]) -> Step {
        let undo = Op::RemoveFile { path: RemotePath::new(&format!("/{id}")).unwrap() };
        let by_host =
            |op: Op| hosts.iter().map(|host| (HostId::new(host), vec![op.clone()])).collect::<IndexMap<_, _>>();
        Step {
            id: StepId(id),
            title: format!("step {id}"),
            slot,
            task: None,
            site: None,
            class: StepClass::Probe,
            deadline: None,
            sudo: id == 2,
            forward_agent: true,
            work: Work::Ops(by_host(Op::ReadBack { release: ReleaseId::new("1").unwrap() })),
            undo: by_host(undo),
        }
    }

    #[test]
    fn reverse_order_and_only_what_started() {
        let (one, two, three) =
            (step(1, Slot::Build, &["a", "b"]), step(2, Slot::Build, &["a", "b"]), step(3, Slot::Publish, &["a", "b"]));
        let (a, b) = (HostId::new("a"), HostId::new("b"));
        let started = [(a.clone(), &one), (b.clone(), &one), (a.clone(), &two), (b, &two), (a.clone(), &three)];
        let mut next = StepId(10);
        let phases = undo_phases(&started, &mut next);
        assert_eq!(phases.iter().map(|p| p.of).collect::<Vec<_>>(), [Slot::Publish, Slot::Build]);
        assert_eq!(phases[0].phase.hosts(), [a]);
        let build = &phases[1].phase.steps;
        assert_eq!(build.iter().map(|s| s.title.as_str()).collect::<Vec<_>>(), ["undo: step 2", "undo: step 1"]);
        assert_eq!(build.iter().map(|s| s.id.0).collect::<Vec<_>>(), [11, 12]);
        assert!(build[0].sudo && !build[1].sudo);
        assert_eq!(next, StepId(13));
    }

    #[test]
    fn nothing_to_undo() {
        let mut plain = step(1, Slot::Restart, &["a"]);
        plain.undo.clear();
        let mut next = StepId(2);
        assert!(undo_phases(&[(HostId::new("a"), &plain)], &mut next).is_empty());
        assert_eq!(next, StepId(2));
    }
}
