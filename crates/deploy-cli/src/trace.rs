//! Inner events of the engine and the SSH library, for `-vv` and `--log`. russh tells its own through the `log` crate; they
//! are bridged.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use deploy_report::{Secrets, visible};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::io::Screen;

/// What is told without `CAPSTAN_LOG`.
const USUAL: &str = "deploy_engine=debug,deploy_transport=debug,russh=info";

/// Where the events go.
enum Place {
    Screen(Screen),
    File(Arc<Mutex<std::fs::File>>),
}

/// Writes whole lines, printable and without secrets.
struct Lines {
    place: Place,
    secrets: Secrets,
}

/// A line of trace on its way.
struct Line<'a>(&'a Lines);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = visible(&self.0.secrets.clean(&String::from_utf8_lossy(bytes)));
        match &self.0.place {
            Place::Screen(screen) => screen.print(true, text.as_bytes()),
            Place::File(file) => {
                file.lock().unwrap_or_else(std::sync::PoisonError::into_inner).write_all(text.as_bytes())?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self)
    }
}

/// What is asked for.
pub(crate) struct Wanted<'a> {
    /// How often `-v` was given.
    pub verbose: u8,
    /// `CAPSTAN_LOG`.
    pub filter: Option<&'a str>,
    /// `--log`, as an absolute path.
    pub log: Option<&'a Path>,
}

/// Begins to trace for this process, where it is asked for: with `-vv` to the screen, with a filter in the environment and a
/// log file to that file. A process can do this once; later calls do nothing.
pub(crate) fn begin(wanted: &Wanted<'_>, screen: &Screen, secrets: &Secrets) {
    let asked = wanted.filter.filter(|filter| !filter.trim().is_empty());
    let place = match (wanted.verbose >= 2, asked, wanted.log) {
        (true, _, _) | (false, Some(_), None) => Place::Screen(screen.clone()),
        (false, Some(_), Some(path)) => {
            // That it cannot be opened is told by the log itself.
            let Ok(file) = OpenOptions::new().append(true).create(true).mode(0o600).open(path) else { return };
            Place::File(Arc::new(Mutex::new(file)))
        }
        (false, None, _) => return,
    };
    let filter = EnvFilter::try_new(asked.unwrap_or(USUAL)).unwrap_or_else(|error| {
        let text = format!("warning: CAPSTAN_LOG is not understood ({error}); going on with {USUAL}\n");
        screen.print(true, text.as_bytes());
        EnvFilter::new(USUAL)
    });
    let lines = Lines { place, secrets: secrets.clone() };
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(lines).finish();
    let _ = subscriber.try_init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Io;

    #[test]
    fn a_trace_is_printable_and_has_no_secrets() {
        let (io, captured) = Io::captured();
        let secrets = Secrets::new();
        secrets.register("hunter2");
        let lines = Lines { place: Place::Screen(Screen::new(io, false)), secrets };
        lines.make_writer().write_all(b"russh: responses: [\"hunter2\"] \x1b[2J\n").unwrap();
        assert_eq!(captured.err(), "russh: responses: [\"[secret]\"] \\x1b[2J\n");
    }
}
