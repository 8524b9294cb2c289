//! `defined?`

use crate::ast::{ConstScope, Expr, Node};
use crate::core;
use crate::interp::{Call, Context, Env, Interp};
use crate::value::Value;
use std::rc::Rc;

impl Interp {
    /// Evaluates nothing, so that a receiver with effects has none here.
    pub(super) fn defined(&self, cx: &Context, env: &Rc<Env>, node: &Node) -> Value {
        let call = Call::new(self, cx, env.home.self_value.clone(), true, Some(env.clone()));
        let kind = match &node.expr {
            Expr::Nil => "nil",
            Expr::SelfRef => "self",
            Expr::True => "true",
            Expr::False => "false",
            Expr::Local(_) => "local-variable",
            Expr::Assign(..) | Expr::OpAssign(..) | Expr::MultiAssign(..) => "assignment",
            Expr::Ivar(name) => return present(self.ivars(env).get(name.as_str()).is_some(), "instance-variable"),
            Expr::Gvar(name) => {
                let set = self.global(cx, env, name).is_ok_and(|v| !v.is_nil());
                return present(set, "global-variable");
            }
            Expr::Const { .. } => return present(self.constant_is_defined(&call, env, node), "constant"),
            Expr::ClassVar(name) => {
                return present(self.class_variable(cx, env, name, false).is_ok(), "class variable");
            }
            Expr::Super { .. } => return present(self.super_exists(env), "super"),
            Expr::Yield(_) => return present(env.home.block.is_some(), "yield"),
            Expr::Call(c) => return present(self.call_is_defined(&call, env, c), "method"),
            Expr::Unsupported(_) => return Value::Nil,
            _ => "expression",
        };
        Value::str(kind)
    }

    fn constant_is_defined(&self, call: &Call, env: &Rc<Env>, node: &Node) -> bool {
        fn path(node: &Node) -> Option<String> {
            match &node.expr {
                Expr::Const { scope: ConstScope::Of(base), name } => Some(format!("{}::{name}", path(base)?)),
                Expr::Const { name, .. } => Some(name.as_str().to_owned()),
                _ => None,
            }
        }
        let owner = env.home.owner.as_ref();
        path(node).is_some_and(|full| self.find_const_in(call, owner, &full).is_ok_and(|v| v.is_some()))
    }

    fn call_is_defined(&self, call: &Call, env: &Rc<Env>, node: &crate::ast::Call) -> bool {
        let name = node.name.as_str();
        let recv = match &node.recv {
            None => return self.word_exists(&env.home.self_value, name),
            Some(recv) => recv,
        };
        let value = match &recv.expr {
            Expr::Local(slot) => env.get(*slot),
            Expr::SelfRef => return self.word_exists(&env.home.self_value, name),
            Expr::Ivar(ivar) => self.ivars(env).get(ivar.as_str()).unwrap_or_default(),
            Expr::Const { name: constant, .. } if self.constant_is_defined(call, env, recv) => {
                let found = self.find_const(call, constant.as_str());
                return found.ok().flatten().is_none_or(|v| core::responds_to(call, &v, name));
            }
            Expr::Call(inner) => return self.call_is_defined(call, env, inner),
            Expr::Str { .. } | Expr::DStr(_) => Value::str(""),
            Expr::Int(_) => Value::Int(0),
            Expr::Array(_) => Value::array(Vec::new()),
            Expr::Sym(name) => Value::Sym(name.clone()),
            _ => return true,
        };
        core::responds_to(call, &value, name)
    }

    /// Whether a bare word would find something.
    pub(crate) fn word_exists(&self, self_value: &Value, name: &str) -> bool {
        let mine = matches!(self_value, Value::Object(o) if o.responds_to(name));
        mine || self.0.defs.borrow().keys().any(|k| k.as_str() == name)
            || core::KERNEL_NAMES.contains(&name)
            || self.0.host.words(self_value).iter().any(|w| w == name)
    }
}

fn present(yes: bool, kind: &str) -> Value {
    if yes { Value::str(kind) } else { Value::Nil }
}
