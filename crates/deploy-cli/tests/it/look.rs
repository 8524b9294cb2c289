//! `cap check` and `cap doctor` on projects of their own.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::Ran;

const CAPFILE: &str = "require \"capistrano/setup\"\nrequire \"capistrano/deploy\"\n\
     Dir.glob(\"lib/capistrano/tasks/*.rake\").each { |r| import r }\n";

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

fn cap(dir: &Path, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_cap"))
        .args(args)
        .current_dir(dir)
        .env("HOME", dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ran { code: output.status.code().unwrap_or(-1), text }
}

#[test]
fn check_runs_nothing_and_lists_all() {
    let dir = project(&[
        ("Capfile", CAPFILE),
        ("config/deploy.rb", "`touch ran`\nset :application, 'x'\nundef puts\n"),
        ("config/deploy/production.rb", "server 'h', roles: %w[app]\nrequire 'unheard_of'\n"),
    ]);
    for words in [&["check"][..], &["production", "check"]] {
        cap(dir.path(), words).expect(2).says(&[
            "config/deploy.rb:3:1: error: `undef`",
            "config/deploy/production.rb:2:1: error: nothing is built in for `require \"unheard_of\"`",
            "CAP_ALLOW_REQUIRE=unheard_of",
            "3 files looked through: 2 errors, 0 warnings",
        ]);
    }
    assert!(!dir.path().join("ran").exists(), "the recipe ran");
    std::fs::write(dir.path().join("config/deploy.rb"), "set :application, 'x'\n").unwrap();
    std::fs::write(dir.path().join("config/deploy/production.rb"), "server 'h', roles: %w[app]\n").unwrap();
    cap(dir.path(), &["check"]).expect(0).says(&["0 errors"]);
    cap(dir.path(), &["-T"]).expect(0).says(&["cap check", "Looks through all files"]);
    std::fs::write(dir.path().join("config/deploy.rb"), "task :x do\n").unwrap();
    cap(dir.path(), &["check"]).expect(2).says(&["config/deploy.rb:", "An error of syntax stops every run"]);
    let empty = tempfile::tempdir().unwrap();
    cap(empty.path(), &["check"]).expect(2).says(&["there is no Capfile"]);
}

#[test]
fn the_recipes_own_tasks_of_these_names_come_first() {
    let dir = project(&[
        ("Capfile", "load 'deploy'\nload 'config/deploy'\n"),
        ("config/deploy.rb", "task(:check) { puts 'my check' }\ntask(:doctor) { puts 'my doctor' }\nclass_x = 1\n"),
    ]);
    cap(dir.path(), &["check"]).expect(0).says(&["my check"]);
    cap(dir.path(), &["doctor"]).expect(0).says(&["my doctor"]);
}

#[test]
fn doctor_in_both_dialects() {
    let three = project(&[
        ("Capfile", CAPFILE),
        ("config/deploy.rb", "set :application, 'x'\nset :kept, 1\n"),
        ("config/deploy/production.rb", "server 'web1.example.com', roles: %w[app]\n"),
    ]);
    cap(three.path(), &["production", "doctor"]).expect(0).says(&[
        "dialect: Capistrano 3 (Capfile:1: require \"capistrano/setup\")",
        "web1.example.com  [app]",
        ":kept is set (config/deploy.rb:2:1), and nothing reads it",
    ]);
    let two = project(&[("config/deploy.rb", "set :application, 'x'\nset :kept, 1\nrole :app, 'h1', 'h2'\n")]);
    cap(two.path(), &["doctor"]).expect(0).says(&[
        "dialect: Capistrano 2 (nothing in it is of Capistrano 3 only",
        "h2  [app]",
        ":kept is set (config/deploy.rb:2:1), and nothing reads it",
        "Required\n  nothing",
    ]);
    std::fs::write(two.path().join("config/deploy.rb"), "set :application, unheard_of\n").unwrap();
    cap(two.path(), &["doctor"]).expect(2).says(&["config/deploy.rb:1:19", "unheard_of"]);
}
