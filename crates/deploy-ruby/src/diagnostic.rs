//! Errors that point at source text, and their plain rendering with carets.

use crate::source::{Position, Sources, Span};
use std::fmt;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The program cannot go on.
    Error,
    /// The program goes on.
    Warning,
}

/// A message about a place in a source text. It owns everything that is needed to show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where, if a place is known.
    pub span: Option<Span>,
    /// Where, readable.
    pub position: Option<Position>,
    /// The source line at the position.
    pub source_line: String,
    /// 1-based character columns in `source_line` to underline: first, and behind the last.
    pub carets: (usize, usize),
    /// Further lines: hints and the call chain.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(sources: &Sources, span: Option<Span>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, sources, span, message.into())
    }

    /// A warning at a place.
    pub fn warning(sources: &Sources, span: Option<Span>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, sources, span, message.into())
    }

    fn new(severity: Severity, sources: &Sources, span: Option<Span>, message: String) -> Self {
        let mut it = Self {
            severity,
            message,
            span,
            position: span.and_then(|s| sources.position(s)),
            source_line: String::new(),
            carets: (1, 2),
            notes: Vec::new(),
        };
        if let (Some(span), Some(position)) = (span, it.position.clone()) {
            it.place(sources, span, &position);
        }
        it
    }

    fn place(&mut self, sources: &Sources, span: Span, position: &Position) {
        let Some(file) = sources.file(span.file) else { return };
        self.source_line = file.line_text(position.line);
        let width = self.source_line.chars().count();
        let (end_line, end_column) = file.line_column(span.end as usize);
        let end = if end_line == position.line { end_column } else { width + 1 };
        self.carets = (position.column, end.max(position.column + 1));
    }

    /// Adds a note line.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Plain text: head line, source line, carets, notes; lines end with `\n`.
    pub fn render(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        match &self.position {
            Some(position) => writeln!(f, "{position}: {severity}: {}", self.message)?,
            None => writeln!(f, "{severity}: {}", self.message)?,
        }
        if self.position.is_some() {
            writeln!(f, "  {}", self.source_line.replace('\t', " "))?;
            let (from, to) = self.carets;
            writeln!(f, "  {}{}", " ".repeat(from.saturating_sub(1)), "^".repeat(to.saturating_sub(from).max(1)))?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}
