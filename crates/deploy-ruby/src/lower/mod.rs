//! Parses with prism and lowers its tree at once to the owned one. Prism appears nowhere else.

/// `match` over prism nodes: variant, its conversion, and what to do with it.
macro_rules! lower {
    ($node:expr, { $($variant:ident $as:ident $n:ident => $body:expr,)* } else $other:expr) => {
        match $node {
            $(Pm::$variant { .. } => match $node.$as() { Some($n) => $body, None => $other },)*
            _ => $other,
        }
    };
}

mod calls;
mod classes;
mod literals;
mod names;
mod params;
mod survey;

use crate::ast::{
    AssignOp, Begin, Body, ConstScope, Expr, MultiTarget, Node, Params, Rescue, Slot, Target, Tree, When,
};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Sources, Span};
use crate::value::Sym;
use ruby_prism::{self as pm, Node as Pm};
use std::rc::Rc;

pub(crate) use survey::Notes;
pub use survey::{Request, RequestBase, RequestKind};

/// Nesting of expressions beyond which a place counts as unsupported.
const MAX_NESTING: usize = 700;

/// Parses a text. On a syntax error: the first one, and any that names an opener without `end`.
pub(crate) fn parse(
    sources: &Sources,
    name: &str,
    text: &[u8],
    outer: &[Rc<[Sym]>],
) -> Result<Rc<Tree>, Vec<Diagnostic>> {
    let file = sources.add(name, text);
    if text.len() > u32::MAX as usize / 2 {
        return Err(vec![Diagnostic::error(sources, None, format!("{name} is too long to be a program"))]);
    }
    let mut options = pm::Options::default();
    if !outer.is_empty() {
        options = options.scopes(outer_scopes(outer));
    }
    let options = options.build();
    let parsed = pm::parse_with_options(text, &options);
    let errors = syntax_errors(sources, file, &parsed);
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut lowering = Lowering {
        file,
        scopes: outer.iter().map(|names| names.to_vec()).collect(),
        frozen: parsed.frozen_string_literals(),
        unsupported: Vec::new(),
        in_loop: false,
        nesting: 0,
        notes: Notes::default(),
        passed: classes::Passed::default(),
    };
    let root = parsed.node();
    let Some(program) = root.as_program_node() else {
        return Err(vec![Diagnostic::error(sources, None, "this is not a program")]);
    };
    let span = lowering.span(&program.location());
    lowering.scopes.push(Vec::new());
    lowering.declare(&program.locals());
    let code = lowering.statements(Some(program.statements()), span);
    let locals = lowering.scopes.pop().unwrap_or_default().into();
    let body = Rc::new(Body { span, locals, params: Params::default(), code });
    Ok(Rc::new(Tree { body, unsupported: lowering.unsupported, notes: lowering.notes }))
}

fn outer_scopes(outer: &[Rc<[Sym]>]) -> Vec<pm::Scope> {
    let mut scopes: Vec<_> = outer
        .iter()
        .map(|names| pm::Scope::default().locals(names.iter().map(|n| n.as_str().as_bytes().to_vec()).collect()))
        .collect();
    // The program itself gets a scope of its own inside them.
    scopes.push(pm::Scope::default());
    scopes
}

fn syntax_errors(sources: &Sources, file: FileId, parsed: &pm::ParseResult<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, error) in parsed.errors().enumerate() {
        let message = String::from_utf8_lossy(error.message()).into_owned();
        let names_opener = message.contains("`end`") || message.contains("'end'");
        if index == 0 || names_opener {
            let at = error.location();
            let span = Span { file, start: at.start(), end: at.end() };
            found.push(Diagnostic::error(sources, Some(span), message));
        }
    }
    found
}

/// State of one lowering.
pub(crate) struct Lowering {
    file: FileId,
    scopes: Vec<Vec<Sym>>,
    frozen: bool,
    unsupported: Vec<(&'static str, Span)>,
    in_loop: bool,
    nesting: usize,
    notes: Notes,
    passed: classes::Passed,
}

impl Lowering {
    fn span(&self, at: &pm::Location<'_>) -> Span {
        Span { file: self.file, start: at.start(), end: at.end() }
    }

    fn name(&self, id: &pm::ConstantId<'_>) -> Sym {
        Sym::from_bytes(id.as_slice())
    }

    fn declare(&mut self, names: &pm::ConstantList<'_>) {
        let names: Vec<Sym> = names.iter().map(|id| Sym::from_bytes(id.as_slice())).collect();
        if let Some(scope) = self.scopes.last_mut() {
            scope.extend(names);
        }
    }

    /// Slot of a name at a depth; declared there if prism has no entry for it.
    fn slot(&mut self, name: &Sym, depth: u32) -> Slot {
        let at = self.scopes.len().saturating_sub(1 + depth as usize);
        let index = match self.scopes.get_mut(at) {
            Some(scope) => scope.iter().position(|n| n == name).unwrap_or_else(|| {
                scope.push(name.clone());
                scope.len() - 1
            }),
            None => 0,
        };
        Slot { depth, index: u32::try_from(index).unwrap_or(0) }
    }

    /// Slot of a hidden name (`*`, `**`, `&`) of the nearest method around.
    fn hidden(&mut self, name: &str) -> Option<Slot> {
        let depth = self.scopes.iter().rev().position(|scope| scope.iter().any(|n| n.as_str() == name))?;
        Some(self.slot(&Sym::new(name), u32::try_from(depth).ok()?))
    }

    fn unsupported(&mut self, kind: &'static str, span: Span) -> Node {
        self.unsupported.push((kind, span));
        Node { span, expr: Expr::Unsupported(kind) }
    }

    fn nil(&self, span: Span) -> Node {
        Node { span, expr: Expr::Nil }
    }

    fn statements(&mut self, statements: Option<pm::StatementsNode<'_>>, span: Span) -> Node {
        let Some(statements) = statements else { return self.nil(span) };
        let mut list: Vec<Node> = statements.body().iter().map(|n| self.node(&n)).collect();
        match list.len() {
            0 => self.nil(span),
            1 => list.pop().unwrap_or_else(|| self.nil(span)),
            _ => Node { span: self.span(&statements.location()), expr: Expr::Seq(list) },
        }
    }

    fn optional(&mut self, node: Option<Pm<'_>>, span: Span) -> Node {
        match node {
            Some(node) => self.node(&node),
            None => self.nil(span),
        }
    }

    fn boxed(&mut self, node: &Pm<'_>) -> Box<Node> {
        Box::new(self.node(node))
    }

    /// Lowers any expression.
    pub(crate) fn node(&mut self, node: &Pm<'_>) -> Node {
        let span = self.span(&node.location());
        if self.nesting >= MAX_NESTING {
            return self.unsupported("expressions nested this deeply", span);
        }
        self.nesting += 1;
        let lowered = self.dispatch(node, span);
        self.nesting -= 1;
        lowered
    }

    fn dispatch(&mut self, node: &Pm<'_>, span: Span) -> Node {
        let expr = lower!(node, {
            CallNode as_call_node n => self.call(&n),
            StatementsNode as_statements_node n => return self.statements(Some(n), span),
            ParenthesesNode as_parentheses_node n => return self.optional(n.body(), span),
            IfNode as_if_node n => self.if_node(&n, span),
            UnlessNode as_unless_node n => self.unless_node(&n, span),
            AndNode as_and_node n => Expr::And(self.boxed(&n.left()), self.boxed(&n.right())),
            OrNode as_or_node n => Expr::Or(self.boxed(&n.left()), self.boxed(&n.right())),
            ElseNode as_else_node n => return self.statements(n.statements(), span),
            CaseNode as_case_node n => self.case_node(&n, span),
            WhileNode as_while_node n => self.while_node(&n.predicate(), n.statements(), false, n.is_begin_modifier(), span),
            UntilNode as_until_node n => self.while_node(&n.predicate(), n.statements(), true, n.is_begin_modifier(), span),
            ForNode as_for_node n => self.for_node(&n, span),
            BeginNode as_begin_node n => self.begin_node(&n, span),
            RescueModifierNode as_rescue_modifier_node n => self.rescue_modifier(&n),
            BreakNode as_break_node n => Expr::Break { value: Box::new(self.jump_value(n.arguments(), span)), in_loop: self.in_loop },
            NextNode as_next_node n => Expr::Next { value: Box::new(self.jump_value(n.arguments(), span)), in_loop: self.in_loop },
            ReturnNode as_return_node n => Expr::Return(Box::new(self.jump_value(n.arguments(), span))),
            DefNode as_def_node n => self.def(&n, span),
            ClassNode as_class_node n => self.class(&n, span),
            ModuleNode as_module_node n => self.module(&n, span),
            SingletonClassNode as_singleton_class_node n => self.singleton_class(&n, span),
            SuperNode as_super_node n => self.super_call(&n, span),
            ForwardingSuperNode as_forwarding_super_node n => self.bare_super(&n, span),
            LambdaNode as_lambda_node n => Expr::Lambda(self.block_body(&n.locals(), n.parameters(), n.body(), span)),
            MultiWriteNode as_multi_write_node n => self.multi_write(&n),
            YieldNode as_yield_node n => self.yield_node(&n, span),
            DefinedNode as_defined_node n => Expr::Defined(self.boxed(&n.value())),
            AliasMethodNode as_alias_method_node n => Expr::Alias(self.boxed(&n.new_name()), self.boxed(&n.old_name())),
            MatchWriteNode as_match_write_node n => self.match_write(&n),
            ImplicitNode as_implicit_node n => return self.node(&n.value()),
        } else match self.literal(node, span).or_else(|| self.variable(node, span)) {
            Some(expr) => expr,
            None => return self.unsupported(names::unsupported_name(node), span),
        });
        if let Expr::Unsupported(kind) = expr {
            return self.unsupported(kind, span);
        }
        Node { span, expr }
    }

    fn if_node(&mut self, n: &pm::IfNode<'_>, span: Span) -> Expr {
        let cond = self.boxed(&n.predicate());
        let then = Box::new(self.statements(n.statements(), span));
        let other = Box::new(self.optional(n.subsequent(), span));
        Expr::If { cond, then, other }
    }

    fn unless_node(&mut self, n: &pm::UnlessNode<'_>, span: Span) -> Expr {
        let cond = self.boxed(&n.predicate());
        let other = Box::new(self.statements(n.statements(), span));
        let then = Box::new(match n.else_clause() {
            Some(e) => self.statements(e.statements(), span),
            None => self.nil(span),
        });
        Expr::If { cond, then, other }
    }

    fn case_node(&mut self, n: &pm::CaseNode<'_>, span: Span) -> Expr {
        let subject = n.predicate().map(|p| self.boxed(&p));
        let mut whens = Vec::new();
        for condition in &n.conditions() {
            let Some(when) = condition.as_when_node() else { continue };
            let tests = when.conditions().iter().map(|c| self.arg(&c)).collect();
            let body = self.statements(when.statements(), span);
            whens.push(When { tests, body });
        }
        let other = Box::new(match n.else_clause() {
            Some(e) => self.statements(e.statements(), span),
            None => self.nil(span),
        });
        Expr::Case { subject, whens, other }
    }

    fn while_node(
        &mut self,
        cond: &Pm<'_>,
        body: Option<pm::StatementsNode<'_>>,
        negate: bool,
        body_first: bool,
        span: Span,
    ) -> Expr {
        let before = std::mem::replace(&mut self.in_loop, true);
        let cond = self.boxed(cond);
        let body = Box::new(self.statements(body, span));
        self.in_loop = before;
        Expr::While { cond, body, negate, body_first }
    }

    fn for_node(&mut self, n: &pm::ForNode<'_>, span: Span) -> Expr {
        let over = self.boxed(&n.collection());
        let target = Box::new(self.target(&n.index()));
        let before = std::mem::replace(&mut self.in_loop, true);
        let body = Box::new(self.statements(n.statements(), span));
        self.in_loop = before;
        Expr::For { target, over, body }
    }

    fn begin_node(&mut self, n: &pm::BeginNode<'_>, span: Span) -> Expr {
        let body = self.statements(n.statements(), span);
        let mut rescues = Vec::new();
        let mut clause = n.rescue_clause();
        while let Some(rescue) = clause {
            let classes = rescue.exceptions().iter().map(|c| self.arg(&c)).collect();
            let bind = rescue.reference().map(|r| self.target(&r));
            let body = self.statements(rescue.statements(), span);
            rescues.push(Rescue { classes, bind, body });
            clause = rescue.subsequent();
        }
        let otherwise = n.else_clause().map(|e| self.statements(e.statements(), span));
        let ensure = n.ensure_clause().map(|e| self.statements(e.statements(), span));
        Expr::Begin(Box::new(Begin { body, rescues, otherwise, ensure }))
    }

    fn rescue_modifier(&mut self, n: &pm::RescueModifierNode<'_>) -> Expr {
        let body = self.node(&n.expression());
        let rescue = Rescue { classes: Vec::new(), bind: None, body: self.node(&n.rescue_expression()) };
        Expr::Begin(Box::new(Begin { body, rescues: vec![rescue], otherwise: None, ensure: None }))
    }

    fn jump_value(&mut self, arguments: Option<pm::ArgumentsNode<'_>>, span: Span) -> Node {
        let Some(arguments) = arguments else { return self.nil(span) };
        let list = arguments.arguments();
        match list.first() {
            Some(only) if list.len() == 1 && only.as_splat_node().is_none() => self.node(&only),
            _ => Node { span, expr: Expr::Array(list.iter().map(|n| self.arg(&n)).collect()) },
        }
    }

    fn yield_node(&mut self, n: &pm::YieldNode<'_>, span: Span) -> Expr {
        let (mut args, keywords) = self.arguments(n.arguments());
        if let Some(pairs) = keywords {
            args.push(crate::ast::Arg::One(Node { span, expr: Expr::Hash(pairs) }));
        }
        Expr::Yield(args)
    }

    fn match_write(&mut self, n: &pm::MatchWriteNode<'_>) -> Expr {
        let call = n.call();
        let span = self.span(&call.location());
        let expr = self.call(&call);
        let mut names = Vec::new();
        for target in &n.targets() {
            if let Some(local) = target.as_local_variable_target_node() {
                let name = self.name(&local.name());
                let slot = self.slot(&name, local.depth());
                names.push((name, slot));
            }
        }
        Expr::MatchWrite(Box::new(Node { span, expr }), names)
    }

    fn const_scope(&mut self, parent: Option<Pm<'_>>) -> ConstScope {
        match parent {
            Some(parent) => ConstScope::Of(self.boxed(&parent)),
            None => ConstScope::Root,
        }
    }

    fn multi_write(&mut self, n: &pm::MultiWriteNode<'_>) -> Expr {
        let target = MultiTarget {
            lefts: n.lefts().iter().map(|t| self.target(&t)).collect(),
            rest: n.rest().map(|t| self.rest_target(&t)),
            rights: n.rights().iter().map(|t| self.target(&t)).collect(),
        };
        Expr::MultiAssign(Box::new(target), self.boxed(&n.value()))
    }

    fn op_assign(&mut self, target: Target, op: AssignOp, value: &Pm<'_>) -> Expr {
        Expr::OpAssign(Box::new(target), op, self.boxed(value))
    }
}
