//! The engine against fleets that are simulated.

#[cfg(test)]
mod simulated;
