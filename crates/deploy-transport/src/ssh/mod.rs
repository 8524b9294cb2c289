//! Connecting over SSH.

mod agent;
mod algorithms;
mod auth;
mod certificate;
mod channel;
mod handler;
mod keys;
mod limiter;
mod proxy;
mod session;
mod signer;
mod stream;
mod tcp;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use russh::client;
use tokio::sync::OnceCell;
use tokio_util::sync::DropGuard;
use tracing::Instrument;

pub(crate) use algorithms::check_algorithms;
pub(crate) use handler::printable;
pub use limiter::ConnectLimiter;
pub(crate) use session::is_variable_name;

use crate::error::{ConnectError, ConnectErrorKind, ConnectPhase};
use crate::known_hosts::KnownHosts;
use crate::prompt::{Answers, Prompter, lock};
use crate::session::{Connector, Session};
use crate::target::{Proxy, Target};
use auth::{Credentials, Login};
use handler::{Handler, HandlerError, Shared};
use keys::KeyStore;
use session::{SharedSession, SshSession};
use stream::{QuickAck, Transport, Wire, WireStream};

/// How often a login is tried when the connection is cut before anybody has logged in.
const ATTEMPTS: u32 = 5;

/// Connects over SSH. One connector serves a whole run: it asks for each password and passphrase once, reads each key file once,
/// shares connections to jump hosts, and limits how many logins are under way per address.
pub struct SshConnector {
    credentials: Arc<Credentials>,
    limiter: Arc<ConnectLimiter>,
    /// Connections to jump hosts, by what identifies them.
    hops: Mutex<HashMap<String, Arc<OnceCell<Arc<SshSession>>>>>,
}

/// A stream to a host, and what it runs through.
struct Route {
    stream: Box<dyn Transport>,
    address: Option<SocketAddr>,
    via: Option<Arc<SshSession>>,
}

impl SshConnector {
    /// A connector that asks a person through `prompter`.
    pub fn new(prompter: Arc<dyn Prompter>) -> Self {
        Self::with_limiter(prompter, ConnectLimiter::default())
    }

    /// The same with another limit of simultaneous logins per address.
    pub fn with_limiter(prompter: Arc<dyn Prompter>, limiter: ConnectLimiter) -> Self {
        Self {
            credentials: Arc::new(Credentials { keys: KeyStore::default(), answers: Answers::new(prompter) }),
            limiter: Arc::new(limiter),
            hops: Mutex::new(HashMap::new()),
        }
    }

    /// Connects with retries, through `before`, the jump hosts that come first.
    async fn connect_through(&self, before: &[Target], target: &Target) -> Result<SshSession, ConnectError> {
        target.check().map_err(|kind| target.error(kind))?;
        let target = Arc::new(target.clone());
        let mut attempt = 1;
        loop {
            let mut asked = false;
            match self.attempt(before, &target, &mut asked).await {
                Ok(session) => return Ok(session),
                Err(mut error) => {
                    // A server may hang up while a person types the password; with the answer it goes faster.
                    let slow = asked && matches!(error.kind, ConnectErrorKind::Protocol(_));
                    // ssh's ConnectionAttempts is about TCP alone.
                    let tcp = error.kind.is_no_answer() && attempt < target.connection_attempts;
                    if !tcp && (attempt >= ATTEMPTS || !(error.kind.is_early_cut() || slow)) {
                        error.attempts = attempt;
                        return Err(error);
                    }
                    attempt += 1;
                    tracing::debug!(host = %target.name, attempt, reason = %error.kind, "connecting again");
                    tokio::time::sleep(limiter::pause(attempt)).await;
                }
            }
        }
    }

    async fn attempt(
        &self,
        before: &[Target],
        target: &Arc<Target>,
        asked: &mut bool,
    ) -> Result<SshSession, ConnectError> {
        let known_hosts = known_hosts(target)?;
        let via = self.via(before, target).await?;
        // The turn comes after the jump host's, so that they cannot wait for each other.
        let gate = match &target.proxy {
            Proxy::Command(command) if via.is_none() => command.clone(),
            _ => format!("{}:{}", target.host, target.port),
        };
        let _turn = self.limiter.turn(&gate).await;
        let route = route(via, target).await?;
        let address = route.address;
        self.handshake(target, route, known_hosts, asked).await.map_err(|kind| {
            let mut error = target.error(kind);
            error.endpoint.address = address;
            error
        })
    }

    /// The jump host that the target is behind, connected.
    async fn via(&self, before: &[Target], target: &Target) -> Result<Option<Arc<SshSession>>, ConnectError> {
        let Some((hop, earlier)) = before.split_last() else {
            return Ok(None);
        };
        let via = self.hop(earlier, hop).await.map_err(|source| {
            target.error(ConnectErrorKind::Jump { hop: hop.name.clone(), source: Box::new(source) })
        })?;
        Ok(Some(via))
    }

    /// The connection to a jump host, shared by all targets behind it.
    async fn hop(&self, before: &[Target], hop: &Target) -> Result<Arc<SshSession>, ConnectError> {
        let path: Vec<_> = before.iter().chain([hop]).map(|t| format!("{}@{}:{}", t.user, t.host, t.port)).collect();
        let path = path.join(",");
        let cell = lock(&self.hops).entry(path.clone()).or_default().clone();
        let connect = || async {
            // Boxed because jump hosts can stand behind jump hosts.
            let session = Box::pin(self.connect_through(before, hop)).await?;
            Ok(Arc::new(session))
        };
        let session = cell.get_or_try_init(connect).await?.clone();
        if session.is_closed() {
            // It broke meanwhile: the next caller makes a new one.
            let mut hops = lock(&self.hops);
            if hops.get(&path).is_some_and(|current| Arc::ptr_eq(current, &cell)) {
                hops.remove(&path);
            }
        }
        Ok(session)
    }

    /// Sees whether the host's key is trusted, and says nothing about the user: neither a login nor a name is sent.
    ///
    /// # Errors
    /// As for connecting; [`ConnectErrorKind::HostKeyUnknown`] has what would make the key known.
    pub async fn check_host_key(&self, target: &Target) -> Result<(), ConnectError> {
        let before = match &target.proxy {
            Proxy::Jump(hops) => hops.as_slice(),
            Proxy::Direct | Proxy::Command(_) => &[],
        };
        target.check().map_err(|kind| target.error(kind))?;
        let known_hosts = known_hosts(target)?;
        let via = self.via(before, target).await?;
        let _turn = self.limiter.turn(&format!("{}:{}", target.host, target.port)).await;
        let route = route(via, target).await?;
        let address = route.address;
        let exchanged = exchange(&Arc::new(target.clone()), route, known_hosts).await;
        exchanged.map(drop).map_err(|kind| {
            let mut error = target.error(kind);
            error.endpoint.address = address;
            error
        })
    }

    /// Key exchange, host key check and login.
    async fn handshake(
        &self,
        target: &Arc<Target>,
        route: Route,
        known_hosts: KnownHosts,
        asked: &mut bool,
    ) -> Result<SshSession, ConnectErrorKind> {
        let Exchanged { mut handle, shared, wire, guard, via } = exchange(target, route, known_hosts).await?;
        let mut login = Login::new(&mut handle, target, &self.credentials, Arc::clone(&shared));
        let result = login.run().await;
        *asked = login.asked;
        result?;
        guard.disarm();
        Ok(SshSession::new(Arc::clone(target), handle, shared, wire, via))
    }
}

#[async_trait]
impl Connector for SshConnector {
    async fn connect(&self, target: &Target) -> Result<Arc<dyn Session>, ConnectError> {
        let before = match &target.proxy {
            Proxy::Jump(hops) => hops.as_slice(),
            Proxy::Direct | Proxy::Command(_) => &[],
        };
        let span = tracing::info_span!(target: "deploy_transport::ssh", "connect", host = %target.name);
        let session = self.connect_through(before, target).instrument(span).await?;
        Ok(Arc::new(SharedSession(Arc::new(session))))
    }
}

/// What is trusted for a target.
fn known_hosts(target: &Target) -> Result<KnownHosts, ConnectError> {
    let failed = |path, source| target.error(ConnectErrorKind::KnownHostsFile { path, source });
    let mut known_hosts = KnownHosts::read(target.known_hosts.all()).map_err(|(path, source)| failed(path, source))?;
    if let Some(path) = &target.known_hosts.revoked {
        known_hosts.read_revoked(path).map_err(|source| failed(path.clone(), source))?;
    }
    Ok(known_hosts)
}

/// A connection on which keys have been exchanged and the host has proved itself.
struct Exchanged {
    handle: client::Handle<Handler>,
    shared: Arc<Shared>,
    wire: Arc<Wire>,
    /// Whatever the library is doing when we give up, cutting the stream ends it.
    guard: DropGuard,
    via: Option<Arc<SshSession>>,
}

/// Version and key exchange, and the check of the host's key.
async fn exchange(target: &Arc<Target>, route: Route, known_hosts: KnownHosts) -> Result<Exchanged, ConnectErrorKind> {
    let (name, port) = (target.host_key_name(), target.host_key_port());
    let types = known_hosts.key_types(name, port);
    let authority = !known_hosts.authorities(name, port).is_empty();
    let config = algorithms::client_config(target, &types, authority);
    let wire = Arc::new(Wire::default());
    let guard = wire.kill.clone().drop_guard();
    let stream = WireStream::new(route.stream, Arc::clone(&wire), algorithms::write_deadline(target));
    let shared = Arc::new(Shared::default());
    let handler = Handler { target: Arc::clone(target), known_hosts, shared: Arc::clone(&shared) };
    let connect = client::connect_stream(config, stream, handler);
    match tokio::time::timeout(target.handshake_timeout, connect).await {
        Ok(Ok(handle)) => Ok(Exchanged { handle, shared, wire, guard, via: route.via }),
        Ok(Err(error)) => Err(handshake_error(error, &wire, &shared)),
        Err(_) => Err(handshake_timeout(target, &wire)),
    }
}

/// Opens the byte stream to the target.
async fn route(via: Option<Arc<SshSession>>, target: &Target) -> Result<Route, ConnectError> {
    if let Some(via) = via {
        let channel = via.open_tcp(target).await?;
        return Ok(Route { stream: Box::new(channel.into_stream()), address: None, via: Some(via) });
    }
    if let Proxy::Command(command) = &target.proxy {
        let stream = proxy::spawn(command)
            .map_err(|source| target.error(ConnectErrorKind::ProxyCommand { command: command.clone(), source }))?;
        return Ok(Route { stream: Box::new(stream), address: None, via: None });
    }
    let deadline = target.connect_timeout;
    let addresses = tcp::addresses(target).await.map_err(|kind| target.error(kind))?;
    match tcp::connect(&addresses, target.bind_address, deadline).await {
        Ok((stream, address)) => {
            Ok(Route { stream: Box::new(QuickAck::new(stream)), address: Some(address), via: None })
        }
        Err((kind, address)) => {
            let mut error = target.error(kind);
            error.endpoint.address = address;
            Err(error)
        }
    }
}

/// A handshake that ended without a connection.
fn handshake_error(error: HandlerError, wire: &Wire, shared: &Shared) -> ConnectErrorKind {
    if let Some(kind) = lock(&shared.host_key).take() {
        return kind;
    }
    let first = wire.first_bytes();
    if first.is_empty() {
        return ConnectErrorKind::ResetBeforeBanner;
    }
    if !introduces_itself(&first) {
        return ConnectErrorKind::NotSsh(printable(&String::from_utf8_lossy(&first)));
    }
    match error {
        HandlerError::Ssh(russh::Error::NoCommonAlgo { kind, ours, theirs }) => {
            ConnectErrorKind::NoCommonAlgorithm { kind: algorithm_kind(&kind), ours, theirs }
        }
        // Right after the introduction: a busy server does this, too.
        HandlerError::Ssh(russh::Error::IO(_) | russh::Error::Disconnect | russh::Error::HUP) => {
            ConnectErrorKind::ResetBeforeBanner
        }
        HandlerError::Ssh(error) => ConnectErrorKind::Protocol(format!("the key exchange failed: {error}")),
        HandlerError::HostKey => ConnectErrorKind::Protocol("the host key was refused".into()),
    }
}

fn handshake_timeout(target: &Target, wire: &Wire) -> ConnectErrorKind {
    let first = wire.first_bytes();
    if !first.is_empty() && !introduces_itself(&first) {
        return ConnectErrorKind::NotSsh(printable(&String::from_utf8_lossy(&first)));
    }
    ConnectErrorKind::TimedOut { phase: ConnectPhase::Handshake, after: target.handshake_timeout }
}

/// Does the text contain the introduction of an SSH server? Other lines may come before it.
fn introduces_itself(first: &[u8]) -> bool {
    first.split(|b| *b == b'\n').any(|line| line.starts_with(b"SSH-"))
}

fn algorithm_kind(kind: &russh::AlgorithmKind) -> &'static str {
    match kind {
        russh::AlgorithmKind::Kex => "key exchange",
        russh::AlgorithmKind::Key => "host key",
        russh::AlgorithmKind::Cipher => "cipher",
        russh::AlgorithmKind::Compression => "compression",
        russh::AlgorithmKind::Mac => "MAC",
    }
}
