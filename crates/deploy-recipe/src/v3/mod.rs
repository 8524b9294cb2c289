//! Dialect 3: recipes of Capistrano 3, which are Rake tasks that run blocks on hosts.

mod arguments;
mod backend;
mod command;
mod define;
mod deploy;
mod filters;
mod flow;
mod host;
mod host_object;
mod local;
mod on;
mod plugins;
mod rake;
mod rake_objects;
mod release;
mod scm;
mod servers;
mod sshkit;
mod stage;
mod state;
mod table;
mod together;
mod top;
mod transfer;
mod variables;

pub(crate) use arguments::split as split_task;
pub(crate) use host::AnyHost;
pub(crate) use plugins::loaded_texts;
pub(crate) use rake::RakeTask;
pub(crate) use servers::Server;
pub(crate) use state::{Scm, State};
pub(crate) use table::{Act, CATCH_UP_3, takes_release, task_of};
