//! What the hosts are asked for, in order: no link is renamed to `current` before its release has been flushed.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use deploy_testbed::repo::Scm;
use deploy_testbed::{Fleet, FleetSpec};

use crate::support::{RECIPE, Stage, start};

const HOSTS: [&str; 2] = ["web1", "app1"];

/// Stands before a program of the host: writes down how it is called, then is it.
fn watch(fleet: &Fleet, host: &str, program: &str) {
    let real = fleet.run(host, &format!("PATH=/usr/bin:/bin command -v {program}")).unwrap();
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$PWD {program} $*\" >> /home/deploy/trace\nexec {} \"$@\"\n",
        real.text().trim()
    );
    let path = fleet.host(host).unwrap().root.clone().unwrap().join("opt/testbed/bin").join(program);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn release_in(line: &str) -> Option<String> {
    let name: String = line.split("releases/").nth(1)?.chars().take_while(char::is_ascii_digit).collect();
    (name.len() == 14).then_some(name)
}

/// The switches of a trace, and those of them to what was not flushed since it had been written to last.
fn judge(trace: &str) -> (usize, Vec<String>) {
    let (mut flushed, mut ready, mut switches, mut wrong) = (HashSet::new(), String::new(), 0, Vec::new());
    let mut written: HashSet<String> = HashSet::new();
    for line in trace.lines() {
        let words: Vec<&str> = line.split(' ').skip(1).collect();
        match words.as_slice() {
            // Of one file: a record.
            ["sync", file] if !file.starts_with('-') => {}
            ["sync", ..] => flushed.extend(written.drain()),
            ["mv", .., link, to] if to.ends_with("/current") && link.contains("/.capstan/links.") => {
                link.rsplit('/').next().unwrap().clone_into(&mut ready);
            }
            ["mv", .., link, to] if link.ends_with("/current") && to.ends_with("/my_cool_app/") => {
                switches += 1;
                if !flushed.contains(&ready) {
                    wrong.push(format!("{ready} was not flushed: {line}"));
                }
            }
            // Whatever else names a release writes to it.
            _ => {
                if let Some(release) = release_in(line) {
                    flushed.remove(&release);
                    written.insert(release);
                }
            }
        }
    }
    (switches, wrong)
}

/// Deploys with a hook that writes into the release, and with migrations; a rollback; a recovery. The traces of each host.
fn traces(extra: &str) -> Option<Vec<String>> {
    let fleet = start(FleetSpec::sshd().hosts(HOSTS), "sshd")?;
    let recipe = RECIPE.replace(", \"web2.example.com\"", "").replace(", \"app2.example.com\"", "");
    let recipe = recipe.replace("db1.example.com", "app1.example.com");
    let hook = "after 'deploy:update_code' do\n  run \"touch #{release_path}/made\"\nend\n";
    let stage = Stage::with(fleet, Scm::Git, &format!("{recipe}\n{extra}\n{hook}"));
    for host in HOSTS {
        for program in ["mv", "sync", "git", "touch"] {
            watch(&stage.fleet, host, program);
        }
    }
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    stage.repo.release("2").unwrap();
    stage.repo.migration("001_first.rb", "# nothing\n").unwrap();
    stage.cap(&["deploy:migrations"]).expect(0);
    stage.cap(&["deploy:rollback"]).expect(0);
    stage.repo.release("3").unwrap();
    stage.cap(&["deploy"]).expect(0);
    Some(HOSTS.map(|host| stage.on(host, "cat ~/trace")).into())
}

#[test]
fn no_switch_before_its_release_is_flushed() {
    let Some(traces) = traces("") else { return };
    for trace in traces {
        let (switches, wrong) = judge(&trace);
        assert_eq!((switches, wrong), (4, Vec::new()), "{trace}");
    }
}

/// So that the test above can fail: without flushing it finds every deploy.
#[test]
fn where_flushing_is_switched_off_the_trace_tells() {
    let Some(traces) = traces("set :flush_release, false") else { return };
    for trace in traces {
        let (switches, wrong) = judge(&trace);
        // Only the rollback goes to what has been flushed: by what follows every switch.
        assert_eq!((switches, wrong.len()), (4, 3), "{trace}");
    }
}
