//! A second Ctrl-C: the way back is left where it is, and the end says on which hosts, and what they serve as far as it
//! was seen.

use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{Problem, ProblemKind};
use deploy_release::UnitState;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::run::Run;

/// For how long the hosts are told goodbye; a host that does not answer ends its step by itself when the connection goes.
const GOODBYE: Duration = Duration::from_secs(2);

/// What a user asks for by interrupting.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    /// The first Ctrl-C: start nothing new, end what is in hand, undo it, give the locks back.
    pub gently: CancellationToken,
    /// The second: end what runs on the hosts and leave; the next run finishes or undoes what is left.
    pub at_once: CancellationToken,
}

impl Run<'_> {
    /// Turns back, unless a second Ctrl-C says to leave at once.
    pub(crate) async fn turn_back_unless(&self, at_once: &CancellationToken) {
        tokio::select! {
            () = self.turn_back() => {}
            () = at_once.cancelled() => self.abandon(),
        }
    }

    /// Says goodbye to the hosts; for a moment only where the user does not wait.
    pub(crate) async fn close_unless(&self, at_once: &CancellationToken) {
        let mut goodbye = std::pin::pin!(self.fleet.close());
        tokio::select! {
            () = &mut goodbye => {}
            () = at_once.cancelled() => drop(timeout(GOODBYE, goodbye).await),
        }
    }

    fn abandon(&self) {
        self.fleet.kill_all();
        let left: Vec<HostId> = self.state.borrow().journaled.iter().cloned().collect();
        let problems = left.iter().map(|host| self.left_behind(host)).collect();
        self.fail(problems);
        self.state.borrow_mut().abandoned = left;
    }

    fn left_behind(&self, host: &HostId) -> Problem {
        let state = self.state.borrow();
        let is_switched = state.machine.as_ref().and_then(|machine| machine.unit(host)) == Some(UnitState::Live);
        let why = if is_switched {
            "left by a second Ctrl-C before it was put back"
        } else {
            "left by a second Ctrl-C before all was undone there; its `current` is what it was before"
        };
        // Where it was switched, the summary adds who serves what.
        let kind = if is_switched { ProblemKind::Lost } else { ProblemKind::NotUniform };
        let mut problem = Problem::new(kind, "undo the run", why).on(host);
        problem.next = Some("run the same command again, or `cap recover`: it finishes or undoes what was left".into());
        problem
    }
}
