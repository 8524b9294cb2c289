//! What can be said of a text without running it: the files that it asks for by a literal name, the tasks that it
//! defines outside of any namespace, and calls that always end in an error here.

use super::Lowering;
use crate::source::Span;
use ruby_prism::{self as pm, Node as Pm};

/// How a text asks for another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// `require`
    Require,
    /// `require_relative`
    RequireRelative,
    /// `load`
    Load,
    /// Rake's `import`
    Import,
    /// `Dir["…"]` or `Dir.glob("…")`: the name is a pattern.
    Glob,
}

/// What a relative name in a request starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestBase {
    /// The working directory, or the load path.
    Directory,
    /// The asking file: `File.expand_path("../x", __FILE__)`.
    File,
    /// The directory of the asking file: `File.expand_path("x", __dir__)`, `require_relative "x"`.
    FileDirectory,
}

/// A literal name of a file in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// With which word.
    pub kind: RequestKind,
    /// The name as it is written.
    pub name: String,
    /// What the name starts from.
    pub base: RequestBase,
    /// The place of the call.
    pub span: Span,
}

/// What a lowering notes on its way.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub requests: Vec<Request>,
    pub top_tasks: Vec<String>,
    /// How many `namespace` blocks are open.
    pub namespaces: usize,
}

impl Lowering {
    /// Notes what a call says of other files and tasks, and whether it always fails here.
    pub(super) fn note_call(&mut self, n: &pm::CallNode<'_>) {
        let name = String::from_utf8_lossy(n.name().as_slice()).into_owned();
        let span = self.span(&n.location());
        let arguments: Vec<Pm<'_>> = n.arguments().map(|a| a.arguments().iter().collect()).unwrap_or_default();
        match n.receiver() {
            None => self.note_word(&name, &arguments, n.block().is_some(), span),
            Some(receiver) => self.note_method(&constant_name(&receiver), &name, &arguments, span),
        }
    }

    fn note_word(&mut self, name: &str, arguments: &[Pm<'_>], has_block: bool, span: Span) {
        let kind = match name {
            "require" => RequestKind::Require,
            "require_relative" => RequestKind::RequireRelative,
            "load" => RequestKind::Load,
            "import" => RequestKind::Import,
            "task" => {
                if let Some(task) = arguments.first().and_then(task_name).filter(|_| self.notes.namespaces == 0) {
                    self.notes.top_tasks.push(task);
                }
                return;
            }
            "fork" => return self.unsupported.push(("`fork`", span)),
            "eval" if !arguments.is_empty() && !has_block => {
                return self.unsupported.push(("`eval` of a string", span));
            }
            _ => return,
        };
        let Some((name, base)) = arguments.first().and_then(file_name) else { return };
        let base = if kind == RequestKind::RequireRelative { RequestBase::FileDirectory } else { base };
        self.notes.requests.push(Request { kind, name, base, span });
    }

    fn note_method(&mut self, receiver: &str, name: &str, arguments: &[Pm<'_>], span: Span) {
        let kind = match (receiver, name) {
            ("Dir", "[]" | "glob") => {
                for (name, base) in arguments.iter().filter_map(file_name) {
                    self.notes.requests.push(Request { kind: RequestKind::Glob, name, base, span });
                }
                return;
            }
            ("Thread", _) => "`Thread`",
            ("Fiber", _) => "`Fiber`",
            ("Ractor", _) => "`Ractor`",
            ("Marshal", _) => "`Marshal`",
            ("TracePoint", _) => "`TracePoint`",
            _ => return,
        };
        self.unsupported.push((kind, span));
    }
}

fn constant_name(node: &Pm<'_>) -> String {
    let read = node.as_constant_read_node();
    read.map(|read| String::from_utf8_lossy(read.name().as_slice()).into_owned()).unwrap_or_default()
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

/// `"a"`, or `File.expand_path("a", __FILE__)`.
fn file_name(node: &Pm<'_>) -> Option<(String, RequestBase)> {
    if let Some(string) = node.as_string_node() {
        return Some((text(string.unescaped())?, RequestBase::Directory));
    }
    let call = node.as_call_node()?;
    if call.name().as_slice() != b"expand_path" || constant_name(&call.receiver()?) != "File" {
        return None;
    }
    let arguments: Vec<Pm<'_>> = call.arguments()?.arguments().iter().collect();
    let name = text(arguments.first()?.as_string_node()?.unescaped())?;
    let base = match arguments.get(1) {
        None => RequestBase::Directory,
        Some(from) if from.as_source_file_node().is_some() => RequestBase::File,
        Some(from) if from.as_call_node().is_some_and(|call| call.name().as_slice() == b"__dir__") => {
            RequestBase::FileDirectory
        }
        Some(_) => return None,
    };
    Some((name, base))
}

/// The name in `task :a`, `task "a"`, `task a: :b` and `task :a => :b`.
fn task_name(node: &Pm<'_>) -> Option<String> {
    if let Some(symbol) = node.as_symbol_node() {
        return text(symbol.unescaped());
    }
    if let Some(string) = node.as_string_node() {
        return text(string.unescaped());
    }
    let pairs = node.as_keyword_hash_node()?.elements();
    let first = pairs.first()?;
    task_name(&first.as_assoc_node()?.key())
}
