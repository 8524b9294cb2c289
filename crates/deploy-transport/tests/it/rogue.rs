//! A server in this process that does what real ones rarely do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use deploy_transport::target::{AgentSource, KnownHostsFiles};
use deploy_transport::*;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::server::{Auth, Config, Handler, Msg, Response, Session as ServerSession, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId, Disconnect, MethodKind, MethodSet, Sig};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::environment;

/// How the server behaves.
#[derive(Clone, Default)]
pub struct Manners {
    /// The password that it takes; without one it lets everybody in.
    pub password: Option<&'static str>,
    /// Ask for the password by questions instead, and after it for this code.
    pub code: Option<&'static str>,
    /// Want a key of the user's first: the password alone is not asked for.
    pub key_first: bool,
    /// Drop so many connections before saying anything.
    pub drop_first: u32,
    /// Take a long time over a request.
    pub preferred: Option<russh::Preferred>,
}

/// The server. It ends with the value.
pub struct Rogue {
    pub address: SocketAddr,
    pub connections: Arc<AtomicU32>,
    pub password_tries: Arc<AtomicU32>,
    tasks: JoinSet<()>,
}

/// A key made from a fixed seed: what it protects is a test.
fn host_key() -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[7; 32]);
    PrivateKey::new(pair.into(), "").unwrap()
}

impl Rogue {
    pub async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicU32::new(0));
        let password_tries = Arc::new(AtomicU32::new(0));
        let mut tasks = JoinSet::new();
        let mut methods = MethodSet::empty();
        match (manners.password, manners.code) {
            (_, Some(_)) => methods.push(MethodKind::KeyboardInteractive),
            (Some(_), None) => methods.push(MethodKind::Password),
            (None, None) => methods.push(MethodKind::None),
        }
        if manners.key_first {
            methods = MethodSet::from([MethodKind::PublicKey].as_slice());
        }
        let config = Arc::new(Config {
            keys: vec![host_key()],
            methods,
            auth_rejection_time: Duration::ZERO,
            nodelay: true,
            preferred: manners.preferred.clone().unwrap_or_default(),
            ..Config::default()
        });
        let (seen, tries) = (Arc::clone(&connections), Arc::clone(&password_tries));
        tasks.spawn(async move {
            let mut sessions = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if seen.fetch_add(1, Ordering::SeqCst) < manners.drop_first {
                    continue;
                }
                let peer = Peer { manners: manners.clone(), tries: Arc::clone(&tries), asked_code: false };
                let config = Arc::clone(&config);
                sessions.spawn(async move {
                    if let Ok(session) = run_stream(config, stream, peer).await {
                        let _ = session.await;
                    }
                });
            }
        });
        Self { address, connections, password_tries, tasks }
    }

    /// A target that does not check the key.
    pub fn target(&self) -> Target {
        let mut target = plain_target(self.address);
        target.strictness = Strictness::Off;
        target
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

pub fn plain_target(address: SocketAddr) -> Target {
    let dir = std::path::Path::new("/nonexistent");
    let mut target = Target::new(address.ip().to_string(), "deploy", &environment(dir));
    target.name = "rogue".into();
    target.port = address.port();
    target.identity_files.clear();
    target.agent = AgentSource::None;
    target.known_hosts = KnownHostsFiles::default();
    target
}

/// A refusal after which the same method may be tried again.
fn again(method: MethodKind) -> Auth {
    Auth::Reject { proceed_with_methods: Some([method].as_slice().into()), partial_success: false }
}

struct Peer {
    manners: Manners,
    tries: Arc<AtomicU32>,
    asked_code: bool,
}

impl Handler for Peer {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, russh::Error> {
        let open = self.manners.password.is_none() && self.manners.code.is_none();
        Ok(if open { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, _user: &str, _key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        let next = if self.manners.code.is_some() { MethodKind::KeyboardInteractive } else { MethodKind::Password };
        let partial_success = self.manners.key_first;
        Ok(Auth::Reject { proceed_with_methods: Some([next].as_slice().into()), partial_success })
    }

    async fn auth_password(&mut self, _user: &str, password: &str) -> Result<Auth, russh::Error> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        let right = self.manners.password == Some(password);
        Ok(if right { Auth::Accept } else { again(MethodKind::Password) })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let answers: Vec<Bytes> = response.into_iter().flatten().collect();
        let question = |text: &'static str, echo| Auth::Partial {
            name: "".into(),
            instructions: "".into(),
            prompts: vec![(text.into(), echo)].into(),
        };
        let is = |expected: Option<&str>| answers.first().map(|a| a.as_ref()) == expected.map(str::as_bytes);
        if answers.is_empty() {
            self.asked_code = false;
            return Ok(question("Password: ", false));
        }
        if self.asked_code {
            return Ok(if is(self.manners.code) { Auth::Accept } else { Auth::reject() });
        }
        self.tries.fetch_add(1, Ordering::SeqCst);
        if !is(self.manners.password) {
            return Ok(Auth::reject());
        }
        self.asked_code = true;
        Ok(question("Your \x1b[31mcode: ", true))
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: russh::server::ChannelOpenHandle,
        _session: &mut ServerSession,
    ) -> Result<(), russh::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        session: &mut ServerSession,
    ) -> Result<(), russh::Error> {
        session.data(channel, Bytes::from(format!("{signal:?}")))?;
        session.exit_status_request(channel, 7)?;
        session.close(channel)
    }

    /// The command says what to do.
    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut ServerSession,
    ) -> Result<(), russh::Error> {
        match data {
            b"refuse" => session.channel_failure(channel)?,
            b"stall" => {}
            b"wait" => session.channel_success(channel)?,
            b"close" => {
                session.channel_success(channel)?;
                session.data(channel, Bytes::from_static(b"some"))?;
                session.close(channel)?;
            }
            b"early close" => session.close(channel)?,
            b"signal" => {
                session.channel_success(channel)?;
                session.exit_signal_request(channel, Sig::SEGV, true, "it\nbroke", "")?;
                session.close(channel)?;
            }
            b"late" => {
                session.channel_success(channel)?;
                session.exit_status_request(channel, 5)?;
                session.data(channel, Bytes::from_static(b"after the status"))?;
                session.close(channel)?;
            }
            b"goodbye" => {
                session.channel_success(channel)?;
                session.disconnect(Disconnect::ByApplication, "maintenance\x07 now", "")?;
            }
            b"never closed" => {
                session.channel_success(channel)?;
                session.exit_status_request(channel, 0)?;
            }
            other => {
                session.channel_success(channel)?;
                session.data(channel, Bytes::copy_from_slice(other))?;
                session.exit_status_request(channel, 0)?;
                session.close(channel)?;
            }
        }
        Ok(())
    }
}
