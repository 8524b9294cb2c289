//! What the generated text does: real shells, real filesystems.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod files;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod reader;
#[cfg(test)]
mod records;
#[cfg(test)]
mod removal;
#[cfg(test)]
mod switch;
#[cfg(test)]
mod world;
