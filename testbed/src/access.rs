//! The files by which any SSH client reaches the fleet: a key, known_hosts and an ssh_config.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, PublicKey};

use crate::error::{Doing, Result, TestbedError};
use crate::fleet::FleetHost;

/// Where the files are.
#[derive(Debug, Clone)]
pub(crate) struct AccessFiles {
    pub(crate) identity: PathBuf,
    pub(crate) known_hosts: PathBuf,
    pub(crate) ssh_config: PathBuf,
}

impl AccessFiles {
    /// Their names in a fleet's directory.
    pub(crate) fn within(dir: &Path) -> Self {
        AccessFiles {
            identity: dir.join("id_ed25519"),
            known_hosts: dir.join("known_hosts"),
            ssh_config: dir.join("ssh_config"),
        }
    }

    /// Makes the login key; gives its public half.
    pub(crate) fn make_identity(&self) -> Result<PublicKey> {
        let key = new_key("of the user deploy")?;
        write_key(&key, &self.identity)?;
        Ok(key.public_key().clone())
    }

    /// Writes known_hosts and ssh_config for these hosts.
    pub(crate) fn write(&self, hosts: &[FleetHost]) -> Result<()> {
        write_file(&self.known_hosts, known_hosts(hosts).as_bytes(), 0o644)?;
        write_file(&self.ssh_config, self.config_text(hosts).as_bytes(), 0o644)
    }

    fn config_text(&self, hosts: &[FleetHost]) -> String {
        let mut text = String::from("# Made by the testbed; removed with the fleet.\n");
        for h in hosts {
            let _ = write!(text, "Host {}\n  HostName {}\n  Port {}\n", h.names().join(" "), h.address, h.port);
            let _ = write!(
                text,
                "  User {}\n  IdentityFile \"{}\"\n  UserKnownHostsFile \"{}\"\n\n",
                h.user,
                self.identity.display(),
                self.known_hosts.display()
            );
        }
        // First value wins in ssh_config, so what holds for every host stands last.
        text.push_str(
            "Host *\n  IdentitiesOnly yes\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  BatchMode yes\n",
        );
        text
    }
}

/// One line a host, under its address and both names.
pub(crate) fn known_hosts(hosts: &[FleetHost]) -> String {
    let mut text = String::new();
    for h in hosts {
        let names: Vec<String> = std::iter::once(h.address.to_string())
            .chain(h.names())
            .map(|n| if h.port == 22 { n } else { format!("[{n}]:{}", h.port) })
            .collect();
        let _ = writeln!(text, "{} {}", names.join(","), h.host_key);
    }
    text
}

/// A fresh ed25519 key.
pub(crate) fn new_key(what: &str) -> Result<PrivateKey> {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519)
        .map_err(|e| TestbedError::Key { what: what.to_owned(), source: Box::new(e) })
}

/// Writes a private key and, beside it, its `.pub`.
pub(crate) fn write_key(key: &PrivateKey, path: &Path) -> Result<()> {
    let text = key
        .to_openssh(LineEnding::LF)
        .map_err(|e| TestbedError::Key { what: path.display().to_string(), source: Box::new(e) })?;
    write_file(path, text.as_bytes(), 0o600)?;
    let public = format!("{}\n", public_line(key.public_key())?);
    write_file(&path.with_extension("pub"), public.as_bytes(), 0o644)
}

/// `ssh-ed25519 AAAA…`, as in authorized_keys and known_hosts.
pub(crate) fn public_line(key: &PublicKey) -> Result<String> {
    key.to_openssh().map_err(|e| TestbedError::Key { what: "as text".to_owned(), source: Box::new(e) })
}

/// Creates or replaces a file with these permissions, whatever the umask.
pub(crate) fn write_file(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let doing = || format!("write {}", path.display());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).doing(doing)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path).doing(doing)?;
    std::io::Write::write_all(&mut file, content).doing(doing)?;
    file.set_permissions(fs::Permissions::from_mode(mode)).doing(doing)
}

/// A password as `/etc/shadow` has it.
pub(crate) fn hash_password(password: &str) -> Result<String> {
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(["passwd", "-6", password]);
    Ok(crate::output::must("hash a password", &mut openssl)?.trim().to_owned())
}
