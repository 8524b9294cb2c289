//! A real process behind a channel: its input, its output, its signals and its end, as sshd has it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use russh::server::{Handle, Msg};
use russh::{Channel, ChannelId, ChannelMsg, ChannelReadHalf, Sig};
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command as Process};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::agent::AgentSocket;
use super::faults::Finder;
use super::gate::Gate;
use super::host::Host;

/// Channel messages of input that may wait for a slow reader before the connection stalls.
const INPUT_QUEUE: usize = 2048;

/// What a channel runs.
pub(super) enum Program {
    /// `sh -c TEXT`.
    Exec(Vec<u8>),
    /// A login shell that reads its commands from the channel.
    Shell,
    /// The sftp server at this path.
    Sftp(PathBuf),
}

impl Program {
    /// The sftp subsystem, where OpenSSH's server program is installed.
    pub(super) fn sftp() -> Option<Self> {
        ["/usr/lib/openssh", "/usr/libexec", "/usr/lib/ssh", "/usr/libexec/openssh"]
            .iter()
            .map(|dir| PathBuf::from(dir).join("sftp-server"))
            .find(|p| p.exists())
            .map(Program::Sftp)
    }

    fn process(&self) -> Process {
        match self {
            Program::Exec(text) => {
                let mut p = Process::new("/bin/sh");
                p.arg0("sh").arg("-c").arg(OsStr::from_bytes(text));
                p
            }
            Program::Shell => {
                let mut p = Process::new("/bin/sh");
                p.arg0("-sh");
                p
            }
            Program::Sftp(path) => Process::new(path),
        }
    }
}

/// Where a command runs and how its client is reached.
pub(super) struct Command {
    pub(super) host: Arc<Host>,
    pub(super) gate: Arc<Gate>,
    pub(super) peer: SocketAddr,
    pub(super) handle: Handle,
    pub(super) id: ChannelId,
    pub(super) env: Vec<(String, String)>,
    pub(super) agent: Option<Arc<AgentSocket>>,
}

impl Command {
    /// Runs it to its end, the client's presence or not: sshd kills nothing when a client leaves.
    pub(super) async fn run(self, program: Program, channel: Channel<Msg>) {
        let delay = self.host.faults().exec_delay;
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        let mut child = match self.spawn(&program) {
            Ok(child) => child,
            Err(e) => {
                let _ = channel.extended_data_bytes(1, format!("{e}\n").into_bytes()).await;
                let _ = channel.exit_status(127).await;
                let _ = channel.close().await;
                return;
            }
        };
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(0);
        self.host.groups.add(leader);

        let gone = CancellationToken::new();
        let stdin = child.stdin.take();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let to_stdout = channel.make_writer();
        let to_stderr = channel.make_writer_ext(Some(1));
        let (from_client, _write_half) = channel.split();
        tokio::spawn(Input { host: Arc::clone(&self.host), gate: Arc::clone(&self.gate), leader }.pump(
            from_client,
            stdin,
            gone.clone(),
        ));
        let out = tokio::spawn(self.output().pump(stdout, to_stdout, gone.clone()));
        let err = tokio::spawn(self.output().pump(stderr, to_stderr, gone.clone()));

        let status = child.wait().await;
        self.host.groups.remove(leader);
        // Like sshd: the status goes out when the process ends, the close when its output does,
        // which a daemon that has inherited it may hold open.
        if let Ok(status) = status {
            self.send_status(status).await;
        }
        let _ = tokio::join!(out, err);
        let _ = self.handle.eof(self.id).await;
        let _ = self.handle.close(self.id).await;
    }

    fn spawn(&self, program: &Program) -> std::io::Result<Child> {
        let mut process = program.process();
        let server = self.host.addr();
        let (peer, port) = (self.peer.ip(), self.peer.port());
        process
            .env_clear()
            .envs(self.host.environment())
            .envs(self.env.iter().map(|(k, v)| (k, v)))
            .env("SSH_CLIENT", format!("{peer} {port} {}", server.port()))
            .env("SSH_CONNECTION", format!("{peer} {port} {} {}", server.ip(), server.port()))
            .current_dir(self.host.home())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(agent) = &self.agent {
            process.env("SSH_AUTH_SOCK", &agent.path);
        }
        process.spawn()
    }

    fn output(&self) -> OutputPump {
        OutputPump { host: Arc::clone(&self.host), gate: Arc::clone(&self.gate) }
    }

    async fn send_status(&self, status: ExitStatus) {
        let (silent, forced) = {
            let faults = self.host.faults();
            (faults.no_exit_status, faults.exit_status)
        };
        if silent {
            return;
        }
        let code = forced.or_else(|| status.code().and_then(|c| u32::try_from(c).ok()));
        let _ = match (code, status.signal()) {
            (Some(code), _) => self.handle.exit_status_request(self.id, code).await,
            (None, Some(signal)) => {
                let name = signal_name(signal);
                let core = status.core_dumped();
                self.handle.exit_signal_request(self.id, name, core, String::new(), String::new()).await
            }
            (None, None) => Ok(()),
        };
    }
}

/// The client's side of a channel, towards the process.
struct Input {
    host: Arc<Host>,
    gate: Arc<Gate>,
    leader: i32,
}

impl Input {
    /// Feeds the process and passes signals on, until the client closes the channel or is gone.
    async fn pump(self, mut from: ChannelReadHalf, stdin: Option<ChildStdin>, gone: CancellationToken) {
        let (queue, waiting) = mpsc::channel(INPUT_QUEUE);
        let mut queue = Some(queue);
        tokio::spawn(feed(stdin, waiting));
        let drop_on = self.host.faults().drop_on_input.clone();
        let mut finder = drop_on.as_deref().map(Finder::new);
        while let Some(message) = from.wait().await {
            match message {
                ChannelMsg::Data { data } => {
                    let hit = finder.as_mut().is_some_and(|f| f.feed(&data));
                    if let Some(queue) = &queue {
                        // The process may have closed its input; that is its right.
                        let _ = queue.send(data).await;
                    }
                    if hit {
                        self.host.faults().drop_on_input = None;
                        self.gate.cut();
                    }
                }
                ChannelMsg::Eof => queue = None,
                ChannelMsg::Signal { signal } => {
                    if let Some(signal) = signal_number(&signal) {
                        self.host.groups.signal(self.leader, signal);
                    }
                }
                ChannelMsg::Close => break,
                _ => {}
            }
        }
        gone.cancel();
    }
}

async fn feed(mut stdin: Option<ChildStdin>, mut waiting: mpsc::Receiver<impl AsRef<[u8]>>) {
    while let Some(data) = waiting.recv().await {
        if let Some(pipe) = &mut stdin
            && pipe.write_all(data.as_ref()).await.is_err()
        {
            stdin = None;
        }
    }
}

/// One output stream of the process, towards the client.
struct OutputPump {
    host: Arc<Host>,
    gate: Arc<Gate>,
}

impl OutputPump {
    /// Copies at the client's pace. When the client is gone the pipe is closed, so that the
    /// process gets EPIPE if it still writes.
    async fn pump(self, from: Option<impl AsyncRead + Unpin>, to: impl AsyncWrite, gone: CancellationToken) {
        let Some(from) = from else { return };
        tokio::select! {
            () = gone.cancelled() => {}
            () = self.copy(from, to) => {}
        }
    }

    async fn copy(&self, mut from: impl AsyncRead + Unpin, to: impl AsyncWrite) {
        let mut to = std::pin::pin!(to);
        let drop_on = self.host.faults().drop_on_output.clone();
        let mut finder = drop_on.as_deref().map(Finder::new);
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(n @ 1..) = from.read(&mut buffer).await {
            let chunk = buffer.get(..n).unwrap_or_default();
            if finder.as_mut().is_some_and(|f| f.feed(chunk)) {
                self.host.faults().drop_on_output = None;
                self.gate.cut();
                return;
            }
            if to.write_all(chunk).await.is_err() {
                return;
            }
        }
    }
}

/// The signals that OpenSSH's server passes on.
fn signal_number(signal: &Sig) -> Option<Signal> {
    Some(match signal {
        Sig::ABRT => Signal::ABORT,
        Sig::ALRM => Signal::ALARM,
        Sig::FPE => Signal::FPE,
        Sig::HUP => Signal::HUP,
        Sig::ILL => Signal::ILL,
        Sig::INT => Signal::INT,
        Sig::KILL => Signal::KILL,
        Sig::PIPE => Signal::PIPE,
        Sig::QUIT => Signal::QUIT,
        Sig::SEGV => Signal::SEGV,
        Sig::TERM => Signal::TERM,
        Sig::USR1 => Signal::USR1,
        Sig::Custom(name) if name == "USR2" => Signal::USR2,
        Sig::Custom(_) => return None,
    })
}

fn signal_name(number: i32) -> Sig {
    let known = [
        (Signal::ABORT, Sig::ABRT),
        (Signal::ALARM, Sig::ALRM),
        (Signal::FPE, Sig::FPE),
        (Signal::HUP, Sig::HUP),
        (Signal::ILL, Sig::ILL),
        (Signal::INT, Sig::INT),
        (Signal::KILL, Sig::KILL),
        (Signal::PIPE, Sig::PIPE),
        (Signal::QUIT, Sig::QUIT),
        (Signal::SEGV, Sig::SEGV),
        (Signal::TERM, Sig::TERM),
        (Signal::USR1, Sig::USR1),
    ];
    known
        .into_iter()
        .find(|(signal, _)| signal.as_raw() == number)
        .map_or_else(|| Sig::Custom(format!("SIG{number}@testbed")), |(_, name)| name)
}
