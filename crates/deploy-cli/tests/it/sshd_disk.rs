//! A host whose disk is full, has no free inode, or is mounted read-only.

use deploy_testbed::repo::Scm;
use deploy_testbed::{FleetSpec, HostSpec, RunAs};

use crate::scenarios::check_live;
use crate::support::{ALL, Stage, start};

/// `fill` uses up what is left on app1.
fn full(size: &str, fill: &str) {
    let spec = FleetSpec::sshd().with(HostSpec::new("app1").tmpfs("/var/www", size));
    let Some(fleet) = start(spec, "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    stage.set_up();
    let first = stage.repo.head().unwrap();
    stage.cap(&["deploy"]).expect(0);
    let one = stage.live("web1");
    let second = stage.repo.release("2").unwrap();
    stage.cap(&["deploy"]).expect(0);
    let two = check_live(&stage, &second, "2");

    stage.on("app1", fill);
    stage.repo.release("3").unwrap();
    let ran = stage.cap(&["deploy"]).expect(1).says(&["app1.example.com", "No space left on device", "next:"]);
    for host in ALL {
        assert_eq!(stage.live(host), two, "{host}\n{}", ran.text);
        assert_eq!(stage.on(host, "ls /var/www/my_cool_app/releases"), format!("{one}\n{two}"), "{host}\n{}", ran.text);
    }
    // What the failed deploy has removed is used up again: a rollback needs nothing.
    stage.on("app1", fill);
    stage.cap(&["deploy:rollback"]).expect(0);
    for host in ALL {
        assert_eq!(stage.live(host), one, "{host}");
    }
    stage.on("app1", "rm -rf /var/www/fill*");
    stage.cap(&["deploy"]).expect(0);
    assert_eq!(stage.on("app1", "cat /var/www/my_cool_app/current/VERSION"), "3");
    assert_ne!(stage.on("app1", "cat /var/www/my_cool_app/current/REVISION"), first);
}

#[test]
fn no_free_block() {
    full("3m", "dd if=/dev/zero bs=4096 >> /var/www/fill 2>/dev/null; ! echo x >> /var/www/fill");
}

#[test]
fn no_free_inode() {
    full(
        "20m,nr_inodes=600",
        "mkdir -p /var/www/fill.d; i=0; while ( : > /var/www/fill.d/$$.$i ) 2>/dev/null; do i=$((i + 1)); done; true",
    );
}

/// A disk that has been made read-only is no matter of modes: the hint is about the mount.
#[test]
fn mounted_read_only() {
    let spec = FleetSpec::sshd().with(HostSpec::new("app1").tmpfs("/var/www", "64m"));
    let Some(fleet) = start(spec, "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let live = stage.live("app1");
    let remount = |how: &str| {
        let done = stage.fleet.run_as("app1", RunAs::Root, &format!("mount -o remount,{how} /var/www")).unwrap();
        assert!(done.ok(), "{done:?}");
    };
    remount("ro");
    for task in ["deploy:check", "deploy", "deploy:rollback"] {
        let ran = stage.cap(&[task]).expect(1);
        let ran = ran.says(&["app1.example.com", "mounted read-only", "in `cap ", "remount,rw"]);
        assert!(!ran.text.contains("chmod") && !ran.text.contains("chown"), "{task}: {}", ran.text);
        assert_eq!(stage.live("app1"), live);
    }
    remount("rw");
    stage.cap(&["deploy"]).expect(0);
}
