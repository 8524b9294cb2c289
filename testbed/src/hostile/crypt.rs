//! The cryptography of one way of speaking SSH: ed25519 host key, curve25519, SHA-256, ChaCha20-Poly1305.

use std::io;

use ring::aead::chacha20_poly1305_openssh::{KEY_LEN, OpeningKey, SealingKey, TAG_LEN};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use russh::keys::ssh_key::public::{Ed25519PublicKey, KeyData};
use russh::keys::{Algorithm, PublicKey};

use super::message::Message;

/// The server's own key.
pub(crate) struct HostKey(Ed25519KeyPair);

pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system has no randomness"))?;
    Ok(bytes)
}

impl HostKey {
    pub(crate) fn new() -> io::Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&random::<32>()?);
        pair.map(Self).map_err(|error| io::Error::other(error.to_string()))
    }

    /// As the protocol encodes it.
    pub(crate) fn public(&self) -> Vec<u8> {
        Message(Vec::new()).string(b"ssh-ed25519").string(self.0.public_key().as_ref()).0
    }

    pub(crate) fn sign(&self, data: &[u8]) -> Vec<u8> {
        Message(Vec::new()).string(b"ssh-ed25519").string(self.0.sign(data).as_ref()).0
    }

    /// As known_hosts has it.
    pub(crate) fn public_line(&self) -> String {
        let key = Ed25519PublicKey::try_from(self.0.public_key().as_ref()).ok();
        let key = key.map(|key| PublicKey::new(KeyData::Ed25519(key), ""));
        key.and_then(|key| key.to_openssh().ok()).unwrap_or_else(|| Algorithm::Ed25519.to_string())
    }
}

/// A way of the connection that is encrypted.
pub(crate) struct Sealing(SealingKey);

/// The other way.
pub(crate) struct Opening(OpeningKey);

pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
    digest(&SHA256, data).as_ref().to_vec()
}

/// The secret that both sides know, the hash of what was said, and the hash of the first exchange.
pub(crate) struct Secrets<'a> {
    pub(crate) shared: &'a [u8],
    pub(crate) hash: &'a [u8],
    pub(crate) session: &'a [u8],
}

impl Secrets<'_> {
    fn key(&self, letter: u8) -> [u8; KEY_LEN] {
        let base = Message(Vec::new()).mpint(self.shared).bytes(self.hash);
        let first = sha256(&base.clone().byte(letter).bytes(self.session).0);
        let second = sha256(&base.bytes(&first).0);
        let mut key = [0; KEY_LEN];
        key.iter_mut().zip(first.iter().chain(&second)).for_each(|(to, from)| *to = *from);
        key
    }

    pub(crate) fn sealing(&self) -> Sealing {
        Sealing(SealingKey::new(&self.key(b'D')))
    }

    pub(crate) fn opening(&self) -> Opening {
        Opening(OpeningKey::new(&self.key(b'C')))
    }
}

impl Sealing {
    /// Encrypts a packet with its length in place and adds its mark.
    pub(crate) fn seal(&self, sequence: u32, packet: &mut Vec<u8>) {
        let mut tag = [0; TAG_LEN];
        self.0.seal_in_place(sequence, packet, &mut tag);
        packet.extend(tag);
    }
}

impl Opening {
    pub(crate) const TAG: usize = TAG_LEN;

    pub(crate) fn length(&self, sequence: u32, length: [u8; 4]) -> u32 {
        u32::from_be_bytes(self.0.decrypt_packet_length(sequence, length))
    }

    /// Decrypts a packet with its length; gives what follows the length.
    pub(crate) fn open<'a>(&self, sequence: u32, packet: &'a mut [u8], tag: &[u8; TAG_LEN]) -> io::Result<&'a [u8]> {
        self.0
            .open_in_place(sequence, packet, tag)
            .map_err(|_| io::Error::other("the client's packet is not authentic"))
    }
}
