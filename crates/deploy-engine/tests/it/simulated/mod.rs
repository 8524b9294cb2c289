//! A fleet in memory under the real engine: every fault at every step, and what is true then.

mod cells;
mod drive;
mod fault;
mod picks;
mod planted;
mod random;
mod recipe;
mod runner;
mod scenario;
mod views;
mod world;
