//! The ledger: what each unit remembers of its releases, and how that is squared with what lies on its disk.

mod fold;
mod history;
mod reconcile;
mod record;

pub use fold::{Folded, Known, fold};
pub use history::{Release, UnitHistory};
pub use reconcile::reconcile;
pub(crate) use record::checksum;
pub use record::{LedgerLine, MarkEntry, ledger_line, mark_line, parse_ledger};
