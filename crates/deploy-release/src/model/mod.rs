//! A host's filesystem in memory, and what every op does to it: the same rules as the generated shell text, without a shell.
//!
//! [`compile_op`](crate::compile_op) says what a host is told; [`apply`] says what becomes of it then. A test runs both, op
//! by op and precondition by precondition, in real shells on a real filesystem, and wants the same status and the same
//! tree. So a simulator that drives plans over [`Tree`]s may be believed, and it can do what a real disk cannot: fail or
//! end at any single change ([`Trap`]), or lose its power.

mod change;
mod entry;
mod files;
mod links;
mod ops;
mod probe;
mod removal;
mod switch;
mod trap;
mod tree;

pub use change::Died;
pub use entry::{apply_entry, apply_state_dir};
pub use ops::{Scripts, apply, apply_in_row};
pub use probe::answer;
pub use trap::{Room, Trap, TrapKind};
pub use tree::{Kind, Tree};

/// The exit status of a piece of work; 0 is success.
pub type Status = u8;

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
