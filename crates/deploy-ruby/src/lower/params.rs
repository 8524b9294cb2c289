//! Lowering of method, block and lambda bodies with their parameters.

use super::Lowering;
use crate::ast::{Body, Expr, Params, Slot};
use crate::source::Span;
use crate::value::Sym;
use ruby_prism::{self as pm, Node as Pm};
use std::rc::Rc;

impl Lowering {
    pub(super) fn def(&mut self, n: &pm::DefNode<'_>, span: Span) -> Expr {
        let name = self.name(&n.name());
        let singleton = n.receiver().map(|r| self.boxed(&r));
        let before = std::mem::take(&mut self.scopes);
        let in_loop = std::mem::replace(&mut self.in_loop, false);
        let passed = std::mem::replace(&mut self.passed, super::classes::Passed::of(n.parameters()));
        self.scopes.push(Vec::new());
        self.declare(&n.locals());
        let params = n.parameters().map(|p| self.params(&p)).unwrap_or_default();
        let code = self.optional(n.body(), span);
        let locals = self.scopes.pop().unwrap_or_default().into();
        self.scopes = before;
        self.in_loop = in_loop;
        self.passed = passed;
        Expr::Def { name, body: Rc::new(Body { span, locals, params, code }), singleton }
    }

    pub(super) fn block_body(
        &mut self,
        locals: &pm::ConstantList<'_>,
        params: Option<Pm<'_>>,
        body: Option<Pm<'_>>,
        span: Span,
    ) -> Rc<Body> {
        let in_loop = std::mem::replace(&mut self.in_loop, false);
        self.scopes.push(Vec::new());
        self.declare(locals);
        let params = self.block_params(params);
        let code = self.optional(body, span);
        let locals = self.scopes.pop().unwrap_or_default().into();
        self.in_loop = in_loop;
        Rc::new(Body { span, locals, params, code })
    }

    fn own_slot(&mut self, name: &str) -> Slot {
        self.slot(&Sym::new(name), 0)
    }

    fn block_params(&mut self, params: Option<Pm<'_>>) -> Params {
        let Some(params) = params else { return Params::default() };
        if let Some(block) = params.as_block_parameters_node() {
            return block.parameters().map(|p| self.params(&p)).unwrap_or_default();
        }
        if let Some(numbered) = params.as_numbered_parameters_node() {
            let required =
                (1..=numbered.maximum()).map(|i| crate::ast::Target::Local(self.own_slot(&format!("_{i}")))).collect();
            return Params { required, ..Params::default() };
        }
        if params.as_it_parameters_node().is_some() {
            let required = vec![crate::ast::Target::Local(self.own_slot("it"))];
            return Params { required, ..Params::default() };
        }
        Params::default()
    }

    fn params(&mut self, n: &pm::ParametersNode<'_>) -> Params {
        let mut params =
            Params { required: n.requireds().iter().map(|t| self.target(&t)).collect(), ..Params::default() };
        for optional in &n.optionals() {
            if let Some(o) = optional.as_optional_parameter_node() {
                let name = self.name(&o.name());
                let slot = self.slot(&name, 0);
                params.optional.push((name, slot, self.node(&o.value())));
            }
        }
        if let Some(rest) = n.rest() {
            self.rest_param(&rest, &mut params);
        }
        params.post = n.posts().iter().map(|t| self.target(&t)).collect();
        for keyword in &n.keywords() {
            self.keyword_param(&keyword, &mut params);
        }
        if let Some(rest) = n.keyword_rest() {
            self.keyword_rest_param(&rest, &mut params);
        }
        if let Some(block) = n.block().and_then(|b| b.as_block_parameter_node()) {
            let name = block.name().map_or_else(|| Sym::new("&"), |id| self.name(&id));
            params.block = Some(self.slot(&name, 0));
        }
        params
    }

    fn rest_param(&mut self, rest: &Pm<'_>, params: &mut Params) {
        if let Some(r) = rest.as_rest_parameter_node() {
            let name = r.name().map_or_else(|| Sym::new("*"), |id| self.name(&id));
            params.rest = Some(Some(self.slot(&name, 0)));
        } else {
            params.trailing_comma = true;
        }
    }

    fn keyword_param(&mut self, keyword: &Pm<'_>, params: &mut Params) {
        if let Some(k) = keyword.as_required_keyword_parameter_node() {
            let name = self.name(&k.name());
            let slot = self.slot(&name, 0);
            params.keywords.push((name, slot, None));
        } else if let Some(k) = keyword.as_optional_keyword_parameter_node() {
            let name = self.name(&k.name());
            let slot = self.slot(&name, 0);
            let default = self.node(&k.value());
            params.keywords.push((name, slot, Some(default)));
        }
    }

    fn keyword_rest_param(&mut self, rest: &Pm<'_>, params: &mut Params) {
        if let Some(r) = rest.as_keyword_rest_parameter_node() {
            let name = r.name().map_or_else(|| Sym::new("**"), |id| self.name(&id));
            params.keyword_rest = Some(Some(self.slot(&name, 0)));
        } else if rest.as_no_keywords_parameter_node().is_some() {
            params.no_keywords = true;
        } else if rest.as_forwarding_parameter_node().is_some() {
            params.rest = Some(Some(self.own_slot("*")));
            params.keyword_rest = Some(Some(self.own_slot("**")));
            params.block = Some(self.own_slot("&"));
        }
    }
}
