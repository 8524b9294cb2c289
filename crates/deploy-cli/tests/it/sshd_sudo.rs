//! `use_sudo true` on real sshd hosts: without a password, with one, and refused.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use deploy_testbed::repo::Scm;
use deploy_testbed::{Fleet, FleetSpec, HostSpec, RunAs, Sudo};

use crate::scenarios::check_live;
use crate::support::{ALL, RECIPE, Ran, Stage, start};
use crate::terminal::Terminal;

fn with_sudo(kinds: &[(&str, Sudo)]) -> Option<Fleet> {
    let mut spec = FleetSpec::sshd();
    for (name, sudo) in kinds {
        spec = spec.with(HostSpec::new(*name).sudo(sudo.clone()));
    }
    start(spec, "sshd")
}

fn all(sudo: &Sudo) -> Vec<(&'static str, Sudo)> {
    ALL.iter().map(|host| (*host, sudo.clone())).collect()
}

fn recipe() -> String {
    RECIPE.replace("set :use_sudo, false", "set :use_sudo, true")
}

/// The hosts' `/var/www` belongs to root, as on a fresh machine.
fn fresh(fleet: Fleet) -> Stage {
    let stage = Stage::with(fleet, Scm::Git, &recipe());
    for host in ALL {
        stage.fleet.run_as(host, RunAs::Root, "chown root:root /var/www && chmod 755 /var/www").unwrap();
    }
    stage
}

/// As the message of `deploy:check` and of a refused deploy says: what `sudo` made belongs to root, as in Capistrano.
fn hand_over(stage: &Stage) {
    for host in ALL {
        let text = "chown -R deploy: /var/www/my_cool_app && \
                    mkdir -p /var/www/my_cool_app/shared/config && chown deploy: /var/www/my_cool_app/shared/config && \
                    echo 'adapter: sqlite3' > /var/www/my_cool_app/shared/config/database.yml";
        assert!(stage.fleet.run_as(host, RunAs::Root, text).unwrap().ok(), "{host}");
    }
}

/// Where the login may not make the root, `deploy:setup` would fail: a check says so beforehand, in the same words.
#[test]
fn a_check_says_what_setup_would_say() {
    let Some(fleet) = with_sudo(&all(&Sudo::Free)) else { return };
    let stage = fresh(fleet);
    let words = ["may not make directories in /var/www (it belongs to root:root with mode 755)", "sudo mkdir -p "];
    for task in ["deploy:check", "deploy:setup"] {
        stage.cap(&[task, "-s", "use_sudo=false"]).expect(1).says(&words);
    }
    let ran = stage.cap(&["deploy:check"]).expect(1).says(&["it is not there", "makes what is missing"]);
    assert!(!ran.text.contains("may not make"), "{}", ran.text);
}

#[test]
fn sudo_without_a_password() {
    let Some(fleet) = with_sudo(&all(&Sudo::Free)) else { return };
    let stage = fresh(fleet);
    stage.cap(&["deploy:setup"]).expect(0);
    for host in ALL {
        let owner = stage.on(host, "stat -c %U /var/www/my_cool_app/releases");
        assert_eq!(owner, "root", "{host}: made by sudo, as in Capistrano");
    }
    // What to do about that is said for all hosts at once, as commands.
    stage.cap(&["deploy"]).expect(1).says(&[
        "sudo chown deploy: /var/www/my_cool_app/releases",
        "web1.example.com",
        "db1.example.com",
    ]);
    hand_over(&stage);
    let first = stage.repo.head().unwrap();
    stage.cap(&["deploy"]).expect(0);
    let one = check_live(&stage, &first, "1");
    let second = stage.repo.release("2").unwrap();
    stage.cap(&["deploy"]).expect(0);
    check_live(&stage, &second, "2");
    stage.cap(&["deploy:rollback"]).expect(0);
    assert_eq!(check_live(&stage, &first, "1"), one);
}

/// With `current`'s directory owned by root only the switch itself needs `sudo`, which is what `use_sudo` is for.
#[test]
fn sudo_switches_where_the_login_may_not_write() {
    let Some(fleet) = with_sudo(&all(&Sudo::Free)) else { return };
    let stage = fresh(fleet);
    stage.cap(&["deploy:setup"]).expect(0);
    hand_over(&stage);
    for host in ALL {
        stage
            .fleet
            .run_as(host, RunAs::Root, "chown root:root /var/www/my_cool_app; chmod 755 /var/www/my_cool_app")
            .unwrap();
    }
    let first = stage.repo.head().unwrap();
    stage.cap(&["deploy"]).expect(0);
    check_live(&stage, &first, "1");
    stage.repo.release("2").unwrap();
    stage.cap(&["deploy"]).expect(0);
    stage.cap(&["deploy:rollback"]).expect(0);
    check_live(&stage, &first, "1");
}

/// Looks at every process of this machine, and so of every host, until told to stop; gives what it saw.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Vec<String>>,
}

impl Watch {
    fn start(secret: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut seen = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    for file in ["cmdline", "environ"] {
                        let bytes = fs::read(entry.path().join(file)).unwrap_or_default();
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        if text.contains(secret) {
                            seen.push(format!("{file}: {text}"));
                        }
                    }
                }
            }
            seen
        });
        Self { stop, thread }
    }

    fn seen(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Files below the directory that contain the text.
fn files_with(directory: &Path, text: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files_with(&entry.path(), text, found);
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(entry.path().display().to_string());
            }
        }
    }
}

fn asked(stage: &Stage, args: &[&str], answers: &[&str]) -> Ran {
    let mut terminal = Terminal::start(&stage.command(args));
    for answer in answers {
        terminal.wait_for("assword");
        terminal.wait_for(":");
        terminal.type_line(answer);
    }
    terminal.end()
}

#[test]
fn sudo_with_a_password_is_asked_once_and_never_shown() {
    const SECRET: &str = "correct-horse-7741";
    let Some(fleet) = with_sudo(&all(&Sudo::Password(SECRET.into()))) else { return };
    let stage = fresh(fleet);
    let watch = Watch::start(SECRET);
    let log = stage.project.join("cap.log");
    let log = log.to_str().unwrap();
    asked(&stage, &["--log", log, "-v", "deploy:setup"], &[SECRET]).expect(0);
    hand_over(&stage);
    let ran = asked(&stage, &["--log", log, "-v", "deploy"], &[SECRET]).expect(0);
    // A recipe's own commands through sudo, on all hosts, and output that has the password in it.
    stage.write(
        "config/deploy.rb",
        &format!(
            "{}\ntask :who do\n  sudo 'id -un'\n  run \"#{{sudo}} true && #{{sudo}} echo by-root; cat\"\n  run 'cat ~/leak'\nend\n",
            recipe()
        ),
    );
    for host in ALL {
        // In two pieces, so that it is not this command that is found.
        stage.on(host, &format!("echo 'it is {}''{}' > ~/leak", &SECRET[..5], &SECRET[5..]));
    }
    let who = asked(&stage, &["--log", log, "who"], &[SECRET]).expect(0).says(&["root", "by-root", "it is [secret]"]);
    for host in ALL {
        stage.on(host, "rm ~/leak");
    }
    assert_eq!(watch.seen(), Vec::<String>::new());
    for text in [&ran.text, &who.text] {
        assert!(!text.contains(SECRET), "{text}");
    }
    let mut found = Vec::new();
    files_with(&stage.project, SECRET, &mut found);
    for host in ALL {
        let root = stage.fleet.host(host).unwrap().root.clone().unwrap();
        for part in ["home", "var", "tmp", "root", "run"] {
            files_with(&root.join(part), SECRET, &mut found);
        }
    }
    assert_eq!(found, Vec::<String>::new(), "written down somewhere");
    check_live(&stage, &stage.repo.head().unwrap(), "1");
}

/// A wrong answer is asked for again; without a terminal nothing hangs and nothing is changed.
#[test]
fn sudo_password_mistyped_or_not_to_be_had() {
    const SECRET: &str = "battery-staple-0932";
    let Some(fleet) = with_sudo(&all(&Sudo::Password(SECRET.into()))) else { return };
    let stage = fresh(fleet);
    let ran = stage.cap(&["deploy:setup"]).expect(2).says(&["sudo", "password", "web1.example.com", "next:"]);
    assert!(ran.text.contains("terminal"), "{}", ran.text);
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www"), "", "{host}");
    }
    let ran = asked(&stage, &["deploy:setup"], &["wrong", "wrong again", "still wrong"]);
    let ran = ran.says(&["sudo", "web1.example.com", "next:"]);
    assert_ne!(ran.code, 0, "{}", ran.text);
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www"), "", "{host}");
    }
    asked(&stage, &["deploy:setup"], &["wrong", SECRET]).expect(0);
}

/// The usual rule for a deploying login: one command without a password, everything else not at all.
#[test]
fn sudo_for_one_command_only() {
    let Some(fleet) = with_sudo(&all(&Sudo::Free)) else { return };
    let recipe = format!(
        "{RECIPE}\ntask :who do\n  run \"#{{sudo}} /usr/bin/id -un; #{{sudo}} /usr/bin/id -gn\"\nend\n\
                          task :more do\n  sudo 'ls /root'\nend\n"
    );
    let stage = Stage::with(fleet, Scm::Git, &recipe);
    for host in ALL {
        let path = stage.fleet.host(host).unwrap().root.clone().unwrap().join("etc/sudoers");
        fs::write(path, "deploy ALL=(ALL:ALL) NOPASSWD: /usr/bin/id\n").unwrap();
    }
    stage.set_up();
    let ran = stage.cap(&["who"]).expect(0).says(&["root", "db1.example.com"]);
    assert!(!ran.text.contains("assword"), "{}", ran.text);
    stage.cap(&["more"]).expect(1).says(&["web1.example.com", "sudo", "next:"]);
    stage.cap(&["deploy"]).expect(0);
}

/// One host does not let the login use sudo: said with the host's name, and no host is changed.
#[test]
fn sudo_refused_on_one_host() {
    let mut kinds = all(&Sudo::Free);
    kinds[3].1 = Sudo::Refused;
    let Some(fleet) = with_sudo(&kinds) else { return };
    let stage = fresh(fleet);
    let ran = asked(&stage, &["deploy:setup"], &["what-ever", "what-ever", "what-ever"]);
    assert_ne!(ran.code, 0, "{}", ran.text);
    ran.says(&["app2.example.com", "sudo", "next:"]);
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www"), "", "{host}");
    }
}
