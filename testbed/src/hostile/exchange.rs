//! The key exchange, and the ways in which it can be meddled with.

use std::io;

use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::rand::SystemRandom;

use super::crypt::{Secrets, random, sha256};
use super::message::{Fields, Message};
use super::wire::Wire;

const KEXINIT: u8 = 20;
const NEWKEYS: u8 = 21;
const KEX_INIT: u8 = 30;
const KEX_REPLY: u8 = 31;

/// How keys are exchanged.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Offer strict key exchange, the remedy against the Terrapin attack (CVE-2023-48795).
    pub strict: bool,
    /// Start the numbering of packets anew with the keys, as strict key exchange demands.
    pub reset: bool,
    /// Sent before the first message of the exchange.
    pub before: Vec<Message>,
    /// Sent inside the exchange, while nothing is encrypted.
    pub within: Vec<Message>,
    /// Sign something else than what was exchanged.
    pub forged: bool,
}

impl Default for Exchange {
    /// As it ought to be.
    fn default() -> Self {
        Self { strict: true, reset: true, before: Vec::new(), within: Vec::new(), forged: false }
    }
}

impl Wire {
    /// Begins to exchange keys, and does no more.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn begin_exchange(&mut self) -> io::Result<()> {
        self.send(&offer(true)?)
    }

    /// Exchanges keys, for the first time or again.
    ///
    /// # Errors
    /// When the client goes away or refuses.
    pub fn exchange_keys(&mut self, how: &Exchange) -> io::Result<()> {
        for message in &how.before {
            self.send(message)?;
        }
        let ours = offer(how.strict)?;
        self.send(&ours)?;
        let theirs = self.receive_number(KEXINIT)?;
        let init = self.receive_number(KEX_INIT)?;
        let client_share = Fields(init.get(1..).unwrap_or_default()).string().unwrap_or_default().to_vec();
        for message in &how.within {
            self.send(message)?;
        }
        let failed = |_| io::Error::other("no agreement on a key");
        let secret = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(failed)?;
        let public = secret.compute_public_key().map_err(failed)?;
        let peer = UnparsedPublicKey::new(&X25519, &client_share);
        let shared = agree_ephemeral(secret, &peer, <[u8]>::to_vec).map_err(failed)?;
        let host_key = self.host_key().public();
        let said = Message(Vec::new()).string(self.their_version()).string(Wire::VERSION.as_bytes());
        let said = said.string(&theirs).string(&ours.0).string(&host_key).string(&client_share);
        let hash = sha256(&said.string(public.as_ref()).mpint(&shared).0);
        let signature = self.host_key().sign(if how.forged { b"something else" } else { &hash });
        self.send(&Message::new(KEX_REPLY).string(&host_key).string(public.as_ref()).string(&signature))?;
        self.send(&Message::new(NEWKEYS))?;
        let session = self.session_id(&hash);
        let secrets = Secrets { shared: &shared, hash: &hash, session: &session };
        self.seal_with(secrets.sealing(), how.reset);
        // In the old keys still.
        self.receive_number(NEWKEYS)?;
        self.open_with(secrets.opening(), how.reset);
        Ok(())
    }
}

/// What this server offers to the client: one of each.
fn offer(strict: bool) -> io::Result<Message> {
    let kex: &[u8] = if strict { b"curve25519-sha256,kex-strict-s-v00@openssh.com" } else { b"curve25519-sha256" };
    let mut message = Message::new(KEXINIT).bytes(&random::<16>()?).string(kex).string(b"ssh-ed25519");
    let cipher = b"chacha20-poly1305@openssh.com";
    for list in [&cipher[..], cipher, b"hmac-sha2-256", b"hmac-sha2-256", b"none", b"none", b"", b""] {
        message = message.string(list);
    }
    Ok(message.byte(0).u32(0))
}
