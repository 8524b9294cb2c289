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
mod put;
mod questions;
mod run_options;
mod scope;
mod servers;
mod sudo;
mod variables;

pub(crate) use actions::need_flow;
pub(crate) use cap::{Body, Cap, Handler, Settings, TaskRef};
pub(crate) use command::quote_path;
pub(crate) use convert::{
    Later, R, fail, name_arg, names, options_value, problem_of, properties, property, property as property_of, site,
    site_of, unsupported, value_of,
};
pub(crate) use deploy::scm::Pinned;
pub(crate) use deploy::table::{command_of, install as install_deploy, task_of};
pub(crate) use effects::FlowEffects;
pub(crate) use host::{CapHost, how_to_allow};
