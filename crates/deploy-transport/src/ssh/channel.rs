//! A command on a channel: the task that drains it, and the one that writes to it.
//!
//! Each channel is always drained, whatever its reader does, because one undrained channel would freeze its whole
//! connection. Writing is a task of its own that is ended with the command: a blocked writer is not woken when the other side goes away.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::handler::{Shared, printable};
use super::session::Slot;
use crate::error::ExecError;
use crate::prompt::lock;
use crate::session::{Control, Controller, Event, Exec, ExitStatus, Input, Note, Notes, Running, Stdin};
use crate::spill::{FILE_LIMIT, MEMORY_LIMIT, SpillQueue, Stream};

/// Events that wait for the reader, in pieces of at most one packet.
const EVENTS: usize = 16;
/// Pieces of input that wait for the writer.
const INPUTS: usize = 4;
/// How long output may be silent after the command's end before a process that holds it open is cut off.
const EXIT_GRACE: Duration = Duration::from_secs(2);
/// How long the server may take to confirm that a channel is closed.
const CLOSE_GRACE: Duration = Duration::from_secs(5);

/// A request whose answer is awaited, in the order of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Pty,
    AgentForwarding,
    Exec,
    Shell,
    Subsystem,
}

/// What a pump needs to know.
pub(crate) struct Context {
    pub(crate) host: String,
    pub(crate) shared: Arc<Shared>,
    /// Given back when the channel is closed.
    pub(crate) slot: Slot,
}

/// Sends the requests that start a command and sets its tasks going.
pub(crate) async fn start(
    channel: Channel<Msg>,
    exec: &Exec,
    variables: &[(String, String)],
    context: Context,
) -> Result<Running, russh::Error> {
    let (read, write) = channel.split();
    for (name, value) in variables {
        // Without asking for an answer: servers refuse most of them.
        write.set_env(false, name, value).await?;
    }
    let mut requests = VecDeque::new();
    if let Some(pty) = &exec.pty {
        let modes = [(russh::Pty::ECHO, u32::from(pty.echo))];
        write.request_pty(true, &pty.term, pty.columns, pty.rows, 0, 0, &modes).await?;
        requests.push_back(Request::Pty);
    }
    if exec.forward_agent {
        write.agent_forward(true).await?;
        requests.push_back(Request::AgentForwarding);
    }
    if exec.subsystem {
        write.request_subsystem(true, exec.command.as_str()).await?;
        requests.push_back(Request::Subsystem);
    } else if exec.command.is_empty() {
        write.request_shell(true).await?;
        requests.push_back(Request::Shell);
    } else {
        write.exec(true, command_line(exec)).await?;
        requests.push_back(Request::Exec);
    }

    let write = Arc::new(write);
    let (input_sender, input) = mpsc::channel(INPUTS);
    let (event_sender, events) = mpsc::channel(EVENTS);
    let (control_sender, control) = mpsc::channel(8);
    let (accepted_sender, accepted) = oneshot::channel();
    let notes = Notes::default();
    let writer = tokio::spawn(write_input(Arc::clone(&write), input)).abort_handle();
    let pump = Pump {
        read,
        write,
        writer,
        events: Some(event_sender),
        control: Some(control),
        requests,
        accepted: Some(accepted_sender),
        queue: SpillQueue::new(MEMORY_LIMIT, FILE_LIMIT),
        discarding: false,
        exit: None,
        deadline: None,
        closing: false,
        notes: Arc::clone(&notes),
        context,
    };
    tokio::spawn(pump.run());
    Ok(Running {
        stdin: Some(Stdin { sender: input_sender }),
        events,
        control: Controller { sender: control_sender },
        accepted: Some(accepted),
        notes,
    })
}

/// The text for the login shell. Variables go into it, because servers ignore requests for them without a word.
fn command_line(exec: &Exec) -> String {
    let mut line = String::new();
    for (name, value) in &exec.env {
        let value = value.replace('\'', r"'\''");
        line.push_str(&format!("export {name}='{value}'; "));
    }
    line.push_str(&exec.command);
    line
}

/// Copies input to the channel, then ends it.
async fn write_input(write: Arc<ChannelWriteHalf<Msg>>, mut input: mpsc::Receiver<Input>) {
    while let Some(input) = input.recv().await {
        match input {
            Input::Data(data) => {
                if write.data_bytes(data).await.is_err() {
                    return;
                }
            }
            Input::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
    // A failure means that the connection is gone, which the pump reports.
    let _ = write.eof().await;
}

struct Pump {
    read: ChannelReadHalf,
    write: Arc<ChannelWriteHalf<Msg>>,
    writer: AbortHandle,
    /// `None` once the reader is gone: then everything is thrown away.
    events: Option<mpsc::Sender<Event>>,
    control: Option<mpsc::Receiver<Control>>,
    requests: VecDeque<Request>,
    accepted: Option<oneshot::Sender<Result<(), ExecError>>>,
    queue: SpillQueue,
    /// Output is thrown away, because some of it is lost already.
    discarding: bool,
    exit: Option<ExitStatus>,
    /// When to give up waiting for the end of the channel.
    deadline: Option<Instant>,
    closing: bool,
    notes: Notes,
    context: Context,
}

/// What happened next.
enum Happening {
    Message(Option<ChannelMsg>),
    Room,
    ReaderGone,
    Control(Option<Control>),
    Deadline,
}

impl Pump {
    async fn run(mut self) {
        loop {
            match self.happening().await {
                Happening::Message(Some(message)) => {
                    if self.message(message).await {
                        break;
                    }
                }
                Happening::Message(None) => break,
                Happening::Room => self.deliver_one(),
                Happening::ReaderGone => {
                    self.events = None;
                    self.close().await;
                }
                Happening::Control(Some(control)) => self.control(control).await,
                Happening::Control(None) => self.control = None,
                Happening::Deadline => {
                    if self.closing {
                        break;
                    }
                    lock(&self.notes).push(Note::OutputHeldOpen);
                    self.close().await;
                }
            }
        }
        self.finish().await;
    }

    async fn happening(&mut self) -> Happening {
        let waiting = !self.queue.is_empty();
        let reader = async {
            match &self.events {
                None => std::future::pending().await,
                Some(events) if waiting => match events.reserve().await {
                    Ok(_) => Happening::Room,
                    Err(_) => Happening::ReaderGone,
                },
                Some(events) => {
                    events.closed().await;
                    Happening::ReaderGone
                }
            }
        };
        let control = async {
            match &mut self.control {
                None => std::future::pending().await,
                Some(control) => Happening::Control(control.recv().await),
            }
        };
        tokio::select! {
            message = self.read.wait(), if self.queue.has_room() => Happening::Message(message),
            happening = reader => happening,
            happening = control => happening,
            () = sleep_until(self.deadline) => Happening::Deadline,
        }
    }

    /// Takes a message of the server; true when the channel is closed.
    async fn message(&mut self, message: ChannelMsg) -> bool {
        match message {
            ChannelMsg::Data { data } => self.output(Stream::Out, data),
            ChannelMsg::ExtendedData { data, ext: 1 } => self.output(Stream::Err, data),
            ChannelMsg::Success => self.answered(true).await,
            ChannelMsg::Failure => self.answered(false).await,
            ChannelMsg::ExitStatus { exit_status } => self.exited(ExitStatus::Code(exit_status)),
            ChannelMsg::ExitSignal { signal_name, core_dumped, error_message, .. } => {
                self.exited(ExitStatus::Signal {
                    name: signal_text(&signal_name),
                    core_dumped,
                    message: printable(&error_message),
                });
            }
            ChannelMsg::Close => return true,
            _ => {}
        }
        false
    }

    fn output(&mut self, stream: Stream, data: bytes::Bytes) {
        if self.exit.is_some() && !self.closing {
            // Late output is still wanted as long as it comes.
            self.deadline = Some(Instant::now() + EXIT_GRACE);
        }
        if data.is_empty() || self.discarding || self.events.is_none() {
            return;
        }
        if let Err(error) = self.queue.push(stream, data) {
            // Output that is lost silently could be taken for the whole, so the command counts as lost.
            self.exit = Some(ExitStatus::Lost(format!("its output could not be kept: {error}")));
            self.discarding = true;
        }
    }

    fn exited(&mut self, exit: ExitStatus) {
        self.writer.abort();
        self.exit.get_or_insert(exit);
        self.deadline = Some(Instant::now() + EXIT_GRACE);
    }

    /// The server has answered the oldest request.
    async fn answered(&mut self, granted: bool) {
        let Some(request) = self.requests.pop_front() else {
            return;
        };
        let host = self.context.host.clone();
        match (request, granted) {
            (Request::Exec | Request::Shell | Request::Subsystem, true) => self.accept(Ok(())),
            (Request::Pty | Request::AgentForwarding, true) => {}
            (Request::AgentForwarding, false) => lock(&self.notes).push(Note::AgentForwardingRefused),
            (Request::Pty | Request::Exec | Request::Shell | Request::Subsystem, false) => {
                let request = match request {
                    Request::Pty => "pty",
                    Request::Shell => "shell",
                    Request::Subsystem => "subsystem",
                    _ => "exec",
                };
                self.exit = Some(ExitStatus::Lost(format!("the server refused the {request} request")));
                self.accept(Err(ExecError::Refused { host, request }));
                // The server leaves the channel open.
                self.close().await;
            }
        }
    }

    fn accept(&mut self, answer: Result<(), ExecError>) {
        if let Some(accepted) = self.accepted.take() {
            // Nobody may be waiting for it.
            let _ = accepted.send(answer);
        }
    }

    fn deliver_one(&mut self) {
        let piece = match self.queue.pop() {
            Ok(piece) => piece,
            Err(error) => {
                self.exit = Some(ExitStatus::Lost(format!("its output could not be read back: {error}")));
                self.queue = SpillQueue::new(MEMORY_LIMIT, FILE_LIMIT);
                None
            }
        };
        if let (Some((stream, data)), Some(events)) = (piece, &self.events) {
            // There is room: only this task sends.
            let _ = events.try_send(event(stream, data));
        }
    }

    async fn control(&mut self, control: Control) {
        let sent = match control {
            Control::Signal(name) => self.write.signal(signal(&name)).await,
            Control::Resize { columns, rows } => self.write.window_change(columns, rows, 0, 0).await,
            Control::Close => {
                self.close().await;
                Ok(())
            }
        };
        if sent.is_err() {
            tracing::debug!(host = %self.context.host, "a request came too late: the connection is gone");
        }
    }

    async fn close(&mut self) {
        if !self.closing {
            self.closing = true;
            self.writer.abort();
            self.deadline = Some(Instant::now() + CLOSE_GRACE);
            // If the connection is gone, reading ends as well.
            let _ = self.write.close().await;
        }
    }

    /// Hands over what is left, then the end.
    async fn finish(mut self) {
        self.writer.abort();
        let exit = self.exit_status();
        if let ExitStatus::Lost(reason) = &exit {
            let (host, reason) = (self.context.host.clone(), reason.clone());
            self.accept(Err(ExecError::Lost { host, reason }));
        }
        // The place is free, whether or not somebody reads the rest.
        drop(self.context.slot);
        let Some(events) = self.events else {
            return;
        };
        let exit = loop {
            match self.queue.pop() {
                Ok(Some((stream, data))) => {
                    if events.send(event(stream, data)).await.is_err() {
                        return;
                    }
                }
                Ok(None) => break exit,
                Err(error) => break ExitStatus::Lost(format!("its output could not be read back: {error}")),
            }
        };
        // Nobody may be reading any more.
        let _ = events.send(Event::Exit(exit)).await;
    }

    /// How the command ended, as far as can be known.
    fn exit_status(&mut self) -> ExitStatus {
        match self.exit.take() {
            Some(exit) => exit,
            None if self.closing => ExitStatus::Lost("the channel was closed before the command ended".into()),
            None => ExitStatus::Lost(match self.context.shared.reason() {
                Some(reason) => reason,
                None => "the server closed the channel without an exit status".into(),
            }),
        }
    }
}

fn event(stream: Stream, data: bytes::Bytes) -> Event {
    match stream {
        Stream::Out => Event::Stdout(data),
        Stream::Err => Event::Stderr(data),
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn signal(name: &str) -> Sig {
    match name {
        "ABRT" => Sig::ABRT,
        "ALRM" => Sig::ALRM,
        "FPE" => Sig::FPE,
        "HUP" => Sig::HUP,
        "ILL" => Sig::ILL,
        "INT" => Sig::INT,
        "KILL" => Sig::KILL,
        "PIPE" => Sig::PIPE,
        "QUIT" => Sig::QUIT,
        "SEGV" => Sig::SEGV,
        "TERM" => Sig::TERM,
        "USR1" => Sig::USR1,
        other => Sig::Custom(other.to_owned()),
    }
}

fn signal_text(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => printable(name),
        known => format!("{known:?}"),
    }
}
