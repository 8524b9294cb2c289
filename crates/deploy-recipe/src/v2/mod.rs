//! Dialect 2: recipes of Capistrano 2.

mod actions;
mod begin;
mod cap;
mod command;
mod convert;
mod define;
mod deploy;
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

pub(crate) use cap::{Cap, Settings, TaskRef};
pub(crate) use convert::{problem_of, property as property_of, site_of};
pub(crate) use deploy::table::install as install_deploy;
pub(crate) use effects::FlowEffects;
pub(crate) use host::CapHost;
