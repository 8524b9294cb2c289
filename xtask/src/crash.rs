//! `cargo xtask crash`: faults against real sshd.

use std::process::Command;

use crate::layers;
use crate::run::{cargo, numbers, run, target_dir};

pub const HELP: &str = "\
cargo xtask crash [OPTIONS]

Hosts of real sshd, and a `cap` that was built with the feature `faults` (no build for use has it): deploys, migrations,
rollbacks, cleanups and recoveries on one to three hosts, with a fault at any request to a host and any moment of it. After
each the invariants are checked, then a plain deploy of a newer commit, or `cap recover` twice, and a rollback. Needs root.
Each failing cell prints the line that replays it.

  --cells N        so many cells, picked by the seed (200)
  --seed N         another pick (1)
  --all            every cell: days
  --replay 'CELL'  one cell again
";

pub const OPTIONS: &[&str] = &["--cells", "--seed", "--all", "--replay"];

/// Runs it.
pub fn crash(args: &[String]) -> Result<(), String> {
    let mut wanted: Vec<(&str, String)> = Vec::new();
    match args {
        [flag, cell] if flag == "--replay" => wanted.push(("CAPSTAN_CRASH_REPLAY", cell.clone())),
        args => {
            let (all, rest): (Vec<String>, Vec<String>) = args.iter().cloned().partition(|arg| arg == "--all");
            for (option, value) in numbers(&rest, &["--cells", "--seed"])? {
                let variable = if option == "--cells" { "CAPSTAN_CRASH_CELLS" } else { "CAPSTAN_CRASH_SEED" };
                wanted.push((variable, value.to_owned()));
            }
            if !all.is_empty() {
                wanted.push(("CAPSTAN_CRASH_CELLS", "0".to_owned()));
            }
        }
    }
    let binary = layers::faulty_binary()?;
    run(with_binary(&mut layers::tests(&["--test", "it", "sshd_crash", "--", "--nocapture"]), &binary).envs(wanted))
}

/// Builds the binary with faults beside the ordinary one, which stays as it is.
pub fn build(selection: &[&str]) -> Result<std::path::PathBuf, String> {
    let mut args = vec!["build", "--workspace", "--bin", "cap-faults", "--features", "deploy-cli/faults"];
    args.extend(selection);
    run(&mut cargo(&args))?;
    Ok(target_dir().join("cap-faults"))
}

/// What tells the tests where that binary is.
fn with_binary<'a>(command: &'a mut Command, binary: &std::path::Path) -> &'a mut Command {
    command.env("CAPSTAN_CRASH_CAP", binary)
}
