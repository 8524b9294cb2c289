//! A logged-in connection.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelOpenFailure, Disconnect};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;

use super::channel::{self, Context};
use super::handler::{Handler, Shared, printable};
use super::stream::Wire;
use crate::error::{ConnectError, ConnectErrorKind, ExecError};
use crate::forward::{ForwardError, Stream};
use crate::session::{Counters, Exec, Running, Session, Stats};
use crate::target::Target;

/// How long a goodbye may take before the connection is simply cut.
const GOODBYE: Duration = Duration::from_secs(2);

/// How often a refused channel is tried again at once, and the pause before the first of these tries.
const REFUSALS: u32 = 3;
const REFUSAL_PAUSE: Duration = Duration::from_millis(20);

/// A place among the channels of a connection.
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
    freed: Arc<Notify>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.freed.notify_waiters();
    }
}

pub(crate) struct SshSession {
    target: Arc<Target>,
    handle: Handle<Handler>,
    shared: Arc<Shared>,
    wire: Arc<Wire>,
    channels: Arc<Semaphore>,
    /// Told whenever a channel is closed.
    freed: Arc<Notify>,
    /// The connections that this one runs through.
    _via: Option<Arc<SshSession>>,
}

impl SshSession {
    /// Has the connection ended?
    pub(crate) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }
}

impl Drop for SshSession {
    fn drop(&mut self) {
        // Dropping the handle ends the library's task, unless that is stuck.
        self.wire.kill.cancel();
    }
}

impl SshSession {
    pub(crate) fn new(
        target: Arc<Target>,
        handle: Handle<Handler>,
        shared: Arc<Shared>,
        wire: Arc<Wire>,
        via: Option<Arc<Self>>,
    ) -> Self {
        let channels = Arc::new(Semaphore::new(target.max_channels.max(1)));
        Self { target, handle, shared, wire, channels, freed: Arc::default(), _via: via }
    }

    fn host(&self) -> String {
        self.target.name.clone()
    }

    fn lost(&self) -> ExecError {
        ExecError::Lost { host: self.host(), reason: self.reason() }
    }

    /// Why the connection ended, as well as is known.
    fn reason(&self) -> String {
        self.shared.reason().or_else(|| self.wire.error()).unwrap_or_else(|| "the connection is closed".into())
    }

    fn timed_out(&self) -> ExecError {
        ExecError::TimedOut { host: self.host(), after: self.target.reply_timeout }
    }

    /// Opens a channel for a command. Servers allow only so many at a time, some fewer than we do, and they free a place a
    /// moment after the command's end; so a refusal is tried again when one of our own channels is closed.
    async fn open(&self) -> Result<Channel<Msg>, ExecError> {
        let mut refusals = 0;
        loop {
            let freed = self.freed.notified();
            let refused = match self.open_once().await {
                Err(refused @ ExecError::ChannelRefused { .. }) => refused,
                done => return done,
            };
            refusals += 1;
            let others = self.target.max_channels.saturating_sub(self.channels.available_permits() + 1);
            if refusals <= REFUSALS {
                tokio::time::sleep(REFUSAL_PAUSE * refusals).await;
            } else if others > 0 {
                freed.await;
                refusals = 0;
            } else {
                return Err(refused);
            }
        }
    }

    async fn open_once(&self) -> Result<Channel<Msg>, ExecError> {
        Counters::add(&self.wire.counters.waits, 1);
        let open = self.handle.channel_open_session();
        match tokio::time::timeout(self.target.reply_timeout, open).await {
            Ok(Ok(channel)) => {
                Counters::add(&self.wire.counters.exec_channels, 1);
                Ok(channel)
            }
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => {
                Err(ExecError::ChannelRefused { host: self.host(), reason: printable(reason.description()) })
            }
            Ok(Err(_)) => Err(self.lost()),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// Opens a way from there to another host.
    pub(crate) async fn open_tcp(&self, next: &Target) -> Result<Channel<Msg>, ConnectError> {
        let refused = |reason: String| next.error(ConnectErrorKind::JumpRefused { hop: self.host(), reason });
        let open = self.handle.channel_open_direct_tcpip(&next.host, u32::from(next.port), "127.0.0.1", 0);
        match tokio::time::timeout(self.target.reply_timeout.max(next.connect_timeout), open).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => Err(refused(printable(reason.description()))),
            Ok(Err(_)) => Err(refused(self.reason())),
            Err(_) => Err(refused("it did not answer in time".into())),
        }
    }

    /// Opens a way to a port as the host sees it.
    async fn reach(&self, host: &str, port: u16) -> Result<Channel<Msg>, ForwardError> {
        let open = self.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        let refused = |reason: String| ForwardError::Refused { address: format!("{host}:{port}"), reason };
        match tokio::time::timeout(self.target.reply_timeout, open).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => {
                let text = printable(reason.description());
                match reason {
                    ChannelOpenFailure::ConnectFailed | ChannelOpenFailure::ResourceShortage => Err(refused(text)),
                    _ => Err(ForwardError::Forbidden(text)),
                }
            }
            Ok(Err(_)) => Err(ForwardError::Lost(self.reason())),
            Err(_) => Err(refused(format!("no answer within {} s", self.target.reply_timeout.as_secs_f32()))),
        }
    }

    async fn start(&self, exec: Exec) -> Result<Running, ExecError> {
        if exec.forward_agent && !self.target.forward_agent {
            return Err(ExecError::Unsupported {
                host: self.host(),
                what: "agent forwarding is not allowed for this connection".into(),
            });
        }
        if let Some((name, _)) = exec.env.iter().find(|(name, _)| !is_variable_name(name)) {
            return Err(ExecError::Unsupported {
                host: self.host(),
                what: format!("{name:?} cannot be the name of an environment variable"),
            });
        }
        let permit = Arc::clone(&self.channels).acquire_owned().await.map_err(|_| self.lost())?;
        let channel = self.open().await?;
        let context = Context {
            host: self.host(),
            shared: Arc::clone(&self.shared),
            slot: Slot { _permit: permit, freed: Arc::clone(&self.freed) },
        };
        let mut running = channel::start(channel, &exec, &self.target.env, context).await.map_err(|_| self.lost())?;
        if exec.wait {
            Counters::add(&self.wire.counters.waits, 1);
            match tokio::time::timeout(self.target.reply_timeout, running.accepted()).await {
                Ok(answer) => answer?,
                Err(_) => return Err(self.timed_out()),
            }
        }
        Ok(running)
    }
}

/// A connection as others see it. A command's start is carried to its end even if the caller gives up meanwhile: a channel that is
/// half open could not be closed any more.
pub(crate) struct SharedSession(pub(crate) Arc<SshSession>);

#[async_trait]
impl Session for SharedSession {
    async fn exec(&self, exec: Exec) -> Result<Running, ExecError> {
        let session = Arc::clone(&self.0);
        let span = tracing::debug_span!(target: "deploy_transport::ssh", "exec", host = %session.target.name);
        let start = async move { session.start(exec).await };
        match tokio::spawn(start.instrument(span)).await {
            Ok(result) => result,
            Err(_) => Err(self.0.lost()),
        }
    }

    async fn forward(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, ForwardError> {
        let (session, host) = (Arc::clone(&self.0), host.to_owned());
        match tokio::spawn(async move { session.reach(&host, port).await }).await {
            Ok(Ok(channel)) => Ok(Box::new(channel.into_stream())),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ForwardError::Lost(self.0.reason())),
        }
    }

    fn stats(&self) -> Stats {
        self.0.wire.counters.stats()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    async fn close(&self) {
        let goodbye = async {
            // A failure means that it is closed already.
            let _ = self.0.handle.disconnect(Disconnect::ByApplication, "", "").await;
            while !self.0.handle.is_closed() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        self.0.wire.kill.cancel();
    }
}

pub(crate) fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
