//! Assignments of every form.

use super::{R, ev};
use crate::ast::{AssignOp, MultiTarget, Node, Target};
use crate::interp::{Args, Call, Context, Env, Interp};
use crate::source::Span;
use crate::value::{Sym, Unwind, Value};
use std::rc::Rc;

impl Interp {
    pub(super) async fn eval_assign(&self, cx: &Context, env: &Rc<Env>, target: &Target, value: &Node) -> R {
        let value = ev!(self, cx, env, value)?;
        self.assign(cx, env, target, value.clone()).await?;
        Ok(value)
    }

    pub(crate) async fn assign(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        target: &Target,
        value: Value,
    ) -> Result<(), Unwind> {
        match target {
            Target::Local(slot) => env.set(*slot, value),
            Target::Ivar(name) => {
                if let Value::Object(object) = &env.home.self_value
                    && object.is_frozen()
                {
                    let text = format!("can't modify frozen {}", object.class_name());
                    return Err(self.raise(cx, "FrozenError", text));
                }
                self.ivars(env).set(name.as_str(), value);
            }
            Target::ClassVar(name, span) => {
                cx.set_span(Some(*span));
                self.set_class_variable(cx, env, name, value)?;
            }
            Target::Gvar(name, span) => {
                cx.set_span(Some(*span));
                self.set_global_from(cx, name, value)?;
            }
            Target::Const(name) => {
                let full = self.name_constant(env, name, &value);
                self.0.consts.borrow_mut().insert(full, value);
            }
            Target::Ignore => {}
            Target::Index { .. } | Target::Attr { .. } => Box::pin(self.assign_by_call(cx, env, target, value)).await?,
            Target::Multi(multi) => Box::pin(self.destructure(cx, env, multi, value)).await?,
            Target::Unsupported(kind, span) => {
                cx.set_span(Some(*span));
                return Err(self.raise(cx, "NotImplementedError", format!("{kind} is outside the language here")));
            }
        }
        Ok(())
    }

    async fn assign_by_call(&self, cx: &Context, env: &Rc<Env>, target: &Target, value: Value) -> Result<(), Unwind> {
        match target {
            Target::Index { recv, args, span } => {
                let recv = ev!(self, cx, env, recv)?;
                let mut args = self.eval_list(cx, env, args).await?;
                args.push(value);
                self.send_at(cx, env, *span, recv, "[]=", args).await?;
            }
            Target::Attr { recv, name, safe, span } => {
                let recv = ev!(self, cx, env, recv)?;
                if !(*safe && recv.is_nil()) {
                    self.send_at(cx, env, *span, recv, &format!("{name}="), vec![value]).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn send_at(&self, cx: &Context, env: &Rc<Env>, span: Span, recv: Value, name: &str, args: Vec<Value>) -> R {
        cx.set_span(Some(span));
        let bare = recv.same(&env.home.self_value);
        let call = Call::new(self, cx, env.home.self_value.clone(), bare, Some(env.clone()));
        self.send(&call, recv, &Sym::new(name), Args::new(args)).await
    }

    pub(super) async fn eval_multi_assign(&self, cx: &Context, env: &Rc<Env>, target: &MultiTarget, value: &Node) -> R {
        let value = ev!(self, cx, env, value)?;
        Box::pin(self.destructure(cx, env, target, value.clone())).await?;
        Ok(value)
    }

    async fn destructure(&self, cx: &Context, env: &Rc<Env>, target: &MultiTarget, value: Value) -> Result<(), Unwind> {
        let values = match value {
            Value::Array(items) => items.to_vec(),
            other => vec![other],
        };
        let count = values.len();
        let mut values = values.into_iter();
        for left in &target.lefts {
            self.assign(cx, env, left, values.next().unwrap_or_default()).await?;
        }
        if let Some(rest) = &target.rest {
            let take = count.saturating_sub(target.lefts.len() + target.rights.len());
            let taken: Vec<Value> = values.by_ref().take(take).collect();
            self.assign(cx, env, rest, Value::array(taken)).await?;
        }
        for right in &target.rights {
            self.assign(cx, env, right, values.next().unwrap_or_default()).await?;
        }
        Ok(())
    }

    pub(super) async fn eval_op_assign(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        target: &Target,
        op: &AssignOp,
        value: &Node,
    ) -> R {
        match target {
            Target::Index { recv, args, span } => {
                let recv = ev!(self, cx, env, recv)?;
                let args = self.eval_list(cx, env, args).await?;
                let old = self.send_at(cx, env, *span, recv.clone(), "[]", args.clone()).await?;
                let Some(new) = self.operate(cx, env, *span, old.clone(), op, value).await? else { return Ok(old) };
                let mut args = args;
                args.push(new.clone());
                self.send_at(cx, env, *span, recv, "[]=", args).await?;
                Ok(new)
            }
            Target::Attr { recv, name, safe, span } => {
                let recv = ev!(self, cx, env, recv)?;
                if *safe && recv.is_nil() {
                    return Ok(Value::Nil);
                }
                let old = self.send_at(cx, env, *span, recv.clone(), name.as_str(), Vec::new()).await?;
                let Some(new) = self.operate(cx, env, *span, old.clone(), op, value).await? else { return Ok(old) };
                self.send_at(cx, env, *span, recv, &format!("{name}="), vec![new.clone()]).await?;
                Ok(new)
            }
            simple => {
                let old = self.read_target(cx, env, simple, op)?;
                let Some(new) = self.operate(cx, env, value.span, old.clone(), op, value).await? else {
                    return Ok(old);
                };
                self.assign(cx, env, simple, new.clone()).await?;
                Ok(new)
            }
        }
    }

    fn read_target(&self, cx: &Context, env: &Rc<Env>, target: &Target, op: &AssignOp) -> R {
        match target {
            Target::Local(slot) => Ok(env.get(*slot)),
            Target::Ivar(name) => Ok(self.ivars(env).get(name.as_str()).unwrap_or_default()),
            Target::ClassVar(name, _) => self.class_variable(cx, env, name, matches!(op, AssignOp::Or)),
            Target::Gvar(name, _) => self.global(cx, env, name),
            Target::Const(name) => {
                let call = Call::new(self, cx, env.home.self_value.clone(), true, Some(env.clone()));
                match (self.find_const_in(&call, env.home.owner.as_ref(), name.as_str())?, op) {
                    (Some(value), _) => Ok(value),
                    (None, AssignOp::Or) => Ok(Value::Nil),
                    (None, _) => Err(self.unknown_const(&call, name.as_str())),
                }
            }
            _ => Ok(Value::Nil),
        }
    }

    /// The new value, or `None` if the old one stays.
    async fn operate(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        span: Span,
        old: Value,
        op: &AssignOp,
        value: &Node,
    ) -> Result<Option<Value>, Unwind> {
        match op {
            AssignOp::Or if old.truthy() => Ok(None),
            AssignOp::And if !old.truthy() => Ok(None),
            AssignOp::Or | AssignOp::And => ev!(self, cx, env, value).map(Some),
            AssignOp::Binary(name) => {
                let value = ev!(self, cx, env, value)?;
                self.send_at(cx, env, span, old, name.as_str(), vec![value]).await.map(Some)
            }
        }
    }
}
