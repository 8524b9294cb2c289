//! `cargo xtask test`: every layer that the machine can, from the quickest to the slowest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::engine;
use crate::install;
use crate::report::{End, Row, close};
use crate::run::{cargo, root, run, run_within, target_dir};

struct Layer {
    name: &'static str,
    /// Why it cannot run here and how to change that.
    lacks: fn() -> Option<(String, String)>,
    body: fn() -> Result<(), String>,
}

const LAYERS: &[Layer] = &[
    Layer { name: "fmt", lacks: nothing, body: || run(&mut cargo(&["fmt", "--all", "--", "--check"])) },
    Layer { name: "clippy", lacks: nothing, body: clippy },
    Layer { name: "docs", lacks: nothing, body: docs },
    Layer { name: "unit", lacks: nothing, body: unit },
    Layer { name: "sim", lacks: lacks_time, body: simulated },
    Layer { name: "embedded", lacks: nothing, body: embedded },
    Layer { name: "sshd", lacks: lacks_sshd, body: sshd },
    Layer { name: "crash", lacks: lacks_sshd, body: || crate::crash::crash(&[]) },
    Layer { name: "containers", lacks: lacks_engine, body: containers },
    Layer { name: "standalone", lacks: nothing, body: standalone },
    Layer { name: "package", lacks: nothing, body: package },
];

/// Runs the named layers, or all.
pub fn test(args: &[String]) -> Result<(), String> {
    let ci = is_ci();
    let wanted: Vec<&String> = args.iter().filter(|arg| !arg.starts_with("--")).collect();
    if let Some(unknown) = wanted.iter().find(|name| LAYERS.iter().all(|layer| layer.name != name.as_str())) {
        let names: Vec<&str> = LAYERS.iter().map(|layer| layer.name).collect();
        return Err(format!("there is no layer {unknown:?}; there are: {}", names.join(" ")));
    }
    if ci || args.iter().any(|arg| arg == "--install") {
        install::packages()?;
        if wanted.is_empty() || wanted.iter().any(|name| *name == "docs") {
            install::install_mdbook()?;
        }
    }
    let mut rows = Vec::new();
    for layer in LAYERS.iter().filter(|layer| wanted.is_empty() || wanted.iter().any(|name| *name == layer.name)) {
        println!("\n=== {} ===", layer.name);
        let start = Instant::now();
        let end = match (layer.lacks)() {
            Some((why, remedy)) => End::Skipped { why, remedy },
            None => (layer.body)().map_or_else(End::Failed, |()| End::Passed),
        };
        rows.push(Row { layer: layer.name, end, took: start.elapsed() });
    }
    close(&rows, ci)
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

fn nothing() -> Option<(String, String)> {
    None
}

/// A sample of the simulated fleet is part of the layer unit; what CI runs takes too long to be run by the way.
fn lacks_time() -> Option<(String, String)> {
    let is_asked = is_ci() || std::env::args().any(|arg| arg == "sim");
    (!is_asked).then(|| {
        let remedy = "cargo xtask test sim".to_owned();
        ("takes a quarter of an hour (the layer unit has a sample of it)".to_owned(), remedy)
    })
}

/// Every third single fault, some pairs, all random histories.
fn simulated() -> Result<(), String> {
    crate::sim::sim(
        &["--share", "3", "--pairs", "20000", "--seeds", "100000", "--histories", "10000"].map(str::to_owned),
    )
}

fn lacks_sshd() -> Option<(String, String)> {
    let missing = install::missing(&["sshd", "ssh", "unshare", "svnserve"]);
    if !missing.is_empty() {
        return Some((
            format!("not installed: {}", missing.join(" ")),
            "cargo xtask test --install (as root)".to_owned(),
        ));
    }
    if !install::is_root() {
        return Some(("needs root for mount namespaces".to_owned(), "run it as root".to_owned()));
    }
    None
}

fn lacks_engine() -> Option<(String, String)> {
    if !install::engine_answers() {
        let remedy = "start a container engine that `docker info` can reach, then run this again".to_owned();
        return Some(("no container engine answers".to_owned(), remedy));
    }
    let missing = install::missing(&["mmdebstrap"]);
    if missing.is_empty() {
        None
    } else {
        Some((format!("not installed: {}", missing.join(" ")), "cargo xtask test --install (as root)".to_owned()))
    }
}

fn clippy() -> Result<(), String> {
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--features", CONTAINERS, "--", "-D", "warnings"]))
}

const CONTAINERS: &str = "deploy-testbed/containers";

/// The crates' own pages, and the book.
fn docs() -> Result<(), String> {
    // With the features of the layer before, whose work is then used again.
    let args = ["doc", "--workspace", "--no-deps", "--features", CONTAINERS];
    run(cargo(&args).env("RUSTDOCFLAGS", "-D warnings"))?;
    match install::mdbook() {
        Some(_) => crate::run::book(),
        None => {
            println!(
                "the book is not built: mdbook is not here (`cargo install mdbook`); its links are checked by the layer unit"
            );
            Ok(())
        }
    }
}

/// What the tests of this machine must not skip.
fn required() -> String {
    let mut names = Vec::new();
    if install::missing(&["dash", "bash", "busybox"]).is_empty() {
        names.push("shells");
    }
    if install::missing(&["git", "svn", "svnserve"]).is_empty() {
        names.push("scm");
    }
    if install::missing(&["ruby"]).is_empty() {
        names.push("ruby");
    }
    if lacks_sshd().is_none() {
        names.push("sshd");
        if install::missing(&["apache2", "openssl", install::APACHE_SVN]).is_empty() {
            names.push("apache");
        }
        if install::missing(&["dropbear", "dropbearkey"]).is_empty() {
            names.push("dropbear");
        }
        // The end-to-end tests compare with Debian's; another program of that name is none.
        if says("/usr/bin/cap", "Capistrano Version: 3") {
            names.push("peers");
        }
    }
    names.join(",")
}

/// Whether a program's version is of this kind.
fn says(program: &str, wanted: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(wanted))
}

/// A `cargo test` of the whole workspace. Always the whole, and with the same features in all layers: cargo would compile
/// what packages share anew for each selection of packages. The layers differ in targets and in names of tests.
pub fn tests(args: &[&str]) -> Command {
    // All that fails is seen in one run.
    let mut all = vec!["test", "--workspace", "--no-fail-fast"];
    if lacks_engine().is_none() {
        all.extend(["--features", CONTAINERS]);
    }
    all.extend(args);
    let mut command = cargo(&all);
    command.env("CAPSTAN_REQUIRE", required());
    command
}

/// Unit, property and crate tests, doctests, house rules, each benchmark once: what no layer below does. Programs have no
/// tests inside (a house rule): each would be linked once more.
fn unit() -> Result<(), String> {
    run(&mut tests(&["--lib", "--test", "tidy", "--bench", "capstan"]))?;
    run(&mut tests(&["--test", "it", "--", "--skip", "embedded", "--skip", "sshd", "--skip", "containers"]))?;
    run(&mut tests(&["--doc"]))
}

/// Embedded SSH servers, and the binary against them.
fn embedded() -> Result<(), String> {
    run(&mut tests(&["--test", "it", "embedded"]))
}

/// Real OpenSSH servers, and the binary against them.
fn sshd() -> Result<(), String> {
    run(&mut tests(&["--test", "it", "sshd"]))
}

/// The binary for `cargo xtask crash`, with the features of the other layers.
pub fn faulty_binary() -> Result<PathBuf, String> {
    let with_containers = ["--features", CONTAINERS];
    crate::crash::build(if lacks_engine().is_none() { &with_containers } else { &[] })
}

/// The binary in a container, against containers.
fn containers() -> Result<(), String> {
    // Brings the two programs, too, compiled as the tests are.
    run(&mut tests(&["--test", "it", "--no-run"]))?;
    let testbed = target_dir().join("testbed");
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    run_within(minutes(30), Command::new(&testbed).arg("image"))?;
    // One fleet at a time: engines have been seen to lock up when networks come and go side by side. Each call to the
    // engine has a deadline of its own; this one is for what nobody has thought of.
    let mut tests = tests(&["--test", "it", "containers", "--", "--test-threads=1"]);
    tests.env("CAPSTAN_REQUIRE", format!("{},containers", required())).env("CAPSTAN_CAP", target_dir().join("cap"));
    let mut result = run_within(minutes(20), &mut tests);
    // Nothing of ours is proven or refuted where the engine died on the way; a machine of the tests' own can begin anew.
    if result.is_err() && is_ci() && engine::is_stuck() {
        engine::restart()?;
        run_within(minutes(5), Command::new(&testbed).arg("sweep"))?;
        result = run_within(minutes(20), &mut tests);
    }
    let swept = run_within(minutes(5), Command::new(&testbed).arg("sweep"));
    result.and(swept)
}

/// A small program outside the workspace that uses two of the crates.
fn standalone() -> Result<(), String> {
    let manifest = root().join("examples/standalone/Cargo.toml");
    let target = target_dir();
    let target = target.parent().unwrap_or(Path::new("target"));
    run(cargo(&["run", "--quiet", "--manifest-path"]).arg(manifest).env("CARGO_TARGET_DIR", target))
}

/// Each crate can be packaged, and what was packaged can be built.
fn package() -> Result<(), String> {
    forget_packages();
    let target = target_dir();
    let mut args = vec!["package", "--workspace", "--allow-dirty", "--quiet"];
    for unpublished in ["xtask", "deploy-benches", "deploy-testbed"] {
        args.extend(["--exclude", unpublished]);
    }
    // Named, or cargo would build each package in a directory of its own, with all of its dependencies.
    run(cargo(&args).env("CARGO_TARGET_DIR", target.parent().unwrap_or(&target)))
}

/// Cargo keeps what it has unpacked by name and version, and takes our crates of an earlier run for those of this one. They
/// lie under the names of registries without a host, which are those of directories.
fn forget_packages() {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    let Some(cargo) = std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home) else { return };
    for kind in ["src", "cache"] {
        let registries = std::fs::read_dir(cargo.join("registry").join(kind)).into_iter().flatten().flatten();
        for registry in registries.filter(|entry| entry.file_name().to_string_lossy().starts_with('-')) {
            for package in std::fs::read_dir(registry.path()).into_iter().flatten().flatten() {
                if package.file_name().to_string_lossy().starts_with("deploy-") {
                    // What cannot be removed is found out by the build.
                    let _ = std::fs::remove_dir_all(package.path()).or_else(|_| std::fs::remove_file(package.path()));
                }
            }
        }
    }
}
