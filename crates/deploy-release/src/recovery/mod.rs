//! What is to become of a run that died: its journal on each unit, the decision for the fleet, and the work that follows.

mod decide;
mod journal;

pub use decide::{Recovery, Way, recoveries, recovery_phase};
pub(crate) use journal::journal_lines;
pub use journal::{Journal, fold_journal, journal_line};
