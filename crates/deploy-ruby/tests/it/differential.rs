//! Small programs with the output that real Ruby gives them: ours is compared with what is stored, and, where `ruby`
//! is installed, what is stored with real Ruby.
//!
//! A file of `tests/programs` holds several programs, each under a line `### title`. `CAPSTAN_RECORD=1` writes the
//! stored outputs anew with real Ruby; `CAPSTAN_ONLY=text` takes only the programs whose title or file has the text.

use crate::{block_on, on_big_stack};
use deploy_ruby::{Args, Command, CommandLine, Finished, Interp, MemoryEffects, NoHost, Stderr};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Runs each program of a file in a process and a directory of its own.
const DRIVER: &str = r####"
require "tmpdir"
programs = File.read(ARGV[0]).split(/^### (.*)\n/)
lead = programs.shift
programs = ["", lead] if programs.empty?
$stdout.sync = true
Dir.mktmpdir do |dir|
  programs.each_slice(2).with_index do |(title, text), i|
    puts "### #{title}" unless title.empty?
    pid = fork do
      Dir.mkdir("#{dir}/#{i}")
      Dir.chdir("#{dir}/#{i}")
      File.write("#{dir}/#{i}.rb", text)
      ARGV.clear
      begin
        load "#{dir}/#{i}.rb"
      rescue StandardError, ScriptError => error
        puts "!! #{error.class}: #{error.message}"
      end
    end
    Process.wait(pid)
  end
end
"####;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs")
}

/// Title and text of each program; a file without titles is one program.
fn programs(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        match (line.strip_prefix("### "), found.last_mut()) {
            (Some(title), _) => found.push((title.trim_end().to_owned(), String::new())),
            (None, Some((_, program))) => program.push_str(line),
            (None, None) => found.push((String::new(), line.to_owned())),
        }
    }
    found
}

fn files() -> Vec<String> {
    let only = std::env::var("CAPSTAN_ONLY").unwrap_or_default();
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str().unwrap().strip_suffix(".rb").map(str::to_owned))
        .collect();
    names.sort();
    if names.contains(&only) {
        names.retain(|name| *name == only);
    }
    names
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_default()
}

/// Shell commands are run for real: the programs use nothing but echo, printf, true, false, exit and cat.
fn run(command: &Command) -> std::io::Result<Finished> {
    let mut process = match &command.line {
        CommandLine::Shell(line) => {
            let mut sh = std::process::Command::new("/bin/sh");
            let merged = if command.stderr == Stderr::Merge { "exec 2>&1\n" } else { "" };
            sh.args(["-c", &format!("{merged}{line}")]);
            sh
        }
        CommandLine::Argv(words) => {
            let mut argv = std::process::Command::new(&words[0]);
            argv.args(&words[1..]);
            argv
        }
    };
    for (name, value) in &command.env {
        process.env(name, value.as_deref().unwrap_or_default());
    }
    let pipe = std::process::Stdio::piped;
    let mut child = process.stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn()?;
    let mut stdin = child.stdin.take().unwrap();
    // A program that reads nothing may be gone by now.
    let _ = stdin.write_all(command.stdin.as_deref().unwrap_or_default());
    drop(stdin);
    let output = child.wait_with_output()?;
    Ok(Finished {
        status: output.status.code(),
        stdout: output.stdout,
        stderr: output.stderr,
        pid: 4242,
        ..Finished::default()
    })
}

fn ours(text: String) -> String {
    on_big_stack(move || {
        let effects = Rc::new(MemoryEffects::new());
        effects.add_file("/home/user/work/.keep", "");
        effects.enter("/home/user/work");
        effects.on_run(run);
        let interp = Interp::new(Rc::new(NoHost), effects.clone());
        interp.set_fuel(Some(5_000_000));
        let cx = interp.context();
        let mut results = vec![block_on(interp.eval_file(&cx, "test.rb", &text, interp.main()))];
        for last in interp.take_at_exit() {
            results.push(block_on(interp.call_proc(&cx, &last, Args::none(), None)));
        }
        let mut printed = effects.stdout();
        for error in results.into_iter().filter_map(Result::err).map(|unwind| interp.error(unwind)) {
            if !error.diagnostics.is_empty() {
                printed.push_str(&format!("!! {error}\n"));
            }
        }
        printed
    })
}

/// Lines that differ, with the program's title.
fn compare(title: &str, ours: &str, stored: &str, differences: &mut Vec<String>) {
    if ours == stored {
        return;
    }
    let pairs = ours.lines().map(Some).chain(std::iter::repeat(None));
    let stored_lines = stored.lines().map(Some).chain(std::iter::repeat(None));
    let count = ours.lines().count().max(stored.lines().count());
    let mut shown = format!("{title}:");
    for (number, (a, b)) in pairs.zip(stored_lines).take(count).enumerate().filter(|(_, (a, b))| a != b).take(6) {
        shown.push_str(&format!(
            "\n  line {}\n    is   {}\n    ruby {}",
            number + 1,
            a.unwrap_or("-"),
            b.unwrap_or("-")
        ));
    }
    differences.push(shown);
}

#[test]
fn programs_print_what_ruby_prints() {
    let only = std::env::var("CAPSTAN_ONLY").unwrap_or_default();
    let (mut count, mut differences) = (0, Vec::new());
    for name in files() {
        let stored: BTreeMap<String, String> = programs(&read(&format!("{name}.out"))).into_iter().collect();
        for (title, text) in programs(&read(&format!("{name}.rb"))) {
            if !only.is_empty() && !title.contains(&only) && name != only {
                continue;
            }
            count += 1;
            let expected = match title.as_str() {
                "" => read(&format!("{name}.out")),
                title => stored.get(title).cloned().unwrap_or_default(),
            };
            compare(&format!("{name}.rb: {title}"), &ours(text), &expected, &mut differences);
        }
    }
    println!("{count} programs");
    assert!(differences.is_empty(), "{} of {count} programs differ\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn stored_outputs_are_those_of_ruby() {
    let version = std::process::Command::new("ruby").arg("--version").output();
    if version.is_err() {
        let required = std::env::var("CAPSTAN_REQUIRE").is_ok_and(|names| names.contains("ruby"));
        assert!(!required, "ruby is missing but CAPSTAN_REQUIRE names it");
        println!("skipped: no ruby here");
        return;
    }
    let record = std::env::var_os("CAPSTAN_RECORD").is_some();
    let mut differences = Vec::new();
    for name in files() {
        let printed = theirs(&name);
        if record {
            std::fs::write(folder().join(format!("{name}.out")), &printed).unwrap();
        }
        compare(&name, &read(&format!("{name}.out")), &printed, &mut differences);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn theirs(name: &str) -> String {
    let output = std::process::Command::new("ruby")
        .args(["--disable=did_you_mean", "-W0", "-e", DRIVER])
        .arg(folder().join(format!("{name}.rb")))
        .env_clear()
        .envs([("HOME", "/home/user"), ("USER", "user"), ("TZ", "UTC"), ("LC_ALL", "C.UTF-8")])
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!printed.contains("\n!! "), "{name} has a program that does not run in Ruby:\n{printed}");
    printed
}
