//! The command line without any host: help, lists, and what is said when there is nothing to work on.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const RECIPE: &str = r#"
set :application, "shop"
set :repository, "git://127.0.0.1:1/shop.git"
role :web, "web1.example.com"

desc "Says hello. Further sentences are only shown by -e."
task :hello do
  run "echo hello"
end

task :undescribed do
end
"#;

fn cap(directory: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cap"))
        .args(args)
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", directory)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Exit code, standard output, standard error.
fn said(directory: &Path, args: &[&str]) -> (i32, String, String) {
    let output = cap(directory, args);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn project() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("config")).unwrap();
    fs::create_dir_all(directory.path().join("deep/er")).unwrap();
    fs::write(directory.path().join("config/deploy.rb"), RECIPE).unwrap();
    directory
}

#[test]
fn help_needs_no_recipe() {
    let directory = tempfile::tempdir().unwrap();
    for (args, word) in [
        (&["-h"][..], "First steps:"),
        (&["-H"], "EXIT CODES"),
        (&["--help"], "HOSTFILTER"),
        (&["-V"], env!("CARGO_PKG_VERSION")),
        (&["--completions", "bash"], "_cap"),
        (&["--man"], ".TH cap 1"),
    ] {
        let (code, out, err) = said(directory.path(), args);
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
        assert!(out.contains(word), "{args:?}: {out}");
    }
}

#[test]
fn both_names_are_the_same_tool() {
    let output = Command::new(env!("CARGO_BIN_EXE_capstan")).arg("-V").output().unwrap();
    assert_eq!(output.stdout, cap(Path::new("/"), &["-V"]).stdout);
}

#[test]
fn a_wrong_command_line_is_a_usage_error_in_four_parts() {
    let directory = project();
    for args in
        [&["--nonsense"][..], &[], &["-d", "hello"], &["-s", "x", "hello"], &["--format", "xml", "hello"], &["nosuch"]]
    {
        let (code, out, err) = said(directory.path(), args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        for part in ["error: could not ", "\n  where: ", "\n  why: ", "\n  next: "] {
            assert!(err.contains(part), "{args:?} lacks {part:?}: {err}");
        }
    }
}

#[test]
fn no_recipe_names_the_places_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let (code, out, err) = said(directory.path(), &["deploy"]);
    assert_eq!((code, out.as_str()), (2, ""));
    for word in ["Capfile", "config/deploy.rb", &directory.path().file_name().unwrap().to_string_lossy()] {
        assert!(err.contains(word), "{word} is missing: {err}");
    }
}

#[test]
fn tasks_are_listed_and_explained() {
    let directory = project();
    let (code, out, err) = said(directory.path(), &["-T"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let line = out.lines().find(|line| line.starts_with("cap hello ")).unwrap();
    assert!(line.ends_with("# Says hello."), "{line}");
    assert!(
        out.contains("cap deploy ") && out.contains("cap deploy:rollback ") && out.contains("cap invoke "),
        "{out}"
    );
    assert!(!out.contains("undescribed"), "{out}");
    assert!(said(directory.path(), &["-vT"]).1.contains("cap undescribed"));

    let (code, out, err) = said(directory.path(), &["-t", "-T", "^hello"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "cap hello\n", ""));
    let (code, out, err) = said(directory.path(), &["-T", "nosuch"]);
    assert!(code == 0 && out.contains("cap hello") && err.starts_with("warning: "), "{err}");

    let (code, out, _) = said(directory.path(), &["-e", "hello"]);
    assert!(code == 0 && out.contains("cap hello\n") && out.contains("Further sentences"), "{out}");
    let (code, _, err) = said(directory.path(), &["-e", "helo"]);
    assert!(code == 2 && err.contains("hello"), "{err}");
}

#[test]
fn the_recipe_is_found_from_below_and_by_name() {
    let directory = project();
    fs::write(directory.path().join("Capfile"), "load 'deploy'\nload 'config/deploy'\n").unwrap();
    let (code, out, err) = said(&directory.path().join("deep/er"), &["-T", "-t"]);
    assert!(code == 0 && out.contains("cap hello"), "{err}");
    fs::write(directory.path().join("other.rb"), "desc 'Other.'\ntask(:other) { }\n").unwrap();
    let (code, out, _) = said(directory.path(), &["-f", "other.rb", "-T", "-t"]);
    assert!(code == 0 && out.contains("cap other") && !out.contains("cap hello"), "{out}");
    let (code, out, _) = said(directory.path(), &["-F", "-f", "other.rb", "-T", "-t"]);
    assert!(code == 0 && out.contains("cap other") && out.contains("cap hello"), "{out}");
}

#[test]
fn a_dry_run_connects_to_nothing_and_shows_the_commands() {
    let directory = project();
    let (code, out, err) = said(directory.path(), &["-n", "hello"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("echo hello") && out.contains("web1.example.com"), "{out}");
    let (code, out, err) = said(directory.path(), &["-n", "hello", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.lines().count() > 1 && out.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{out}");
}

#[test]
fn a_rehearsal_leaves_this_machine_as_it_is() {
    let directory = project();
    let ends = "at_exit { File.open('at_exit', 'w') { |f| f.write 'x' } }\n\
                on(:exit) { system 'touch exit_hook' }\n\
                task(:local) { system 'git diff --output=diff'; at_exit { system 'touch late' } }\n";
    fs::write(directory.path().join("config/deploy.rb"), format!("{RECIPE}{ends}")).unwrap();
    let (code, _, err) = said(directory.path(), &["-n", "hello", "local"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(err.matches("not run in a rehearsal:").count(), 3, "{err}");
    let left = |name: &str| directory.path().join(name).exists();
    assert!(["at_exit", "exit_hook", "late", "diff"].iter().all(|name| !left(name)), "{err}");
    let (code, _, err) = said(directory.path(), &["-T"]);
    // A list is no run of tasks: hooks of `:exit` tell of one.
    assert!(code == 0 && left("at_exit") && !left("exit_hook") && !left("late"), "{err}");
}

#[test]
fn a_log_that_cannot_be_written_is_told_before_anything_runs() {
    let directory = project();
    let (code, _, err) = said(directory.path(), &["-n", "hello", "--log", "no/such/dir/log"]);
    assert!(code == 2 && err.contains("no/such/dir/log") && err.contains("next:"), "{err}");
    let (code, _, err) = said(directory.path(), &["-n", "hello", "--log", "run.log"]);
    assert_eq!(code, 0, "{err}");
    assert!(fs::read_to_string(directory.path().join("run.log")).unwrap().contains("==> hello"));
}

#[test]
fn a_reader_that_goes_away_is_no_disaster() {
    let directory = project();
    for args in [&["-H"][..], &["-T"], &["-e", "hello"], &["help"], &["-n", "hello"], &["--man"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cap"))
            .args(args)
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn help_is_a_word_too() {
    let directory = project();
    let (code, out, err) = said(directory.path(), &["help"]);
    assert!(code == 0 && out.contains("First steps:"), "{err}");
    let (code, out, err) = said(directory.path(), &["help", "hello"]);
    assert!(code == 0 && out.contains("Further sentences"), "{err}");
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(said(empty.path(), &["help"]).0, 0);
    fs::write(directory.path().join("own.rb"), "task(:help) { puts 'mine' }").unwrap();
    let (code, out, err) = said(directory.path(), &["-f", "own.rb", "help"]);
    assert!(code == 0 && err.contains("mine") && !out.contains("First steps:"), "{out}{err}");
}

/// What never began has nothing to report but the error.
#[test]
fn a_misspelt_task_is_told_once() {
    let (code, out, err) = said(project().path(), &["helo"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.trim_start().starts_with("error: could not run the task `helo'\n  where: the command line\n"), "{err}");
    assert_eq!(err.matches("does not exist").count(), 1, "{err}");
    assert!(err.contains("next:  did you mean `hello`?"), "{err}");
}

/// Hints can be typed as they stand.
#[test]
fn hints_repeat_the_options_that_matter() {
    let directory = project();
    fs::write(directory.path().join("other recipe.rb"), RECIPE).unwrap();
    let options = ["-f", "other recipe.rb", "-s", "branch=x y", "-q"];
    let given = "cap -f 'other recipe.rb' -s 'branch=x y'";
    let (_, _, err) = said(directory.path(), &[&options[..], &["ROLES=web", "zzz"]].concat());
    assert!(err.contains(&format!("next:  `{given} -T` lists the tasks")), "{err}");
    let (code, out, _) = said(directory.path(), &[&options[..], &["-T"]].concat());
    assert!(code == 0 && out.ends_with(&format!("`{given} -e TASK` explains a task.\n")), "{out}");
}

#[test]
fn the_first_ctrl_c_ends_a_recipe_that_loops_for_ever() {
    let directory = project();
    let recipe = "File.open('begun', 'w') { |f| f.write 'x' }\nx = 0\nwhile true\n  x += 1\n  x = 0 if x > 9\nend\n";
    fs::write(directory.path().join("config/deploy.rb"), recipe).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_cap"))
        .arg("deploy")
        .current_dir(directory.path())
        .env("HOME", directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !directory.path().join("begun").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert!(
        err.contains("config/deploy.rb:3:")
            || err.contains("config/deploy.rb:4:")
            || err.contains("config/deploy.rb:5:"),
        "{err}"
    );
}

#[test]
fn unknown_options_are_said_in_the_plan() {
    let directory = project();
    let more = "task(:odd, :rolse => :web) { run 'true', :hots => 'x' }\nssh_options[:colour] = 1\n";
    fs::write(directory.path().join("config/deploy.rb"), format!("{RECIPE}{more}")).unwrap();
    let (code, out, err) = said(directory.path(), &["-n", "odd"]);
    assert_eq!(code, 0, "{err}");
    for word in [
        "config/deploy.rb:13:1: the task odd knows no option :rolse",
        "did you mean :roles?",
        ":hots",
        "config/deploy.rb:14:13",
    ] {
        assert!(out.contains(word), "{word} is missing: {out}");
    }
}

#[test]
fn a_persons_own_recipe_is_read_first_unless_told_not_to() {
    let directory = project();
    fs::write(
        directory.path().join(".caprc"),
        "desc 'Mine'\ntask(:mine) { puts \"for #{fetch(:whose, 'nobody')}\" }\n",
    )
    .unwrap();
    let (code, out, err) = said(directory.path(), &["-S", "whose=alice", "mine"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(format!("{out}{err}").contains("for alice"), "{out}{err}");
    let (_, out, err) = said(directory.path(), &["-T"]);
    assert!(out.contains("cap mine") && err.is_empty(), "{out}{err}");
    let (code, out, err) = said(directory.path(), &["--skip-user-config", "mine"]);
    assert_eq!(code, 2, "{out}{err}");
    assert!(err.contains("mine"), "{err}");
}
