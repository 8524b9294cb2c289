//! Installing what test layers need, as root on Debian and its descendants.

use std::path::PathBuf;
use std::process::Command;

use crate::run::{cargo, has, run, target_dir, works};

/// A program, or a file by its path, and the Debian package that brings it.
const PACKAGES: &[(&str, &str)] = &[
    ("sshd", "openssh-server"),
    ("ssh", "openssh-client"),
    ("svn", "subversion"),
    ("svnserve", "subversion"),
    ("apache2", "apache2"),
    (APACHE_SVN, "libapache2-mod-svn"),
    ("openssl", "openssl"),
    ("busybox", "busybox"),
    ("dash", "dash"),
    ("bash", "bash"),
    ("unshare", "util-linux"),
    ("sudo", "sudo"),
    ("mmdebstrap", "mmdebstrap"),
    ("cap", "capistrano"),
    ("ruby", "ruby"),
    ("dropbear", "dropbear-bin"),
    ("dropbearkey", "dropbear-bin"),
];

/// Subversion's part of Apache, where Debian has it.
pub const APACHE_SVN: &str = "/usr/lib/apache2/modules/mod_dav_svn.so";

/// Programs of these that are not here.
pub fn missing(programs: &[&str]) -> Vec<String> {
    programs.iter().filter(|program| !has(program)).map(|program| (*program).to_owned()).collect()
}

/// Installs mdbook through cargo where it is missing.
pub fn install_mdbook() -> Result<(), String> {
    if mdbook().is_some() {
        return Ok(());
    }
    // In our own target directory: nothing outside the checkout changes. Quick to build rather than quick to run.
    println!("installing: mdbook (into {})", tools().display());
    let words = ["install", "mdbook", "--version", "^0.5", "--locked", "--debug", "--no-default-features", "--quiet"];
    run(cargo(&words).arg("--root").arg(tools()).env("CARGO_PROFILE_DEV_DEBUG", "0"))
}

/// Where programs are that we installed for ourselves.
fn tools() -> PathBuf {
    let debug = target_dir();
    debug.parent().unwrap_or(&debug).join("tools")
}

/// The program that builds the book.
pub fn mdbook() -> Option<PathBuf> {
    let own = tools().join("bin/mdbook");
    if own.is_file() { Some(own) } else { has("mdbook").then(|| PathBuf::from("mdbook")) }
}

/// Installs the Debian packages that are not here.
pub fn packages() -> Result<(), String> {
    let mut packages: Vec<&str> =
        PACKAGES.iter().filter(|(program, _)| !has(program)).map(|(_, package)| *package).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    if !has("apt-get") || !is_root() {
        return Err(format!("need root and apt-get to install: {}", packages.join(" ")));
    }
    println!("installing: {}", packages.join(" "));
    run(Command::new("apt-get").args(["update", "-qq"]).env("DEBIAN_FRONTEND", "noninteractive"))?;
    run(Command::new("apt-get")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(&packages)
        .env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Whether we are root.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// Whether a container engine answers.
pub fn engine_answers() -> bool {
    works("docker", &["info"])
}
