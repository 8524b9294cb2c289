//! Hosts in containers, with the repository server and the deployer.

use std::process::Command;

use crate::support::{ssh, start};
use deploy_testbed::containers::repo_url;
use deploy_testbed::repo::Scm;
use deploy_testbed::{FleetSpec, HostSpec, LoginShell, Sudo};

fn docker(args: &[&str]) -> String {
    // An engine that has locked up answers nothing for ever.
    let out = Command::new("timeout").args(["60", "docker"]).args(args).output().unwrap();
    assert!(out.status.success(), "docker {}: {out:?}", args.join(" "));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn with_label(key: &str, value: &str) -> Vec<String> {
    let filter = format!("label={key}={value}");
    let containers = docker(&["ps", "--all", "--quiet", "--filter", &filter]);
    let networks = docker(&["network", "ls", "--quiet", "--filter", &filter]);
    containers.lines().chain(networks.lines()).map(str::to_owned).collect()
}

#[test]
fn names_resolve_repositories_answer_and_nothing_is_left() {
    let Some(fleet) = start(FleetSpec::containers()) else { return };
    for host in &fleet.hosts {
        let out = ssh(&fleet, &[&host.name, "hostname > /var/www/mark; id -un; pwd"]);
        assert_eq!(out.text(), "deploy\n/home/deploy", "{out:?}");
        assert_eq!(fleet.run(&host.name, "cat /var/www/mark").unwrap().text(), host.name);
    }
    let inside = fleet.containers().unwrap();
    for host in &fleet.hosts {
        let name = format!("{}.example.com", host.name);
        let out = inside.deploy(&["ssh", "-o", "BatchMode=yes", &name, "cat /var/www/mark"]).unwrap();
        assert_eq!(out.text(), host.name, "{out:?}");
    }
    for scm in [Scm::Git, Scm::Subversion] {
        let Some(repo) = inside.repo(scm) else { continue };
        let head = repo.release("2").unwrap();
        let url = repo_url(scm);
        let (deployer, host) = match scm {
            Scm::Git => (format!("git ls-remote {url} HEAD"), format!("git clone -q {url} ~/out-git")),
            Scm::Subversion => (
                format!("svn info --show-item last-changed-revision {url}"),
                format!("svn checkout -q {url} ~/out-svn"),
            ),
        };
        let seen = inside.deploy(&["sh", "-c", &deployer]).unwrap();
        assert!(seen.text().starts_with(&head), "{seen:?} {head}");
        let out = ssh(&fleet, &["web1", &host]);
        assert!(out.ok(), "{out:?}");
        assert_eq!(fleet.run("web1", "cat ~/out-*/VERSION | sort -u").unwrap().text(), "2");
    }
    std::fs::write(inside.project_dir().join("Capfile"), "load 'deploy'\n").unwrap();
    assert_eq!(inside.deploy(&["cat", "Capfile"]).unwrap().text(), "load 'deploy'");
    assert!(inside.deploy(&["touch", "log"]).unwrap().ok());

    let name = inside.name().to_owned();
    // Five hosts, the repository server, the deployer and the network.
    assert_eq!(with_label("capstan.testbed.fleet", &name).len(), 8);
    fleet.down().unwrap();
    assert_eq!(with_label("capstan.testbed.fleet", &name), Vec::<String>::new());
}

#[test]
fn a_host_can_be_stopped_and_started() {
    let Some(fleet) = start(FleetSpec::containers().hosts(["web1"])) else { return };
    assert!(ssh(&fleet, &["web1", "echo here > ~/mark"]).ok());
    fleet.stop_host("web1").unwrap();
    assert_eq!(ssh(&fleet, &["web1", "true"]).status, Some(255));
    fleet.start_host("web1").unwrap();
    assert_eq!(ssh(&fleet, &["web1", "cat ~/mark"]).text(), "here");
    let inside = fleet.containers().unwrap();
    let out = inside.deploy(&["ssh", "-o", "BatchMode=yes", "web1.example.com", "cat ~/mark"]).unwrap();
    assert_eq!(out.text(), "here", "{out:?}");
}

#[test]
fn shells_busybox_sudo_and_small_disks() {
    let spec = FleetSpec::containers()
        .hosts(["web1"])
        .with(HostSpec::new("web2").shell(LoginShell::Bash).sudo(Sudo::Free))
        .with(HostSpec::new("box1").busybox().tmpfs("/srv/small", "64k"))
        .with(HostSpec::new("asks1").sudo(Sudo::Password("open sesame".into())));
    let Some(fleet) = start(spec) else { return };
    assert_eq!(ssh(&fleet, &["web2", "echo ${BASH##*/}; sudo -n id -un"]).text(), "bash\nroot");
    let out = ssh(&fleet, &["box1", "readlink /usr/bin/ls; readlink /bin/sh; git --version"]);
    assert!(out.text().starts_with("busybox\nbusybox\ngit version"), "{out:?}");
    assert!(!ssh(&fleet, &["box1", "command -v bash || command -v flock"]).ok());
    let full = ssh(&fleet, &["box1", "head -c 100000 /dev/zero > /srv/small/big"]);
    // BusyBox calls a full disk an I/O error.
    assert!(!full.ok(), "{full:?}");
    assert!(ssh(&fleet, &["box1", "echo small > /srv/small/little || rm /srv/small/big"]).ok());
    assert!(!ssh(&fleet, &["web1", "sudo -n true"]).ok());
    let asks = ssh(&fleet, &["asks1", "echo 'open sesame' | sudo -S -p '' id -un"]);
    assert_eq!(asks.text(), "root", "{asks:?}");
}
