//! What the tests of all backends share: the real ssh client, and when a layer may be skipped.

use std::process::{Command, Stdio};

use deploy_testbed::{Fleet, FleetSpec, HostOutput};

/// Runs the system's `ssh` with the fleet's ssh_config.
pub fn ssh(fleet: &Fleet, args: &[&str]) -> HostOutput {
    let out = Command::new("ssh")
        .arg("-F")
        .arg(&fleet.ssh_config)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("ssh is installed");
    HostOutput::from(out)
}

/// Starts a fleet, or says why this machine cannot have it; a layer that `CAPSTAN_REQUIRE` names
/// must not be skipped.
pub fn start(spec: FleetSpec) -> Option<Fleet> {
    let layer = spec.backend.name();
    let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
    let required = required.split(',').any(|l| l.trim() == layer);
    match spec.start() {
        Ok(fleet) => Some(fleet),
        Err(e) if e.is_unavailable() && !required => {
            println!("skipped: {e}");
            None
        }
        Err(e) => panic!("{e}: {:?}", std::error::Error::source(&e)),
    }
}

/// Whether these programs are here; where they are not, the test says so and ends, unless `CAPSTAN_REQUIRE` names the layer
/// that they belong to.
pub fn installed(programs: &[&str], layer: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_here = |program: &str| std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    let missing: Vec<&&str> = programs.iter().filter(|program| !is_here(program)).collect();
    if missing.is_empty() {
        return true;
    }
    let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name.trim() == layer), "missing: {missing:?}");
    println!("skipped: needs {missing:?}");
    false
}

/// Starts an embedded fleet of these hosts.
pub fn embedded(hosts: &[&str]) -> Fleet {
    FleetSpec::embedded().hosts(hosts.iter().copied()).start().expect("an embedded fleet")
}

/// The same, where `ssh` is installed to use it with.
pub fn reached_by_ssh(hosts: &[&str]) -> Option<Fleet> {
    installed(&["ssh"], "sshd").then(|| embedded(hosts))
}
