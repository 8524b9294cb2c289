//! One local process group with its pump, as [`Running`].

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;

use super::Program;
use crate::error::ExecError;
use crate::prompt::lock;
use crate::session::{Control, Controller, Event, ExitStatus, Input, Note, Notes, Running, Stdin};

/// How long output may stay open after the process's end.
const EXIT_GRACE: Duration = Duration::from_secs(2);
const READ_CHUNK: usize = 64 * 1024;

pub(crate) struct Spawn {
    pub(crate) host: String,
    pub(crate) program: Program,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// Starts a process in a group of its own.
pub(crate) fn spawn(spawn: Spawn) -> Result<Running, ExecError> {
    let Spawn { host, program, env, directory, permit } = spawn;
    let failed = |source| ExecError::Spawn { host: host.clone(), source };
    let mut command = command(program).map_err(failed)?;
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    let mut child = command
        .envs(env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let (Some(input), Some(output), Some(errors), Some(pid)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take(), child.id())
    else {
        return Err(failed(io::Error::other("the process has no pipes")));
    };
    let group = Arc::new(Group(Mutex::new(i32::try_from(pid).ok().and_then(Pid::from_raw))));
    let (input_sender, inputs) = mpsc::channel(4);
    let (event_sender, events) = mpsc::channel(16);
    let (control_sender, control) = mpsc::channel(8);
    let notes = Notes::default();
    let mut tasks = JoinSet::new();
    tasks.spawn(copy_output(output, event_sender.clone(), Event::Stdout));
    tasks.spawn(copy_output(errors, event_sender.clone(), Event::Stderr));
    let supervisor = Supervisor {
        child,
        group,
        outputs: tasks,
        events: event_sender,
        control,
        notes: Arc::clone(&notes),
        _permit: permit,
    };
    let writer = tokio::spawn(write_input(input, inputs)).abort_handle();
    tokio::spawn(async move {
        supervisor.run().await;
        writer.abort();
    });
    Ok(Running {
        stdin: Some(Stdin { sender: input_sender }),
        events,
        control: Controller { sender: control_sender },
        accepted: None,
        notes,
    })
}

fn command(program: Program) -> io::Result<Command> {
    match program {
        Program::Shell(text) => {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(text);
            Ok(command)
        }
        Program::Argv(argv) => {
            let (name, arguments) = argv
                .split_first()
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "there is no program to run"))?;
            let mut command = Command::new(name);
            command.args(arguments);
            Ok(command)
        }
    }
}

/// The process group, killed at the latest when nobody looks after it any more. Its number is forgotten once the process has
/// been collected, because it could then be another's.
struct Group(Mutex<Option<Pid>>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(pid) = *lock(&self.0) {
            // It may be gone already.
            let _ = kill_process_group(pid, signal);
        }
    }

    fn forget(&self) {
        *lock(&self.0) = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

struct Supervisor {
    child: Child,
    group: Arc<Group>,
    outputs: JoinSet<()>,
    events: mpsc::Sender<Event>,
    control: mpsc::Receiver<Control>,
    notes: Notes,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Supervisor {
    async fn run(mut self) {
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break exit_status(status),
                () = self.events.closed() => {
                    self.group.signal(Signal::KILL);
                    break exit_status(self.child.wait().await);
                }
                control = self.control.recv() => match control {
                    Some(Control::Signal(name)) => {
                        if let Some(signal) = signal_by_name(&name) {
                            self.group.signal(signal);
                        }
                    }
                    Some(Control::Close) => self.group.signal(Signal::HUP),
                    Some(Control::Resize { .. }) => {}
                    // All handles are gone, and with them the reader.
                    None => {
                        self.group.signal(Signal::KILL);
                        break exit_status(self.child.wait().await);
                    }
                },
            }
        };
        self.group.forget();
        self.drain().await;
        let _ = self.events.send(Event::Exit(status)).await;
    }

    /// Waits for the rest of the output, but not for a process that was left behind and holds it open.
    async fn drain(&mut self) {
        let outputs = &mut self.outputs;
        let events = self.events.clone();
        let all = async { while outputs.join_next().await.is_some() {} };
        tokio::pin!(all);
        loop {
            let capacity = events.capacity();
            tokio::select! {
                () = &mut all => return,
                () = tokio::time::sleep(EXIT_GRACE) => {
                    // A reader that is slow is waited for.
                    if capacity == events.max_capacity() && events.capacity() == capacity {
                        lock(&self.notes).push(Note::OutputHeldOpen);
                        return;
                    }
                }
            }
        }
    }
}

async fn copy_output(mut from: impl AsyncRead + Unpin, events: mpsc::Sender<Event>, event: fn(Bytes) -> Event) {
    let mut buffer = BytesMut::with_capacity(READ_CHUNK);
    loop {
        buffer.reserve(READ_CHUNK);
        match from.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                if events.send(event(buffer.split().freeze())).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn write_input(mut to: ChildStdin, mut inputs: mpsc::Receiver<Input>) {
    while let Some(input) = inputs.recv().await {
        match input {
            Input::Data(data) => {
                if to.write_all(&data).await.is_err() {
                    return;
                }
            }
            Input::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

fn exit_status(status: io::Result<std::process::ExitStatus>) -> ExitStatus {
    match status {
        Err(error) => ExitStatus::Lost(format!("waiting for the process failed: {error}")),
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => ExitStatus::Code(u32::try_from(code).unwrap_or(u32::MAX)),
            (None, Some(number)) => ExitStatus::Signal {
                name: signal_name(number),
                core_dumped: status.core_dumped(),
                message: String::new(),
            },
            (None, None) => ExitStatus::Lost("the process ended in an unknown way".into()),
        },
    }
}

/// The signals that the SSH protocol names, and a few more that are in use.
const SIGNALS: &[(&str, Signal)] = &[
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("FPE", Signal::FPE),
    ("HUP", Signal::HUP),
    ("ILL", Signal::ILL),
    ("INT", Signal::INT),
    ("KILL", Signal::KILL),
    ("PIPE", Signal::PIPE),
    ("QUIT", Signal::QUIT),
    ("SEGV", Signal::SEGV),
    ("TERM", Signal::TERM),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("BUS", Signal::BUS),
    ("STOP", Signal::STOP),
    ("CONT", Signal::CONT),
];

fn signal_by_name(name: &str) -> Option<Signal> {
    SIGNALS.iter().find(|(known, _)| *known == name).map(|(_, signal)| *signal)
}

fn signal_name(number: i32) -> String {
    SIGNALS
        .iter()
        .find(|(_, signal)| signal.as_raw() == number)
        .map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
}
