//! Conditions, loops and jumps.

use super::{R, ev};
use crate::ast::{Arg, Node, Target, When};
use crate::interp::{Call, Context, Env, Interp};
use crate::value::{Jump, Unwind, Value};
use std::rc::Rc;

impl Interp {
    pub(super) async fn eval_if(&self, cx: &Context, env: &Rc<Env>, cond: &Node, then: &Node, other: &Node) -> R {
        let chosen = if ev!(self, cx, env, cond)?.truthy() { then } else { other };
        ev!(self, cx, env, chosen)
    }

    pub(super) async fn eval_not(&self, cx: &Context, env: &Rc<Env>, inner: &Node) -> R {
        Ok(Value::Bool(!ev!(self, cx, env, inner)?.truthy()))
    }

    pub(super) async fn eval_and(&self, cx: &Context, env: &Rc<Env>, left: &Node, right: &Node) -> R {
        let value = ev!(self, cx, env, left)?;
        if value.truthy() { ev!(self, cx, env, right) } else { Ok(value) }
    }

    pub(super) async fn eval_or(&self, cx: &Context, env: &Rc<Env>, left: &Node, right: &Node) -> R {
        let value = ev!(self, cx, env, left)?;
        if value.truthy() { Ok(value) } else { ev!(self, cx, env, right) }
    }

    pub(super) async fn eval_case(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        subject: Option<&Node>,
        whens: &[When],
        other: &Node,
    ) -> R {
        let subject = match subject {
            Some(node) => Some(ev!(self, cx, env, node)?),
            None => None,
        };
        for when in whens {
            if self.when_matches(cx, env, subject.as_ref(), when).await? {
                return ev!(self, cx, env, &when.body);
            }
        }
        ev!(self, cx, env, other)
    }

    async fn when_matches(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        subject: Option<&Value>,
        when: &When,
    ) -> Result<bool, Unwind> {
        for test in &when.tests {
            let values = match test {
                Arg::One(node) => vec![ev!(self, cx, env, node)?],
                Arg::Splat(node) => {
                    let list = ev!(self, cx, env, node)?;
                    self.splat(cx, env, list).await?
                }
            };
            for value in values {
                let hit = match subject {
                    Some(subject) => self.case_equal(cx, env, &value, subject).await?,
                    None => value.truthy(),
                };
                if hit {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// `pattern === subject`
    pub(crate) async fn case_equal(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        pattern: &Value,
        subject: &Value,
    ) -> Result<bool, Unwind> {
        let call = Call::new(self, cx, env.home.self_value.clone(), false, Some(env.clone()));
        crate::core::case_equal(&call, pattern, subject).await
    }

    pub(super) async fn eval_while(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        cond: &Node,
        body: &Node,
        negate: bool,
        body_first: bool,
    ) -> R {
        let mut skip_test = body_first;
        loop {
            // A loop that calls nothing has a place, too.
            cx.set_span(Some(cond.span));
            self.burn(cx)?;
            self.pause_when_due().await;
            if !skip_test && ev!(self, cx, env, cond)?.truthy() == negate {
                return Ok(Value::Nil);
            }
            skip_test = false;
            match self.loop_body(cx, env, body).await {
                Ok(()) => {}
                Err(unwind) => return loop_end(unwind),
            }
        }
    }

    async fn loop_body(&self, cx: &Context, env: &Rc<Env>, body: &Node) -> Result<(), Unwind> {
        match ev!(self, cx, env, body) {
            Ok(_) => Ok(()),
            Err(unwind) if matches!(*unwind.0, Jump::LoopNext) => Ok(()),
            Err(unwind) => Err(unwind),
        }
    }

    pub(super) async fn eval_for(&self, cx: &Context, env: &Rc<Env>, target: &Target, over: &Node, body: &Node) -> R {
        let over = ev!(self, cx, env, over)?;
        let call = Call::new(self, cx, env.home.self_value.clone(), false, Some(env.clone()));
        for item in crate::core::elements(&call, &over).await? {
            self.burn(cx)?;
            self.assign(cx, env, target, item).await?;
            match self.loop_body(cx, env, body).await {
                Ok(()) => {}
                Err(unwind) => return loop_end(unwind),
            }
        }
        Ok(over)
    }

    pub(super) async fn eval_break(&self, cx: &Context, env: &Rc<Env>, value: &Node, in_loop: bool) -> R {
        let value = ev!(self, cx, env, value)?;
        Err(Unwind::jump(if in_loop { Jump::LoopBreak(value) } else { Jump::Break(env.tag, value) }))
    }

    pub(super) async fn eval_next(&self, cx: &Context, env: &Rc<Env>, value: &Node, in_loop: bool) -> R {
        let value = ev!(self, cx, env, value)?;
        Err(Unwind::jump(if in_loop { Jump::LoopNext } else { Jump::Next(value) }))
    }

    pub(super) async fn eval_return(&self, cx: &Context, env: &Rc<Env>, value: &Node) -> R {
        let value = ev!(self, cx, env, value)?;
        if !env.home.alive.get() {
            return Err(self.raise(cx, "LocalJumpError", "unexpected return"));
        }
        Err(Unwind::jump(Jump::Return(env.home.id, value)))
    }
}

fn loop_end(unwind: Unwind) -> R {
    match *unwind.0 {
        Jump::LoopBreak(value) => Ok(value),
        jump => Err(Unwind::jump(jump)),
    }
}
