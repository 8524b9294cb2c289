//! Inner events of the engine and the SSH library, for `-vv` and `--log`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::io::Screen;

/// What is told without `CAPSTAN_LOG`.
const USUAL: &str = "deploy_engine=debug,deploy_transport=debug,russh=info";

/// Where the events go.
enum Place {
    Screen(Screen),
    File(Arc<Mutex<std::fs::File>>),
}

/// A line of trace on its way.
struct Line<'a>(&'a Place);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0 {
            Place::Screen(screen) => screen.print(true, bytes),
            Place::File(file) => {
                file.lock().unwrap_or_else(std::sync::PoisonError::into_inner).write_all(bytes)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Place {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self)
    }
}

/// Begins to trace for this process, where it is asked for: with `-vv` to the screen, with a filter in the environment and a
/// log file to that file. A process can do this once; later calls do nothing.
pub(crate) fn begin(verbose: u8, filter: Option<&str>, log: Option<&Path>, screen: &Screen) {
    let place = match (verbose >= 2, filter, log) {
        (true, _, _) | (false, Some(_), None) => Place::Screen(screen.clone()),
        (false, Some(_), Some(path)) => {
            let Ok(file) = OpenOptions::new().append(true).create(true).mode(0o600).open(path) else { return };
            Place::File(Arc::new(Mutex::new(file)))
        }
        (false, None, _) => return,
    };
    let filter = EnvFilter::try_new(filter.unwrap_or(USUAL)).unwrap_or_else(|_| EnvFilter::new(USUAL));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(place).finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}
