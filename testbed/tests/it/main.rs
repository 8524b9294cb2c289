//! The testbed tests itself: every backend is started, used through the real `ssh` client and
//! taken down without a trace.

// `cfg(test)` is always set here; it tells the lints that helper functions belong to tests too.
#[cfg(test)]
mod binary;
#[cfg(feature = "containers")]
#[cfg(test)]
mod containers;
#[cfg(feature = "containers")]
#[cfg(test)]
mod containers_recipe;
#[cfg(test)]
mod embedded;
#[cfg(test)]
mod httpapp;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod repo;
#[cfg(test)]
mod sshd;
#[cfg(test)]
mod support;
