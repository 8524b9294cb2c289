//! The probe: one read-only script that looks at a host, and the reader of its answer.

mod parse;
mod script;

pub use parse::{ProbeError, parse_probe};
pub use script::{ProbeNeeds, probe_script};
