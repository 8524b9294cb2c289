//! Lowering of calls, arguments and assignment targets.

use super::Lowering;
use crate::ast::{Arg, BlockArg, Call, Expr, MultiTarget, Node, Pair, Target};
use crate::source::Span;
use crate::value::Sym;
use ruby_prism::{self as pm, Node as Pm};

impl Lowering {
    pub(super) fn call(&mut self, n: &pm::CallNode<'_>) -> Expr {
        self.note_call(n);
        let name = self.name(&n.name());
        let recv = n.receiver().map(|r| self.node(&r));
        let span = self.span(&n.location());
        if name.as_str() == "!" && n.arguments().is_none() {
            if let Some(recv) = recv {
                return Expr::Not(Box::new(recv));
            }
            return Expr::Not(Box::new(self.nil(span)));
        }
        let (args, keywords) = self.arguments(n.arguments());
        let opens = usize::from(recv.is_none() && name.as_str() == "namespace");
        self.notes.namespaces += opens;
        let block = self.block_arg(n, span);
        self.notes.namespaces -= opens;
        let name_span = n.message_loc().map_or(span, |at| self.span(&at));
        Expr::Call(Box::new(Call {
            recv,
            name,
            name_span,
            args,
            keywords,
            block,
            safe: n.is_safe_navigation(),
            bare_word: n.is_variable_call(),
            writes: n.is_attribute_write(),
        }))
    }

    fn block_arg(&mut self, n: &pm::CallNode<'_>, span: Span) -> BlockArg {
        let Some(block) = n.block() else {
            return match self.forwards_all(n) {
                true => BlockArg::Pass(self.hidden_read("&", span)),
                false => BlockArg::None,
            };
        };
        if let Some(literal) = block.as_block_node() {
            let span = self.span(&literal.location());
            return BlockArg::Literal(self.block_body(&literal.locals(), literal.parameters(), literal.body(), span));
        }
        if let Some(pass) = block.as_block_argument_node() {
            return BlockArg::Pass(match pass.expression() {
                Some(expression) => self.node(&expression),
                None => self.hidden_read("&", span),
            });
        }
        BlockArg::None
    }

    fn forwards_all(&self, n: &pm::CallNode<'_>) -> bool {
        n.arguments().is_some_and(|a| a.arguments().iter().any(|x| x.as_forwarding_arguments_node().is_some()))
    }

    pub(super) fn arguments(&mut self, n: Option<pm::ArgumentsNode<'_>>) -> (Vec<Arg>, Option<Vec<Pair>>) {
        let mut args = Vec::new();
        let mut keywords = None;
        let Some(n) = n else { return (args, keywords) };
        for argument in &n.arguments() {
            if let Some(hash) = argument.as_keyword_hash_node() {
                keywords = Some(self.pairs(&hash.elements()));
            } else if let Some(all) = argument.as_forwarding_arguments_node() {
                let span = self.span(&all.location());
                args.push(Arg::Splat(self.hidden_read("*", span)));
                keywords = Some(vec![Pair::Splat(self.hidden_read("**", span))]);
            } else {
                args.push(self.arg(&argument));
            }
        }
        (args, keywords)
    }

    pub(super) fn arg(&mut self, node: &Pm<'_>) -> Arg {
        match node.as_splat_node() {
            Some(splat) => Arg::Splat(match splat.expression() {
                Some(expression) => self.node(&expression),
                None => {
                    let span = self.span(&splat.location());
                    self.hidden_read("*", span)
                }
            }),
            None => Arg::One(self.node(node)),
        }
    }

    pub(super) fn index_target(
        &mut self,
        recv: Option<Pm<'_>>,
        args: Option<pm::ArgumentsNode<'_>>,
        span: Span,
    ) -> Target {
        let recv = self.receiver(recv, span);
        let (args, _) = self.arguments(args);
        Target::Index { recv, args, span }
    }

    pub(super) fn attr_target(
        &mut self,
        recv: Option<Pm<'_>>,
        name: &pm::ConstantId<'_>,
        safe: bool,
        span: Span,
    ) -> Target {
        let recv = self.receiver(recv, span);
        let name = Sym::new(self.name(name).as_str().trim_end_matches('='));
        Target::Attr { recv, name, safe, span }
    }

    fn receiver(&mut self, recv: Option<Pm<'_>>, span: Span) -> Node {
        match recv {
            Some(recv) => self.node(&recv),
            None => Node { span, expr: Expr::SelfRef },
        }
    }

    pub(super) fn target(&mut self, node: &Pm<'_>) -> Target {
        let span = self.span(&node.location());
        lower!(node, {
            LocalVariableTargetNode as_local_variable_target_node n => {
                let name = self.name(&n.name());
                Target::Local(self.slot(&name, n.depth()))
            },
            ClassVariableTargetNode as_class_variable_target_node n => Target::ClassVar(self.name(&n.name()), span),
            InstanceVariableTargetNode as_instance_variable_target_node n => Target::Ivar(self.name(&n.name())),
            GlobalVariableTargetNode as_global_variable_target_node n => Target::Gvar(self.name(&n.name()), span),
            ConstantTargetNode as_constant_target_node n => Target::Const(self.name(&n.name())),
            IndexTargetNode as_index_target_node n => self.index_target(Some(n.receiver()), n.arguments(), span),
            CallTargetNode as_call_target_node n => self.attr_target(Some(n.receiver()), &n.name(), n.is_safe_navigation(), span),
            MultiTargetNode as_multi_target_node n => Target::Multi(Box::new(self.multi_target(&n))),
            SplatNode as_splat_node n => match n.expression() {
                Some(inner) => self.target(&inner),
                None => Target::Ignore,
            },
            RequiredParameterNode as_required_parameter_node n => {
                let name = self.name(&n.name());
                Target::Local(self.slot(&name, 0))
            },
            ImplicitRestNode as_implicit_rest_node _n => Target::Ignore,
        } else {
            self.unsupported.push(("this assignment target", span));
            Target::Unsupported("this assignment target", span)
        })
    }

    pub(super) fn multi_target(&mut self, n: &pm::MultiTargetNode<'_>) -> MultiTarget {
        MultiTarget {
            lefts: n.lefts().iter().map(|t| self.target(&t)).collect(),
            rest: n.rest().map(|t| self.rest_target(&t)),
            rights: n.rights().iter().map(|t| self.target(&t)).collect(),
        }
    }

    pub(super) fn rest_target(&mut self, node: &Pm<'_>) -> Target {
        self.target(node)
    }
}
