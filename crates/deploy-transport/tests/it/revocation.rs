//! OpenSSH's binary revocation lists, read as `ssh-keygen -Q` reads them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use deploy_transport::KnownHosts;
use russh::keys::{PublicKey, load_openssh_certificate, load_public_key};

/// Runs ssh-keygen; whether it ended with 0. None where there is no such program.
fn keygen(directory: &Path, args: &[&str]) -> Option<bool> {
    let output = Command::new("ssh-keygen").args(args).current_dir(directory).stdin(Stdio::null()).output().ok()?;
    Some(output.status.success())
}

fn bytes(key: &russh::keys::ssh_key::public::KeyData) -> Vec<u8> {
    PublicKey::from(key.clone()).to_bytes().unwrap()
}

/// What we think of a key or certificate.
fn is_revoked(list: &Path, file: &Path) -> bool {
    let mut known = KnownHosts::default();
    known.read_revoked(list).unwrap();
    let has = |key: &[u8]| known.revoked("host", 22, key).is_some();
    match load_openssh_certificate(file) {
        Ok(certificate) => {
            let authority = bytes(certificate.signature_key());
            has(&bytes(certificate.public_key()))
                || has(&authority)
                || known.revoked_certificate(&authority, certificate.serial(), certificate.key_id()).is_some()
        }
        Err(_) => has(&load_public_key(file).unwrap().to_bytes().unwrap()),
    }
}

#[test]
fn the_same_answers_as_ssh_keygen() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    if keygen(at, &["-q", "-t", "ed25519", "-N", "", "-f", "ca"]).is_none() {
        println!("skipped: there is no ssh-keygen");
        return;
    }
    let make = |args: &[&str]| assert_eq!(keygen(at, args), Some(true), "{args:?}");
    make(&["-q", "-t", "ed25519", "-N", "", "-f", "other_ca"]);
    let mut asked: Vec<PathBuf> = vec![at.join("ca.pub"), at.join("other_ca.pub")];
    for (index, kind) in ["ed25519", "ecdsa", "ed25519"].into_iter().enumerate() {
        let name = format!("key{index}");
        make(&["-q", "-t", kind, "-N", "", "-f", &name]);
        asked.push(at.join(format!("{name}.pub")));
    }
    for (index, authority) in ["ca", "other_ca"].into_iter().enumerate() {
        for serial in [0u64, 1, 2, 5, 9, 10, 14, 20, 21, 64, 65, 1000, 1007, u64::MAX] {
            let name = format!("host{index}_{serial}");
            fs::copy(at.join("key2.pub"), at.join(format!("{name}.pub"))).unwrap();
            let (public, id) = (format!("{name}.pub"), format!("id-{serial}"));
            make(&["-q", "-s", authority, "-h", "-I", &id, "-n", "host", "-z", &serial.to_string(), &public]);
            asked.push(at.join(format!("{name}-cert.pub")));
        }
    }
    let specification = |text: &str| fs::write(at.join("spec"), text).unwrap();
    let key = |name: &str| fs::read_to_string(at.join(name)).unwrap();
    let (first, second) = (key("key0.pub"), key("key1.pub"));
    let cases: [(&str, &[&str]); 10] = [
        ("", &[]),
        ("serial: 5\n", &["-s", "ca.pub"]),
        ("serial: 1-9\nserial: 20\nserial: 1000-2000\n", &["-s", "ca.pub"]),
        // Close together: ssh-keygen writes a bitmap.
        ("serial: 1\nserial: 5\nserial: 9\nserial: 14\nserial: 21\nserial: 64\n", &["-s", "ca.pub"]),
        ("serial: 18446744073709551615\n", &["-s", "other_ca.pub"]),
        ("id: id-10\nid: id-0\n", &["-s", "ca.pub"]),
        // Of every authority.
        ("serial: 65\nid: id-2\n", &["-s", "none"]),
        (&format!("key: {first}"), &[]),
        (&format!("sha1: {first}sha256: {second}"), &[]),
        (&format!("sha256: {}", key("ca.pub")), &[]),
    ];
    let (mut revoked, mut good) = (0, 0);
    for (text, more) in cases {
        specification(text);
        let mut args = vec!["-q", "-k", "-f", "list"];
        args.extend(more);
        args.push("spec");
        make(&args);
        let list = at.join("list");
        for file in &asked {
            let theirs = keygen(at, &["-Q", "-f", "list", file.to_str().unwrap()]) == Some(false);
            assert_eq!(is_revoked(&list, file), theirs, "{text:?} {}", file.display());
            if theirs { revoked += 1 } else { good += 1 }
        }
    }
    assert!(revoked > 20 && good > 200, "{revoked} revoked, {good} good");
}
