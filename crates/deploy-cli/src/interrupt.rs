//! Ctrl-C and its relatives.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::io::Screen;

/// How long an engine that runs may take to say what it leaves behind.
const LEAVING: Duration = Duration::from_secs(5);

/// What interrupts ask for.
#[derive(Clone, Default)]
pub struct Interrupts {
    asked: deploy_engine::Interrupts,
    running: Arc<AtomicBool>,
}

impl Interrupts {
    /// The first one: start nothing new, undo what is half-done, give the locks back.
    pub fn gently(&self) -> &CancellationToken {
        &self.asked.gently
    }

    /// For an engine, which takes the second one from here on and says what it leaves behind.
    pub fn for_engine(&self) -> &deploy_engine::Interrupts {
        self.running.store(true, Ordering::Relaxed);
        &self.asked
    }

    /// The second one, where nothing is left to wait for.
    pub async fn left(&self) {
        self.asked.at_once.cancelled().await;
        if self.running.load(Ordering::Relaxed) {
            tokio::time::sleep(LEAVING).await;
        }
    }

    /// Listens for SIGINT, SIGTERM and SIGHUP. The third one ends the process on the spot, whatever it is doing.
    ///
    /// # Errors
    /// When the system refuses to report signals.
    pub fn listen(&self, screen: Screen) -> std::io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mine = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    Some(()) = interrupt.recv() => {}
                    Some(()) = terminate.recv() => {}
                    Some(()) = hangup.recv() => {}
                    else => return,
                }
                if mine.asked.at_once.is_cancelled() {
                    // Only this process: the hosts end what they run when the connection goes.
                    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                }
                mine.next(&screen);
            }
        });
        Ok(())
    }

    fn next(&self, screen: &Screen) {
        let text = if !self.asked.gently.is_cancelled() {
            self.asked.gently.cancel();
            "interrupted: nothing new is started, what is half-done is undone; again to leave at once\n"
        } else {
            self.asked.at_once.cancel();
            "leaving at once: the hosts end what is running, the next run finishes or undoes what is left\n"
        };
        // Behind the `^C` that the terminal shows; under a live display it shows none.
        let lead = if screen.is_live() || !screen.terminal().input { "" } else { "\n" };
        screen.quietly(|io| {
            let _ = io.err.clone().write_all(format!("{lead}{text}").as_bytes());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Io;

    #[test]
    fn first_gently_then_at_once() {
        let (io, captured) = Io::captured();
        let (interrupts, screen) = (Interrupts::default(), Screen::new(io, false));
        interrupts.next(&screen);
        assert!(interrupts.gently().is_cancelled() && !interrupts.asked.at_once.is_cancelled());
        interrupts.next(&screen);
        assert!(interrupts.asked.at_once.is_cancelled());
        assert!(captured.err().contains("again to leave at once") && captured.err().contains("leaving at once"));
    }
}
