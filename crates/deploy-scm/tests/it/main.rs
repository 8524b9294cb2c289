//! The generated scripts, run by real shells with real git and svn against repositories on this machine.

// `cfg(test)` is always set here; it tells the lints that helper functions belong to tests too.
#[cfg(test)]
mod crash;
#[cfg(test)]
mod git;
#[cfg(test)]
mod quoting;
#[cfg(test)]
mod ssh;
#[cfg(test)]
mod svn;
#[cfg(test)]
mod world;
