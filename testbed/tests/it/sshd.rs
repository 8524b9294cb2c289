//! Hosts of real sshd.

use crate::support::{ssh, start};
use deploy_testbed::{FleetSpec, HostSpec, LoginShell, RunAs, Sudo};

/// Everything the kernel still knows of a fleet's directory: mounts and processes.
fn traces(dir: &std::path::Path) -> Vec<String> {
    let dir = dir.to_str().unwrap();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mut found: Vec<String> = mounts.lines().filter(|l| l.contains(dir)).map(str::to_owned).collect();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        for link in ["root", "cwd"] {
            if let Ok(to) = std::fs::read_link(entry.path().join(link))
                && to.starts_with(dir)
            {
                found.push(format!("{} {link} {}", entry.path().display(), to.display()));
            }
        }
    }
    found
}

#[test]
fn the_same_path_is_another_directory_on_each_host() {
    let passwd = std::fs::read("/etc/passwd").unwrap();
    let Some(fleet) = start(FleetSpec::sshd()) else { return };
    for host in &fleet.hosts {
        let out = ssh(&fleet, &[&host.name, "hostname > /var/www/mark; id -un; pwd"]);
        assert_eq!(out.text(), "deploy\n/home/deploy", "{out:?}");
    }
    for host in &fleet.hosts {
        let long = format!("{}.example.com", host.name);
        assert_eq!(ssh(&fleet, &[&long, "cat /var/www/mark"]).text(), host.name);
        assert_eq!(fleet.run(&host.name, "cat /var/www/mark").unwrap().text(), host.name);
        let seen = std::fs::read_to_string(host.local("/var/www/mark").unwrap()).unwrap();
        assert_eq!(seen.trim(), host.name);
        assert_eq!(fleet.run_as(&host.name, RunAs::Root, "id -u").unwrap().text(), "0");
    }
    let dir = fleet.dir.clone();
    assert!(!traces(&dir).is_empty(), "the check for traces sees nothing");
    fleet.down().unwrap();
    assert_eq!(traces(&dir), Vec::<String>::new());
    assert!(!dir.exists());
    assert_eq!(std::fs::read("/etc/passwd").unwrap(), passwd);
}

#[test]
fn a_host_that_loses_power_takes_its_daemons_with_it() {
    let Some(fleet) = start(FleetSpec::sshd().hosts(["web1", "web2"])) else { return };
    let out = ssh(&fleet, &["web1", "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo up"]);
    assert_eq!(out.text(), "up");
    let count = "ps ax | grep -c '[s]leep 1000'";
    assert_eq!(fleet.run("web1", count).unwrap().text(), "1");
    fleet.stop_host("web1").unwrap();
    assert!(fleet.run("web1", "true").is_err());
    assert!(ssh(&fleet, &["web1", "true"]).stderr.contains("Connection refused"));
    assert!(ssh(&fleet, &["web2", "true"]).ok());
    fleet.start_host("web1").unwrap();
    assert!(ssh(&fleet, &["web1", "true"]).ok());
    assert_eq!(fleet.run("web1", count).unwrap().text(), "0");
}

#[test]
fn terminals_are_the_host_s_own_and_there_are_no_disks() {
    let Some(fleet) = start(FleetSpec::sshd().hosts(["web1"])) else { return };
    let out = ssh(&fleet, &["-tt", "web1", "tty; stty -a | grep -c speed; echo x >/dev/null"]);
    assert_eq!(out.stdout.replace('\r', ""), "/dev/pts/0\n1\n", "{out:?}");
    let disks = "for f in /dev/*; do [ -b $f ] && echo $f; done; true";
    assert_eq!(fleet.run("web1", disks).unwrap().text(), "");
}

#[test]
fn programs_and_users_of_the_machine_cannot_be_changed_from_a_host() {
    let Some(fleet) = start(FleetSpec::sshd().hosts(["web1"])) else { return };
    let out = fleet.run_as("web1", RunAs::Root, "touch /usr/capstan-was-here").unwrap();
    assert!(!out.ok());
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let added = fleet.run_as("web1", RunAs::Root, "echo x:x:1:1::/:/bin/sh >> /etc/passwd").unwrap();
    assert!(added.ok(), "{added:?}");
    assert_eq!(std::fs::read_to_string("/etc/passwd").unwrap(), passwd);
}

#[test]
fn login_shells_busybox_and_full_disks() {
    let spec = FleetSpec::sshd()
        .hosts(["web1"])
        .with(HostSpec::new("web2").shell(LoginShell::Bash))
        .with(HostSpec::new("box1").busybox())
        .with(HostSpec::new("full1").tmpfs("/var/www", "64k"));
    let Some(fleet) = start(spec) else { return };
    assert_eq!(ssh(&fleet, &["web2", "echo ${BASH##*/}"]).text(), "bash");
    assert_eq!(ssh(&fleet, &["web1", "echo $SHELL$BASH"]).text(), "/bin/sh");
    let tools = ssh(&fleet, &["box1", "readlink -f /bin/ls; readlink -f /bin/sh; git --version"]);
    assert!(tools.text().starts_with("/bin/busybox\n/bin/busybox\ngit version"), "{tools:?}");
    assert!(!ssh(&fleet, &["box1", "command -v bash"]).ok());
    let full = ssh(&fleet, &["full1", "head -c 100000 /dev/zero > /var/www/big"]);
    assert!(full.stderr.contains("No space left"), "{full:?}");
}

#[test]
fn sudo_refused_free_and_by_password() {
    let spec = FleetSpec::sshd()
        .hosts(["none1"])
        .with(HostSpec::new("free1").sudo(Sudo::Free))
        .with(HostSpec::new("asks1").sudo(Sudo::Password("open sesame".into())));
    if !std::path::Path::new("/usr/bin/sudo").exists() {
        println!("skipped: sudo is not installed");
        return;
    }
    let Some(fleet) = start(spec) else { return };
    assert_eq!(ssh(&fleet, &["free1", "sudo -n id -un"]).text(), "root");
    assert!(!ssh(&fleet, &["none1", "sudo -n id -un"]).ok());
    assert!(!ssh(&fleet, &["asks1", "sudo -n id -un"]).ok());
    let with = |word: &str| format!("echo '{word}' | sudo -S -p '' id -un");
    assert_eq!(ssh(&fleet, &["asks1", &with("open sesame")]).text(), "root");
    assert!(!ssh(&fleet, &["asks1", &with("wrong")]).ok());
}
