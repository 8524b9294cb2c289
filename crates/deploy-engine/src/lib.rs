//! Runs deployment plans on fleets of hosts.
//!
//! An [`Engine`] runs a recipe's [`Program`](deploy_plan::Program) to one of its outcomes: it is the
//! [`Hosts`](deploy_plan::Hosts) that the recipe records into, has what was recorded planned by `deploy-release`, and
//! sends each phase to all of its hosts at once. A host has one connection and on it one runner for the whole run; a
//! phase is one flight of jobs to it, and success is what the runner proves. When a step fails, everything of the
//! transaction that was started is undone, in reverse, and the error is told with its host and its last lines.
//!
//! What a run that died has left is finished or undone before a deploy begins, by the journals on the hosts.
//!
//! Limits: waves are not here yet.
//!
//! # Example
//!
//! A program of one command, on this machine instead of a fleet:
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use std::time::{Duration, SystemTime};
//!
//! use async_trait::async_trait;
//! use deploy_engine::{Dialer, Engine, Mode, Person, Ports, Settings, SudoPassword};
//! use deploy_inventory::{Host, HostId, Properties};
//! use deploy_plan::{
//!     Clock, Command, CommandText, Event, HandlerId, Hosts, Item, Observer, Outcome, Problem, ProblemKind, Program,
//!     StepClass, Stopped,
//! };
//! use deploy_transport::{ConnectError, Connector, LocalConnector, LocalEnvironment, Secret, Target};
//!
//! /// What is to be done, and where.
//! struct Greeting;
//!
//! #[async_trait(?Send)]
//! impl Program for Greeting {
//!     async fn run(&self, hosts: &dyn Hosts) -> Result<(), Stopped> {
//!         hosts.record(Item::Command(Command {
//!             shown: "echo hello".into(),
//!             text: CommandText::Same("echo hello".into()),
//!             hosts: vec![HostId::new("here")],
//!             task: None,
//!             site: None,
//!             class: StepClass::Once,
//!             sudo: false,
//!             pty: false,
//!             max_hosts: None,
//!             continue_on_error: false,
//!             forward_agent: false,
//!         }));
//!         Ok(())
//!     }
//!     async fn undo(&self, _: HandlerId, _: &dyn Hosts) -> Result<(), Stopped> { Ok(()) }
//!     fn host(&self, id: &HostId) -> Option<Host> {
//!         let (id, name) = (id.clone(), id.to_string());
//!         Some(Host { id, name, user: None, port: None, properties: Properties::new() })
//!     }
//! }
//!
//! /// Every host is this machine.
//! struct Here(Arc<dyn Connector>);
//!
//! impl Dialer for Here {
//!     fn target(&self, host: &Host) -> Result<Target, Problem> {
//!         Ok(Target::new(&host.name, "me", &LocalEnvironment::current()))
//!     }
//!     fn connector(&self) -> &Arc<dyn Connector> { &self.0 }
//!     fn refused(&self, _: &Target, error: &ConnectError) -> Problem {
//!         Problem::new(ProblemKind::Connect, "connect", error.to_string())
//!     }
//! }
//!
//! struct Now(std::time::Instant);
//!
//! impl Clock for Now {
//!     fn unix_seconds(&self) -> i64 {
//!         SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
//!     }
//!     fn monotonic(&self) -> Duration { self.0.elapsed() }
//! }
//!
//! #[derive(Default)]
//! struct Output(Mutex<Vec<u8>>);
//!
//! impl Observer for Output {
//!     fn event(&self, event: &Event) {
//!         if let Event::Output { bytes, .. } = event { self.0.lock().unwrap().extend(bytes) }
//!     }
//! }
//!
//! struct Nobody;
//!
//! #[async_trait]
//! impl SudoPassword for Nobody {
//!     async fn ask(&self, _: &HostId, _again: bool) -> Option<Secret> { None }
//! }
//!
//! #[async_trait]
//! impl Person for Nobody {
//!     fn is_there(&self) -> bool { false }
//!     async fn agrees(&self, _question: &str) -> bool { false }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let output = Arc::new(Output::default());
//! let engine = Engine::new(Ports {
//!     dialer: Box::new(Here(Arc::new(LocalConnector))),
//!     clock: Arc::new(Now(std::time::Instant::now())),
//!     observer: output.clone(),
//!     sudo: Box::new(Nobody),
//!     person: Box::new(Nobody),
//! });
//! let settings = Settings {
//!     mode: Mode::Real,
//!     by: "me@here".into(),
//!     tasks: vec!["greet".into()],
//!     started: "now".into(),
//!     flush: false,
//!     lock_wait: 0,
//!     come_back: Duration::from_secs(10),
//! };
//! let ended = engine.run(&Greeting, &settings, &Default::default()).await;
//! assert_eq!(ended.summary.outcome, Outcome::Done, "{:?}", ended.problems);
//! assert_eq!(output.0.lock().unwrap().as_slice(), b"hello\n");
//! # }
//! ```

mod abandon;
mod apart;
mod back_again;
mod carry;
mod engine;
mod fleet;
mod flight;
mod group;
mod health;
mod hint;
mod host;
mod open;
mod phase;
mod ports;
mod preflight;
mod progress;
mod question;
mod recover;
mod run;
mod serving;
mod skew;
mod sudo;
mod summary;
mod turns;
mod undo;
mod waves;

pub use abandon::Interrupts;
pub use engine::{Ended, Engine, Mode, Settings};
pub use ports::{Dialer, Person, Ports, SudoPassword};
