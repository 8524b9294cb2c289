//! A run as plain lines: for pipes, CI and terminals that cannot do more.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use deploy_plan::{Event, Observer};

use crate::narrator::Narrator;
use crate::paint::Paint;
use crate::{Secrets, Verbosity, table};

/// Writes one line per thing that happens:
///
/// ```text
/// ==> deploy (run 20261123054446-4f1c)
/// --> 2. restart [restart] on 2 hosts: app1.example.com, app2.example.com
///     $ touch /var/www/shop/current/tmp/restart.txt  # config/deploy.rb:18:5
/// [app1.example.com] start: touch /var/www/shop/current/tmp/restart.txt
/// [app1.example.com] out: whatever it printed
/// [app1.example.com] done: touch /var/www/shop/current/tmp/restart.txt (0.1 s)
/// ```
///
/// Lines are never torn: an event's lines are written by one call under one lock. A reader that has gone away does not
/// stop the run.
pub struct Plain<W> {
    state: Mutex<State<W>>,
    verbosity: Verbosity,
    paint: Paint,
}

struct State<W> {
    narrator: Narrator,
    out: W,
}

impl<W: Write + Send> Plain<W> {
    /// Shows a run on `out`.
    pub fn new(out: W, secrets: Secrets, verbosity: Verbosity, color: bool) -> Self {
        let state = Mutex::new(State { narrator: Narrator::new(secrets), out });
        Self { state, verbosity, paint: Paint(color) }
    }
}

impl<W: Write + Send> Observer for Plain<W> {
    fn event(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = state.narrator.event(event);
        let width = state.narrator.width();
        let mut text = String::new();
        for line in lines.iter().filter(|line| line.kind.is_told(self.verbosity)) {
            text.push_str(&line.render(width, self.paint));
            text.push('\n');
        }
        if let Event::RunEnded { summary } = event {
            text.push_str(&table::render(summary, &|text| state.narrator.clean(text), self.paint));
        }
        if !text.is_empty() {
            // Nobody reads any more: the run itself goes on.
            let _ = state.out.write_all(text.as_bytes()).and_then(|()| state.out.flush());
        }
    }
}
