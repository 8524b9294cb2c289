//! The engine: runs a recipe's flow on its hosts, from the first task to the final table.

use std::sync::Arc;
use std::time::Duration;

use deploy_plan::{Event, Observer, Plan, Problem, ProblemKind, Program, RunId, Stopped, Summary};

use crate::abandon::Interrupts;
use crate::ports::Ports;
use crate::run::Run;

/// Whether hosts are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Yes.
    Real,
    /// No: hosts are read, and the plan is the result (`--plan`).
    Plan,
    /// No, and nothing is connected to (`-n`).
    Offline,
}

/// How a run is to be done.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether hosts are changed.
    pub mode: Mode,
    /// Who runs it and from where: `alice@laptop`.
    pub by: String,
    /// The tasks as given, for the lock's owner text and the start of the report.
    pub tasks: Vec<String>,
    /// When it was started, as people read it; for the lock's owner text.
    pub started: String,
    /// Whether releases are flushed to disk before they can go live.
    pub flush: bool,
    /// Seconds to wait for a lock that another run holds; 0 is not to wait.
    pub lock_wait: u32,
    /// For how long a host whose connection was lost is tried again before the others' way back ends without it.
    pub come_back: Duration,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What is shown at the end.
    pub summary: Summary,
    /// What went wrong, in the order in which it did.
    pub problems: Vec<Problem>,
    /// In a rehearsal: the plan.
    pub plan: Option<Plan>,
}

/// Runs recipes on fleets.
pub struct Engine {
    ports: Arc<Ports>,
}

impl Engine {
    /// An engine with its ports.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports: Arc::new(ports) }
    }

    /// Runs a recipe's program to one of the outcomes, or until the user has had enough. The recipe's future is not
    /// `Send`: run this with `block_on`.
    pub async fn run(&self, program: &dyn Program, settings: &Settings, interrupts: &Interrupts) -> Ended {
        let start = self.ports.clock.monotonic();
        let id = self.run_id();
        self.ports.observer.event(&Event::RunStarted { run: id.clone(), tasks: settings.tasks.clone() });
        let run = Run::new(id, settings, Arc::clone(&self.ports), program);
        let finished = tokio::select! {
            finished = forward(&run) => finished,
            () = interrupts.gently.cancelled() => {
                run.fleet.kill_all();
                run.interrupted();
                let why = "stopped by Ctrl-C or another signal; what was running has been ended";
                let mut problem = Problem::new(ProblemKind::Interrupted, "finish the run", why);
                if run.state.borrow().past_edge {
                    let next = "the release is live and stays; what was cut short came after it: run those tasks by themselves";
                    problem = problem.next(next);
                }
                Err(run.fail(vec![problem]))
            }
        };
        if let Err(stopped) = finished {
            if let Stopped::Problem(problem) = stopped {
                run.fail(vec![*problem]);
            }
            run.turn_back_unless(&interrupts.at_once).await;
        }
        run.state.borrow_mut().round_trips = run.fleet.round_trips();
        run.close_unless(&interrupts.at_once).await;
        let elapsed = self.ports.clock.monotonic().saturating_sub(start);
        let ended = run.end(elapsed);
        self.ports.observer.event(&Event::RunEnded { summary: ended.summary.clone() });
        ended
    }

    /// Unique enough for one team: the second and a piece of the monotonic clock and process.
    fn run_id(&self) -> RunId {
        let seconds = self.ports.clock.unix_seconds();
        let nanos = self.ports.clock.monotonic().subsec_nanos();
        let text = format!("{seconds:x}-{:x}-{nanos:x}", std::process::id());
        RunId::new(&text).unwrap_or_else(|_| unreachable!("hexadecimal digits and dashes"))
    }
}

/// The whole flow, forward. The recipe is evaluated ahead of the hosts; where its own code fails behind the transaction's
/// edge, what it had recorded up to there still runs, as it would have with a recipe that is not evaluated ahead.
async fn forward(run: &Run<'_>) -> Result<(), Stopped> {
    match run.program.run(run).await {
        Ok(()) => run.advance(true).await,
        Err(stopped) if run.has_recorded_the_edge() => {
            run.advance(false).await?;
            Err(stopped)
        }
        Err(stopped) => Err(stopped),
    }
}
