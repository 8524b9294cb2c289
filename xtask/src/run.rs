//! Running cargo and the programs of this workspace.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A `cargo` command in the root of the workspace.
pub fn cargo<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = with_default_signals(&std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(args);
    // Set by the cargo that runs xtask. Build scripts watch some of them, and would run again after each plain `cargo build`.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Whoever started this may ignore signals (`nohup`, a job in the background), and what the tests start would do so, too.
fn with_default_signals(program: &OsStr) -> Command {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // Hang-up, interrupt, quit and terminate.
    if ignored & 0x4007 == 0 {
        return Command::new(program);
    }
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(program);
    command
}

/// Runs a command and shows what it prints.
pub fn run(command: &mut Command) -> Result<(), String> {
    let shown = shown(command);
    let status = command.status().map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` ended with {status}")) }
}

/// The same, but ends it with all that it started when the limit has passed.
pub fn run_within(limit: Duration, command: &mut Command) -> Result<(), String> {
    let shown = shown(command);
    let mut child = command.spawn().map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    match wait(&mut child, limit) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("`{shown}` ended with {status}")),
        None => Err(format!("`{shown}` hung: it was ended after {} minutes", limit.as_secs() / 60)),
    }
}

/// The status of a process; none if it had to be ended.
fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut family = vec![child.id().to_string()];
    descendants(child.id(), &mut family);
    // The standard library has no signals; the shell's own `kill` is everywhere.
    let _ = Command::new("sh").args(["-c", "kill -KILL \"$@\" 2>/dev/null", "sh"]).args(&family).status();
    let _ = child.wait();
    None
}

/// The processes below one; nothing where there is no `/proc`.
fn descendants(pid: u32, found: &mut Vec<String>) {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            found.push(child.to_owned());
            if let Ok(child) = child.parse() {
                descendants(child, found);
            }
        }
    }
}

/// Whether a command exists and exits with 0, quietly and before long.
pub fn works(program: &str, args: &[&str]) -> bool {
    let quiet =
        Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let status = quiet.ok().and_then(|mut child| wait(&mut child, Duration::from_secs(30)));
    status.is_some_and(|status| status.success())
}

/// Whether a program of this name is in PATH or where Debian keeps servers; or a file of this absolute path is there.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.iter().any(|folder| folder.join(program).is_file())
}

fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().rsplit('/').next().unwrap_or_default().to_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

/// Where cargo puts what it builds for development.
pub fn target_dir() -> PathBuf {
    let base = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let base = if base.is_absolute() { base } else { root().join(base) };
    base.join("debug")
}

/// Builds `cap` and the testbed, and gives their paths.
pub fn build(containers: bool) -> Result<(PathBuf, PathBuf), String> {
    // Both at once: two builds would compile what they share twice, with features of their own.
    let mut args =
        vec!["build", "--package", "deploy-cli", "--package", "deploy-testbed", "--bin", "cap", "--bin", "testbed"];
    if containers {
        args.extend(["--features", "deploy-testbed/containers"]);
    }
    run(&mut cargo(&args))?;
    Ok((target_dir().join("cap"), target_dir().join("testbed")))
}

/// `cargo xtask demo`.
pub fn demo(args: &[String]) -> Result<ExitCode, String> {
    println!(
        "Capstan demo: a recipe is deployed to five servers on this machine, changed, deployed again and rolled back."
    );
    println!("First `cap` and the servers are built: minutes on a fresh machine, seconds from then on.");
    let (cap, testbed) = build(false)?;
    pass_through(
        Command::new(testbed)
            .arg("demo")
            .arg("--cap")
            .arg(cap)
            .arg("--examples")
            .arg(root().join("examples"))
            .args(args),
    )
}

/// `cargo xtask testbed …`.
pub fn testbed(args: &[String]) -> Result<ExitCode, String> {
    let (cap, testbed) = (target_dir().join("cap"), target_dir().join("testbed"));
    // What only reaches into a fleet does not wait for a build.
    let reaches = args.iter().any(|arg| ["ssh", "down", "commit"].contains(&arg.as_str()));
    if !(reaches && testbed.exists()) {
        build(args.iter().any(|arg| arg.ends_with("containers")))?;
    }
    pass_through(Command::new(testbed).env("CAPSTAN_CAP", cap).args(args))
}

/// Runs a command that says itself what went wrong; gives the status to exit with.
fn pass_through(command: &mut Command) -> Result<ExitCode, String> {
    let status = command.status().map_err(|error| format!("cannot run `{}`: {error}", shown(command)))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// `cargo xtask bench`.
pub fn bench(args: &[String]) -> Result<(), String> {
    let mut command = cargo(&["bench", "--package", "deploy-benches"]);
    if !args.is_empty() {
        command.arg("--").args(args);
    }
    run(&mut command)
}

/// `cargo xtask corpus`.
pub fn corpus(args: &[String]) -> Result<(), String> {
    let Some((dir, rest)) = args.split_first() else {
        return Err("name the folder of recipes: cargo xtask corpus DIR".to_owned());
    };
    let dir = std::path::absolute(dir).map_err(|error| format!("cannot read {dir}: {error}"))?;
    if !dir.is_dir() {
        return Err(format!("there is no folder {}", dir.display()));
    }
    run(cargo(&["test", "--quiet", "--package", "deploy-recipe", "--test", "corpus", "--"]).arg(dir).args(rest))
}

/// `cargo xtask book`.
pub fn book() -> Result<(), String> {
    let Some(mdbook) = crate::install::mdbook() else {
        return Err("mdbook is not installed; `cargo install mdbook` brings it".to_owned());
    };
    run(Command::new(mdbook).arg("build").arg(root().join("docs")))
}

/// The values behind options that each take a number: pairs of the option and its value.
pub fn numbers<'a>(args: &'a [String], options: &[&'a str]) -> Result<Vec<(&'a str, &'a str)>, String> {
    let mut found = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let (name, inline) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
        let Some(option) = options.iter().find(|option| **option == name) else {
            return Err(format!("{arg:?} is not understood here; it can be: {}", options.join(" ")));
        };
        let value = inline.or_else(|| rest.next().map(String::as_str));
        let value = value.filter(|value| value.parse::<u64>().is_ok_and(|number| number > 0));
        found.push((*option, value.ok_or_else(|| format!("{option} wants a number from 1, as in `{option} 10`"))?));
    }
    Ok(found)
}
