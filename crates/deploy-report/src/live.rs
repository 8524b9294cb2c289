//! A run on a terminal: a line per host with what it is doing now, everything lasting above it.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{Event, Observer, StepId, Stream};
use indexmap::IndexMap;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::narrator::{Kind, Line, Narrator};
use crate::paint::Paint;
use crate::ticker::Ticker;
use crate::words::{count, shorten};
use crate::{Secrets, Verbosity, table, words};

/// How often spinners turn.
const TURN: Duration = Duration::from_millis(120);

/// Shows a run on a terminal that can move its cursor. At most `rows` hosts have a line of their own; of the others the
/// last line tells how many are working.
///
/// Phases, commands, output, warnings and failures are printed above the hosts' lines and stay; starts and good ends of
/// steps are only seen in the hosts' lines (the log file has them all).
pub struct Live {
    state: Arc<Mutex<State>>,
    verbosity: Verbosity,
    paint: Paint,
    ticker: Option<Ticker>,
}

/// Makes the target anew after a pause.
type Target = Box<dyn Fn() -> ProgressDrawTarget + Send>;

struct State {
    narrator: Narrator,
    multi: MultiProgress,
    target: Target,
    /// The same terminal, for what comes when nothing is drawn any more.
    out: Box<dyn Write + Send>,
    columns: Option<usize>,
    /// How many are talking to the person meanwhile; what is to be printed waits.
    pauses: usize,
    held: Vec<String>,
    /// The last line: how the whole run stands.
    total: ProgressBar,
    rows: usize,
    slots: Vec<Slot>,
    working: IndexMap<HostId, (StepId, String)>,
    over: bool,
}

/// A line on the screen and the host that has it.
struct Slot {
    bar: ProgressBar,
    host: HostId,
}

impl Live {
    /// A display on standard error, a terminal of so many columns, with lines for at most `rows` hosts.
    #[must_use]
    pub fn stderr(secrets: Secrets, verbosity: Verbosity, color: bool, columns: Option<usize>, rows: usize) -> Self {
        let target = Box::new(ProgressDrawTarget::stderr);
        let mut live = Self::on(target, Box::new(io::stderr()), secrets, verbosity, color, rows);
        lock(&live.state).columns = columns;
        live.ticker = ticker(Arc::clone(&live.state));
        live
    }

    fn on(
        target: Target,
        out: Box<dyn Write + Send>,
        secrets: Secrets,
        verbosity: Verbosity,
        color: bool,
        rows: usize,
    ) -> Self {
        let multi = MultiProgress::with_draw_target(target());
        let total = multi.add(ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg} {elapsed:>6}")));
        let state = State {
            narrator: Narrator::new(secrets).in_full(verbosity == Verbosity::Verbose),
            multi,
            target,
            out,
            columns: None,
            pauses: 0,
            held: Vec::new(),
            total,
            rows: rows.max(1),
            slots: Vec::new(),
            working: IndexMap::new(),
            over: false,
        };
        Self { state: Arc::new(Mutex::new(state)), verbosity, paint: Paint(color), ticker: None }
    }

    /// Takes the display off the screen until the pause is dropped, so that somebody else can talk to the person. Events
    /// are taken meanwhile, and what they print appears afterwards: nobody waits for the person to answer.
    #[must_use]
    pub fn pause(&self) -> Pause {
        let mut state = lock(&self.state);
        if state.pauses == 0 {
            let _ = state.multi.clear();
            state.multi.set_draw_target(ProgressDrawTarget::hidden());
        }
        state.pauses += 1;
        Pause(Arc::clone(&self.state))
    }
}

/// The live display is off the screen until this is dropped.
pub struct Pause(Arc<Mutex<State>>);

impl Drop for Pause {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.pauses = state.pauses.saturating_sub(1);
        if state.pauses > 0 {
            return;
        }
        let held = std::mem::take(&mut state.held);
        if state.over {
            return state.print_last(held.into_iter().map(|line| line + "\n").collect());
        }
        let target = (state.target)();
        state.multi.set_draw_target(target);
        if !held.is_empty() {
            let _ = state.multi.println(held.join("\n"));
        }
        state.tick();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}

/// Turns the spinners. Without a thread the display is still right, it only does not turn.
fn ticker(state: Arc<Mutex<State>>) -> Option<Ticker> {
    Ticker::start(TURN, move || {
        let state = lock(&state);
        if state.over {
            return ControlFlow::Break(());
        }
        if state.pauses == 0 {
            state.tick();
        }
        ControlFlow::Continue(())
    })
}

impl State {
    fn tick(&self) {
        for slot in &self.slots {
            if self.working.contains_key(&slot.host) {
                slot.bar.tick();
            }
        }
        self.total.tick();
    }

    fn slot(&self, host: &HostId) -> Option<&ProgressBar> {
        self.slots.iter().find(|slot| slot.host == *host).map(|slot| &slot.bar)
    }

    /// A line for this host: its own, a new one, or that of a host that has nothing to do now.
    fn claim(&mut self, host: &HostId) -> Option<ProgressBar> {
        if let Some(bar) = self.slot(host) {
            return Some(bar.clone());
        }
        if self.slots.len() < self.rows {
            let style = style("{spinner} {prefix} {wide_msg} {elapsed:>6}");
            let bar = self.multi.insert_before(&self.total, ProgressBar::new_spinner().with_style(style));
            self.slots.push(Slot { bar: bar.clone(), host: host.clone() });
            return Some(bar);
        }
        let working = &self.working;
        let slot = self.slots.iter_mut().find(|slot| !working.contains_key(&slot.host))?;
        slot.host = host.clone();
        Some(slot.bar.clone())
    }

    fn update(&mut self, event: &Event) {
        match event {
            Event::Connecting { host } => {
                if let Some(bar) = self.claim(host) {
                    self.show(&bar, host, "connecting");
                    bar.reset_elapsed();
                }
            }
            Event::Connected { host, .. } => self.show_of(host, "connected"),
            Event::StepStarted { host, step, title } => {
                let title = shorten(&self.narrator.clean(title), 200);
                if let Some(bar) = self.claim(host) {
                    self.show(&bar, host, &title);
                    bar.reset_elapsed();
                }
                self.working.insert(host.clone(), (*step, title));
            }
            Event::Output { host, stream, .. } => self.show_partial(host, *stream),
            Event::Transferred { host, bytes, total, .. } => {
                if let Some((_, title)) = self.working.get(host) {
                    let text = format!("{}: {}", shorten(title, 60), words::carried(*bytes, *total));
                    self.show_of(host, &text);
                }
            }
            Event::StepEnded { host, title, status, .. } => {
                self.working.shift_remove(host);
                let title = shorten(&self.narrator.clean(title), 200);
                let text = if status.is_success() { format!("done: {title}") } else { format!("{status}: {title}") };
                self.show_of(host, &text);
            }
            _ => {}
        }
        let working = self.working.len();
        let hidden = self.working.keys().filter(|host| self.slot(host).is_none()).count();
        let more = if hidden > 0 { format!(", {hidden} of them not shown") } else { String::new() };
        self.total.set_message(format!("{} working{more}", count(working, "host")));
    }

    fn show(&self, bar: &ProgressBar, host: &HostId, text: &str) {
        let name = self.narrator.clean(host.as_str());
        bar.set_prefix(format!("{name:width$}", width = self.narrator.width()));
        bar.set_message(text.to_owned());
        bar.tick();
    }

    fn show_of(&self, host: &HostId, text: &str) {
        if let Some(bar) = self.slot(host) {
            self.show(bar, host, text);
        }
    }

    /// A line that has not ended may be a question or a progress bar: it is seen beside the step.
    fn show_partial(&self, host: &HostId, stream: Stream) {
        let Some((_, title)) = self.working.get(host) else { return };
        let text = match self.narrator.partial(host, stream) {
            Some(partial) => format!("{}: {partial}", shorten(title, 40)),
            None => title.clone(),
        };
        self.show_of(host, &text);
    }

    fn print(&mut self, lines: &[Line], verbosity: Verbosity, paint: Paint) {
        let width = self.narrator.width();
        let lasting = |line: &&Line| {
            line.kind.is_told(verbosity)
                && (verbosity == Verbosity::Verbose || !matches!(line.kind, Kind::Done | Kind::Together))
        };
        let text: Vec<String> = lines.iter().filter(lasting).map(|line| line.render(width, paint)).collect();
        self.print_text(text);
    }

    fn print_text(&mut self, mut text: Vec<String>) {
        if self.pauses > 0 {
            self.held.append(&mut text);
        } else if !text.is_empty() {
            let _ = self.multi.println(text.join("\n"));
        }
    }

    /// Prints what comes when the hosts' lines are gone. What is drawn leaves the cursor at the end of the last line; this
    /// leaves it where a shell can go on.
    fn print_last(&mut self, text: String) {
        if self.pauses > 0 {
            self.held.extend(text.lines().map(str::to_owned));
            return;
        }
        self.multi.set_draw_target(ProgressDrawTarget::hidden());
        // Nobody reads any more: the run is over anyway.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }

    /// Takes the hosts' lines away.
    fn clear(&mut self) {
        self.over = true;
        for slot in &self.slots {
            slot.bar.finish_and_clear();
        }
        self.total.finish_and_clear();
    }
}

impl Observer for Live {
    fn event(&self, event: &Event) {
        let mut state = lock(&self.state);
        let lines = state.narrator.event(event);
        state.print(&lines, self.verbosity, self.paint);
        if let Event::RunEnded { summary } = event {
            state.clear();
            let text = table::render(summary, &|text| state.narrator.clean(text), self.paint, state.columns);
            state.print_last(text);
        } else {
            state.update(event);
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // The thread first: it would draw again what is taken away here.
        self.ticker = None;
        let mut state = lock(&self.state);
        if !state.over {
            state.clear();
        }
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
