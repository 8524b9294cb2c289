//! `cargo xtask sim`: the simulated fleet.

use crate::run::{cargo, numbers, run};

pub const HELP: &str = "\
cargo xtask sim [OPTIONS]

The simulated fleet in an optimised build: every single fault, pairs of faults, random histories, what is picked and pruned.
Each failing case prints the line that replays it. Without options: all of it, and one pair in 500.

  --share N       one in N of the single faults, and as many fewer random histories and histories of picks
  --pairs N       one in N of the pairs (a fault in the run, one in the recovery behind it); all eight million with 1
  --seeds N       so many random histories (100000)
  --histories N   so many histories of what rollback and prune pick (10000)
  --only NAME     the faults of one scenario alone, singles and one in 500 pairs (First, Deploy, Migrate, Tolerant, Waves, Rollback, Cleanup, Recover)
  --replay 'CASE' one case again, with all that happens in it
  --seed N        one random history again
";

pub const OPTIONS: &[&str] = &["--share", "--pairs", "--seeds", "--histories", "--only", "--replay", "--seed"];

/// What the tests read.
const VARIABLES: &[(&str, &str)] = &[
    ("--share", "CAPSTAN_SIM_SHARE"),
    ("--pairs", "CAPSTAN_SIM_PAIRS"),
    ("--seeds", "CAPSTAN_SIM_SEEDS"),
    ("--histories", "CAPSTAN_SIM_HISTORIES"),
];

/// Runs it.
pub fn sim(args: &[String]) -> Result<(), String> {
    let mut command =
        cargo(&["test", "--profile", "sim", "--package", "deploy-engine", "--test", "it", "--", "--nocapture"]);
    match args {
        [flag, case] if flag == "--replay" => {
            command.arg("cells::replay").env("CAPSTAN_SIM_REPLAY", case);
        }
        [flag, seed] if flag == "--seed" => {
            command.arg("replay_seed").env("CAPSTAN_SIM_SEED", seed);
        }
        [flag, name] if flag == "--only" => {
            command.arg("cells::").env("CAPSTAN_SIM_ONLY", name);
        }
        args if args.iter().any(|arg| ["--replay", "--seed", "--only"].contains(&arg.as_str())) => {
            return Err(
                "--replay 'CASE', --seed N and --only NAME each stand alone; `cargo xtask sim --help` tells more"
                    .to_owned(),
            );
        }
        args => {
            let options: Vec<&str> = VARIABLES.iter().map(|(option, _)| *option).collect();
            for (option, value) in numbers(args, &options)? {
                let variable = VARIABLES.iter().find(|(known, _)| *known == option).map(|(_, variable)| *variable);
                command.envs(variable.map(|variable| (variable, value)));
            }
            command.arg("simulated");
        }
    }
    run(&mut command)
}
