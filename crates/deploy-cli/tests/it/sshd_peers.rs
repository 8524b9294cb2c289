//! Beside Capistrano itself: its cleanup on our releases, and the same recipe run by it and by us.
//!
//! Capistrano 3 is Debian's; checkouts of 2.8 and 2.15 are named by `CAPSTAN_CAP28` and `CAPSTAN_CAP215` (they need
//! Ruby's net-ssh, net-scp, net-sftp, net-ssh-gateway and highline).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;

use crate::support::{ALL, RECIPE, Ran, Stage, start};

pub const CAPISTRANO: &str = "/usr/bin/cap";

/// Debian's Capistrano 3, or none; then a message says so, or the test fails if it must run.
pub fn capistrano3() -> bool {
    let output = Command::new(CAPISTRANO).arg("--version").stdin(Stdio::null()).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let found = said.contains("Capistrano Version: 3");
    if !found {
        let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|name| name == "peers"), "Capistrano 3 must be at {CAPISTRANO}");
        println!("skipped: {CAPISTRANO} is not Capistrano 3 (apt-get install capistrano)");
    }
    found
}

/// What Ruby programs need of the environment.
pub fn ruby(command: &mut Command, home: &Path) {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", home).env("USER", "alice").env("LANG", "C.UTF-8").stdin(Stdio::null());
}

/// A Capistrano 3 project for the same hosts and the same `deploy_to`.
fn project3(stage: &Stage, keep: u32) -> PathBuf {
    let directory = stage.project.join("capistrano3");
    fs::create_dir_all(directory.join("config/deploy")).unwrap();
    fs::write(
        directory.join("Capfile"),
        "require 'capistrano/setup'\nrequire 'capistrano/deploy'\nrequire 'capistrano/scm/git'\n\
         install_plugin Capistrano::SCM::Git\n",
    )
    .unwrap();
    let deploy = format!(
        "set :application, 'my_cool_app'\nset :repo_url, '{}'\nset :deploy_to, '{}'\nset :keep_releases, {keep}\n\
         set :ssh_options, {{ keys: ['{}'], keys_only: true, config: false, verify_host_key: :never }}\n",
        stage.server.url(),
        stage.deploy_to(),
        stage.fleet.identity.display()
    );
    fs::write(directory.join("config/deploy.rb"), deploy).unwrap();
    let servers =
        stage.fleet.hosts.iter().map(|host| {
            format!("server '{}', port: {}, user: '{}', roles: %w[app]\n", host.address, host.port, host.user)
        });
    fs::write(directory.join("config/deploy/production.rb"), servers.collect::<String>()).unwrap();
    directory
}

fn cleanup3(stage: &Stage, keep: u32) -> Ran {
    let project = project3(stage, keep);
    let mut command = Command::new(CAPISTRANO);
    ruby(&mut command, &project);
    command.args(["production", "deploy:cleanup"]).current_dir(&project);
    stage.run(command)
}

/// Capistrano's cleanup never takes the live release of a fleet that ours has deployed and rolled back, and ours knows
/// afterwards what is gone.
#[test]
fn capistrano_3_cleans_up_behind_us() {
    if !capistrano3() {
        return;
    }
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    stage.set_up();
    let whole = |stage: &Stage, version: &str, at: &str| {
        for host in ALL {
            assert_eq!(stage.on(host, "cat /var/www/my_cool_app/current/VERSION"), version, "{host} {at}");
            assert_eq!(stage.on(host, "test -d /var/www/my_cool_app/current/. && echo whole"), "whole", "{host} {at}");
        }
    };
    for version in ["2", "3", "4"] {
        stage.cap(&["deploy"]).expect(0);
        stage.repo.release(version).unwrap();
    }
    stage.cap(&["deploy"]).expect(0);
    // Back from 4 to 3, and on again, so that names and history differ.
    stage.cap(&["deploy:rollback"]).expect(0);
    whole(&stage, "3", "rolled back");
    for (keep, left) in [(2, "2"), (1, "1")] {
        let ran = cleanup3(&stage, keep).expect(0);
        whole(&stage, "3", &format!("keep {keep}: {}", ran.text));
        for host in ALL {
            assert_eq!(stage.on(host, "ls /var/www/my_cool_app/releases | wc -l"), left, "{host}: {}", ran.text);
        }
    }
    stage.cap(&["deploy:rollback"]).expect(1).says(&["roll back"]);
    whole(&stage, "3", "nothing to go back to");

    // The live release is the oldest by name: whatever is newer was put back.
    stage.cap(&["deploy"]).expect(0);
    stage.repo.release("5").unwrap();
    stage.cap(&["deploy"]).expect(0);
    stage.cap(&["deploy:rollback"]).expect(0);
    whole(&stage, "4", "rolled back again");
    for host in ALL {
        let copy = "cd /var/www/my_cool_app/releases && cp -R $(readlink ../current) 20991231235959";
        stage.on(host, copy);
    }
    let ran = cleanup3(&stage, 1).expect(0);
    whole(&stage, "4", &format!("a newer name: {}", ran.text));
    stage.cap(&["deploy"]).expect(0);
    whole(&stage, "5", "and on");
}

/// A checkout that an environment variable names.
fn checkout(variable: &str) -> Option<PathBuf> {
    match std::env::var_os(variable) {
        Some(path) if !path.is_empty() => Some(PathBuf::from(path)),
        _ => {
            println!("skipped: {variable} names no checkout of Capistrano");
            None
        }
    }
}

/// Capistrano 2 on the stage's project.
fn capistrano2(stage: &Stage, checkout: &Path, root: &str, args: &[&str]) -> Ran {
    // 2.8 asks for a library that Ruby has dropped since, and never uses it.
    let shims = stage.fleet.scratch("shims").unwrap();
    fs::write(shims.join("scanf.rb"), "").unwrap();
    let mut command = Command::new("ruby");
    ruby(&mut command, &stage.project);
    command.current_dir(&stage.project);
    command.args(["-W0", "-I"]).arg(&shims).arg("-I").arg(checkout.join("lib")).arg(checkout.join("bin/cap"));
    command.args(args).args(given(stage, root));
    stage.run(command)
}

fn given(stage: &Stage, root: &str) -> [String; 4] {
    let set = || "-s".to_owned();
    [set(), format!("repository={}", stage.server.url()), set(), format!("deploy_to={root}")]
}

fn ours(stage: &Stage, root: &str, args: &[&str]) -> Ran {
    let mut command = stage.bare(args);
    command.args(given(stage, root));
    stage.run(command)
}

/// What lies below a root, with kinds, modes, link targets and contents; names of releases as R1, R2, … in their order.
/// Left out: what only we have (`.capstan`, `revisions.log`) and the SCM's own files.
fn tree(stage: &Stage, host: &str, root: &str) -> String {
    let text = stage.on(
        host,
        &format!(
            "cd {root} && find . ( -name .capstan -o -name .git -o -name .svn -o -name revisions.log ) -prune -o \
             -printf '%y %m %p %l\\n' | sort -k 3; \
             find . ( -name .capstan -o -name .git -o -name .svn -o -name revisions.log ) -prune -o -type f \
             -exec cksum {{}} + | sort -k 3"
        )
        .replace("( ", "\\( ")
        .replace(" )", " \\)"),
    );
    let releases = stage.on(host, &format!("ls {root}/releases"));
    let mut text = text.replace(root, "ROOT");
    for (index, release) in releases.lines().enumerate() {
        text = text.replace(release, &format!("R{}", index + 1));
    }
    text
}

/// What the recipe's own commands did on a host, in order.
fn commands(stage: &Stage, host: &str, root: &str) -> String {
    let log = stage
        .on(host, &format!("cat ~/commands ~/rake.log 2>/dev/null; rm -f ~/commands ~/rake.log; ls {root}/releases"));
    let (mut text, mut names) = (Vec::new(), Vec::new());
    for line in log.lines() {
        if line.bytes().all(|byte| byte.is_ascii_digit()) { names.push(line) } else { text.push(line) }
    }
    let mut text = text.join("\n").replace(root, "ROOT");
    for (index, release) in names.iter().enumerate() {
        text = text.replace(release, &format!("R{}", index + 1));
    }
    unmade(&text)
}

/// Outside of a deploy `release_path` names a release by the time of asking: which one is not to be compared.
fn unmade(text: &str) -> String {
    let one = |word: &str| match word.rsplit_once("/releases/") {
        Some((root, name)) if name.len() == 14 && name.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{root}/releases/NEW")
        }
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(one).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The recipe by both tools, each below a root of its own on the same hosts.
fn compare(checkout: &Path, scm: Scm, recipe: &str) {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let config = fleet.ssh_config.display().to_string();
    let recipe = format!(
        "{}\nssh_options[:config] = '{config}'\nssh_options[:verify_host_key] = :never\nset :migrate_on_deploy, false\n",
        recipe.replace(
            "run \"",
            "run \"echo `pwd` $0 `umask` ran >> ~/commands; echo #{current_path} #{release_path} >> ~/commands; "
        )
    );
    let stage = Stage::with(fleet, scm, &recipe);
    let roots = ["/var/www/theirs", "/var/www/ours00"];
    let both = |args: &[&str]| {
        let theirs = capistrano2(&stage, checkout, roots[0], args);
        assert_eq!(theirs.code, 0, "Capistrano's {args:?}:\n{}", theirs.text);
        let theirs_did: Vec<String> = ALL.iter().map(|host| commands(&stage, host, roots[0])).collect();
        ours(&stage, roots[1], args).expect(0);
        for (host, theirs_did) in ALL.iter().zip(theirs_did) {
            assert_eq!(commands(&stage, host, roots[1]), theirs_did, "commands on {host} in {args:?}");
            let [theirs, ours] = roots.map(|root| tree(&stage, host, root));
            assert_eq!(ours, theirs, "{host} after {args:?} (left: ours)");
        }
    };
    both(&["deploy:setup"]);
    for host in ALL {
        for root in roots {
            stage.on(host, &format!("mkdir -p {root}/shared/config && echo x > {root}/shared/config/database.yml"));
        }
    }
    both(&["deploy:check"]);
    both(&["deploy"]);
    stage.repo.release("2").unwrap();
    both(&["deploy"]);
    both(&["deploy:restart"]);
    both(&["deploy:rollback"]);
    stage.repo.release("3").unwrap();
    both(&["deploy", "-s", "deploy_via=export"]);
    both(&["deploy", "-s", "deploy_via=remote_cache"]);
    stage.repo.migration("20240101000000_add_mail", "alter table users add mail text;\n").unwrap();
    both(&["deploy:migrations", "-s", "deploy_via=remote_cache"]);
    both(&["deploy:cleanup", "-s", "keep_releases=2"]);
    both(&["invoke", "COMMAND=echo $HOME >> ~/commands"]);
    both(&["deploy:rollback"]);

    // On purpose: what a rollback would go to is never cleaned up.
    stage.repo.release("4").unwrap();
    both(&["deploy"]);
    let last = ["deploy:cleanup", "-s", "keep_releases=1"];
    assert_eq!(capistrano2(&stage, checkout, roots[0], &last).code, 0);
    ours(&stage, roots[1], &last).expect(0);
    for host in ALL {
        let count = |root: &str| stage.on(host, &format!("ls {root}/releases | wc -l"));
        assert_eq!(roots.map(count), ["1", "2"], "{host}");
    }
}

#[test]
fn capistrano_2_8_does_the_same() {
    let Some(checkout) = checkout("CAPSTAN_CAP28") else { return };
    compare(&checkout, Scm::Subversion, RECIPE);
    compare(&checkout, Scm::Git, &format!("{RECIPE}\nset :scm, :git\n"));
}

/// 2.15 neither guesses Subversion nor knows hooks by their names, so the recipe says both.
#[test]
fn capistrano_2_15_does_the_same() {
    let Some(checkout) = checkout("CAPSTAN_CAP215") else { return };
    let hooked = format!("{RECIPE}\nafter 'deploy:update_code', 'deploy:after_update_code'\n");
    compare(&checkout, Scm::Subversion, &format!("{hooked}\nset :scm, :subversion\n"));
    compare(&checkout, Scm::Git, &format!("{hooked}\nset :scm, :git\n"));
}
