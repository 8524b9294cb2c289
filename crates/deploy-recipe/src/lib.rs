//! Deployment recipes: variables, tasks and hooks of Capistrano's dialects, evaluated without Ruby.
//!
//! A [`Loader`] finds and loads a recipe of Capistrano 2 or 3 (`Capfile`, `config/deploy.rb`); the [`Recipe`] lists its tasks
//! and tells its hosts and variables; a [`Flow`] of some of its tasks is the [`Program`](deploy_plan::Program) that an
//! engine runs. A flow *records*: each task body is evaluated once, ahead of the hosts, and waits only where it needs an
//! answer — a command's output, what is live on a host, a question to a person, a process on this machine, a command
//! whose failure the recipe would rescue. What it records is what a plan shows.
//!
//! The deploy tasks (`deploy`, `deploy:setup`, `deploy:rollback`, …) are built in as flows of their own, which a recipe
//! can hook, call and redefine like any other task. The revision is looked up once, on this machine, before any host is
//! asked.
//!
//! What a recipe does on this machine goes through [`Effects`](deploy_ruby::Effects), which the caller gives. When the
//! engine stops a run, the evaluation is dropped where it stands: no `rescue` or `ensure` of a recipe sees that.
//!
//! A recipe of Capistrano 3 ([`Dialect`]) is Rake tasks with `on` blocks: the strands of a block are evaluated beside each
//! other, and its hosts get what they recorded as one phase.
//!
//! Limits: no `deploy.toml` yet. Files are not carried between this machine and the hosts (`upload`, `download`, the copy
//! strategies); `put` writes small texts. The block of a command gets its output when the command has ended and cannot
//! answer it. Recipes of plugin gems are not built in: `require` of one is an error that says how to let it pass. The
//! evaluator recurses: give the thread a stack of 64 MiB.
//!
//! ```
//! use std::cell::RefCell;
//! use std::rc::Rc;
//!
//! use deploy_plan::{Command, CommandResult, Event, Hosts, Item, Opened, Program, Site, Stopped, Suspension, Transaction, Want};
//! use deploy_recipe::Loader;
//! use deploy_ruby::MemoryEffects;
//!
//! /// Hosts that only take notes.
//! #[derive(Default)]
//! struct Notes(RefCell<Vec<String>>);
//!
//! #[async_trait::async_trait(?Send)]
//! impl Hosts for Notes {
//!     fn record(&self, item: Item) {
//!         if let Item::Command(command) = item {
//!             self.0.borrow_mut().push(format!("{} on {:?}", command.shown, command.hosts[0].as_str()));
//!         }
//!     }
//!     async fn begin(&self, _: Transaction) -> Result<Opened, Stopped> { Err(Stopped::Run) }
//!     async fn command(&self, _: Command, _: Want, _: Suspension) -> Result<Vec<CommandResult>, Stopped> { Err(Stopped::Run) }
//!     async fn settle(&self, _: Suspension, _: Option<Site>) -> Result<(), Stopped> { Ok(()) }
//!     fn is_rehearsal(&self) -> bool { false }
//!     fn tell(&self, _: Event) {}
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let machine = Rc::new(MemoryEffects::new());
//! machine.add_file("/config/deploy.rb", r##"
//!     set :application, "shop"
//!     role :app, "app1.example.com"
//!     namespace :deploy do
//!       desc "Restarts the application."
//!       task(:restart, :roles => :app) { run "touch #{current_path}/tmp/restart.txt" }
//!     end
//! "##);
//! let recipe = Loader::new(machine).load().await.map_err(|problem| problem.why)?;
//! assert_eq!(recipe.explain("deploy:restart").map_err(|problem| problem.why)?.summary, "Restarts the application.");
//!
//! let hosts = Notes::default();
//! recipe.program(vec!["deploy:restart".into()]).run(&hosts).await?;
//! assert_eq!(hosts.0.borrow()[0], "touch /u/apps/shop/current/tmp/restart.txt on \"app1.example.com\"");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ahead;
mod callbacks;
mod catch_up;
mod check;
mod cli_value;
mod describe;
mod dialect;
mod doctor;
mod fleet;
mod health;
mod inert;
mod loader;
mod magic;
mod nearest;
mod notifiers;
mod port;
mod recipe;
mod rollout;
mod secret_names;
mod tasks;
#[cfg(test)]
mod tests;
mod v2;
mod v3;
mod variables;

pub use check::{Checked, Met, Required};
pub use cli_value::{CliValue, assignment};
pub use dialect::Dialect;
pub use loader::{Loader, STEPS, SUDO_PROMPT};
pub use recipe::{Flow, Recipe, TaskInfo};
pub use secret_names::is_secret;
