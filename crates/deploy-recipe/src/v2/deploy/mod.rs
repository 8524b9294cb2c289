//! The deploy recipes that `load 'deploy'` enables: task table, default variables, and what each task does.

mod check;
mod code;
pub(crate) mod defaults;
mod flow;
mod history;
mod migrate;
mod page;
mod publish;
mod records;
pub(crate) mod scm;
pub(crate) mod source;
pub(crate) mod table;
mod web;
