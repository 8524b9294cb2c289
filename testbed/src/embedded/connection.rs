//! One client's connection to an embedded host: login, channels, and what they ask for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use russh::keys::ssh_key;
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure};

use super::command::{Command, Program};
use super::gate::Gate;
use super::host::Host;

/// The server's side of a connection.
pub(super) struct Connection {
    host: Arc<Host>,
    gate: Arc<Gate>,
    peer: SocketAddr,
    /// Channels that have not been given a command yet, with the variables set on them.
    waiting: HashMap<ChannelId, Waiting>,
    /// Counts the channels whose command has not ended, whoever closed them: OpenSSH's
    /// MaxSessions works like that. The count is the number of clones of this.
    sessions: Arc<()>,
    /// The agent socket, once the client has offered its agent.
    agent: Option<Arc<super::agent::AgentSocket>>,
}

struct Waiting {
    channel: Channel<Msg>,
    env: Vec<(String, String)>,
    session: Arc<()>,
}

impl Connection {
    pub(super) fn new(host: Arc<Host>, gate: Arc<Gate>, peer: SocketAddr) -> Self {
        Connection { host, gate, peer, waiting: HashMap::new(), sessions: Arc::new(()), agent: None }
    }

    fn may_log_in(&self, user: &str, key: &ssh_key::PublicKey) -> bool {
        // Key data only: a comment is part of a key's equality, but not of the key.
        !self.host.faults().refuse_auth && user == self.host.user && key.key_data() == self.host.login_key.key_data()
    }

    fn start(&mut self, id: ChannelId, program: Program, session: &mut Session) -> Result<(), russh::Error> {
        if let Program::Exec(text) = &program {
            let text = String::from_utf8_lossy(text).into_owned();
            self.host.stats().execs.push(text);
        }
        let refused = self.host.faults().refuse_exec;
        let Some(waiting) = self.waiting.remove(&id).filter(|_| !refused) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        let command = Command {
            host: Arc::clone(&self.host),
            gate: Arc::clone(&self.gate),
            peer: self.peer,
            handle: session.handle(),
            id,
            env: waiting.env,
            agent: self.agent.clone(),
        };
        let slot = waiting.session;
        tokio::spawn(async move {
            command.run(program, waiting.channel).await;
            drop(slot);
        });
        Ok(())
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        let ok = self.may_log_in(user, offer.public_key);
        Ok(if ok { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let ok = self.may_log_in(user, key.public_key);
        Ok(if ok { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), Self::Error> {
        self.host.stats().logins += 1;
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let limit = self.host.faults().max_sessions;
        if Arc::strong_count(&self.sessions) > limit {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Ok(());
        }
        let waiting = Waiting { env: Vec::new(), session: Arc::clone(&self.sessions), channel };
        self.waiting.insert(waiting.channel.id(), waiting);
        reply.accept().await;
        Ok(())
    }

    /// As OpenSSH does by default: to wherever the host itself can connect.
    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.host.faults().refuse_forwarding {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        }
        let port = u16::try_from(port).unwrap_or(0);
        match tokio::net::TcpStream::connect((host, port)).await {
            Ok(mut stream) => {
                reply.accept().await;
                tokio::spawn(async move {
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut channel.into_stream()).await;
                });
            }
            Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.waiting.remove(&id);
        Ok(())
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // As Debian's `AcceptEnv LANG LC_*`.
        let accepted = name == "LANG" || name.starts_with("LC_");
        match self.waiting.get_mut(&id).filter(|_| accepted) {
            Some(w) => {
                w.env.push((name.to_owned(), value.to_owned()));
                session.channel_success(id)
            }
            None => session.channel_failure(id),
        }
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        _term: &str,
        _cols: u32,
        _rows: u32,
        _pix_width: u32,
        _pix_height: u32,
        _modes: &[(russh::Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // As `PermitTTY no`: a controlling terminal cannot be given to a child without unsafe code.
        session.channel_failure(id)
    }

    async fn agent_request(&mut self, _: ChannelId, session: &mut Session) -> Result<bool, Self::Error> {
        if self.agent.is_none() {
            self.agent = super::agent::AgentSocket::open(session.handle()).map(Arc::new).ok();
        }
        Ok(self.agent.is_some())
    }

    async fn exec_request(&mut self, id: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        self.start(id, Program::Exec(data.to_vec()), session)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.start(id, Program::Shell, session)
    }

    async fn subsystem_request(&mut self, id: ChannelId, name: &str, session: &mut Session) -> Result<(), Self::Error> {
        match Program::sftp().filter(|_| name == "sftp" && !self.host.faults().refuse_sftp) {
            Some(program) => self.start(id, program, session),
            None => session.channel_failure(id),
        }
    }
}
