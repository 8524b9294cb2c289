//! The owned syntax tree that the evaluator walks. Variables are resolved to (depth, slot).

use crate::lower::{Notes, Request};
use crate::source::Span;
use crate::value::{Sym, Value};
use std::cell::OnceCell;
use std::rc::Rc;

/// An expression with its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub span: Span,
    pub expr: Expr,
}

/// Position of a local variable: how many scopes outwards, and which slot there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub depth: u32,
    pub index: u32,
}

/// Expressions.
#[derive(Debug)]
pub(crate) enum Expr {
    Nil,
    True,
    False,
    SelfRef,
    Int(i64),
    Float(f64),
    Str {
        bytes: Rc<[u8]>,
        frozen: bool,
    },
    Sym(Sym),
    DStr(Vec<Node>),
    DSym(Vec<Node>),
    XStr(Vec<Node>),
    Regex {
        parts: Vec<Node>,
        flags: RegexFlags,
        cache: OnceCell<Value>,
    },
    Array(Vec<Arg>),
    Hash(Vec<Pair>),
    Range {
        low: Option<Box<Node>>,
        high: Option<Box<Node>>,
        exclusive: bool,
    },
    Local(Slot),
    Ivar(Sym),
    Gvar(Sym),
    NthRef(u32),
    BackRef(char),
    Const {
        scope: ConstScope,
        name: Sym,
    },
    Assign(Box<Target>, Box<Node>),
    OpAssign(Box<Target>, AssignOp, Box<Node>),
    MultiAssign(Box<MultiTarget>, Box<Node>),
    Call(Box<Call>),
    /// `/(?<x>..)/ =~ y`, which also writes locals.
    MatchWrite(Box<Node>, Vec<(Sym, Slot)>),
    Yield(Vec<Arg>),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Defined(Box<Node>),
    Seq(Vec<Node>),
    If {
        cond: Box<Node>,
        then: Box<Node>,
        other: Box<Node>,
    },
    Case {
        subject: Option<Box<Node>>,
        whens: Vec<When>,
        other: Box<Node>,
    },
    While {
        cond: Box<Node>,
        body: Box<Node>,
        negate: bool,
        body_first: bool,
    },
    For {
        target: Box<Target>,
        over: Box<Node>,
        body: Box<Node>,
    },
    Begin(Box<Begin>),
    Break {
        value: Box<Node>,
        in_loop: bool,
    },
    Next {
        value: Box<Node>,
        in_loop: bool,
    },
    Return(Box<Node>),
    Retry,
    Def {
        name: Sym,
        body: Rc<Body>,
        singleton: Option<Box<Node>>,
    },
    Alias(Box<Node>, Box<Node>),
    /// `class A < B`, `module A`
    Class {
        scope: ConstScope,
        name: Sym,
        is_module: bool,
        parent: Option<Box<Node>>,
        body: Rc<Body>,
    },
    /// `class << self`
    SingletonClass {
        on: Box<Node>,
        body: Rc<Body>,
    },
    Super {
        args: Vec<Arg>,
        keywords: Option<Vec<Pair>>,
        block: Box<BlockArg>,
    },
    /// `@@x`
    ClassVar(Sym),
    Lambda(Rc<Body>),
    File,
    Line(i64),
    /// Outside the language; an error when it is reached.
    Unsupported(&'static str),
}

/// Where a constant is looked up.
#[derive(Debug)]
pub(crate) enum ConstScope {
    /// Bare name.
    Lexical,
    /// `::A`
    Root,
    /// `expr::A`
    Of(Box<Node>),
}

/// Options after a regexp literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RegexFlags {
    pub ignore_case: bool,
    pub extended: bool,
    pub multi_line: bool,
}

/// A positional argument, or array element.
#[derive(Debug)]
pub(crate) enum Arg {
    One(Node),
    Splat(Node),
}

/// A hash element or keyword argument.
#[derive(Debug)]
pub(crate) enum Pair {
    Item(Node, Node),
    Splat(Node),
}

/// What stands in the block place of a call.
#[derive(Debug)]
pub(crate) enum BlockArg {
    None,
    Literal(Rc<Body>),
    Pass(Node),
}

/// A method call.
#[derive(Debug)]
pub(crate) struct Call {
    pub recv: Option<Node>,
    pub name: Sym,
    pub name_span: Span,
    pub args: Vec<Arg>,
    pub keywords: Option<Vec<Pair>>,
    pub block: BlockArg,
    pub safe: bool,
    /// A bare word without arguments: could have been a variable.
    pub bare_word: bool,
    /// `recv.name = value`: the value of the expression is the argument.
    pub writes: bool,
}

/// Parameters and body of a method, block, lambda or file.
#[derive(Debug)]
pub(crate) struct Body {
    pub span: Span,
    pub locals: Rc<[Sym]>,
    pub params: Params,
    pub code: Node,
}

/// Parameter list.
#[derive(Debug, Default)]
pub(crate) struct Params {
    pub required: Vec<Target>,
    pub optional: Vec<(Sym, Slot, Node)>,
    pub rest: Option<Option<Slot>>,
    pub post: Vec<Target>,
    pub keywords: Vec<(Sym, Slot, Option<Node>)>,
    pub keyword_rest: Option<Option<Slot>>,
    pub no_keywords: bool,
    pub block: Option<Slot>,
    /// `|a,|`: takes the first of an array.
    pub trailing_comma: bool,
}

impl Params {
    pub fn takes_keywords(&self) -> bool {
        !self.keywords.is_empty() || self.keyword_rest.is_some()
    }

    /// Ruby's arity number.
    pub fn arity(&self, lambda: bool) -> i64 {
        let required = self.required.len() + self.post.len();
        let needs_keyword = self.keywords.iter().any(|(_, _, default)| default.is_none());
        let count = i64::try_from(required).unwrap_or(i64::MAX);
        let open = self.rest.is_some() || (lambda && !self.optional.is_empty());
        if open {
            -(count + i64::from(needs_keyword)) - 1
        } else if needs_keyword {
            count + 1
        } else if lambda && self.takes_keywords() {
            -count - 1
        } else {
            count
        }
    }
}

/// Something that can be assigned to.
#[derive(Debug)]
pub(crate) enum Target {
    Local(Slot),
    Ivar(Sym),
    ClassVar(Sym, Span),
    Gvar(Sym, Span),
    Const(Sym),
    Index {
        recv: Node,
        args: Vec<Arg>,
        span: Span,
    },
    Attr {
        recv: Node,
        name: Sym,
        safe: bool,
        span: Span,
    },
    Multi(Box<MultiTarget>),
    /// `a, * = x`
    Ignore,
    Unsupported(&'static str, Span),
}

/// Left side of a multiple assignment.
#[derive(Debug)]
pub(crate) struct MultiTarget {
    pub lefts: Vec<Target>,
    pub rest: Option<Target>,
    pub rights: Vec<Target>,
}

/// `||=`, `&&=` or a binary operator.
#[derive(Debug)]
pub(crate) enum AssignOp {
    Or,
    And,
    Binary(Sym),
}

/// One `when`.
#[derive(Debug)]
pub(crate) struct When {
    pub tests: Vec<Arg>,
    pub body: Node,
}

/// begin/rescue/else/ensure.
#[derive(Debug)]
pub(crate) struct Begin {
    pub body: Node,
    pub rescues: Vec<Rescue>,
    pub otherwise: Option<Node>,
    pub ensure: Option<Node>,
}

/// One `rescue`.
#[derive(Debug)]
pub(crate) struct Rescue {
    pub classes: Vec<Arg>,
    pub bind: Option<Target>,
    pub body: Node,
}

/// A parsed file.
#[derive(Debug)]
pub struct Tree {
    pub(crate) body: Rc<Body>,
    pub(crate) unsupported: Vec<(&'static str, Span)>,
    pub(crate) notes: Notes,
}

impl Tree {
    /// The files that the text asks for by a literal name, in their order. Nothing is run to find them, so names that
    /// the text makes up are not among them.
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        &self.notes.requests
    }

    /// Names of tasks that the text defines outside of any namespace, where they are literal.
    #[must_use]
    pub fn top_tasks(&self) -> &[String] {
        &self.notes.top_tasks
    }
}
