//! Tests against real shells: dash, bash and BusyBox, each driven over pipes as a channel would be.

// The attribute tells clippy that helpers, too, are test code.
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod quoting;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod session;
#[cfg(test)]
mod steps;
