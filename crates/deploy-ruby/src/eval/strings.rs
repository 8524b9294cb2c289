//! Interpolation, backticks, regexps and the variables that a match sets.

use super::{R, ev};
use crate::ast::{Node, RegexFlags, Slot};
use crate::interp::{Call, Context, Env, Interp};
use crate::source::Span;
use crate::value::{MatchData, Regexp, Sym, Unwind, Value};
use std::cell::OnceCell;
use std::rc::Rc;

impl Interp {
    pub(super) async fn join_parts(&self, cx: &Context, env: &Rc<Env>, parts: &[Node]) -> Result<Vec<u8>, Unwind> {
        let mut text = Vec::new();
        for part in parts {
            let value = ev!(self, cx, env, part)?;
            match &value {
                Value::Str(s) => s.with(|bytes| text.extend_from_slice(bytes)),
                Value::Object(_) => text.extend_from_slice(&self.text_of(cx, env, &value).await?),
                other => text.extend_from_slice(other.to_s().as_bytes()),
            }
            self.check_size(cx, Some(text.len()))?;
        }
        Ok(text)
    }

    /// A host object may answer `to_s` only by a method call.
    async fn text_of(&self, cx: &Context, env: &Rc<Env>, value: &Value) -> Result<Vec<u8>, Unwind> {
        let call = Call::new(self, cx, env.home.self_value.clone(), false, Some(env.clone()));
        if let Value::Object(object) = value
            && let Some(Value::Str(text)) = object.clone().call(&call, "to_s", &crate::interp::Args::none()).await?
        {
            return Ok(text.to_bytes());
        }
        Ok(value.to_s_bytes())
    }

    pub(super) async fn eval_backtick(&self, cx: &Context, env: &Rc<Env>, parts: &[Node], span: Span) -> R {
        let text = self.join_parts(cx, env, parts).await?;
        cx.set_span(Some(span));
        let call = Call::new(self, cx, env.home.self_value.clone(), true, Some(env.clone()));
        crate::core::backtick(&call, &String::from_utf8_lossy(&text)).await
    }

    pub(super) async fn eval_regex(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        parts: &[Node],
        flags: RegexFlags,
        cache: &OnceCell<Value>,
        span: Span,
    ) -> R {
        if let Some(done) = cache.get() {
            return Ok(done.clone());
        }
        let mut source = String::new();
        let mut fixed = true;
        for part in parts {
            let value = ev!(self, cx, env, part)?;
            fixed &= matches!(part.expr, crate::ast::Expr::Str { .. });
            // A slash is escaped only for the literal.
            source.push_str(&value.to_s().replace("\\/", "/"));
        }
        cx.set_span(Some(span));
        let regexp = Regexp::new(&source, flags).map_err(|error| self.raise(cx, "RegexpError", error))?;
        let value = Value::Regexp(Rc::new(regexp));
        if fixed {
            let _ = cache.set(value.clone());
        }
        Ok(value)
    }

    pub(super) async fn eval_match_write(&self, cx: &Context, env: &Rc<Env>, call: &Node, names: &[(Sym, Slot)]) -> R {
        let result = ev!(self, cx, env, call)?;
        let last = env.home.last_match.borrow().clone();
        for (name, slot) in names {
            let text = match &last {
                Value::Match(m) => m.named(name.as_str()),
                _ => None,
            };
            env.set(*slot, text.into());
        }
        Ok(result)
    }

    fn last_match(&self, env: &Env) -> Option<Rc<MatchData>> {
        match &*env.home.last_match.borrow() {
            Value::Match(m) => Some(m.clone()),
            _ => None,
        }
    }

    pub(super) fn nth_match(&self, env: &Env, n: usize) -> Value {
        self.last_match(env).and_then(|m| m.group(n)).into()
    }

    pub(super) fn back_ref(&self, env: &Env, c: char) -> Value {
        let Some(m) = self.last_match(env) else { return Value::Nil };
        match c {
            '`' => Value::str(m.before()),
            '\'' => Value::str(m.after()),
            '+' => (1..m.groups.len()).rev().find_map(|i| m.group(i)).into(),
            _ => m.group(0).into(),
        }
    }
}
