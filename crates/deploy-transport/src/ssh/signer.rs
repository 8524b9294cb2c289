//! Signing with a key file for a certificate: the library would sign with SHA-1 for RSA keys, which servers refuse.

use std::sync::Arc;

use russh::Signer;
use russh::keys::agent::AgentIdentity;
use russh::keys::signature::Signer as _;
use russh::keys::ssh_key::Signature;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{HashAlg, PrivateKey};

use super::agent::SignError;

/// A key with the hash that the server takes.
pub(super) struct FileSigner {
    pub(super) key: Arc<PrivateKey>,
    pub(super) hash: Option<HashAlg>,
}

impl FileSigner {
    fn sign(&self, data: &[u8]) -> Result<Signature, SignError> {
        let signed = match self.key.key_data() {
            KeypairData::Rsa(key) => (key, self.hash).try_sign(data),
            _ => self.key.try_sign(data),
        };
        signed.map_err(|error| SignError::Agent(error.to_string()))
    }
}

impl Signer for FileSigner {
    type Error = SignError;

    /// The data with the signature at its end.
    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        _: Option<HashAlg>,
        mut data: Vec<u8>,
    ) -> Result<Vec<u8>, SignError> {
        let signature = self.sign(&data)?;
        let (algorithm, bytes) = (signature.algorithm().to_string(), signature.as_bytes());
        let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
        let whole = u32::try_from(algorithm.len() + bytes.len() + 8).unwrap_or(u32::MAX);
        data.extend(whole.to_be_bytes());
        for part in [algorithm.as_bytes(), bytes] {
            data.extend(length(part));
            data.extend(part);
        }
        Ok(data)
    }
}
