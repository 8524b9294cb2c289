//! The release layout on a host: what lies there, what a run does to it, and what is true of it afterwards.
//!
//! The layout is Capistrano's (`releases/ shared/ current REVISION revisions.log`) with one directory of our own beside
//! it, `.capstan/`: the append-only *ledger*, the run's directory of ready-made links (whose renaming fences off a run
//! that lost its lock), a small reserve for a full disk, and the trash.
//!
//! - [`probe_script`] looks at a host, [`parse_probe`] reads the answer, [`reconcile`] squares ledger and disk.
//! - [`open()`] decides for a fleet: the new release's name, or the release to go back to; or every reason against it.
//! - [`Planner`] turns what a recipe recorded into phases of steps; [`Checker`] refuses a plan that does not hold
//!   together; [`undo_phases`] is the way back; [`FleetMachine`] says how the run ended.
//! - [`recoveries`] decides about runs that died, by what their journals on the hosts say.
//! - [`compile_step`] makes sh text of a step.
//!
//! Limits: no IO, no clock, no connection. It knows nothing of recipes, repositories or SSH.
//!
//! ```
//! use deploy_plan::{Layout, ReleaseId, RemotePath, RunId, Op, Expect};
//! use deploy_release::{CompileContext, compile_op, parse_probe, probe_script, reconcile, ProbeNeeds};
//!
//! let layout = Layout::new(RemotePath::new("~/apps/shop")?);
//! // To be run by sh on the host; here is what a fresh one answers:
//! assert!(probe_script(&layout, &ProbeNeeds::default()).contains("\"$HOME\"/apps/shop"));
//! let answer = b"capstan-probe\t1\nuser\tdeploy\ncurrent\tabsent\nledger-begin\n\nledger-end\nend\n";
//! let facts = parse_probe(answer).expect("a complete answer");
//! assert!(reconcile(&facts).releases.is_empty());
//!
//! let run = RunId::new("r1")?;
//! let cx = CompileContext { layout: &layout, run: &run, sudo: false, flush: true };
//! let switch = Op::Switch { to: ReleaseId::new("20261123060439")?, expect: Expect::Nothing };
//! assert!(compile_op(&switch, &cx).contains("mv -f \"$HOME\"/apps/shop/.capstan/links.r1/current"));
//! # Ok::<(), deploy_plan::NameError>(())
//! ```

mod checker;
mod compile;
mod facts;
#[cfg(test)]
mod fixture;
mod identity;
pub mod invariants;
mod ledger;
mod machine;
pub mod model;
mod open;
mod planner;
mod probe;
mod recovery;
mod text;
mod undo;

pub use checker::{Checker, Violation};
pub use compile::{
    CompileContext, compile_op, compile_step, compile_undo, entry_script, journal_script, read_current_script,
    state_dir_script,
};
pub use facts::{Current, Entry, EntryKind, HostFacts, Owner, Place, PlaceKind, Space, UnitIdentity};
pub use identity::{RunIdentity, allocate};
pub use ledger::{
    Folded, Known, LedgerLine, MarkEntry, Release, UnitHistory, fold, ledger_line, mark_line, parse_ledger, reconcile,
};
pub use machine::{FleetEvent, FleetMachine, Illegal, UnitEvent, UnitState, advance, events_of};
pub use open::{
    FleetContext, OpenedFleet, Unit, Unwritable, blockers, blockers_so_far, by_hand, open, shared_units, units,
};
pub use planner::{Planner, removable};
pub use probe::{ProbeError, ProbeNeeds, parse_probe, probe_script};
pub use recovery::{Journal, Recovery, Way, fold_journal, journal_line, recoveries, recovery_phase};
pub use undo::{UndoPhase, undo_phases};
