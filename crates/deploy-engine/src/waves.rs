//! Between two waves: the one before is watched, and a person may be asked.

use deploy_inventory::HostId;
use deploy_plan::{Gate, Level, Phase, Plan, Problem, ProblemKind, Stopped, Wave};

use crate::run::Run;

/// More names than this are a number.
const NAMES: usize = 5;

impl Run<'_> {
    /// Before anything of a plan runs: a question that nobody could answer is not left for the middle of it.
    pub(crate) fn refuse_questions_to_nobody(&self, plan: &Plan) -> Result<(), Stopped> {
        let asks = |phase: &&Phase| phase.wave.and_then(|wave| wave.gate).is_some_and(|gate| gate.ask);
        if self.ports.person.is_there() || plan.phases.iter().find(asks).is_none() {
            return Ok(());
        }
        let why = "`rollout_ask` wants a yes before each wave, and there is no terminal to ask on";
        let next = "run it from a terminal, or with `-s rollout_ask=false`";
        Err(self.fail(vec![Problem::new(ProblemKind::Usage, "make the release live in waves", why).next(next)]))
    }

    /// Waits and asks in front of a wave. The runners of all hosts go on beating meanwhile, so that the locks stay.
    pub(crate) async fn pass_the_gate(&self, phase: &Phase) -> Result<(), Stopped> {
        let Some(Wave { number, of, gate: Some(Gate { pause, ask }) }) = phase.wave else { return Ok(()) };
        let before = number.saturating_sub(1);
        let hosts = named(&phase.hosts());
        if !pause.is_zero() {
            let seconds = pause.as_secs_f64();
            self.say(
                Level::Info,
                format!("wave {before} of {of} is done; the next one ({hosts}) begins in {seconds} s"),
            );
            tokio::time::sleep(pause).await;
        }
        if ask
            && !self.ports.person.agrees(&format!("Wave {before} of {of} is done. Go on with {hosts}? (yes/no) ")).await
        {
            let why = "nobody said yes to the next wave";
            let next = "run it again when the release is as it should be";
            let problem = Problem::new(ProblemKind::Step, format!("go on with wave {number} of {of}"), why).next(next);
            return Err(self.fail(vec![problem]));
        }
        Ok(())
    }
}

fn named(hosts: &[HostId]) -> String {
    match hosts {
        many if many.len() > NAMES => format!("{} hosts", many.len()),
        few => few.iter().map(HostId::as_str).collect::<Vec<_>>().join(", "),
    }
}
