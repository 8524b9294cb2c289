//! Where a run reads and writes: the process's own streams, or whatever a test gives instead.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use deploy_report::{Live, Pause};

use crate::echo::HiddenControls;

/// A place to write to that several parts share. Each `write_all` stays in one piece.
#[derive(Clone)]
pub struct Sink(Arc<Mutex<Box<dyn Write + Send>>>);

impl Sink {
    /// Shares a writer.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(out))))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

/// What is known of the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Whether standard input is one.
    pub input: bool,
    /// Whether standard output is one.
    pub output: bool,
    /// Whether standard error is one.
    pub error: bool,
    /// Its columns and rows.
    pub size: Option<(usize, usize)>,
}

impl Terminal {
    /// Columns to wrap text at.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.size.map_or(80, |(columns, _)| columns)
    }
}

/// The streams of a run.
#[derive(Clone)]
pub struct Io {
    /// Standard output.
    pub out: Sink,
    /// Standard error.
    pub err: Sink,
    /// Its terminal.
    pub terminal: Terminal,
}

impl Io {
    /// The streams of this process.
    #[must_use]
    pub fn standard() -> Self {
        let size = rustix::termios::tcgetwinsize(io::stderr())
            .or_else(|_| rustix::termios::tcgetwinsize(io::stdout()))
            .ok()
            .filter(|size| size.ws_col > 0 && size.ws_row > 0)
            .map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
        let terminal = Terminal {
            input: io::stdin().is_terminal(),
            output: io::stdout().is_terminal(),
            error: io::stderr().is_terminal(),
            size,
        };
        Self { out: Sink::new(io::stdout()), err: Sink::new(io::stderr()), terminal }
    }

    /// Streams that end in memory, for tests and for programs that embed the tool.
    #[must_use]
    pub fn captured() -> (Self, Captured) {
        let captured = Captured::default();
        let (out, err) = (Sink::new(captured.out.clone()), Sink::new(captured.err.clone()));
        (Self { out, err, terminal: Terminal::default() }, captured)
    }
}

/// What was written to captured streams.
#[derive(Clone, Default)]
pub struct Captured {
    out: Memory,
    err: Memory,
}

impl Captured {
    /// Standard output so far.
    #[must_use]
    pub fn out(&self) -> String {
        self.out.text()
    }

    /// Standard error so far.
    #[must_use]
    pub fn err(&self) -> String {
        self.err.text()
    }
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A display, and what goes with it.
struct Shown {
    live: Arc<Live>,
    _controls: Option<HiddenControls>,
}

/// The streams together with the live display that may be drawn on them: whoever writes in between goes through this, so
/// that the display is taken away first and put back after.
#[derive(Clone)]
pub struct Screen {
    io: Io,
    live: Arc<Mutex<Option<Shown>>>,
    /// What a recipe prints goes to standard error, because standard output is for programs.
    machine: bool,
}

impl Screen {
    /// A screen without display.
    #[must_use]
    pub fn new(io: Io, machine: bool) -> Self {
        Self { io, live: Arc::default(), machine }
    }

    /// From now on this display is on it; or none any more.
    pub fn set_live(&self, live: Option<Arc<Live>>) {
        let controls = live.as_ref().and_then(|_| HiddenControls::begin());
        let shown = live.map(|live| Shown { live, _controls: controls });
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    /// Whether a display is on it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The terminal.
    #[must_use]
    pub fn terminal(&self) -> Terminal {
        self.io.terminal
    }

    /// Does something with the streams while no display is in the way.
    pub fn quietly<R>(&self, with: impl FnOnce(&Io) -> R) -> R {
        let _pause = self.pause();
        with(&self.io)
    }

    /// Takes the display away until the answer is dropped.
    #[must_use]
    pub fn pause(&self) -> Option<Pause> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let live = live.as_ref().map(|shown| Arc::clone(&shown.live));
        live.map(|live| live.pause())
    }

    /// Prints for a recipe. Nobody reading any more is no reason to stop.
    pub fn print(&self, error: bool, text: &[u8]) {
        self.quietly(|io| {
            let mut sink = if error || self.machine { io.err.clone() } else { io.out.clone() };
            let _ = sink.write_all(text).and_then(|()| sink.flush());
        });
    }
}
