//! A command without a machine: the near end is a [`Running`], the far end is whoever plays the machine. For sessions that
//! are no network, such as those of a simulator.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::session::{Control, Controller, Event, Input, Running, Stdin};

/// How many events and pieces of input may be under way.
const ROOM: usize = 256;

/// The side of the machine. Dropping it ends the command without a word, as a lost connection does.
#[derive(Debug)]
pub struct FarEnd {
    input: mpsc::Receiver<Input>,
    events: mpsc::Sender<Event>,
    control: mpsc::Receiver<Control>,
}

impl FarEnd {
    /// The next input; none when the near end has closed it.
    pub async fn read(&mut self) -> Option<Bytes> {
        loop {
            match self.input.recv().await? {
                Input::Data(bytes) => return Some(bytes),
                Input::Flush(done) => drop(done.send(())),
            }
        }
    }

    /// Says something; false when nobody listens any more.
    pub async fn say(&self, event: Event) -> bool {
        self.events.send(event).await.is_ok()
    }

    /// Waits until the near end sends a signal (its name) or closes the channel (none).
    pub async fn signalled(&mut self) -> Option<String> {
        loop {
            match self.control.recv().await {
                Some(Control::Signal(name)) => return Some(name),
                Some(Control::Resize { .. }) => {}
                Some(Control::Close) | None => return None,
            }
        }
    }
}

/// Both ends of a command.
#[must_use]
pub fn command() -> (Running, FarEnd) {
    let (input_sender, input) = mpsc::channel(ROOM);
    let (events, event_receiver) = mpsc::channel(ROOM);
    let (control_sender, control) = mpsc::channel(ROOM);
    let running = Running {
        stdin: Some(Stdin { sender: input_sender }),
        events: event_receiver,
        control: Controller { sender: control_sender },
        accepted: None,
        notes: Arc::default(),
    };
    (running, FarEnd { input, events, control })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::ExitStatus;

    #[tokio::test]
    async fn what_is_said_is_heard() {
        let (mut running, mut far) = command();
        let mut stdin = running.take_stdin().unwrap();
        stdin.write("in").await.unwrap();
        stdin.finish();
        assert_eq!(far.read().await.as_deref(), Some(&b"in"[..]));
        assert_eq!(far.read().await, None);
        running.signal("SIGTERM").await;
        assert_eq!(far.signalled().await.as_deref(), Some("TERM"));
        assert!(far.say(Event::Stdout("out".into())).await);
        assert!(far.say(Event::Exit(ExitStatus::Code(0))).await);
        // The near end listens until the far one is gone.
        drop(far);
        let output = running.collect(10).await;
        assert_eq!((output.status, output.stdout.as_slice()), (ExitStatus::Code(0), &b"out"[..]));
    }

    #[tokio::test]
    async fn a_machine_that_goes_is_a_lost_connection() {
        let (mut running, far) = command();
        drop(far);
        assert!(running.stdin.as_mut().unwrap().write("x").await.is_err());
        assert_eq!(running.next().await, None);
        assert!(matches!(running.collect(1).await.status, ExitStatus::Lost(_)));
    }
}
