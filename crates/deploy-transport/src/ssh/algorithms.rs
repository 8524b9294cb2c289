//! Which algorithms we ask for, and the client's settings.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, SshId, cipher, client, compression, kex, mac};

use crate::ssh_config::AlgorithmList;
use crate::target::{Algorithms, Target};

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
fn known_first(wanted: Vec<Algorithm>, known_types: &[String]) -> Vec<Algorithm> {
    let known = |algorithm: &Algorithm| match algorithm {
        Algorithm::Rsa { .. } => known_types.iter().any(|t| t == "ssh-rsa"),
        other => known_types.iter().any(|t| t == other.as_str()),
    };
    let (mut first, rest): (Vec<_>, Vec<_>) = wanted.into_iter().partition(known);
    first.extend(rest);
    first
}

/// The names to choose from: the built-in list in its order, and everything that can be asked for.
struct Choice {
    defaults: Vec<String>,
    all: Vec<String>,
}

impl Choice {
    fn new<A: AsRef<str>, B: AsRef<str>>(
        defaults: impl IntoIterator<Item = A>,
        more: impl IntoIterator<Item = B>,
    ) -> Self {
        let usable =
            |name: &String| !is_extension(name) && !name.ends_with("-cbc") && name != "none" && name != "clear";
        let defaults: Vec<String> = defaults.into_iter().map(|name| name.as_ref().to_owned()).filter(usable).collect();
        let mut all = defaults.clone();
        for name in more.into_iter().map(|name| name.as_ref().to_owned()).filter(usable) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        Self { defaults, all }
    }

    /// The names of a list, or the built-in ones.
    fn pick(&self, list: Option<&AlgorithmList>) -> Vec<String> {
        match list {
            Some(list) => list.apply(
                &self.defaults.iter().map(String::as_str).collect::<Vec<_>>(),
                &self.all.iter().map(String::as_str).collect::<Vec<_>>(),
            ),
            None => self.defaults.clone(),
        }
    }
}

/// Markers that go with every list of key exchanges, strict key exchange (against the Terrapin attack) among them. CBC ciphers
/// are left out altogether: that attack works on them, and no server needs them.
fn is_extension(name: &str) -> bool {
    name.starts_with("ext-info-") || name.starts_with("kex-strict-")
}

fn ciphers() -> Choice {
    Choice::new(CIPHERS, cipher::ALL_CIPHERS.iter().copied())
}

fn key_exchanges() -> Choice {
    Choice::new(Preferred::DEFAULT.kex.iter(), kex::ALL_KEX_ALGORITHMS.iter().copied())
}

fn macs() -> Choice {
    Choice::new(Preferred::DEFAULT.mac.iter(), mac::ALL_MAC_ALGORITHMS.iter().copied())
}

/// Host keys: certificates first, and plain SHA-1 only where it is asked for.
fn host_keys() -> Choice {
    let plain = HOST_KEYS.iter().map(ToString::to_string);
    let certificates = HOST_KEYS.iter().map(Algorithm::to_certificate_type);
    Choice::new(certificates.chain(plain), ["ssh-rsa"])
}

/// Says which list leaves nothing that could be agreed on.
pub(crate) fn check_algorithms(wanted: &Algorithms) -> Result<(), String> {
    let lists = [
        ("Ciphers", &wanted.ciphers, ciphers()),
        ("KexAlgorithms", &wanted.kex, key_exchanges()),
        ("MACs", &wanted.macs, macs()),
        ("HostKeyAlgorithms", &wanted.host_keys, host_keys()),
        ("PubkeyAcceptedAlgorithms", &wanted.user_keys, host_keys()),
    ];
    for (option, list, choice) in lists {
        if let Some(list) = list.as_ref().filter(|list| choice.pick(Some(list)).is_empty()) {
            let known = choice.all.join(", ");
            return Err(format!("none of {option} {:?} is known here; there are {known}", list.text()));
        }
    }
    Ok(())
}

/// May the user's keys sign with this algorithm?
pub(crate) fn may_sign(wanted: &Algorithms, algorithm: &Algorithm) -> bool {
    let allowed = host_keys().pick(wanted.user_keys.as_ref());
    allowed.contains(&algorithm.to_string())
}

/// May a certificate be signed by an authority's key of this algorithm?
pub(crate) fn may_certify(wanted: &Algorithms, algorithm: &str) -> bool {
    let plain: Vec<String> = HOST_KEYS.iter().map(ToString::to_string).collect();
    let choice = Choice::new(plain.clone(), ["ssh-rsa"]);
    choice.pick(wanted.authorities.as_ref()).iter().any(|name| name == algorithm)
}

/// What to ask the server for.
fn preferred(wanted: &Algorithms, known_types: &[String], authority: bool) -> Preferred {
    let kex = key_exchanges().pick(wanted.kex.as_ref());
    let extensions = Preferred::DEFAULT.kex.iter().copied().filter(|name| is_extension(name.as_ref()));
    let kex: Vec<kex::Name> = kex.iter().filter_map(|name| name.as_str().try_into().ok()).chain(extensions).collect();
    let ciphers = ciphers().pick(wanted.ciphers.as_ref());
    let macs = macs().pick(wanted.macs.as_ref());
    let keys = host_keys().pick(wanted.host_keys.as_ref());
    let plain = keys.iter().filter(|name| !is_certificate(name)).filter_map(|name| Algorithm::new(name).ok());
    let certificates = keys.iter().filter(|name| is_certificate(name));
    let certificates: Vec<Algorithm> =
        certificates.filter_map(|name| Algorithm::new_certificate(name).ok()).filter(|_| authority).collect();
    let compression = if wanted.compression { COMPRESSED } else { UNCOMPRESSED };
    Preferred {
        kex: Cow::Owned(kex),
        key: Cow::Owned(known_first(plain.collect(), known_types)),
        host_key_certificates: Cow::Owned(certificates),
        cipher: Cow::Owned(ciphers.iter().filter_map(|name| name.as_str().try_into().ok()).collect()),
        mac: Cow::Owned(macs.iter().filter_map(|name| name.as_str().try_into().ok()).collect()),
        compression: Cow::Borrowed(compression),
    }
}

const COMPRESSED: &[compression::Name] = &[compression::ZLIB_LEGACY, compression::ZLIB, compression::NONE];
const UNCOMPRESSED: &[compression::Name] = &[compression::NONE, compression::ZLIB_LEGACY, compression::ZLIB];

fn is_certificate(name: &str) -> bool {
    name.ends_with("-cert-v01@openssh.com")
}

/// The settings of a connection. `authority` says that authorities are known for the host, so that a certificate of it could be
/// judged.
pub(crate) fn client_config(target: &Target, known_types: &[String], authority: bool) -> Arc<client::Config> {
    let keepalive = Some(target.keepalive_interval).filter(|i| !i.is_zero());
    Arc::new(client::Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-Capstan_", env!("CARGO_PKG_VERSION")))),
        nodelay: true,
        maximum_packet_size: 65_535,
        keepalive_interval: keepalive,
        keepalive_max: usize::try_from(target.keepalive_max).unwrap_or(usize::MAX),
        preferred: preferred(&target.algorithms, known_types, authority),
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
        let order = known_first(HOST_KEYS.to_vec(), &["ssh-rsa".into(), "ecdsa-sha2-nistp384".into()]);
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

    fn wanted(list: &str) -> Option<AlgorithmList> {
        Some(AlgorithmList::new(list))
    }

    #[test]
    fn lists_of_the_configuration_are_asked_for_and_strict_key_exchange_always() {
        let algorithms = Algorithms {
            ciphers: wanted("aes256-ctr,aes128-cbc"),
            kex: wanted("^ecdh-sha2-nistp256"),
            macs: wanted("+hmac-sha1"),
            host_keys: wanted("rsa-sha2-512,ssh-ed25519-cert-v01@openssh.com"),
            compression: true,
            ..Algorithms::default()
        };
        let asked = preferred(&algorithms, &[], true);
        assert_eq!(asked.cipher.as_ref(), [cipher::AES_256_CTR]);
        assert_eq!(asked.kex.first(), Some(&kex::ECDH_SHA2_NISTP256));
        assert!(asked.kex.contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT));
        assert_eq!(asked.mac.last(), Some(&mac::HMAC_SHA1));
        assert_eq!(asked.key.as_ref(), [Algorithm::Rsa { hash: Some(HashAlg::Sha512) }]);
        assert_eq!(asked.host_key_certificates.as_ref(), [Algorithm::Ed25519]);
        assert_eq!(asked.compression.first(), Some(&compression::ZLIB_LEGACY));
        let plain = preferred(&Algorithms::default(), &[], false);
        assert!(plain.host_key_certificates.is_empty() && !plain.mac.contains(&mac::HMAC_SHA1));
        assert_eq!(plain.kex.first(), Some(&kex::MLKEM768X25519_SHA256));
        assert!(plain.kex.contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT));
    }

    #[test]
    fn a_list_that_leaves_nothing_is_refused_and_sha_1_must_be_asked_for() {
        let none = Algorithms { ciphers: wanted("aes128-cbc,3des-cbc"), ..Algorithms::default() };
        assert!(check_algorithms(&none).unwrap_err().contains("Ciphers \"aes128-cbc,3des-cbc\""));
        let sha1 = Algorithm::Rsa { hash: None };
        assert!(!may_sign(&Algorithms::default(), &sha1));
        assert!(may_sign(&Algorithms { user_keys: wanted("+ssh-rsa"), ..Algorithms::default() }, &sha1));
    }
}
