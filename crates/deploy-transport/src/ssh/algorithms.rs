//! Which algorithms we ask for, and the client's settings.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, SshId, cipher, client};

use crate::target::Target;

/// AES in GCM mode first: with AES instructions it is the fastest by far, and the library does not offer the 128 bit
/// form by itself.
const CIPHERS: &[cipher::Name] =
    &[cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR, cipher::AES_128_CTR];

/// Host key algorithms in order of preference. SHA-1 (`ssh-rsa`) is left out.
const HOST_KEYS: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

/// Host key algorithms with those first of which a key is known: a server with several keys must show the one that we
/// can check.
fn host_key_order(known_types: &[String]) -> Vec<Algorithm> {
    let known = |algorithm: &Algorithm| match algorithm {
        Algorithm::Rsa { .. } => known_types.iter().any(|t| t == "ssh-rsa"),
        other => known_types.iter().any(|t| t == other.as_str()),
    };
    let (mut first, rest): (Vec<_>, Vec<_>) = HOST_KEYS.iter().cloned().partition(known);
    first.extend(rest);
    first
}

/// The settings of a connection.
pub(crate) fn client_config(target: &Target, known_types: &[String]) -> Arc<client::Config> {
    let preferred = Preferred {
        cipher: Cow::Borrowed(CIPHERS),
        key: Cow::Owned(host_key_order(known_types)),
        ..Preferred::DEFAULT
    };
    let keepalive = Some(target.keepalive_interval).filter(|i| !i.is_zero());
    Arc::new(client::Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-Capstan_", env!("CARGO_PKG_VERSION")))),
        nodelay: true,
        maximum_packet_size: 65_535,
        keepalive_interval: keepalive,
        keepalive_max: usize::try_from(target.keepalive_max).unwrap_or(usize::MAX),
        preferred,
        ..client::Config::default()
    })
}

/// How long a write may be stuck: as long as a silent peer is borne with.
pub(crate) fn write_deadline(target: &Target) -> Duration {
    if target.keepalive_interval.is_zero() {
        return Duration::from_secs(60);
    }
    target.keepalive_interval * target.keepalive_max.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_types_come_first_and_none_is_lost() {
        let order = host_key_order(&["ssh-rsa".into(), "ecdsa-sha2-nistp384".into()]);
        let names: Vec<_> = order.iter().map(|a| a.as_str()).collect();
        assert_eq!(
            names,
            [
                "ecdsa-sha2-nistp384",
                "rsa-sha2-512",
                "rsa-sha2-256",
                "ssh-ed25519",
                "ecdsa-sha2-nistp256",
                "ecdsa-sha2-nistp521"
            ]
        );
    }
}
