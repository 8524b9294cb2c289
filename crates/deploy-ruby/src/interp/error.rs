//! An uncaught exception, ready to be shown.

use super::Interp;
use crate::diagnostic::Diagnostic;
use crate::source::Position;
use crate::value::{Exception, Jump, Payload, Unwind};
use std::rc::Rc;

/// What ended a program. `Display` is the rendered diagnostic.
#[derive(thiserror::Error)]
#[error("{}", .diagnostics.iter().map(Diagnostic::render).collect::<String>().trim_end())]
pub struct Error {
    /// What to show; several for syntax errors, empty for `exit`.
    pub diagnostics: Vec<Diagnostic>,
    /// Class of the exception.
    pub class: String,
    /// Its message.
    pub message: String,
    /// What the host attached to it.
    pub payload: Option<Payload>,
    /// Status of `exit` or `abort`.
    pub exit_status: Option<i32>,
    /// Where that was called.
    pub exit_position: Option<Position>,
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Error {
    pub(super) fn new(interp: &Interp, unwind: Unwind) -> Self {
        match *unwind.0 {
            Jump::Raise(exception) => Self::of_exception(interp, &exception),
            Jump::Quit(status) => Self { exit_status: Some(status), ..Self::plain("SystemExit", "exit") },
            Jump::Throw(tag, _) => {
                Self::located(interp, "UncaughtThrowError", format!("uncaught throw {}", tag.inspect()))
            }
            Jump::Return(..) => Self::located(interp, "LocalJumpError", "unexpected return".to_owned()),
            Jump::Break(..) | Jump::LoopBreak(_) => {
                Self::located(interp, "LocalJumpError", "break from proc-closure".to_owned())
            }
            Jump::Next(_) | Jump::LoopNext => Self::located(interp, "LocalJumpError", "unexpected next".to_owned()),
            Jump::Retry => Self::located(interp, "LocalJumpError", "unexpected retry".to_owned()),
        }
    }

    fn plain(class: &str, message: &str) -> Self {
        Self {
            diagnostics: Vec::new(),
            class: class.to_owned(),
            message: message.to_owned(),
            payload: None,
            exit_status: None,
            exit_position: None,
        }
    }

    fn located(interp: &Interp, class: &str, message: String) -> Self {
        let diagnostic = Diagnostic::error(interp.sources(), None, &message);
        Self { diagnostics: vec![diagnostic], ..Self::plain(class, &message) }
    }

    fn of_exception(interp: &Interp, exception: &Rc<Exception>) -> Self {
        let message = exception.message();
        let mut error = Self { payload: exception.payload(), ..Self::plain(exception.class().name(), &message) };
        if exception.class().descends_from("SystemExit") {
            let status = exception.detail.borrow().as_int().unwrap_or(0);
            error.exit_status = Some(i32::try_from(status).unwrap_or(1));
            error.exit_position = Diagnostic::error(interp.sources(), exception.span(), "exit").position;
            return error;
        }
        if let Some(syntax) = error.payload.as_ref().and_then(|p| p.downcast_ref::<Vec<Diagnostic>>()) {
            error.diagnostics = syntax.clone();
        } else {
            error.diagnostics =
                vec![Diagnostic::error(interp.sources(), exception.span(), headline(exception, &message))];
        }
        if let Some(last) = error.diagnostics.last_mut() {
            last.notes.extend(exception.notes.borrow().iter().cloned());
            for frame in exception.chain.borrow().iter().rev() {
                last.notes.push(interp.frame_text(frame));
            }
        }
        error
    }
}

/// Message first; the class only where the message alone would not tell what happened.
fn headline(exception: &Exception, message: &str) -> String {
    let class = exception.class().name();
    let own = ["RuntimeError", "StandardError", "NameError", "NoMethodError", "LoadError", "SyntaxError"];
    if own.contains(&class) || message == class || message.is_empty() {
        return if message.is_empty() { class.to_owned() } else { message.to_owned() };
    }
    format!("{message} ({class})")
}
