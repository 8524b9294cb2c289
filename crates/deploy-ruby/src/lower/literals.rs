//! Lowering of literals and variables.

use super::Lowering;
use crate::ast::{AssignOp, ConstScope, Expr, Node, Pair, RegexFlags, Target};
use crate::source::Span;
use crate::value::Sym;
use ruby_prism::{self as pm, Node as Pm};
use std::cell::OnceCell;

impl Lowering {
    pub(super) fn literal(&mut self, node: &Pm<'_>, span: Span) -> Option<Expr> {
        Some(lower!(node, {
            NilNode as_nil_node _n => Expr::Nil,
            TrueNode as_true_node _n => Expr::True,
            FalseNode as_false_node _n => Expr::False,
            SelfNode as_self_node _n => Expr::SelfRef,
            IntegerNode as_integer_node n => integer(&n),
            FloatNode as_float_node n => Expr::Float(n.value()),
            StringNode as_string_node n => Expr::Str { bytes: n.unescaped().into(), frozen: self.frozen },
            SymbolNode as_symbol_node n => Expr::Sym(Sym::from_bytes(n.unescaped())),
            XStringNode as_x_string_node n => Expr::XStr(vec![Node { span, expr: Expr::Str { bytes: n.unescaped().into(), frozen: false } }]),
            InterpolatedStringNode as_interpolated_string_node n => Expr::DStr(self.parts(&n.parts())),
            InterpolatedSymbolNode as_interpolated_symbol_node n => Expr::DSym(self.parts(&n.parts())),
            InterpolatedXStringNode as_interpolated_x_string_node n => Expr::XStr(self.parts(&n.parts())),
            EmbeddedStatementsNode as_embedded_statements_node n => return Some(self.statements(n.statements(), span).expr),
            EmbeddedVariableNode as_embedded_variable_node n => return Some(self.node(&n.variable()).expr),
            RegularExpressionNode as_regular_expression_node n => {
                let flags = RegexFlags { ignore_case: n.is_ignore_case(), extended: n.is_extended(), multi_line: n.is_multi_line() };
                let text = Node { span, expr: Expr::Str { bytes: n.content_loc().as_slice().into(), frozen: false } };
                Expr::Regex { parts: vec![text], flags, cache: OnceCell::new() }
            },
            InterpolatedRegularExpressionNode as_interpolated_regular_expression_node n => {
                let flags = RegexFlags { ignore_case: n.is_ignore_case(), extended: n.is_extended(), multi_line: n.is_multi_line() };
                Expr::Regex { parts: self.regex_parts(&n.parts()), flags, cache: OnceCell::new() }
            },
            ArrayNode as_array_node n => Expr::Array(self.elements(&n.elements())),
            HashNode as_hash_node n => Expr::Hash(self.pairs(&n.elements())),
            KeywordHashNode as_keyword_hash_node n => Expr::Hash(self.pairs(&n.elements())),
            RangeNode as_range_node n => {
                let low = n.left().map(|l| self.boxed(&l));
                let high = n.right().map(|r| self.boxed(&r));
                Expr::Range { low, high, exclusive: n.is_exclude_end() }
            },
            SourceFileNode as_source_file_node _n => Expr::File,
            SourceLineNode as_source_line_node n => Expr::Line(i64::from(n.location().start_line())),
            RetryNode as_retry_node _n => Expr::Retry,
        } else return None))
    }

    fn parts(&mut self, parts: &pm::NodeList<'_>) -> Vec<Node> {
        parts.iter().map(|part| self.node(&part)).collect()
    }

    /// Literal pieces of a regexp keep their escapes as written; the regexp engine reads them.
    fn regex_parts(&mut self, parts: &pm::NodeList<'_>) -> Vec<Node> {
        let piece = |it: &mut Self, part: Pm<'_>| match part.as_string_node() {
            Some(s) => {
                let expr = Expr::Str { bytes: s.content_loc().as_slice().into(), frozen: false };
                Node { span: it.span(&part.location()), expr }
            }
            None => it.node(&part),
        };
        parts.iter().map(|part| piece(self, part)).collect()
    }

    fn elements(&mut self, elements: &pm::NodeList<'_>) -> Vec<crate::ast::Arg> {
        elements.iter().map(|element| self.arg(&element)).collect()
    }

    pub(super) fn pairs(&mut self, elements: &pm::NodeList<'_>) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for element in elements {
            if let Some(pair) = element.as_assoc_node() {
                pairs.push(Pair::Item(self.node(&pair.key()), self.node(&pair.value())));
            } else if let Some(splat) = element.as_assoc_splat_node() {
                let span = self.span(&splat.location());
                let value = match splat.value() {
                    Some(value) => self.node(&value),
                    None => self.hidden_read("**", span),
                };
                pairs.push(Pair::Splat(value));
            }
        }
        pairs
    }

    pub(super) fn hidden_read(&mut self, name: &str, span: Span) -> Node {
        match self.hidden(name) {
            Some(slot) => Node { span, expr: Expr::Local(slot) },
            None => self.unsupported("anonymous argument forwarding here", span),
        }
    }

    pub(super) fn variable(&mut self, node: &Pm<'_>, span: Span) -> Option<Expr> {
        Some(lower!(node, {
            LocalVariableReadNode as_local_variable_read_node n => {
                let name = self.name(&n.name());
                Expr::Local(self.slot(&name, n.depth()))
            },
            ItLocalVariableReadNode as_it_local_variable_read_node _n => Expr::Local(self.slot(&Sym::new("it"), 0)),
            LocalVariableWriteNode as_local_variable_write_node n => {
                let name = self.name(&n.name());
                let target = Target::Local(self.slot(&name, n.depth()));
                Expr::Assign(Box::new(target), self.boxed(&n.value()))
            },
            InstanceVariableReadNode as_instance_variable_read_node n => Expr::Ivar(self.name(&n.name())),
            InstanceVariableWriteNode as_instance_variable_write_node n => {
                Expr::Assign(Box::new(Target::Ivar(self.name(&n.name()))), self.boxed(&n.value()))
            },
            ClassVariableReadNode as_class_variable_read_node n => Expr::ClassVar(self.name(&n.name())),
            ClassVariableWriteNode as_class_variable_write_node n => {
                Expr::Assign(Box::new(Target::ClassVar(self.name(&n.name()), span)), self.boxed(&n.value()))
            },
            GlobalVariableReadNode as_global_variable_read_node n => Expr::Gvar(self.name(&n.name())),
            GlobalVariableWriteNode as_global_variable_write_node n => {
                Expr::Assign(Box::new(Target::Gvar(self.name(&n.name()), span)), self.boxed(&n.value()))
            },
            NumberedReferenceReadNode as_numbered_reference_read_node n => Expr::NthRef(n.number()),
            BackReferenceReadNode as_back_reference_read_node n => {
                Expr::BackRef(n.name().as_slice().get(1).map_or('&', |b| char::from(*b)))
            },
            ConstantReadNode as_constant_read_node n => Expr::Const { scope: ConstScope::Lexical, name: self.name(&n.name()) },
            ConstantPathNode as_constant_path_node n => {
                let name = n.name().map(|id| self.name(&id)).unwrap_or_else(|| Sym::new(""));
                Expr::Const { scope: self.const_scope(n.parent()), name }
            },
            ConstantWriteNode as_constant_write_node n => {
                Expr::Assign(Box::new(Target::Const(self.name(&n.name()))), self.boxed(&n.value()))
            },
        } else return self.operator_write(node, span)))
    }

    fn operator_write(&mut self, node: &Pm<'_>, span: Span) -> Option<Expr> {
        Some(lower!(node, {
            LocalVariableOrWriteNode as_local_variable_or_write_node n => {
                let name = self.name(&n.name());
                let target = Target::Local(self.slot(&name, n.depth()));
                self.op_assign(target, AssignOp::Or, &n.value())
            },
            LocalVariableAndWriteNode as_local_variable_and_write_node n => {
                let name = self.name(&n.name());
                let target = Target::Local(self.slot(&name, n.depth()));
                self.op_assign(target, AssignOp::And, &n.value())
            },
            LocalVariableOperatorWriteNode as_local_variable_operator_write_node n => {
                let name = self.name(&n.name());
                let target = Target::Local(self.slot(&name, n.depth()));
                let op = self.name(&n.binary_operator());
                self.op_assign(target, AssignOp::Binary(op), &n.value())
            },
            InstanceVariableOrWriteNode as_instance_variable_or_write_node n => self.op_assign(Target::Ivar(self.name(&n.name())), AssignOp::Or, &n.value()),
            InstanceVariableAndWriteNode as_instance_variable_and_write_node n => self.op_assign(Target::Ivar(self.name(&n.name())), AssignOp::And, &n.value()),
            InstanceVariableOperatorWriteNode as_instance_variable_operator_write_node n => {
                let op = self.name(&n.binary_operator());
                self.op_assign(Target::Ivar(self.name(&n.name())), AssignOp::Binary(op), &n.value())
            },
            ClassVariableOrWriteNode as_class_variable_or_write_node n => self.op_assign(Target::ClassVar(self.name(&n.name()), span), AssignOp::Or, &n.value()),
            ClassVariableAndWriteNode as_class_variable_and_write_node n => self.op_assign(Target::ClassVar(self.name(&n.name()), span), AssignOp::And, &n.value()),
            ClassVariableOperatorWriteNode as_class_variable_operator_write_node n => {
                let op = self.name(&n.binary_operator());
                self.op_assign(Target::ClassVar(self.name(&n.name()), span), AssignOp::Binary(op), &n.value())
            },
            GlobalVariableOrWriteNode as_global_variable_or_write_node n => self.op_assign(Target::Gvar(self.name(&n.name()), span), AssignOp::Or, &n.value()),
            GlobalVariableAndWriteNode as_global_variable_and_write_node n => self.op_assign(Target::Gvar(self.name(&n.name()), span), AssignOp::And, &n.value()),
            GlobalVariableOperatorWriteNode as_global_variable_operator_write_node n => {
                let op = self.name(&n.binary_operator());
                self.op_assign(Target::Gvar(self.name(&n.name()), span), AssignOp::Binary(op), &n.value())
            },
            ConstantOrWriteNode as_constant_or_write_node n => self.op_assign(Target::Const(self.name(&n.name())), AssignOp::Or, &n.value()),
            ConstantAndWriteNode as_constant_and_write_node n => self.op_assign(Target::Const(self.name(&n.name())), AssignOp::And, &n.value()),
            ConstantOperatorWriteNode as_constant_operator_write_node n => {
                let op = self.name(&n.binary_operator());
                self.op_assign(Target::Const(self.name(&n.name())), AssignOp::Binary(op), &n.value())
            },
            IndexOrWriteNode as_index_or_write_node n => {
                let target = self.index_target(n.receiver(), n.arguments(), span);
                self.op_assign(target, AssignOp::Or, &n.value())
            },
            IndexAndWriteNode as_index_and_write_node n => {
                let target = self.index_target(n.receiver(), n.arguments(), span);
                self.op_assign(target, AssignOp::And, &n.value())
            },
            IndexOperatorWriteNode as_index_operator_write_node n => {
                let target = self.index_target(n.receiver(), n.arguments(), span);
                let op = self.name(&n.binary_operator());
                self.op_assign(target, AssignOp::Binary(op), &n.value())
            },
            CallOrWriteNode as_call_or_write_node n => {
                let target = self.attr_target(n.receiver(), &n.read_name(), n.is_safe_navigation(), span);
                self.op_assign(target, AssignOp::Or, &n.value())
            },
            CallAndWriteNode as_call_and_write_node n => {
                let target = self.attr_target(n.receiver(), &n.read_name(), n.is_safe_navigation(), span);
                self.op_assign(target, AssignOp::And, &n.value())
            },
            CallOperatorWriteNode as_call_operator_write_node n => {
                let target = self.attr_target(n.receiver(), &n.read_name(), n.is_safe_navigation(), span);
                let op = self.name(&n.binary_operator());
                self.op_assign(target, AssignOp::Binary(op), &n.value())
            },
        } else return None))
    }
}

fn integer(n: &pm::IntegerNode<'_>) -> Expr {
    let value = n.value();
    let (negative, digits) = value.to_u32_digits();
    let mut total: i128 = 0;
    for digit in digits.iter().rev() {
        match total.checked_mul(1 << 32).and_then(|t| t.checked_add(i128::from(*digit))) {
            Some(next) => total = next,
            None => return Expr::Unsupported("an integer beyond 64 bits"),
        }
    }
    let total = if negative { -total } else { total };
    i64::try_from(total).map_or(Expr::Unsupported("an integer beyond 64 bits"), Expr::Int)
}
