//! What the SSH library calls back for: judging the host key, passing the agent on, remembering why it ended.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use russh::client::{self, DisconnectReason, Msg};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelOpenFailure};
use tokio::io::copy_bidirectional;
use tokio::net::UnixStream;

use super::certificate::{self, Verdict};
use crate::error::{ConnectErrorKind, UnknownHostKey};
use crate::known_hosts::{self, Decision, Fingerprint, KnownHosts, RecordedKey, key_type_of};
use crate::prompt::lock;
use crate::target::{Strictness, Target};

/// What a connection leaves behind for those who ask.
#[derive(Default)]
pub(crate) struct Shared {
    /// Why the host key was refused.
    pub(crate) host_key: Mutex<Option<ConnectErrorKind>>,
    /// Why the connection ended.
    pub(crate) ended: Mutex<Option<String>>,
    /// The text that the server shows before login.
    pub(crate) banner: Mutex<String>,
}

impl Shared {
    /// Why the connection ended, as far as it is known.
    pub(crate) fn reason(&self) -> Option<String> {
        lock(&self.ended).clone()
    }
}

/// A failure inside the library's task.
#[derive(Debug)]
pub(crate) enum HandlerError {
    Ssh(russh::Error),
    /// The verdict is in [`Shared::host_key`].
    HostKey,
}

impl From<russh::Error> for HandlerError {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

pub(crate) struct Handler {
    pub(crate) target: Arc<Target>,
    pub(crate) known_hosts: KnownHosts,
    pub(crate) shared: Arc<Shared>,
}

/// How much of a server's text before login is kept.
const BANNER_LIMIT: usize = 16 * 1024;

impl Handler {
    /// Judges a key in the encoding of the protocol.
    fn judge(&self, key: &[u8]) -> Result<(), ConnectErrorKind> {
        let target = &self.target;
        let (name, port) = (target.host_key_name(), target.host_key_port());
        let fingerprint = Fingerprint::of_key(key);
        let key_type = key_type_of(key).unwrap_or("unknown").to_owned();
        let unknown = |other_types: Vec<RecordedKey>| {
            let line = known_hosts::line_for(name, port, key);
            match target.strictness {
                // Recording a second key silently would let anybody in who has a key of another type.
                Strictness::AcceptNew if other_types.is_empty() => self.record(&line),
                Strictness::Off => Ok(()),
                Strictness::AcceptNew | Strictness::Strict => {
                    Err(ConnectErrorKind::HostKeyUnknown(Box::new(UnknownHostKey {
                        fingerprint,
                        key_type: key_type.clone(),
                        line,
                        other_types,
                        files: self.known_hosts.files(),
                    })))
                }
            }
        };
        match self.known_hosts.judge(name, port, key) {
            Decision::Known(_) => Ok(()),
            Decision::Unknown | Decision::Authority(_) => unknown(Vec::new()),
            Decision::OtherType(other) => unknown(other),
            Decision::Changed(_) if target.strictness == Strictness::Off => Ok(()),
            Decision::Changed(recorded) => Err(ConnectErrorKind::HostKeyChanged { fingerprint, key_type, recorded }),
            Decision::Revoked(recorded) => {
                Err(ConnectErrorKind::HostKeyRevoked { fingerprint, key_type, recorded: Box::new(recorded) })
            }
        }
    }

    fn record(&self, line: &str) -> Result<(), ConnectErrorKind> {
        let files = &self.target.known_hosts;
        let Some(path) = files.user.first().or(files.extra.first()) else {
            return Ok(());
        };
        known_hosts::append(path, line)
            .map_err(|source| ConnectErrorKind::KnownHostsFile { path: path.clone(), source })
    }

    fn agent_socket(&self) -> Option<PathBuf> {
        self.target.forwarded_agent.clone().filter(|_| self.target.forward_agent)
    }
}

/// Channels that a server may not open: nothing but the agent's was asked for. The library would accept them.
macro_rules! refused {
    ($($callback:ident($($type:ty),*);)*) => {$(
        async fn $callback(
            &mut self,
            _: Channel<Msg>,
            $(_: $type,)*
            reply: client::ChannelOpenHandle,
            _: &mut client::Session,
        ) -> Result<(), HandlerError> {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            Ok(())
        }
    )*};
}

impl client::Handler for Handler {
    type Error = HandlerError;

    async fn auth_banner(&mut self, banner: &str, _session: &mut client::Session) -> Result<(), HandlerError> {
        let mut kept = lock(&self.shared.banner);
        let room = BANNER_LIMIT.saturating_sub(kept.len());
        kept.extend(banner.chars().take(room));
        Ok(())
    }

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, HandlerError> {
        let verdict = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => match key.to_bytes() {
                Ok(bytes) => self.judge(&bytes),
                Err(error) => Err(ConnectErrorKind::Protocol(format!("the host key cannot be read: {error}"))),
            },
            PublicKeyOrCertificate::Certificate(certificate) => {
                match certificate::judge(&self.target, &self.known_hosts, certificate) {
                    Verdict::Good => Ok(()),
                    Verdict::PlainKey(key) => self.judge(&key),
                    Verdict::Bad(kind) => Err(kind),
                }
            }
        };
        match verdict {
            Ok(()) => Ok(true),
            Err(kind) => {
                *lock(&self.shared.host_key) = Some(kind);
                Err(HandlerError::HostKey)
            }
        }
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), HandlerError> {
        let Some(socket) = self.agent_socket() else {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        };
        // In a task of its own: this callback holds up the whole connection.
        tokio::spawn(async move {
            match UnixStream::connect(&socket).await {
                Ok(mut agent) => {
                    reply.accept().await;
                    let mut stream = channel.into_stream();
                    // Either side may go away at any time; there is nobody to tell.
                    let _ = copy_bidirectional(&mut stream, &mut agent).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the local agent cannot be reached for a host that asks for it");
                    reply.reject(ChannelOpenFailure::ConnectFailed).await;
                }
            }
        });
        Ok(())
    }

    refused! {
        server_channel_open_session();
        server_channel_open_forwarded_tcpip(&str, u32, &str, u32);
        server_channel_open_forwarded_streamlocal(&str);
        server_channel_open_direct_tcpip(&str, u32, &str, u32);
        server_channel_open_direct_streamlocal(&str);
        server_channel_open_x11(&str, u32);
    }

    async fn disconnected(&mut self, reason: DisconnectReason<HandlerError>) -> Result<(), HandlerError> {
        let text = match &reason {
            DisconnectReason::ReceivedDisconnect(info) => format!("the server said: {}", printable(&info.message)),
            DisconnectReason::Error(error) => describe(error),
        };
        *lock(&self.shared.ended) = Some(text);
        match reason {
            DisconnectReason::ReceivedDisconnect(_) => Ok(()),
            DisconnectReason::Error(error) => Err(error),
        }
    }
}

fn describe(error: &HandlerError) -> String {
    match error {
        HandlerError::Ssh(russh::Error::KeepaliveTimeout) => "the server gave no sign of life".into(),
        HandlerError::Ssh(russh::Error::HUP | russh::Error::Disconnect) => "the server closed the connection".into(),
        HandlerError::Ssh(russh::Error::IO(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the server closed the connection".into()
        }
        HandlerError::Ssh(error) if breaks_protocol(error) => {
            format!("the server broke the SSH protocol ({})", error.to_string().to_lowercase())
        }
        HandlerError::Ssh(error) => error.to_string(),
        HandlerError::HostKey => "the host key was refused".into(),
    }
}

/// Is it the server's fault that the library gave up?
fn breaks_protocol(error: &russh::Error) -> bool {
    use russh::Error::{
        Decompress, DecryptionError, Inconsistent, IndexOutOfBounds, Kex, KexInit, PacketAuth, PacketSize, Pending,
        SshEncoding, SshKey, StrictKeyExchangeViolation, Utf8, WrongChannel, WrongServerSig,
    };
    matches!(
        error,
        Decompress(_)
            | DecryptionError
            | Inconsistent
            | IndexOutOfBounds
            | Kex
            | KexInit
            | PacketAuth
            | PacketSize(_)
            | Pending
            | SshEncoding(_)
            | SshKey(_)
            | StrictKeyExchangeViolation { .. }
            | Utf8(_)
            | WrongChannel
            | WrongServerSig
    )
}

/// Text of a server without control characters, and not too long.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect::<String>().trim().to_owned()
}
