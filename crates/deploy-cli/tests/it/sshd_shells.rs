//! The main job under other login shells and with nothing but BusyBox on the hosts. (dash is in `sshd`.)

use deploy_testbed::repo::Scm;
use deploy_testbed::{Fleet, FleetSpec, HostSpec, LoginShell, RunAs};

use crate::scenarios;
use crate::support::{ALL, Stage, start};

fn fleet(host: impl Fn(&str) -> HostSpec) -> Option<Fleet> {
    let mut spec = FleetSpec::sshd();
    for name in ALL {
        spec = spec.with(host(name));
    }
    start(spec, "sshd")
}

#[test]
fn bash() {
    let Some(fleet) = fleet(|name| HostSpec::new(name).shell(LoginShell::Bash)) else { return };
    scenarios::main_job(fleet, Scm::Git, &[]);
}

#[test]
fn busybox_with_git() {
    let Some(fleet) = fleet(|name| HostSpec::new(name).busybox()) else { return };
    scenarios::main_job(fleet, Scm::Git, &["-s", "deploy_via=remote_cache"]);
}

#[test]
fn busybox_with_subversion() {
    let Some(fleet) = fleet(|name| HostSpec::new(name).busybox()) else { return };
    scenarios::main_job(fleet, Scm::Subversion, &[]);
}

/// All three in one fleet, and start-up files that print and that end badly.
#[test]
fn a_mixed_fleet_with_noisy_start_up_files() {
    let kind = |name: &str| match name {
        "web1" => HostSpec::new(name).busybox(),
        "web2" | "app1" => HostSpec::new(name).shell(LoginShell::Bash),
        _ => HostSpec::new(name),
    };
    let Some(fleet) = fleet(kind) else { return };
    for host in ["web2", "app1"] {
        let text = "printf 'echo welcome; echo to stderr >&2; TMOUT=1; umask 027; false\\n' > /home/deploy/.bashrc; \
                    chown deploy: /home/deploy/.bashrc";
        assert!(fleet.run_as(host, RunAs::Root, text).unwrap().ok());
    }
    scenarios::main_job(fleet, Scm::Git, &[]);
}

/// A login shell that runs nothing: the host is named, and so is what to do.
#[test]
fn a_login_shell_that_runs_nothing() {
    let Some(fleet) = fleet(|name| HostSpec::new(name)) else { return };
    let stage = Stage::new(fleet, Scm::Git);
    stage.set_up();
    let root = stage.fleet.host("app1").unwrap().root.clone().unwrap();
    let passwd = std::fs::read_to_string(root.join("etc/passwd")).unwrap();
    std::fs::write(root.join("etc/passwd"), passwd.replace("/home/deploy:/bin/sh", "/home/deploy:/usr/sbin/nologin"))
        .unwrap();
    let ran = stage.cap(&["deploy"]).expect(6).says(&["app1.example.com", "login shell", "next:"]);
    assert!(ran.text.contains("not available") || ran.text.contains("ended"), "{}", ran.text);
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www/my_cool_app/releases"), "", "{host}");
    }
}
