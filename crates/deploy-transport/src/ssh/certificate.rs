//! Judging a certificate that a host shows: by OpenSSH's rules, all of them, before anything else is said to the host.

use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::Certificate;
use russh::keys::ssh_key::certificate::CertType;

use super::algorithms::may_certify;
use super::handler::printable;
use crate::error::{ConnectErrorKind, HostCertificate};
use crate::known_hosts::{Fingerprint, KnownHosts, RecordedKey, key_type_of};
use crate::pattern;
use crate::target::Target;

/// What is thought of a certificate.
pub(super) enum Verdict {
    /// It proves the host.
    Good,
    /// Its authority is not known for the host: only the key inside counts, as a plain one.
    PlainKey(Vec<u8>),
    Bad(ConnectErrorKind),
}

pub(super) fn judge(target: &Target, known_hosts: &KnownHosts, certificate: &Certificate) -> Verdict {
    let (name, port) = (target.host_key_name(), target.host_key_port());
    let key = encoded(certificate.public_key());
    let signer = encoded(certificate.signature_key());
    for key in [&key, &signer] {
        if let Some(recorded) = known_hosts.revoked(name, port, key) {
            let key_type = key_type_of(key).unwrap_or("unknown").to_owned();
            let fingerprint = Fingerprint::of_key(key);
            return Verdict::Bad(ConnectErrorKind::HostKeyRevoked {
                fingerprint,
                key_type,
                recorded: Box::new(recorded),
            });
        }
    }
    let (serial, id) = (certificate.serial(), certificate.key_id());
    if let Some(recorded) = known_hosts.revoked_certificate(&signer, serial, id) {
        let (key_type, fingerprint) = (key_type_of(&key).unwrap_or("unknown").to_owned(), Fingerprint::of_key(&key));
        return Verdict::Bad(ConnectErrorKind::HostKeyRevoked { fingerprint, key_type, recorded: Box::new(recorded) });
    }
    let authority = known_hosts.authorities(name, port).into_iter().find(|(_, key)| *key == signer);
    let Some((authority, _)) = authority else {
        return Verdict::PlainKey(key);
    };
    match problem(target, certificate) {
        None => Verdict::Good,
        Some(problem) => Verdict::Bad(ConnectErrorKind::HostCertificate {
            problem,
            certificate: Box::new(described(certificate, authority)),
        }),
    }
}

fn encoded(key: &russh::keys::ssh_key::public::KeyData) -> Vec<u8> {
    russh::keys::PublicKey::from(key.clone()).to_bytes().unwrap_or_default()
}

fn problem(target: &Target, certificate: &Certificate) -> Option<String> {
    let name = target.host_key_name().to_ascii_lowercase();
    let algorithm = certificate.signature().algorithm().to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let principals = certificate.valid_principals();
    if certificate.cert_type() != CertType::Host {
        Some("is not one for hosts".into())
    } else if !may_certify(&target.algorithms, &algorithm) {
        Some(format!("is signed with {}, which is not allowed", printable(&algorithm)))
    } else if certificate.verify_signature().is_err() {
        Some("is not signed by its authority".into())
    } else if now < certificate.valid_after() {
        Some("is not good yet".into())
    } else if now >= certificate.valid_before() {
        Some("is expired".into())
    } else if !principals.is_empty() && !principals.iter().any(|p| pattern::matches(&name, &p.to_ascii_lowercase())) {
        Some(format!("is for other hosts than {name}"))
    } else if certificate.critical_options().iter().next().is_some() {
        Some("has options that are not understood".into())
    } else {
        None
    }
}

fn described(certificate: &Certificate, authority: RecordedKey) -> HostCertificate {
    HostCertificate {
        key_id: printable(certificate.key_id()),
        serial: certificate.serial(),
        principals: certificate.valid_principals().iter().take(10).map(|name| printable(name)).collect(),
        after: certificate.valid_after(),
        before: certificate.valid_before(),
        authority,
    }
}
