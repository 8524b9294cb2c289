//! Shows what happens in a deployment to people and to machines.
//!
//! Every display is an [`Observer`](deploy_plan::Observer) of the events of a run:
//!
//! - [`Plain`]: one line per thing that happens, for pipes and CI;
//! - [`Live`]: a line per host on a terminal, with everything lasting above it;
//! - [`JsonLines`]: one JSON object per event, for programs;
//! - [`LogFile`]: everything, with times, in a file;
//! - [`Findings`]: what failed and how the run ended, for the code that decides what to say last;
//! - [`Tee`]: several of them at once.
//!
//! [`plan_text`] and [`plan_json`] show a plan before it runs, [`summary_text`] the final table.
//!
//! What hosts send is never trusted: everything that is shown goes through [`LineFilter`] or [`visible`], so that no byte
//! of it can move the cursor, recolour or reorder the terminal; and through [`Secrets`], which masks registered values also
//! where they lie across two packets. Only the log file keeps output byte by byte.
//!
//! Limits: nothing here decides exit codes or hints; times come from a [`Clock`](deploy_plan::Clock) or the events; the
//! spinners of [`Live`] are turned by a thread of its own.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use std::time::Duration;
//!
//! use deploy_inventory::HostId;
//! use deploy_plan::{Event, ExitStatus, HostResult, HostRow, Observer, Outcome, StepId, Stream, Summary};
//! use deploy_report::{Plain, Secrets, Verbosity};
//!
//! # #[derive(Clone, Default)] struct Screen(Arc<Mutex<Vec<u8>>>);
//! # impl std::io::Write for Screen {
//! #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(bytes) }
//! #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
//! # }
//! let screen = Screen::default(); // anything that is `Write + Send`
//! let secrets = Secrets::new();
//! secrets.register("hunter2");
//! let display = Plain::new(screen.clone(), secrets, Verbosity::Normal, false);
//!
//! let (host, step, title) = (HostId::new("web1"), StepId(1), "uptime".to_owned());
//! display.event(&Event::StepStarted { host: host.clone(), step, title: title.clone() });
//! let bytes = b"up 3 days\x1b[2J hunter2\n".to_vec();
//! display.event(&Event::Output { host: host.clone(), step: Some(step), stream: Stream::Out, bytes });
//! let elapsed = Duration::from_millis(120);
//! display.event(&Event::StepEnded { host: host.clone(), step, title, status: ExitStatus::Code(0), elapsed });
//! let row = HostRow { host, release: None, revision: None, elapsed, result: HostResult::Ok, note: String::new(), round_trips: 1 };
//! display.event(&Event::RunEnded {
//!     summary: Summary {
//!         outcome: Outcome::Done, rows: vec![row], narrowed: None, notes: vec![], elapsed, window: None, late_failure: false, unrestarted: false, abandoned: false,
//!         commands_ran: false,
//!     },
//! });
//!
//! let shown = String::from_utf8(screen.0.lock().unwrap().clone())?;
//! assert_eq!(shown, "\
//! [web1] out: up 3 days\\x1b[2J [secret]
//!     done on web1: uptime (0.1 s)
//!
//! HOST  SECONDS  RESULT
//! web1      0.1  ok
//! Done: 1 host, 0.1 s
//! ");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod assembler;
mod filter;
mod findings;
mod fold;
mod json;
mod live;
mod log;
mod narrator;
mod ops;
mod paint;
mod plain;
mod plan;
mod secrets;
mod silence;
mod table;
mod ticker;
mod words;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use filter::{LineFilter, MAX_LINE, visible};
pub use findings::{Findings, Tee};
pub use json::{JsonLines, plan_json};
pub use live::{Live, Pause};
pub use log::{LogError, LogFile};
pub use narrator::Verbosity;
pub use ops::{mark_word, op_words};
pub use plain::Plain;
pub use plan::plan_text;
pub use secrets::{Scrubber, Secrets};
pub use table::summary_text;
pub use words::{count, host_list, on_hosts, problem_kind, seconds, shorten};
