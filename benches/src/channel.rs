//! A runner at the end of a channel: the real one, on this machine or on an embedded host.

use std::sync::Arc;

use deploy_shell::runner::{Decoder, EXEC_TEXT, Event, Gate, Nonce, Outbox, Request, Status, StepId, Work, boot};
use deploy_testbed::{Fleet, FleetSpec};
use deploy_transport::{
    Connector, Event as Received, Exec, LocalConnector, LocalEnvironment, NoPrompter, Overrides, Running, Session,
    SshConfig, SshConnector, Stdin, Target, resolve,
};

use futures_util::future::join_all;

use crate::Failure;

/// The nonce of every runner here; in earnest it is random.
#[must_use]
pub fn nonce() -> Nonce {
    Nonce::new(*b"sixteen bytes 16")
}

/// One embedded host and how to reach it.
pub struct Embedded {
    target: Target,
    // The server lives as long as this.
    _fleet: Fleet,
}

impl Embedded {
    /// Starts the server.
    ///
    /// # Errors
    /// When the machine refuses the server its port or its directory.
    pub fn start() -> Result<Self, Failure> {
        let fleet = FleetSpec::embedded().hosts(["app1"]).start()?;
        let config = SshConfig::from_file(&fleet.ssh_config, LocalEnvironment::current());
        let target = resolve("app1", &Overrides::default(), &config)?;
        Ok(Self { target, _fleet: fleet })
    }

    /// A new connection with a login of its own.
    ///
    /// # Errors
    /// When the host refuses it.
    pub async fn connect(&self) -> Result<Arc<dyn Session>, Failure> {
        Ok(SshConnector::new(Arc::new(NoPrompter)).connect(&self.target).await?)
    }
}

/// Many embedded hosts.
pub struct Many {
    targets: Vec<Target>,
    _fleet: Fleet,
}

impl Many {
    /// Starts so many servers.
    ///
    /// # Errors
    /// When the machine refuses one of them its port or its directory.
    pub fn start(hosts: usize) -> Result<Self, Failure> {
        let fleet = FleetSpec::embedded().count(hosts).start()?;
        let config = SshConfig::from_file(&fleet.ssh_config, LocalEnvironment::current());
        let resolve = |host: usize| resolve(&format!("host{host}"), &Overrides::default(), &config);
        let targets = (1..=hosts).map(resolve).collect::<Result<_, _>>()?;
        Ok(Self { targets, _fleet: fleet })
    }

    /// Connects to all at once, logs in, runs a command on each, and closes; an error if one of them fails.
    ///
    /// # Errors
    /// The first that was met.
    pub async fn run(&self, text: &str) -> Result<(), Failure> {
        let connector = SshConnector::new(Arc::new(NoPrompter));
        let one = |target| {
            let connector = &connector;
            async move {
                let session = connector.connect(target).await?;
                exec(&*session, text).await?;
                session.close().await;
                Ok::<(), Failure>(())
            }
        };
        join_all(self.targets.iter().map(one)).await.into_iter().collect()
    }
}

/// A session with this machine.
///
/// # Errors
/// Never, in practice.
pub async fn local() -> Result<Arc<dyn Session>, Failure> {
    let target = Target::new("localhost", "me", &LocalEnvironment::current());
    Ok(LocalConnector.connect(&target).await?)
}

/// Runs a command to its end; an error unless it ended with 0.
///
/// # Errors
/// When it could not be started or failed.
pub async fn exec(session: &dyn Session, text: &str) -> Result<Vec<u8>, Failure> {
    let output = session.exec(Exec::new(text)).await?.output(1 << 20).await;
    if output.status.success() { Ok(output.stdout) } else { Err(output.status.to_string().into()) }
}

/// A runner that waits for work.
pub struct Runner {
    running: Running,
    stdin: Stdin,
    outbox: Outbox,
    decoder: Decoder,
    last: u32,
    /// Every byte of its standard output so far, if they are kept.
    pub record: Option<Vec<u8>>,
}

impl Runner {
    /// Starts it and waits for its first words.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(session: &dyn Session, keep: bool) -> Result<Self, Failure> {
        let mut running = session.exec(Exec::new(EXEC_TEXT).pipelined()).await?;
        let mut stdin = running.take_stdin().ok_or("the channel has no input")?;
        stdin.write(boot(&nonce(), 120)).await?;
        let mut runner = Self {
            running,
            stdin,
            outbox: Outbox::default(),
            decoder: Decoder::stdout(&nonce()),
            last: 0,
            record: keep.then(Vec::new),
        };
        runner.wait(|event| matches!(event, Event::Hello(_)).then_some(())).await?;
        Ok(runner)
    }

    /// One command, there and back; an error unless it ended with 0.
    ///
    /// # Errors
    /// When it failed or the channel was lost.
    pub async fn command(&mut self, text: &str) -> Result<(), Failure> {
        self.last += 1;
        let id = StepId(self.last);
        let work = Work::Command { text: text.to_owned(), stdin: None };
        self.send(&Request::Step { id, work, gate: Gate::default() }).await?;
        let status = self.wait(|event| match event {
            Event::End { step, status } if *step == id => Some(*status),
            _ => None,
        });
        match status.await? {
            Status::Exited(0) => Ok(()),
            other => Err(format!("{text} ended with {other:?}").into()),
        }
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// When the channel is lost before it said goodbye.
    pub async fn quit(&mut self) -> Result<(), Failure> {
        self.send(&Request::Quit).await?;
        self.wait(|event| matches!(event, Event::Bye { .. }).then_some(())).await?;
        // A channel that its reader leaves before its end keeps a place until the server has closed it, too.
        while self.running.next().await.is_some() {}
        Ok(())
    }

    async fn send(&mut self, request: &Request) -> Result<(), Failure> {
        self.outbox.push(request)?;
        Ok(self.stdin.write(self.outbox.take()).await?)
    }

    async fn wait<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> Result<T, Failure> {
        loop {
            let bytes = match self.running.next().await {
                Some(Received::Stdout(bytes)) => bytes,
                Some(Received::Stderr(_)) => continue,
                Some(Received::Exit(status)) => return Err(format!("the runner ended: {status}").into()),
                None => return Err("the channel was lost".into()),
            };
            if let Some(record) = &mut self.record {
                record.extend_from_slice(&bytes);
            }
            let mut found = None;
            for event in self.decoder.push(&bytes) {
                self.outbox.on_event(&event);
                found = found.or_else(|| wanted(&event));
            }
            let more = self.outbox.take();
            if !more.is_empty() {
                self.stdin.write(more).await?;
            }
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }
}

/// What a runner on this machine wrote for these commands, byte for byte.
///
/// # Errors
/// When one of them fails.
pub async fn record(commands: &[&str]) -> Result<Vec<u8>, Failure> {
    let session = local().await?;
    let mut runner = Runner::start(&*session, true).await?;
    for text in commands {
        runner.command(text).await?;
    }
    runner.quit().await?;
    Ok(runner.record.take().unwrap_or_default())
}

/// Decodes a recording in pieces as a network brings them; gives how many bytes of output and how many ends it holds.
#[must_use]
pub fn decode(recording: &[u8]) -> (usize, usize) {
    let mut decoder = Decoder::stdout(&nonce());
    let (mut bytes_out, mut ends) = (0, 0);
    for piece in recording.chunks(32 << 10) {
        for event in decoder.push(piece) {
            match event {
                Event::Output { bytes, .. } => bytes_out += bytes.len(),
                Event::End { .. } => ends += 1,
                _ => {}
            }
        }
    }
    (bytes_out, ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_recording_decodes_to_what_was_written() {
        let recording = record(&["printf abc", "true", "printf 'de\\n'"]).await.unwrap();
        assert_eq!(decode(&recording), (6, 3));
    }

    #[tokio::test]
    async fn a_failed_command_is_no_success() {
        assert!(record(&["false"]).await.is_err());
    }
}
