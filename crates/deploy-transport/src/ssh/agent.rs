//! The ssh-agent: its keys and its signatures.

use std::time::Duration;

use russh::keys::HashAlg;
use russh::keys::agent::client::AgentClient;
use russh::keys::agent::{AgentIdentity, AgentSessionBinding};
use russh::{SendError, Signer};
use tokio::net::UnixStream;

use crate::target::AgentSource;

/// How long the agent may take to list its keys.
const LIST_DEADLINE: Duration = Duration::from_secs(10);

/// A connection to an agent.
pub(crate) struct Agent {
    client: AgentClient<UnixStream>,
}

impl Agent {
    /// Connects, if there is an agent. One that cannot be reached is treated as none.
    pub(crate) async fn connect(source: &AgentSource, binding: Option<&AgentSessionBinding>) -> Option<Self> {
        let AgentSource::Socket(path) = source else {
            return None;
        };
        let stream = match UnixStream::connect(path).await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(socket = %path.display(), %error, "no agent there");
                return None;
            }
        };
        let mut client = AgentClient::connect(stream);
        if let Some(binding) = binding {
            // Tells the agent which server it signs for. Agents that do not know this say no, which does not matter.
            let _ = tokio::time::timeout(LIST_DEADLINE, client.bind_session(binding, false)).await;
        }
        Some(Self { client })
    }

    /// The keys it holds; none if it does not answer.
    pub(crate) async fn identities(&mut self) -> Vec<AgentIdentity> {
        match tokio::time::timeout(LIST_DEADLINE, self.client.request_identities()).await {
            Ok(Ok(identities)) => identities,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the agent did not list its keys");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!("the agent did not list its keys in time");
                Vec::new()
            }
        }
    }

    /// Something that signs with the agent's keys.
    pub(crate) fn signer(&mut self) -> AgentSigner<'_> {
        AgentSigner { agent: self, plain: None }
    }

    /// Something that signs with this key of the agent's, whatever identity is shown to the server.
    pub(crate) fn signer_with(&mut self, key: AgentIdentity) -> AgentSigner<'_> {
        AgentSigner { agent: self, plain: Some(key) }
    }
}

pub(crate) struct AgentSigner<'a> {
    agent: &'a mut Agent,
    /// The key to sign with, if not the identity itself.
    plain: Option<AgentIdentity>,
}

pub(crate) enum SignError {
    /// The connection to the server is gone.
    Gone,
    /// The agent did not sign.
    Agent(String),
}

impl From<SendError> for SignError {
    fn from(_: SendError) -> Self {
        Self::Gone
    }
}

impl Signer for AgentSigner<'_> {
    type Error = SignError;

    async fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, SignError> {
        // For a certificate from a file the agent has only the key.
        let plain = self.plain.clone();
        let key = plain.as_ref().unwrap_or(key);
        self.agent.client.sign_request(key, hash, data).await.map_err(|error| SignError::Agent(error.to_string()))
    }
}
