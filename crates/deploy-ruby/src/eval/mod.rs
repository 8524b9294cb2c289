//! The evaluator: a tree walker whose every level is either done at once or a boxed future.

mod assign;
mod call;
mod classes;
mod consts;
mod control;
mod defined;
mod invoke;
mod rescue;
mod strings;

use crate::ast::{Arg, Expr, Node, Pair};
use crate::core::Instance;
use crate::interp::{Args, Call, Context, Env, Interp, Ivars};
use crate::value::{Hash, Jump, Sym, Unwind, Value};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

pub(crate) type R = Result<Value, Unwind>;
pub(crate) type Fut<'a> = Pin<Box<dyn Future<Output = R> + 'a>>;

/// The value of an expression, or the future that will have it.
pub(crate) enum Step<'a> {
    Now(R),
    Later(Fut<'a>),
}

/// Evaluates a node inside an async function. A macro, so that leaves cost no future.
macro_rules! ev {
    ($it:expr, $cx:expr, $env:expr, $node:expr) => {
        match $it.step($cx, $env, $node) {
            $crate::eval::Step::Now(done) => done,
            $crate::eval::Step::Later(future) => {
                $it.burn($cx)?;
                let _nesting = $cx.enter_nesting($it)?;
                future.await
            }
        }
    };
}
pub(crate) use ev;

impl Interp {
    /// Evaluates a node from outside the evaluator.
    pub(crate) fn eval<'a>(&'a self, cx: &'a Context, env: &'a Rc<Env>, node: &'a Node) -> Fut<'a> {
        match self.step(cx, env, node) {
            Step::Now(done) => Box::pin(std::future::ready(done)),
            Step::Later(future) => future,
        }
    }

    pub(crate) fn step<'a>(&'a self, cx: &'a Context, env: &'a Rc<Env>, node: &'a Node) -> Step<'a> {
        match self.leaf(cx, env, node) {
            Some(done) => Step::Now(done),
            None => Step::Later(self.branch(cx, env, node)),
        }
    }

    /// Expressions without parts.
    fn leaf(&self, cx: &Context, env: &Rc<Env>, node: &Node) -> Option<R> {
        Some(Ok(match &node.expr {
            Expr::Nil => Value::Nil,
            Expr::True => Value::Bool(true),
            Expr::False => Value::Bool(false),
            Expr::SelfRef => env.home.self_value.clone(),
            Expr::Int(i) => Value::Int(*i),
            Expr::Float(f) => Value::Float(*f),
            Expr::Str { bytes, frozen } => {
                let text = crate::value::Str::from_bytes(bytes.to_vec());
                if *frozen {
                    text.freeze();
                }
                Value::Str(text)
            }
            Expr::Sym(sym) => Value::Sym(sym.clone()),
            Expr::Local(slot) => env.get(*slot),
            Expr::Ivar(name) => self.ivars(env).get(name.as_str()).unwrap_or_default(),
            Expr::NthRef(n) => self.nth_match(env, *n as usize),
            Expr::BackRef(c) => self.back_ref(env, *c),
            Expr::File => Value::from(self.file_of(node)),
            Expr::Line(n) => Value::Int(*n),
            Expr::Lambda(body) => Value::Proc(self.closure(body, env, true, self.next_id())),
            Expr::Gvar(name) => {
                cx.set_span(Some(node.span));
                return Some(self.global(cx, env, name));
            }
            Expr::Retry => return Some(Err(Unwind::jump(Jump::Retry))),
            Expr::Unsupported(kind) => return Some(Err(self.unsupported_here(cx, kind, node))),
            Expr::ClassVar(name) => {
                cx.set_span(Some(node.span));
                return Some(self.class_variable(cx, env, name, false));
            }
            Expr::Def { name, body, singleton: None } => {
                cx.set_span(Some(node.span));
                return Some(self.define(cx, env, name, body).map(|()| Value::Sym(name.clone())));
            }
            _ => return None,
        }))
    }

    /// Expressions with parts.
    fn branch<'a>(&'a self, cx: &'a Context, env: &'a Rc<Env>, node: &'a Node) -> Fut<'a> {
        match &node.expr {
            Expr::Call(call) => Box::pin(self.eval_call(cx, env, call)),
            Expr::Seq(list) => Box::pin(self.eval_seq(cx, env, list)),
            Expr::DStr(parts) => Box::pin(async move { Ok(Value::bytes(self.join_parts(cx, env, parts).await?)) }),
            Expr::DSym(parts) => {
                Box::pin(async move { Ok(Value::Sym(Sym::from_bytes(&self.join_parts(cx, env, parts).await?))) })
            }
            Expr::XStr(parts) => Box::pin(self.eval_backtick(cx, env, parts, node.span)),
            Expr::Regex { parts, flags, cache } => Box::pin(self.eval_regex(cx, env, parts, *flags, cache, node.span)),
            Expr::Array(items) => Box::pin(async move { Ok(Value::array(self.eval_list(cx, env, items).await?)) }),
            Expr::Hash(pairs) => {
                Box::pin(async move { Ok(Value::Hash(Rc::new(self.eval_pairs(cx, env, pairs).await?))) })
            }
            Expr::Range { low, high, exclusive } => {
                Box::pin(self.eval_range(cx, env, low.as_deref(), high.as_deref(), *exclusive))
            }
            Expr::Const { scope, name } => Box::pin(self.eval_const(cx, env, scope, name, node.span)),
            Expr::Assign(target, value) => Box::pin(self.eval_assign(cx, env, target, value)),
            Expr::OpAssign(target, op, value) => Box::pin(self.eval_op_assign(cx, env, target, op, value)),
            Expr::MultiAssign(target, value) => Box::pin(self.eval_multi_assign(cx, env, target, value)),
            Expr::MatchWrite(call, names) => Box::pin(self.eval_match_write(cx, env, call, names)),
            Expr::Yield(args) => Box::pin(self.eval_yield(cx, env, args, node.span)),
            Expr::Not(inner) => Box::pin(self.eval_not(cx, env, inner)),
            Expr::And(left, right) => Box::pin(self.eval_and(cx, env, left, right)),
            Expr::Or(left, right) => Box::pin(self.eval_or(cx, env, left, right)),
            Expr::Defined(inner) => Box::pin(async move { Ok(self.defined(cx, env, inner)) }),
            Expr::If { cond, then, other } => Box::pin(self.eval_if(cx, env, cond, then, other)),
            Expr::Case { subject, whens, other } => Box::pin(self.eval_case(cx, env, subject.as_deref(), whens, other)),
            Expr::While { cond, body, negate, body_first } => {
                Box::pin(self.eval_while(cx, env, cond, body, *negate, *body_first))
            }
            Expr::For { target, over, body } => Box::pin(self.eval_for(cx, env, target, over, body)),
            Expr::Begin(begin) => Box::pin(self.eval_begin(cx, env, begin)),
            Expr::Break { value, in_loop } => Box::pin(self.eval_break(cx, env, value, *in_loop)),
            Expr::Next { value, in_loop } => Box::pin(self.eval_next(cx, env, value, *in_loop)),
            Expr::Return(value) => Box::pin(self.eval_return(cx, env, value)),
            Expr::Def { name, body, singleton: Some(on) } => Box::pin(self.eval_singleton_def(cx, env, name, body, on)),
            Expr::Class { scope, name, is_module, parent, body } => {
                let is_module = *is_module;
                let definition = classes::Definition { scope, name, is_module, parent: parent.as_deref(), body };
                Box::pin(self.eval_class(cx, env, definition, node))
            }
            Expr::SingletonClass { on, body } => Box::pin(self.eval_singleton_class(cx, env, on, body)),
            Expr::Super { args, keywords, block } => {
                Box::pin(self.eval_super(cx, env, (args, keywords.as_deref(), block), node))
            }
            Expr::Alias(new, old) => Box::pin(self.eval_alias(cx, env, new, old)),
            // The rest are leaves.
            _ => Box::pin(std::future::ready(Ok(Value::Nil))),
        }
    }

    fn unsupported_here(&self, cx: &Context, kind: &str, node: &Node) -> Unwind {
        cx.set_span(Some(node.span));
        let unwind = self.raise(cx, "NotImplementedError", format!("{kind} is outside the language here"));
        if let Some(exception) = unwind.exception()
            && (kind.contains("class") || kind.contains("module"))
        {
            exception.add_note("use a `def` or a plugin instead");
        }
        unwind
    }

    pub(crate) fn ivars<'a>(&'a self, env: &'a Env) -> &'a Ivars {
        self.ivars_of(&env.home.self_value)
    }

    pub(crate) fn ivars_of<'a>(&'a self, value: &'a Value) -> &'a Ivars {
        match value {
            Value::Object(object) => object.ivars().unwrap_or(&self.0.ivars),
            _ => &self.0.ivars,
        }
    }

    fn file_of(&self, node: &Node) -> String {
        self.sources().file(node.span.file).map(|f| f.name().to_string()).unwrap_or_default()
    }

    async fn eval_seq(&self, cx: &Context, env: &Rc<Env>, list: &[Node]) -> R {
        let mut last = Value::Nil;
        for node in list {
            last = ev!(self, cx, env, node)?;
        }
        Ok(last)
    }

    pub(crate) async fn eval_list(&self, cx: &Context, env: &Rc<Env>, items: &[Arg]) -> Result<Vec<Value>, Unwind> {
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Arg::One(node) => list.push(ev!(self, cx, env, node)?),
                Arg::Splat(node) => {
                    let value = ev!(self, cx, env, node)?;
                    list.extend(self.splat(cx, env, value).await?);
                }
            }
        }
        Ok(list)
    }

    /// What `*value` stands for.
    pub(crate) async fn splat(&self, cx: &Context, env: &Rc<Env>, value: Value) -> Result<Vec<Value>, Unwind> {
        match value {
            Value::Range(_) | Value::Enumerator(_) => {
                let call = Call::new(self, cx, env.home.self_value.clone(), false, Some(env.clone()));
                crate::core::elements(&call, &value).await
            }
            Value::Object(ref object) if object.responds_to("to_a") && value.downcast::<Instance>().is_some() => {
                let call = Call::new(self, cx, env.home.self_value.clone(), false, Some(env.clone()));
                Ok(call.send(&value, "to_a", Args::none()).await?.to_list())
            }
            Value::Object(ref object) => Ok(object.items().unwrap_or_else(|| vec![value.clone()])),
            other => Ok(other.to_list()),
        }
    }

    pub(crate) async fn eval_pairs(&self, cx: &Context, env: &Rc<Env>, pairs: &[Pair]) -> Result<Hash, Unwind> {
        let hash = Hash::new();
        for pair in pairs {
            match pair {
                Pair::Item(key, value) => {
                    let key = ev!(self, cx, env, key)?;
                    let value = ev!(self, cx, env, value)?;
                    hash.insert(key, value);
                }
                Pair::Splat(node) => match ev!(self, cx, env, node)? {
                    Value::Hash(other) => other.pairs().into_iter().for_each(|(k, v)| {
                        hash.insert(k, v);
                    }),
                    Value::Nil => {}
                    other => {
                        let message = format!("no implicit conversion of {} into Hash", self.class_name(&other));
                        return Err(self.raise(cx, "TypeError", message));
                    }
                },
            }
        }
        Ok(hash)
    }

    async fn eval_range(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        low: Option<&Node>,
        high: Option<&Node>,
        exclusive: bool,
    ) -> R {
        let low = match low {
            Some(node) => ev!(self, cx, env, node)?,
            None => Value::Nil,
        };
        let high = match high {
            Some(node) => ev!(self, cx, env, node)?,
            None => Value::Nil,
        };
        if !low.is_nil() && !high.is_nil() && low.compare(&high).is_none() {
            return Err(self.raise(cx, "ArgumentError", "bad value for range"));
        }
        Ok(Value::range(low, high, exclusive))
    }
}
