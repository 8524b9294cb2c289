//! Labels, by which every container and network of a testbed is found again, and the sweep that
//! removes those whose owner is gone. The client library has no reaper of its own.

use std::path::Path;

use super::turn::Turn;
use super::{LABEL, docker};
use crate::error::{Result, TestbedError};
use crate::workdir::Owner;

const NAME: &str = "capstan.testbed.name";
const OWNER: &str = "capstan.testbed.owner";
#[cfg(feature = "containers")]
const FLEET: &str = "capstan.testbed.fleet";
const MACHINE: &str = "capstan.testbed.machine";

/// What everything we start carries: of which fleet it is, whose that is, and on which machine that process runs.
#[cfg(feature = "containers")]
pub(super) fn labels(name: &str, fleet: &str) -> Vec<(String, String)> {
    vec![
        (LABEL.to_owned(), "1".to_owned()),
        (NAME.to_owned(), name.to_owned()),
        (FLEET.to_owned(), fleet.to_owned()),
        (OWNER.to_owned(), Owner::this_process().to_string()),
        (MACHINE.to_owned(), machine()),
    ]
}

/// Process numbers mean something only within one PID namespace of one boot of one machine.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{}/{}", boot.trim(), space.display())
}

/// Removes the containers and networks of testbeds whose process is gone; says how many.
pub fn sweep_dead() -> Result<usize> {
    docker::check_engine()?;
    let _turn = Turn::take()?;
    sweep_in_turn()
}

/// The same for who has the turn already.
pub(super) fn sweep_in_turn() -> Result<usize> {
    let filter = format!("label={LABEL}");
    let format = format!("{{{{.ID}}}}\t{{{{.Label \"{OWNER}\"}}}}\t{{{{.Label \"{MACHINE}\"}}}}");
    let list = ["--no-trunc", "--filter", &filter, "--format", &format];
    let mut swept = 0;
    let containers = docker::ask_again("list containers", &[&["ps", "--all"], &list[..]].concat())?;
    for id in dead(&containers) {
        swept += usize::from(removed(docker::ask_again("remove a container", &["rm", "--force", &id]))?);
    }
    let networks = docker::ask_again("list networks", &[&["network", "ls"], &list[..]].concat())?;
    for id in dead(&networks) {
        swept += usize::from(removed(docker::ask_again("remove a network", &["network", "rm", &id]))?);
    }
    Ok(swept)
}

/// Removes whatever is left of one fleet.
#[cfg(feature = "containers")]
pub(super) fn remove_fleet(fleet: &str) -> Result<()> {
    let filter = format!("label={FLEET}={fleet}");
    let list = ["--quiet", "--no-trunc", "--filter", &filter];
    let containers = docker::ask_again("list containers", &[&["ps", "--all"], &list[..]].concat())?;
    for id in containers.lines() {
        docker::ask_again("remove a container", &["rm", "--force", id])?;
    }
    let networks = docker::ask_again("list networks", &[&["network", "ls"], &list[..]].concat())?;
    for id in networks.lines() {
        docker::ask_again("remove a network", &["network", "rm", id])?;
    }
    Ok(())
}

/// Whether it went; another sweep may have been faster. An engine that does not answer is another matter.
fn removed(result: Result<String>) -> Result<bool> {
    match result {
        Err(error @ TestbedError::Timeout { .. }) => Err(error),
        other => Ok(other.is_ok()),
    }
}

/// The deployer container of the fleet in this directory, if it runs.
#[must_use]
pub fn deployer_of(fleet: &Path) -> Option<String> {
    let owner = format!("label={OWNER}={}", Owner::of(fleet)?);
    let name = format!("label={NAME}={}", super::DEPLOYER);
    let list = ["ps", "--quiet", "--filter", &owner, "--filter", &name];
    let id = docker::ask_again("find the deployer container", &list).ok()?;
    (!id.is_empty()).then_some(id)
}

/// The ids of those lines whose owner ran here and runs no more.
fn dead(lines: &str) -> Vec<String> {
    let here = machine();
    lines
        .lines()
        .filter_map(|line| {
            let mut parts = line.split('\t');
            let (id, owner, machine) = (parts.next()?, parts.next()?, parts.next()?);
            let owner: Owner = owner.parse().ok()?;
            (machine == here && !owner.alive()).then(|| id.to_owned())
        })
        .collect()
}
