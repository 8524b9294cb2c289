//! A thread that does something again and again until it is dropped.

use std::ops::ControlFlow;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Ends its thread when it is dropped, and waits for that.
pub(crate) struct Ticker {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Calls `turn` after each pause until that breaks off. None where the system has no thread left.
    pub(crate) fn start(pause: Duration, mut turn: impl FnMut() -> ControlFlow<()> + Send + 'static) -> Option<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let run = move || {
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                if turn().is_break() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new().name("display".to_owned()).spawn(run).ok()?;
        Some(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
