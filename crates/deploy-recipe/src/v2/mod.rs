//! Dialect 2: recipes of Capistrano 2.

mod actions;
mod begin;
mod cap;
mod command;
mod convert;
mod define;
pub(crate) mod deploy;
mod effects;
mod execute;
mod facts;
mod host;
mod local_query;
mod namespace;
mod objects;
mod options;
mod parallel;
mod places;
mod plugins;
mod questions;
mod roles;
mod run_options;
mod scope;
mod servers;
mod ssh_proxy;
mod sudo;
mod transfer;
mod values;
mod variables;

pub(crate) use actions::need_flow;
pub(crate) use cap::{Body, Cap, Handler, Settings, TaskRef};
pub(crate) use command::quote_path;
pub(crate) use convert::{
    Later, R, fail, name_arg, names, options_value, problem_of, properties, property, property as property_of, site,
    site_of, unsupported, value_of,
};
pub(crate) use deploy::scm::Pinned;
pub(crate) use deploy::table::{
    BuiltinTask, CATCH_UP, command_of, install as install_deploy, is as is_builtin, takes_release, task_of,
};
pub(crate) use effects::FlowEffects;
pub(crate) use host::{CapHost, how_to_allow, loads_application};
pub(crate) use plugins::is_colours;
pub(crate) use scope::Wanted;
pub(crate) use servers::placeholder;
pub(crate) use ssh_proxy::{class as ssh_proxy_class, is_built_in as is_ssh_proxy};
pub(crate) use transfer::{Source, is_directory, local_path, no_file, upload_files};
