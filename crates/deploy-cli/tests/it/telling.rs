//! What is told of a run: commands whose end the recipe waits for, hints with hosts in them, recipes that come from a pipe.

use std::process::Stdio;

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;

use crate::support::{RECIPE, Ran, Stage, start};

fn stage(more: &str) -> Stage {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    Stage::with(fleet, Scm::Git, &format!("{RECIPE}\n{more}\n"))
}

/// What a command under `rescue` is and prints is told as of any other; what `capture` gets is the recipe's, but for what
/// went to standard error.
#[test]
fn commands_that_the_recipe_waits_for() {
    let stage = stage(
        "task(:look, :roles => :web) do\n\
           begin\n    run 'echo wanted; echo complaint >&2; exit 3'\n  rescue => e\n    puts 'rescued'\n  end\n\
           puts \"got #{capture('echo quiet; echo murmur >&2')}\"\n\
           run('echo streamed; echo aside >&2') { |channel, stream, data| puts \"#{stream}: #{data}\" }\nend",
    );
    let ran = stage.cap(&["look", "--log", "log"]).expect(0).says(&[
        "$ echo wanted; echo complaint >&2; exit 3  # config/deploy.rb:",
        "[web1.example.com] out: wanted",
        "[web2.example.com] err: complaint",
        "failed: echo wanted",
        "rescued",
        "got quiet",
        "[web1.example.com] err: murmur",
        "out: streamed",
    ]);
    assert!(!ran.text.contains("out: quiet"), "{}", ran.text);
    // A block has its own use for what it gets.
    assert_eq!(ran.text.matches("err: aside").count(), 2, "from the block: {}", ran.text);
    let log = std::fs::read_to_string(stage.project.join("log")).unwrap();
    for line in ["wanted", "complaint", "murmur"] {
        assert!(log.contains(&format!(": {line}")), "{line}: {log}");
    }
}

/// A hint names the host, also where it repeats the hosts of the command line, and each of these once.
#[test]
fn hints_name_hosts() {
    let stage = stage("");
    let hosts = "HOSTS=web1.example.com,web2.example.com";
    let ran = stage.cap(&["invoke", "COMMAND=false", hosts]).expect(1);
    let ran = ran.says(&["by hand in `cap ", &format!("ssh web1.example.com {hosts}`")]);
    assert!(!ran.text.contains("ssh HOST"), "{}", ran.text);
    for words in [&["ssh"][..], &["ssh", "nosuch"]] {
        let ran = stage.cap(&[words, &[hosts]].concat()).expect(2);
        let next = ran.text.lines().find(|line| line.contains("next:")).unwrap();
        let names = next.rsplit(": ").next().unwrap();
        assert_eq!(names.matches("web2.example.com").count(), 1, "{next}");
    }
}

/// A pipe gives a recipe once, and it is looked at more than once.
#[test]
fn a_recipe_from_a_pipe() {
    let stage = stage("");
    let run = |args: &[&str]| {
        let mut cat = std::process::Command::new("cat");
        cat.arg("config/deploy.rb").current_dir(&stage.project).stdout(Stdio::piped());
        let mut cat = cat.spawn().unwrap();
        let mut command = stage.command(args);
        command.stdin(cat.stdout.take().unwrap());
        let output = command.output().unwrap();
        assert!(cat.wait().unwrap().success());
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        Ran { code: output.status.code().unwrap_or(-1), text }
    };
    run(&["-f", "/dev/stdin", "deploy:setup"]).expect(0).says(&["db1.example.com"]);
    run(&["-f", "/dev/stdin", "-n", "deploy"]).expect(0).says(&["/dev/stdin:"]);
}

/// A recipe that ends the run says where, whether it is loaded or run; output that cannot be written is an error.
#[test]
fn a_recipe_that_exits_names_its_place() {
    let stage = stage("task(:ends) { exit 4 }\ntask(:aborts) { abort 'no way' }");
    let last = RECIPE.lines().count() + 2;
    stage.cap(&["ends"]).expect(1).says(&["ended the run with status 4", &format!("config/deploy.rb:{last}:")]);
    stage.cap(&["aborts"]).expect(1).says(&["no way", "status 1", &format!("config/deploy.rb:{}:", last + 1)]);
    stage.write("config/deploy.rb", "set :application, 'x'\nexit 3\n");
    stage.cap(&["-T"]).expect(2).says(&["could not load the recipe", "it ended with status 3", "config/deploy.rb:2:1"]);
    stage.write("config/deploy.rb", RECIPE);
    let mut command = stage.bare(&["-T"]);
    command.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("could not print") && said.contains("No space left on device"), "{said}");
}
