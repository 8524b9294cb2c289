//! The vocabulary of a deployment: what the recipe, the planner, the engine and the report tell each other.
//!
//! Pure data and two ports. [`Program`] is what the engine asks of a recipe; [`Hosts`] is what a recipe asks of the
//! engine. A recipe *records* [`Item`]s ahead of time and is suspended only where it needs an answer; the planner turns
//! items into a [`Plan`] of [`Phase`]s of [`Step`]s made of primitive [`Op`]s; the engine runs phases and tells
//! [`Event`]s to an [`Observer`]; the end is an [`Outcome`].
//!
//! Limits: no IO, no runtime, no clock but the [`Clock`] trait, and no knowledge of how an op becomes shell text.
//!
//! ```
//! use deploy_plan::{Layout, RemotePath, ReleaseId};
//!
//! let layout = Layout::new(RemotePath::new("~/apps/shop")?);
//! let id = ReleaseId::new("20261123054446")?;
//! assert_eq!(layout.release(&id).to_string(), "~/apps/shop/releases/20261123054446");
//! # Ok::<(), deploy_plan::NameError>(())
//! ```

mod builtin;
mod clock;
mod event;
mod health;
mod ids;
mod item;
mod journal;
mod layout;
mod op;
mod outcome;
mod path;
mod plan;
mod problem;
mod program;
mod rollout;
mod transfer;

pub use builtin::{AssetTouch, Builtin, LogLine, Publish, Rollback, SharedLink, UpdateCode};
pub use clock::Clock;
pub use event::{Event, Level, Observer, Stream};
pub use health::{HealthCheck, HealthItem, HttpProbe, PortCheck, Probe, ReleaseIn, Vantage};
pub use ids::{HandlerId, NameError, ReleaseId, Revision, RunId, StepId};
pub use item::{BuiltinItem, Command, CommandText, Item, Site, Slot, StepClass};
pub use journal::{JournalEntry, JournalEvent, RunEnd};
pub use layout::Layout;
pub use op::{Expect, LedgerEntry, Mark, Op, ReleaseState, When};
pub use outcome::{HostResult, HostRow, Outcome, Summary};
pub use path::RemotePath;
pub use plan::{Phase, Plan, PlanNote, Step, Work};
pub use problem::{Problem, ProblemKind};
pub use program::{
    CommandResult, ExitStatus, Hold, HostRelease, Hosts, KnownRelease, Opened, Program, Purpose, Stopped, Suspension,
    Tolerance, Transaction, Want,
};
pub use rollout::{Gate, Rollout, Wave, WaveSize};
pub use transfer::{Content, Sent, Transfer, Via};
