//! Lowering of class and module definitions and of `super`.

use super::Lowering;
use crate::ast::{Arg, BlockArg, Body, ConstScope, Expr, Node, Pair, Params};
use crate::source::Span;
use crate::value::Sym;
use ruby_prism::{self as pm, Node as Pm};
use std::rc::Rc;

/// What `super` without arguments passes on: the parameters of the method around.
#[derive(Default)]
pub(crate) struct Passed {
    positional: Vec<(Sym, bool)>,
    keywords: Vec<Sym>,
    keyword_rest: Option<Sym>,
}

impl Passed {
    pub fn of(params: Option<pm::ParametersNode<'_>>) -> Self {
        let mut passed = Self::default();
        let Some(params) = params else { return passed };
        let name = |id: pm::ConstantId<'_>| Sym::from_bytes(id.as_slice());
        for one in &params.requireds() {
            passed.positional.extend(one.as_required_parameter_node().map(|p| (name(p.name()), false)));
        }
        for one in &params.optionals() {
            passed.positional.extend(one.as_optional_parameter_node().map(|p| (name(p.name()), false)));
        }
        if let Some(rest) = params.rest().and_then(|rest| rest.as_rest_parameter_node()) {
            passed.positional.push((rest.name().map_or_else(|| Sym::new("*"), name), true));
        }
        for one in &params.posts() {
            passed.positional.extend(one.as_required_parameter_node().map(|p| (name(p.name()), false)));
        }
        for one in &params.keywords() {
            passed.keywords.extend(one.as_required_keyword_parameter_node().map(|p| name(p.name())));
            passed.keywords.extend(one.as_optional_keyword_parameter_node().map(|p| name(p.name())));
        }
        let rest = params.keyword_rest().and_then(|rest| rest.as_keyword_rest_parameter_node());
        passed.keyword_rest = rest.map(|rest| rest.name().map_or_else(|| Sym::new("**"), name));
        passed
    }
}

impl Lowering {
    pub(super) fn class(&mut self, n: &pm::ClassNode<'_>, span: Span) -> Expr {
        let parent = n.superclass().map(|parent| self.boxed(&parent));
        let (scope, name) = self.constant_name(&n.constant_path());
        let body = self.class_body(&n.locals(), n.body(), span);
        Expr::Class { scope, name, is_module: false, parent, body }
    }

    pub(super) fn module(&mut self, n: &pm::ModuleNode<'_>, span: Span) -> Expr {
        let (scope, name) = self.constant_name(&n.constant_path());
        let body = self.class_body(&n.locals(), n.body(), span);
        Expr::Class { scope, name, is_module: true, parent: None, body }
    }

    pub(super) fn singleton_class(&mut self, n: &pm::SingletonClassNode<'_>, span: Span) -> Expr {
        let on = self.boxed(&n.expression());
        Expr::SingletonClass { on, body: self.class_body(&n.locals(), n.body(), span) }
    }

    fn constant_name(&mut self, path: &Pm<'_>) -> (ConstScope, Sym) {
        if let Some(plain) = path.as_constant_read_node() {
            return (ConstScope::Lexical, self.name(&plain.name()));
        }
        match path.as_constant_path_node() {
            Some(path) => {
                let name = path.name().map_or_else(|| Sym::new(""), |id| self.name(&id));
                (self.const_scope(path.parent()), name)
            }
            None => (ConstScope::Lexical, Sym::new("")),
        }
    }

    /// Like that of a method: it sees no locals around it.
    fn class_body(&mut self, locals: &pm::ConstantList<'_>, body: Option<Pm<'_>>, span: Span) -> Rc<Body> {
        let before = std::mem::take(&mut self.scopes);
        let in_loop = std::mem::replace(&mut self.in_loop, false);
        self.scopes.push(Vec::new());
        self.declare(locals);
        let code = self.optional(body, span);
        let locals = self.scopes.pop().unwrap_or_default().into();
        self.scopes = before;
        self.in_loop = in_loop;
        Rc::new(Body { span, locals, params: Params::default(), code })
    }

    /// `super(…)`
    pub(super) fn super_call(&mut self, n: &pm::SuperNode<'_>, span: Span) -> Expr {
        let (args, keywords) = self.arguments(n.arguments());
        let block = Box::new(self.super_block(n.block(), span));
        Expr::Super { args, keywords, block }
    }

    /// `super` alone passes on what the method was given.
    pub(super) fn bare_super(&mut self, n: &pm::ForwardingSuperNode<'_>, span: Span) -> Expr {
        let passed = std::mem::take(&mut self.passed);
        let mut args = Vec::new();
        for (name, splat) in &passed.positional {
            let read = self.hidden_read(name.as_str(), span);
            args.push(if *splat { Arg::Splat(read) } else { Arg::One(read) });
        }
        let mut pairs = Vec::new();
        for name in &passed.keywords {
            let key = Node { span, expr: Expr::Sym(name.clone()) };
            pairs.push(Pair::Item(key, self.hidden_read(name.as_str(), span)));
        }
        if let Some(rest) = &passed.keyword_rest {
            pairs.push(Pair::Splat(self.hidden_read(rest.as_str(), span)));
        }
        self.passed = passed;
        let block = Box::new(self.super_block(n.block().map(|block| block.as_node()), span));
        Expr::Super { args, keywords: (!pairs.is_empty()).then_some(pairs), block }
    }

    fn super_block(&mut self, block: Option<Pm<'_>>, span: Span) -> BlockArg {
        let Some(block) = block else { return BlockArg::None };
        if let Some(literal) = block.as_block_node() {
            let span = self.span(&literal.location());
            return BlockArg::Literal(self.block_body(&literal.locals(), literal.parameters(), literal.body(), span));
        }
        match block.as_block_argument_node().and_then(|pass| pass.expression()) {
            Some(expression) => BlockArg::Pass(self.node(&expression)),
            None => BlockArg::Pass(self.hidden_read("&", span)),
        }
    }
}
