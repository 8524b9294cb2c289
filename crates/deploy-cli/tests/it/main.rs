//! End-to-end tests: the `cap` binary as a user runs it, against embedded SSH servers and real sshd.

// `cfg(test)` is always set here; it tells the lints that helper functions belong to tests too.
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod carry;
#[cfg(test)]
mod catch_up;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod display;
#[cfg(test)]
mod dry_run;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod embedded;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod health;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod look;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod places;
#[cfg(test)]
mod releases;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod sshd;
#[cfg(test)]
mod sshd_alternate;
#[cfg(test)]
mod sshd_crash;
#[cfg(test)]
mod sshd_disk;
#[cfg(test)]
mod sshd_durable;
#[cfg(test)]
mod sshd_faults;
#[cfg(test)]
mod sshd_flood;
#[cfg(test)]
mod sshd_hosts;
#[cfg(test)]
mod sshd_locks;
#[cfg(test)]
mod sshd_logins;
#[cfg(test)]
mod sshd_peers;
#[cfg(test)]
mod sshd_recovery;
#[cfg(test)]
mod sshd_repos;
#[cfg(test)]
mod sshd_shells;
#[cfg(test)]
mod sshd_sudo;
#[cfg(test)]
mod support;
#[cfg(test)]
mod telling;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod v3;
#[cfg(test)]
mod v3_opening;
#[cfg(test)]
mod v3_peers;
#[cfg(test)]
mod v3_rails;
#[cfg(test)]
mod v3_recovery;

#[cfg(test)]
mod waves;
