//! The table of source files, and the places in them that values, errors and frames point to.

use std::cell::RefCell;
use std::rc::Rc;

/// Number of a file in a [`Sources`] table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub(crate) u32);

/// A byte range in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

/// A span told to a person: name of the file, 1-based line and 1-based character column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Name of the file, as it was given to the parser.
    pub file: Rc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One source text.
#[derive(Debug)]
pub struct SourceFile {
    name: Rc<str>,
    text: Vec<u8>,
    line_starts: Vec<usize>,
}

impl SourceFile {
    fn new(name: &str, text: &[u8]) -> Self {
        let mut line_starts = vec![0];
        line_starts.extend(text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1));
        Self { name: name.into(), text: text.to_vec(), line_starts }
    }

    /// The name that the text was given under.
    pub fn name(&self) -> &Rc<str> {
        &self.name
    }

    /// The bytes of the text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    fn line_index(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Text of a line (from 1) without its line end.
    pub fn line_text(&self, line: usize) -> String {
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let rest = self.text.get(start..).unwrap_or_default();
        let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()
    }

    /// Line and character column, both from 1, of a byte offset.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let index = self.line_index(offset);
        let start = self.line_starts.get(index).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        (index + 1, String::from_utf8_lossy(before).chars().count() + 1)
    }
}

/// All source files of one interpreter. Cheap to clone; clones share the table.
#[derive(Debug, Clone, Default)]
pub struct Sources(Rc<RefCell<Vec<Rc<SourceFile>>>>);

impl Sources {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text under a name and returns its number. The same name may be added again.
    pub fn add(&self, name: &str, text: &[u8]) -> FileId {
        let mut files = self.0.borrow_mut();
        files.push(Rc::new(SourceFile::new(name, text)));
        FileId(u32::try_from(files.len() - 1).unwrap_or(u32::MAX))
    }

    /// The file with this number.
    pub fn file(&self, id: FileId) -> Option<Rc<SourceFile>> {
        self.0.borrow().get(id.0 as usize).cloned()
    }

    /// Where a span starts.
    pub fn position(&self, span: Span) -> Option<Position> {
        let file = self.file(span.file)?;
        let (line, column) = file.line_column(span.start as usize);
        Some(Position { file: file.name().clone(), line, column })
    }
}
