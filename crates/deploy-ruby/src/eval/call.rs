//! Calls: arguments, blocks, and the order in which a name is looked for.

use super::{Fut, R, ev};
use crate::ast::{self, BlockArg, Expr};
use crate::core;
use crate::interp::{Args, Call, Context, Env, Interp};
use crate::source::Span;
use crate::value::{Callable, Jump, Proc, Sym, Unwind, Value};
use std::rc::Rc;

impl Interp {
    pub(super) async fn eval_call(&self, cx: &Context, env: &Rc<Env>, node: &ast::Call) -> R {
        let recv = match &node.recv {
            Some(recv) => Some(ev!(self, cx, env, recv)?),
            None => None,
        };
        if node.safe && recv.as_ref().is_some_and(Value::is_nil) {
            return Ok(Value::Nil);
        }
        let mut args = Args::new(self.eval_list(cx, env, &node.args).await?);
        if let Some(pairs) = &node.keywords {
            let keywords = Rc::new(Box::pin(self.eval_pairs(cx, env, pairs)).await?);
            // `f(**{})` passes nothing.
            args.keywords = (!keywords.is_empty()).then_some(keywords);
        }
        let tag = self.take_block(cx, env, &node.block, &mut args).await?;
        cx.set_span(Some(node.name_span));
        let written = node.writes.then(|| args.positional.last().cloned().unwrap_or_default());
        let result = self.dispatch(cx, env, node, recv, args).await;
        match result {
            Err(unwind) => match (*unwind.0, tag) {
                (Jump::Break(to, value), Some(tag)) if to == tag => Ok(value),
                (jump, _) => Err(Unwind::jump(jump)),
            },
            Ok(value) => Ok(written.unwrap_or(value)),
        }
    }

    /// Puts the block into the arguments; returns the tag that its `break` is addressed to.
    pub(super) async fn take_block(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        block: &BlockArg,
        args: &mut Args,
    ) -> Result<Option<u64>, Unwind> {
        match block {
            BlockArg::None => Ok(None),
            BlockArg::Literal(body) => {
                let tag = self.next_id();
                args.block = Some(self.closure(body, env, false, tag));
                Ok(Some(tag))
            }
            BlockArg::Pass(node) => {
                args.block = match ev!(self, cx, env, node)? {
                    Value::Nil => None,
                    Value::Proc(p) => Some(p),
                    Value::Sym(name) => Some(Proc::new(Callable::Symbol(name))),
                    Value::Hash(h) => Some(core::hash_proc(h)),
                    other => {
                        cx.set_span(Some(node.span));
                        let message = format!("wrong argument type {} (expected Proc)", self.class_name(&other));
                        return Err(self.raise(cx, "TypeError", message));
                    }
                };
                Ok(None)
            }
        }
    }

    async fn dispatch(&self, cx: &Context, env: &Rc<Env>, node: &ast::Call, recv: Option<Value>, args: Args) -> R {
        let explicit_self = matches!(node.recv.as_ref().map(|r| &r.expr), Some(Expr::SelfRef));
        let bare = recv.is_none() || explicit_self;
        let call = Call::new(self, cx, env.home.self_value.clone(), bare, Some(env.clone()));
        match recv {
            Some(recv) if !explicit_self => self.send(&call, recv, &node.name, args).await,
            _ => Box::pin(self.send_private(&call, &node.name, args, node.bare_word)).await,
        }
    }

    /// A call with a receiver.
    pub(crate) async fn send(&self, call: &Call, recv: Value, name: &Sym, args: Args) -> R {
        if args.block.is_none()
            && let Some(value) = core::call_now(call, &recv, name.as_str(), &args)?
        {
            return Ok(value);
        }
        let later: Fut<'_> = Box::pin(self.send_later(call, recv, name, args));
        later.await
    }

    async fn send_later(&self, call: &Call, recv: Value, name: &Sym, args: Args) -> R {
        if let Value::Object(object) = &recv
            && let Some(value) = object.clone().call(call, name.as_str(), &args).await?
        {
            return Ok(value);
        }
        if let Some(value) = core::call_later(call, &recv, name.as_str(), &args).await? {
            return Ok(value);
        }
        if let Value::Object(object) = &recv
            && let Some(value) = object.clone().missing(call, name.as_str(), &args).await?
        {
            return Ok(value);
        }
        if let Some(value) = crate::stdlib::active_support(call, &recv, name.as_str(), &args).await? {
            return Ok(value);
        }
        if let Some(value) = self.0.host.missing(call, Some(&recv), name.as_str(), &args).await? {
            return Ok(value);
        }
        Err(self.no_method(call, &recv, name.as_str()))
    }

    /// A call without receiver, or on `self`.
    pub(crate) async fn send_private(&self, call: &Call, name: &Sym, args: Args, bare_word: bool) -> R {
        let self_value = call.self_value().clone();
        let text = name.as_str();
        if let Value::Object(object) = &self_value
            && let Some(value) = object.clone().call(call, text, &args).await?
        {
            return Ok(value);
        }
        let def = self.0.defs.borrow().get(name).cloned();
        if let Some(def) = def {
            return self.invoke(call.context(), &def, args, Some(self_value)).await;
        }
        if let Some(value) = core::kernel(call, text, &args).await? {
            return Ok(value);
        }
        if !matches!(self_value, Value::Object(_))
            && let Some(value) = core::call_now(call, &self_value, text, &args)?
        {
            return Ok(value);
        }
        if let Some(value) = core::call_later(call, &self_value, text, &args).await? {
            return Ok(value);
        }
        if let Value::Object(object) = &self_value
            && let Some(value) = object.clone().missing(call, text, &args).await?
        {
            return Ok(value);
        }
        if let Some(value) = self.0.host.missing(call, None, text, &args).await? {
            return Ok(value);
        }
        Err(self.no_word(call, text, bare_word))
    }

    pub(super) async fn eval_yield(&self, cx: &Context, env: &Rc<Env>, args: &[ast::Arg], span: Span) -> R {
        let args = self.eval_list(cx, env, args).await?;
        cx.set_span(Some(span));
        match &env.home.block {
            Some(block) => self.invoke(cx, block, Args::new(args), None).await,
            None => Err(self.raise(cx, "LocalJumpError", "no block given (yield)")),
        }
    }
}
