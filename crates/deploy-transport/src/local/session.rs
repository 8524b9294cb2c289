//! This machine as a host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::Program;
use super::process::{self, Spawn};
use crate::error::{ConnectError, ExecError};
use crate::forward::{self, ForwardError, Stream};
use crate::session::{Connector, Counters, Exec, Running, Session, Stats};
use crate::ssh::is_variable_name;
use crate::target::Target;

/// How long a port of this machine may take to answer.
const REPLY_LIMIT: Duration = Duration::from_secs(10);

/// "Connects" to this machine, as this user. Address and login of the target mean nothing.
///
/// Commands are run by `/bin/sh -c` in the process's working directory. There is no terminal to give, and no agent to
/// pass on: the commands have the person's agent anyway.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalConnector;

#[async_trait]
impl Connector for LocalConnector {
    async fn connect(&self, target: &Target) -> Result<Arc<dyn Session>, ConnectError> {
        Ok(Arc::new(LocalSession {
            host: target.name.clone(),
            counters: Counters::default(),
            closed: AtomicBool::new(false),
            stop: CancellationToken::new(),
        }))
    }
}

/// Goes to this machine itself where the target says so, and to all others by another connector.
pub struct AnyConnector(pub Arc<dyn Connector>);

#[async_trait]
impl Connector for AnyConnector {
    async fn connect(&self, target: &Target) -> Result<Arc<dyn Session>, ConnectError> {
        if target.local { LocalConnector.connect(target).await } else { self.0.connect(target).await }
    }
}

struct LocalSession {
    host: String,
    counters: Counters,
    closed: AtomicBool,
    stop: CancellationToken,
}

#[async_trait]
impl Session for LocalSession {
    async fn exec(&self, exec: Exec) -> Result<Running, ExecError> {
        let host = self.host.clone();
        if self.is_closed() {
            return Err(ExecError::Lost { host, reason: "the session is closed".into() });
        }
        if exec.subsystem {
            return Err(ExecError::Unsupported { host, what: "this machine itself has no subsystems".into() });
        }
        if exec.pty.is_some() {
            return Err(ExecError::Unsupported { host, what: "local commands get no terminal".into() });
        }
        if let Some((name, _)) = exec.env.iter().find(|(name, _)| !is_variable_name(name)) {
            let what = format!("{name:?} cannot be the name of an environment variable");
            return Err(ExecError::Unsupported { host, what });
        }
        let running = process::spawn(Spawn {
            host,
            program: Program::Shell(exec.command),
            env: exec.env,
            directory: None,
            permit: None,
        })?;
        Counters::add(&self.counters.exec_channels, 1);
        let (stop, control) = (self.stop.clone(), running.controller());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => control.signal("KILL").await,
                () = control.sender.closed() => {}
            }
        });
        Ok(running)
    }

    async fn forward(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, ForwardError> {
        forward::dial(host, port, REPLY_LIMIT).await
    }

    fn stats(&self) -> Stats {
        self.counters.stats()
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.stop.cancel();
    }
}
