//! What an earlier run left that died: brought to one release before anything else is done, and what this run says about
//! itself for those who come after it.

use deploy_inventory::HostId;
use deploy_plan::{
    Event, JournalEntry, JournalEvent, Level, Observer, Op, Phase, PlanNote, Problem, ProblemKind, Purpose, RunEnd,
    Slot, Step, Stopped, Transaction, Work,
};
use deploy_release::{HostFacts, Recovery, Way, blockers, journal_script, recoveries, recovery_phase, units};
use indexmap::IndexMap;

use crate::engine::Mode;
use crate::flight::{Job, JobKind, Output};
use crate::open::Lacking;
use crate::run::Run;

type Facts = IndexMap<HostId, HostFacts>;

impl Run<'_> {
    /// Finishes or undoes what runs left that died, as far as links go; restarts come with what follows. Gives the facts
    /// as they are then.
    pub(crate) async fn recover_first(&self, transaction: &Transaction, facts: Facts) -> Result<Facts, Stopped> {
        let migrated = match transaction.purpose {
            Purpose::Deploy { .. } | Purpose::Rollback { to: None } | Purpose::CatchUp => None,
            Purpose::Recover { migrated } => migrated,
            _ => return Ok(facts),
        };
        if self.settings.mode == Mode::Offline || !blockers(transaction, &facts).is_empty() {
            return Ok(facts);
        }
        let all = recoveries(&units(&facts), &self.identity(), migrated);
        let is_told = matches!(transaction.purpose, Purpose::Recover { .. });
        if is_told && !all.is_empty() {
            let columns = vec!["host", "run", "found", "done"];
            let rows = all.iter().flat_map(Recovery::rows).collect();
            self.ports.observer.event(&Event::Table { title: "recovery".to_owned(), columns, rows });
        }
        // A deploy removes by itself what is half-built, and says so. A run that catches up restarts not all that such a
        // run may have left without a restart.
        let catches_up = transaction.purpose == Purpose::CatchUp;
        if catches_up && let Some(problem) = all.iter().find_map(|found| recover_before(transaction, found)) {
            return Err(self.fail(vec![problem]));
        }
        let removes = is_told || catches_up;
        let found: Vec<Recovery> = all.into_iter().filter(|found| removes || found.way != Way::Nothing).collect();
        for recovery in &found {
            self.tell_recovery(recovery);
        }
        if self.settings.mode != Mode::Real {
            return Ok(facts);
        }
        let questions: Vec<Problem> = found.iter().filter_map(Recovery::question).collect();
        if !questions.is_empty() {
            return Err(self.fail(questions));
        }
        let Some(phase) = recovery_phase(&found, transaction.sudo, || self.take_step_id()) else { return Ok(facts) };
        self.state.borrow_mut().recovering = Some(transaction.layout.clone());
        self.announce(&phase);
        let failed = self.run_leniently(phase).await;
        if failed.is_empty() {
            return self.read(transaction, Lacking::Refused).await;
        }
        let problem = |not_done: crate::phase::NotDone| {
            let kind = if not_done.lost { ProblemKind::Lost } else { ProblemKind::NeedsPerson };
            Problem::new(kind, not_done.step.title, not_done.why).on(&not_done.host)
        };
        Err(self.fail(failed.into_iter().map(problem).collect()))
    }

    fn tell_recovery(&self, recovery: &Recovery) {
        let text = recovery.sentence();
        if self.settings.mode == Mode::Real {
            self.say(Level::Warning, text);
        } else {
            let text = format!("{text} (this comes first)");
            self.state.borrow_mut().rehearsed.notes.push(PlanNote { text, warning: true });
        }
    }

    /// Remembers on which hosts a phase begins a journal.
    pub(crate) fn remember_journal(&self, phase: &Phase) {
        let begins = |ops: &Vec<Op>| {
            ops.iter().any(|op| matches!(op, Op::Journal(JournalEntry { event: JournalEvent::Begin { .. }, .. })))
        };
        let mut state = self.state.borrow_mut();
        for step in &phase.steps {
            if let Work::Ops(ops) = &step.work {
                let begun = ops.iter().filter(|(_, ops)| begins(ops)).map(|(host, _)| host.clone());
                state.journaled.extend(begun);
            }
        }
    }

    /// Whether this run has a journal on a host.
    fn is_journaled(&self, host: &HostId) -> bool {
        self.state.borrow().journaled.contains(host)
    }

    /// A record of the journal, as a job.
    pub(crate) fn journal_job(&self, host: &HostId, event: JournalEvent) -> Option<Job> {
        let layout = self.layout().filter(|_| self.is_journaled(host))?;
        let entry = JournalEntry::new(self.id.clone(), event);
        Some(Job {
            step: None,
            title: "write the journal".to_owned(),
            kind: JobKind::Shell { body: journal_script(&layout, &entry) },
            output: Output::Kept,
            always: false,
            needs_lock: self.state.borrow().locked.contains(host),
            deadline: None,
        })
    }

    /// What stands in the journal before the recipe's own commands of a slot, and behind them.
    pub(crate) fn around(&self, phase: &Phase, host: &HostId) -> (Option<Job>, Option<Job>) {
        let is_command = |step: &&Step| matches!(step.work, Work::Command(_)) && step.is_on(host);
        let slot = phase.steps.iter().find(is_command).map(|step| step.slot);
        match slot {
            Some(Slot::Migrate) => {
                (self.journal_job(host, JournalEvent::Migrate), self.journal_job(host, JournalEvent::Migrated))
            }
            Some(Slot::Restart) => (self.journal_job(host, JournalEvent::Restart), None),
            _ => (None, None),
        }
    }

    /// The first thing of every phase of the way back: whoever comes after this run goes on with the way back.
    pub(crate) fn way_back(&self, host: &HostId) -> Option<Job> {
        self.journal_job(host, JournalEvent::Back).map(|job| Job { always: true, ..job })
    }

    /// All is undone, but on these hosts: everywhere else the run is over. A host to which an earlier run owes a restart
    /// still waits for it, unless this run had to restart it.
    pub(crate) async fn end_journals(&self, but: &[HostId], restarted: &[HostId]) {
        let hosts: Vec<HostId> = {
            let state = self.state.borrow();
            let owes = |host: &HostId| state.planner.as_ref().is_some_and(|planner| planner.owes(host));
            let over = |host: &&HostId| !but.contains(host) && (restarted.contains(host) || !owes(host));
            state.journaled.iter().filter(over).cloned().collect()
        };
        let end = |host: &HostId| self.journal_job(host, JournalEvent::End(RunEnd::Undone));
        let flights: Vec<(HostId, Vec<Job>)> =
            hosts.into_iter().filter_map(|host| end(&host).map(|job| (host, vec![job]))).collect();
        let ended = self.fleet.fly(flights).await;
        let mut state = self.state.borrow_mut();
        state.journaled.retain(|host| !ended.iter().any(|(other, _)| other == host));
    }
}

/// Why hosts cannot catch up before something else is finished.
fn recover_before(transaction: &Transaction, found: &Recovery) -> Option<Problem> {
    let moves = matches!(found.way, Way::Forward | Way::Back | Way::Question);
    let owes = || transaction.hosts.iter().any(|host| found.owes(host));
    (moves || owes()).then(|| {
        let why = format!("it is not certain yet what the fleet serves: {}", found.sentence());
        Problem::new(ProblemKind::HostsDisagree, "catch up", why)
            .next("`cap recover` finishes or undoes that; then once more: `cap catch-up`")
    })
}
