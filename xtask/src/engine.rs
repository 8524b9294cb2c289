//! A container engine that has locked up. Docker 20.10 does so now and then when containers come and go; what it is asked
//! afterwards waits for ever, and only a restart helps.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::install::{engine_answers, is_root};
use crate::run::{run, works};

/// The engine's own note of its process.
const PID_FILE: &str = "/var/run/docker.pid";

/// The same of the helper that it starts and that ends with it.
const HELPER_PID_FILE: &str = "/var/run/docker/containerd/containerd.pid";

/// How long it may take to end, and how long to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the engine is there, but answers nothing that concerns its networks.
pub fn is_stuck() -> bool {
    Path::new(PID_FILE).exists() && !works("docker", &["network", "ls"])
}

/// Starts the engine anew, as root on a machine that is the tests' own.
pub fn restart() -> Result<(), String> {
    if !is_root() {
        return Err("the container engine has locked up, and only root may start it anew".to_owned());
    }
    println!("the container engine has locked up: it is started anew");
    if Path::new("/run/systemd/system").is_dir() {
        run(Command::new("systemctl").args(["restart", "docker"]))?;
    } else {
        restart_process()?;
    }
    if wait_until(engine_answers) {
        return Ok(());
    }
    Err(format!("the container engine was started anew and does not answer within {} s", PATIENCE.as_secs()))
}

/// Ends the engine's process and starts the same program with the same words.
fn restart_process() -> Result<(), String> {
    let pid = read(PID_FILE)?;
    let pid = pid.trim();
    let process = format!("/proc/{pid}");
    let words = read(&format!("{process}/cmdline"))?;
    let words: Vec<&str> = words.split('\0').filter(|word| !word.is_empty()).collect();
    let Some((program, args)) = words.split_first() else {
        return Err(format!("cannot tell how the container engine, process {pid}, was started"));
    };
    // What has locked up may not heed a polite signal.
    run(Command::new("sh").args(["-c", "kill -KILL \"$1\"", "sh", pid]))?;
    if !wait_until(|| !runs(&process)) {
        return Err(format!("the container engine, process {pid}, does not end"));
    }
    // These notes would keep the next one from starting where a process that has ended is still listed.
    let _ = std::fs::remove_file(PID_FILE);
    let _ = std::fs::remove_file(HELPER_PID_FILE);
    // In a session of its own: it outlives this program.
    Command::new("setsid")
        .arg(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
        .map_err(|error| format!("cannot start {program}: {error}"))
}

/// Whether a process runs; one that has ended and waits for its parent does not.
fn runs(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).is_some_and(|state| state != 'Z')
}

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))
}

fn wait_until(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    false
}
