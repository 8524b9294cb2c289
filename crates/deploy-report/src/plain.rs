//! A run as plain lines: for pipes, CI and terminals that cannot do more.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deploy_plan::{Clock, Event, Observer};

use crate::narrator::{Line, Narrator};
use crate::paint::Paint;
use crate::silence::Silence;
use crate::ticker::Ticker;
use crate::{Secrets, Verbosity, table};

/// How often it is looked for what takes long.
const LOOK: Duration = Duration::from_secs(1);

/// Writes one line per thing that happens:
///
/// ```text
/// ==> deploy (run 20261123054446-4f1c)
/// --> 1. build release 20261123054446 [build] on 2 hosts
///     done on web1.example.com: check out 4711 into releases/20261123054446 (1.9 s)
///     still running on db1.example.com: check out 4711 into releases/20261123054446 (15.0 s)
///     done on db1.example.com: check out 4711 into releases/20261123054446 (21.3 s)
/// --> 2. restart [restart] on app1.example.com, app2.example.com
///     $ touch /var/www/shop/current/tmp/restart.txt  # config/deploy.rb:18:5
/// [app1.example.com] out: whatever it printed
/// [app1.example.com] done: touch /var/www/shop/current/tmp/restart.txt (0.1 s)
/// ```
///
/// The good ends of a built-in step are told together when all of its hosts have come to theirs, or when one takes long;
/// [`Verbosity::Verbose`] tells each start and end on each host.
///
/// Lines are never torn: an event's lines are written by one call under one lock. A reader that has gone away does not
/// stop the run.
pub struct Plain<W> {
    state: Arc<Mutex<State<W>>>,
    /// Looks for what takes long, where there is a clock.
    _ticker: Option<Ticker>,
}

struct State<W> {
    narrator: Narrator,
    silence: Silence,
    clock: Option<Arc<dyn Clock>>,
    out: W,
    verbosity: Verbosity,
    paint: Paint,
    columns: Option<usize>,
}

impl<W: Write + Send> Plain<W> {
    /// Shows a run on `out`.
    pub fn new(out: W, secrets: Secrets, verbosity: Verbosity, color: bool) -> Self {
        let state = State {
            narrator: Narrator::new(secrets).in_full(verbosity == Verbosity::Verbose),
            silence: Silence::default(),
            clock: None,
            out,
            verbosity,
            paint: Paint(color),
            columns: None,
        };
        Self { state: Arc::new(Mutex::new(state)), _ticker: None }
    }

    /// `out` is a terminal of so many columns: the final table leaves columns out to fit.
    #[must_use]
    pub fn columns(self, columns: Option<usize>) -> Self {
        lock(&self.state).columns = columns;
        self
    }
}

impl<W: Write + Send + 'static> Plain<W> {
    /// By this clock it is told what runs for long in silence.
    #[must_use]
    pub fn watching(mut self, clock: Arc<dyn Clock>) -> Self {
        lock(&self.state).clock = Some(clock);
        let state = Arc::clone(&self.state);
        self._ticker = Ticker::start(LOOK, move || {
            lock(&state).look();
            ControlFlow::Continue(())
        });
        self
    }
}

fn lock<W>(state: &Mutex<State<W>>) -> MutexGuard<'_, State<W>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<W: Write> State<W> {
    fn look(&mut self) {
        let Some(now) = self.clock.as_ref().map(|clock| clock.monotonic()) else { return };
        let still = self.silence.due(now);
        let lines: Vec<Line> = still.iter().flat_map(|still| self.narrator.still(still)).collect();
        let text = self.text(&lines);
        self.write(&text);
    }

    fn text(&self, lines: &[Line]) -> String {
        let width = self.narrator.width();
        let told = lines.iter().filter(|line| line.kind.is_told(self.verbosity));
        told.map(|line| line.render(width, self.paint) + "\n").collect()
    }

    fn write(&mut self, text: &str) {
        if !text.is_empty() {
            // Nobody reads any more: the run itself goes on.
            let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        }
    }
}

impl<W: Write + Send> Observer for Plain<W> {
    fn event(&self, event: &Event) {
        let mut state = lock(&self.state);
        let now = state.clock.as_ref().map(|clock| clock.monotonic());
        if let Some(now) = now {
            state.silence.event(event, now);
        }
        let lines = state.narrator.event(event);
        let mut text = state.text(&lines);
        if let Event::RunEnded { summary } = event {
            text.push_str(&table::render(summary, &|text| state.narrator.clean(text), state.paint, state.columns));
        }
        state.write(&text);
    }
}
