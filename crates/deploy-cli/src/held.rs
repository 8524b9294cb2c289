//! A display that is told of a run only when there is something to see.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use deploy_plan::{Event, Observer, Outcome};

/// Keeps the beginning of a run back until something happens. A run that ends before that (a misspelt task, a recipe that is
/// wrong) shows nothing of its own: the error behind it says all there is to say.
pub(crate) struct Held {
    display: Arc<dyn Observer>,
    /// The beginning, while there is nothing else.
    kept: Mutex<Option<Vec<Event>>>,
    shown: AtomicBool,
}

impl Held {
    pub(crate) fn new(display: Arc<dyn Observer>) -> Self {
        Self { display, kept: Mutex::new(Some(Vec::new())), shown: AtomicBool::new(false) }
    }

    /// Whether the display was told of anything.
    pub(crate) fn has_shown(&self) -> bool {
        self.shown.load(Ordering::Relaxed)
    }
}

impl Observer for Held {
    fn event(&self, event: &Event) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(events) = kept.as_mut() {
            match event {
                Event::RunStarted { .. } | Event::TaskStarted { .. } | Event::Failed { .. } => {
                    return events.push(event.clone());
                }
                Event::RunEnded { summary } if summary.rows.is_empty() && summary.outcome == Outcome::FailedClean => {
                    return *kept = None;
                }
                _ => kept.take().into_iter().flatten().for_each(|event| self.display.event(&event)),
            }
        }
        self.shown.store(true, Ordering::Relaxed);
        self.display.event(event);
    }
}
