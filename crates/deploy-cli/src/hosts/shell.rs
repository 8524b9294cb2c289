//! `cap ssh HOST`: the login shell of a host for the person at the terminal, or one command on it.

use std::io::Write as _;
use std::os::fd::AsFd;

use deploy_inventory::Host;
use deploy_plan::{Problem, ProblemKind};
use deploy_transport::{Connector as _, Event, Exec, ExitStatus, Pty, Running};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::escape::{Escapes, Keys};
use super::{find, target};
use crate::dial::Dial;
use crate::errors::Exit;
use crate::wire::Session;

impl Session {
    /// Connects and joins the terminal to the host's. What follows the host's name is a command to run instead.
    pub(super) async fn shell(&self, dial: &Dial, hosts: &[Host], words: &[String]) -> Result<Exit, Box<Problem>> {
        let (host, command) = match (words.split_first(), hosts) {
            (Some((name, command)), hosts) => (find(hosts, name)?, command.join(" ")),
            (None, [host]) => (host, String::new()),
            (None, _) => {
                let problem = Problem::new(ProblemKind::Usage, "log in to a host", "it is not said which of them");
                let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
                return Err(Box::new(problem.next(format!("type `cap ssh HOST` with one of: {}", names.join(", ")))));
            }
        };
        let target = target(dial, host)?;
        let refused = |error| Box::new(deploy_engine::Dialer::refused(dial, &target, &error).on(&host.id));
        let session = dial.ssh().connect(&target).await.map_err(refused)?;
        let terminal = self.io.terminal.input && self.io.terminal.output && command.is_empty();
        let pty = terminal.then(|| Pty { echo: true, ..self.terminal_of_here() });
        let mut exec = if command.is_empty() { Exec::shell(pty) } else { Exec::new(command) };
        exec.forward_agent = target.forward_agent;
        let failed = |error: deploy_transport::ExecError| {
            Box::new(Problem::new(ProblemKind::Lost, "start the shell", crate::dial::chain(&error)).on(&host.id))
        };
        let running = session.exec(exec).await.map_err(failed)?;
        let raw = terminal.then(Raw::begin).flatten();
        let status = self.join(running, terminal).await;
        drop(raw);
        session.close().await;
        match status {
            // As a shell would give them.
            ExitStatus::Code(code) => Ok(Exit::Remote(u8::try_from(code).unwrap_or(u8::MAX))),
            ExitStatus::Signal { name, .. } => {
                let number = u8::try_from(crate::effects::signal_number(&name)).unwrap_or(0);
                Ok(Exit::Remote(128u8.saturating_add(number)))
            }
            ExitStatus::Lost(why) => Err(Box::new(Problem::new(ProblemKind::Lost, "stay connected", why).on(&host.id))),
        }
    }

    fn terminal_of_here(&self) -> Pty {
        let (columns, rows) = size().unwrap_or((80, 24));
        let term = self.variable("TERM").unwrap_or("xterm").to_owned();
        Pty { term, columns, rows, ..Pty::default() }
    }

    /// Copies what is typed to the host and what it says to the screen, byte by byte, up to the shell's end.
    async fn join(&self, mut running: Running, terminal: bool) -> ExitStatus {
        let controller = running.controller();
        let hang_up = CancellationToken::new();
        let hung_up = hang_up.clone();
        if let Some(mut stdin) = running.take_stdin() {
            tokio::spawn(async move {
                let mut keys = tokio::io::stdin();
                let mut buffer = vec![0; 16 * 1024];
                let mut escapes = terminal.then(Escapes::new);
                while let Ok(count @ 1..) = keys.read(&mut buffer).await {
                    let typed = buffer.get(..count).unwrap_or_default();
                    let keys = match &mut escapes {
                        Some(escapes) => escapes.take(typed),
                        None => Keys { typed: typed.to_vec(), hang_up: false },
                    };
                    if stdin.write(keys.typed).await.is_err() {
                        break;
                    }
                    if keys.hang_up {
                        hung_up.cancel();
                        return;
                    }
                }
                stdin.finish();
            });
        }
        let mut resized = signal(SignalKind::window_change()).ok().filter(|_| terminal);
        loop {
            let event = tokio::select! {
                event = running.next() => event,
                () = hang_up.cancelled() => {
                    controller.close().await;
                    // As ssh says it.
                    return ExitStatus::Code(255);
                }
                () = changed(&mut resized) => {
                    if let Some((columns, rows)) = size() {
                        controller.resize(columns, rows).await;
                    }
                    continue;
                }
            };
            let (mut sink, data) = match event {
                Some(Event::Stdout(data)) => (self.io.out.clone(), data),
                Some(Event::Stderr(data)) => (self.io.err.clone(), data),
                Some(Event::Exit(status)) => return status,
                None => return ExitStatus::Lost("the connection's task ended".to_owned()),
            };
            // Whoever read this has gone: so does the shell.
            if sink.write_all(&data).and_then(|()| sink.flush()).is_err() {
                controller.close().await;
            }
        }
    }
}

async fn changed(resized: &mut Option<tokio::signal::unix::Signal>) {
    match resized {
        Some(resized) => {
            resized.recv().await;
        }
        None => std::future::pending().await,
    }
}

fn size() -> Option<(u32, u32)> {
    let size = tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| (u32::from(size.ws_col), u32::from(size.ws_row)))
}

/// The terminal without echo, lines and signals of its own: the host's terminal has them. Put back when dropped.
struct Raw(Termios);

impl Raw {
    fn begin() -> Option<Self> {
        let stdin = std::io::stdin();
        let before = tcgetattr(stdin.as_fd()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin.as_fd(), OptionalActions::Drain, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // There is nothing left to do about a terminal that refuses.
        let _ = tcsetattr(std::io::stdin().as_fd(), OptionalActions::Drain, &self.0);
    }
}
