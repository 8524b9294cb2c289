//! The house rules, checked by one ordinary test run.

// `cfg(test)` is always set here; it tells the lints that helper functions belong to tests too.
#[cfg(test)]
mod code;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod packages;
#[cfg(test)]
mod support;
