//! Tests against real servers: OpenSSH on loopback, and servers in this process that misbehave on purpose.

#[cfg(test)]
mod after_login;
#[cfg(test)]
mod agent;
#[cfg(test)]
mod by_chance;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod host_keys;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod hostile_memory;
#[cfg(test)]
mod interop;
#[cfg(test)]
mod local;
#[cfg(test)]
mod login;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod rogue;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod running;
#[cfg(test)]
mod sshd;
#[cfg(test)]
mod strict;
#[cfg(test)]
mod support;
#[cfg(test)]
mod transfer;
#[cfg(test)]
mod ways;
