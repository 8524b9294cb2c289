//! The same by SFTP, for recipes that ask for it and hosts that allow nothing else.
//!
//! Files and trees go to and fro with their modes, each file under another name first and renamed when all of it is there.
//! Requests go out without waiting for the answers to those before, so that a long way does not slow a file down.

mod client;
mod fetch;
mod send;

pub use fetch::download;
pub use send::upload;
