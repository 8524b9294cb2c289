//! What the benchmarks work on: a recipe, a fleet as the planner sees it, a runner on a channel.
//!
//! The inputs are those of an ordinary deployment: five hosts in three roles, one hook, one restart command.

pub mod channel;
pub mod fleet;
pub mod recipe;

/// Why a benchmark could not be prepared.
pub type Failure = Box<dyn std::error::Error>;
