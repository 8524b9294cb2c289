//! What tests need: finding the programs to compare with.

use std::path::PathBuf;

/// A program that some tests compare with or run against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Program {
    Ssh,
    SshKeygen,
}

/// Where the program is. When it is missing the test must return early, which is said; if the environment variable
/// `CAPSTAN_REQUIRE` names it (or `sshd`, which stands for all of OpenSSH), that is a failure instead.
pub(crate) fn program(program: Program) -> Option<PathBuf> {
    let name = match program {
        Program::Ssh => "ssh",
        Program::SshKeygen => "ssh-keygen",
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    if found.is_none() {
        let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
        let needed = required.split([',', ' ']).any(|r| r == name || r == "sshd");
        assert!(!needed, "{name} is missing but CAPSTAN_REQUIRE names it");
        println!("skipped: {name} is not installed");
    }
    found
}
