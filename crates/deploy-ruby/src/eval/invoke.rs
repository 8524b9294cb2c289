//! Calling procs, blocks and methods: scopes, parameters, and where jumps end.

use super::{R, ev};
use crate::ast::{Body, Params, Target};
use crate::core::{Instance, UserClass};
use crate::interp::{Args, Call, Context, Env, Home, Interp, Object};
use crate::value::{Callable, Closure, Hash, Jump, Proc, Sym, Unwind, Value};
use std::rc::Rc;

impl Interp {
    /// Calls any proc; with `self_value` as by `instance_exec`.
    pub(crate) async fn invoke(&self, cx: &Context, callee: &Proc, args: Args, self_value: Option<Value>) -> R {
        match &*callee.0 {
            Callable::Closure(closure) => Box::pin(self.invoke_closure(cx, closure, args, self_value)).await,
            Callable::Symbol(name) => {
                let mut args = args;
                if args.positional.is_empty() {
                    return Err(self.raise(cx, "ArgumentError", "no receiver given"));
                }
                let recv = args.positional.remove(0);
                let call = Call::new(self, cx, recv.clone(), false, None);
                Box::pin(self.send(&call, recv, name, args)).await
            }
            Callable::Method(method) => {
                let call = Call::new(self, cx, method.recv.clone(), true, None);
                Box::pin(self.send_private(&call, &method.name, args, false)).await
            }
            Callable::Native { run, .. } => {
                let self_value = self_value.unwrap_or_else(|| self.main());
                run(Call::new(self, cx, self_value, false, None), args).await
            }
        }
    }

    async fn invoke_closure(&self, cx: &Context, closure: &Closure, args: Args, self_value: Option<Value>) -> R {
        self.burn(cx)?;
        self.pause_when_due().await;
        let _depth = cx.enter_call(self)?;
        let called_at = cx.span();
        let _frame = closure.method.as_ref().map(|name| cx.enter(&format!("in `{name}`")));
        let env = self.scope_for(closure, &args, self_value);
        let strict = closure.lambda || closure.method.is_some();
        self.bind(cx, &env, &closure.body, args, strict).await?;
        let result = ev!(self, cx, &env, &closure.body.code);
        if strict {
            env.home.alive.set(false);
        }
        let Err(unwind) = result else {
            // What goes wrong from here on goes wrong at the place of the call, not where the body ended.
            cx.set_span(called_at);
            return result;
        };
        match *unwind.0 {
            Jump::Next(value) => Ok(value),
            Jump::Return(id, value) if strict && id == env.home.id => Ok(value),
            Jump::Break(tag, value) if closure.lambda && tag == closure.tag => Ok(value),
            jump => Err(Unwind::jump(jump)),
        }
    }

    fn scope_for(&self, closure: &Closure, args: &Args, self_value: Option<Value>) -> Rc<Env> {
        let defined_in = &closure.env.home;
        if let Some(name) = &closure.method {
            let self_value = self_value.unwrap_or_else(|| defined_in.self_value.clone());
            let home = Home::of_method(defined_in, self_value, args.block.clone(), name.clone(), self.next_id());
            // The body of a `def` sees no locals around it; that of `define_method` does.
            let parent = closure.lambda.then(|| closure.env.clone());
            return Env::new(&closure.body, parent, home, closure.tag);
        }
        let id = closure.lambda.then(|| self.next_id());
        let home = match (&self_value, id) {
            (None, None) => defined_in.clone(),
            _ => defined_in.with(self_value, id),
        };
        Env::new(&closure.body, Some(closure.env.clone()), home, closure.tag)
    }

    async fn bind(&self, cx: &Context, env: &Rc<Env>, body: &Body, args: Args, strict: bool) -> Result<(), Unwind> {
        let params = &body.params;
        let Args { mut positional, mut keywords, block } = args;
        if !params.takes_keywords()
            && let Some(extra) = keywords.take()
            && !extra.is_empty()
        {
            positional.push(Value::Hash(extra));
        }
        if strict {
            self.check_arity(cx, params, positional.len())?;
        } else {
            positional = spread(params, positional);
        }
        if let Some(slot) = params.block {
            env.set(slot, block.map_or(Value::Nil, Value::Proc));
        }
        self.bind_positional(cx, env, params, positional).await?;
        if params.takes_keywords() {
            self.bind_keywords(cx, env, params, keywords.as_deref(), strict).await?;
        }
        Ok(())
    }

    fn check_arity(&self, cx: &Context, params: &Params, given: usize) -> Result<(), Unwind> {
        let low = params.required.len() + params.post.len();
        let high = low + params.optional.len();
        let fits = given >= low && (params.rest.is_some() || given <= high);
        if fits {
            return Ok(());
        }
        let expected = match (params.rest.is_some(), low == high) {
            (true, _) => format!("{low}+"),
            (false, true) => low.to_string(),
            (false, false) => format!("{low}..{high}"),
        };
        let names: Vec<&str> = params.keywords.iter().filter(|k| k.2.is_none()).map(|k| k.0.as_str()).collect();
        let keywords = match names.len() {
            0 => String::new(),
            1 => format!("; required keyword: {}", names.concat()),
            _ => format!("; required keywords: {}", names.join(", ")),
        };
        let message = format!("wrong number of arguments (given {given}, expected {expected}{keywords})");
        Err(self.raise(cx, "ArgumentError", message))
    }

    async fn bind_positional(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        params: &Params,
        values: Vec<Value>,
    ) -> Result<(), Unwind> {
        let count = values.len();
        let mut values = values.into_iter();
        for target in &params.required {
            self.bind_target(cx, env, target, values.next().unwrap_or_default()).await?;
        }
        let fixed = params.required.len() + params.post.len();
        let mut spare = count.saturating_sub(fixed);
        for (_, slot, default) in &params.optional {
            let value = if spare > 0 {
                spare -= 1;
                values.next().unwrap_or_default()
            } else {
                ev!(self, cx, env, default)?
            };
            env.set(*slot, value);
        }
        if let Some(rest) = &params.rest {
            let taken: Vec<Value> = values.by_ref().take(spare).collect();
            if let Some(slot) = rest {
                env.set(*slot, Value::array(taken));
            }
        }
        for target in &params.post {
            self.bind_target(cx, env, target, values.next().unwrap_or_default()).await?;
        }
        Ok(())
    }

    async fn bind_target(&self, cx: &Context, env: &Rc<Env>, target: &Target, value: Value) -> Result<(), Unwind> {
        match target {
            Target::Local(slot) => {
                env.set(*slot, value);
                Ok(())
            }
            other => self.assign(cx, env, other, value).await,
        }
    }

    async fn bind_keywords(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        params: &Params,
        given: Option<&Hash>,
        strict: bool,
    ) -> Result<(), Unwind> {
        let mut missing = Vec::new();
        for (name, slot, default) in &params.keywords {
            let value = match (given.and_then(|g| g.get_sym(name.as_str())), default) {
                (Some(value), _) => value,
                (None, Some(default)) => ev!(self, cx, env, default)?,
                (None, None) => {
                    missing.push(format!(":{name}"));
                    Value::Nil
                }
            };
            env.set(*slot, value);
        }
        if !missing.is_empty() {
            let plural = if missing.len() > 1 { "s" } else { "" };
            return Err(self.raise(cx, "ArgumentError", format!("missing keyword{plural}: {}", missing.join(", "))));
        }
        let known = |key: &Value| params.keywords.iter().any(|(name, _, _)| key.as_sym() == Some(name.as_str()));
        let others: Vec<_> =
            given.map(Hash::pairs).unwrap_or_default().into_iter().filter(|(k, _)| !known(k)).collect();
        match &params.keyword_rest {
            Some(Some(slot)) => env.set(*slot, Value::hash(others)),
            Some(None) => {}
            None if strict && !others.is_empty() => {
                let names: Vec<String> = others.iter().map(|(k, _)| k.inspect()).collect();
                let plural = if names.len() > 1 { "s" } else { "" };
                return Err(self.raise(cx, "ArgumentError", format!("unknown keyword{plural}: {}", names.join(", "))));
            }
            None => {}
        }
        Ok(())
    }

    pub(super) fn define(&self, cx: &Context, env: &Rc<Env>, name: &Sym, body: &Rc<Body>) -> Result<(), Unwind> {
        if let Some(class) = env.home.self_value.downcast::<UserClass>() {
            // In the block of `Class.new` and `class_eval` too, `super` begins at that class.
            let owner = Some(class.clone());
            let method = self.method_proc(&env.with_owner(owner), name, body);
            return self.define_in(cx, &class, name.as_str(), &method);
        }
        let method = self.method_proc(env, name, body);
        if let Value::Object(object) = &env.home.self_value
            && object.define_method(name.as_str(), &method)
        {
            return Ok(());
        }
        self.0.defs.borrow_mut().insert(name.clone(), method);
        Ok(())
    }

    fn method_proc(&self, env: &Rc<Env>, name: &Sym, body: &Rc<Body>) -> Proc {
        // Home is kept for self alone; its scopes are not visible in the body.
        let bare = Env::new(&empty_body(body), None, env.home.with(None, None), 0);
        Proc::new(Callable::Closure(Closure {
            body: body.clone(),
            env: bare,
            lambda: false,
            tag: self.next_id(),
            method: Some(name.clone()),
        }))
    }

    pub(super) async fn eval_singleton_def(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        name: &Sym,
        body: &Rc<Body>,
        on: &crate::ast::Node,
    ) -> R {
        let target = ev!(self, cx, env, on)?;
        let method = self.method_proc(env, name, body);
        if let Some(class) = target.downcast::<UserClass>() {
            class.put_singleton(name.as_str(), &method);
            return Ok(Value::Sym(name.clone()));
        }
        if target.downcast::<Instance>().is_some_and(|instance| instance.define_method(name.as_str(), &method)) {
            return Ok(Value::Sym(name.clone()));
        }
        match &target {
            Value::Object(object)
                if object.define_method(name.as_str(), &method) || target.same(&env.home.self_value) =>
            {
                self.0.defs.borrow_mut().entry(name.clone()).or_insert(method);
                Ok(Value::Sym(name.clone()))
            }
            _ => {
                Err(self.raise(cx, "TypeError", format!("cannot define a method on {} here", self.class_name(&target))))
            }
        }
    }

    pub(super) async fn eval_alias(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        new: &crate::ast::Node,
        old: &crate::ast::Node,
    ) -> R {
        let new = ev!(self, cx, env, new)?;
        let old = ev!(self, cx, env, old)?;
        let (Some(new), Some(old)) = (new.as_name(), old.as_name()) else { return Ok(Value::Nil) };
        self.alias(cx, &env.home.self_value, &new, &old)?;
        Ok(Value::Nil)
    }

    pub(crate) fn alias(&self, cx: &Context, self_value: &Value, new: &str, old: &str) -> Result<(), Unwind> {
        if let Some(class) = self_value.downcast::<UserClass>() {
            let call = Call::new(self, cx, self_value.clone(), true, None);
            return class.alias(&call, &Value::sym(new), &Value::sym(old)).map(drop);
        }
        let existing = self.0.defs.borrow().get(&Sym::new(old)).cloned();
        let body = existing.unwrap_or_else(|| {
            Proc::new(Callable::Method(crate::value::Method { recv: self_value.clone(), name: Sym::new(old) }))
        });
        if let Value::Object(object) = self_value
            && object.define_method(new, &body)
        {
            return Ok(());
        }
        self.0.defs.borrow_mut().insert(Sym::new(new), body);
        Ok(())
    }
}

fn empty_body(like: &Body) -> Body {
    let code = crate::ast::Node { span: like.span, expr: crate::ast::Expr::Nil };
    Body { span: like.span, locals: Rc::from([]), params: Params::default(), code }
}

/// A block that takes several values and is given one array takes the array apart.
fn spread(params: &Params, mut values: Vec<Value>) -> Vec<Value> {
    let named = params.required.len() + params.optional.len() + params.post.len();
    let takes_apart = named > 1 || (named == 1 && params.rest.is_some()) || params.trailing_comma;
    if takes_apart && values.len() == 1 {
        match values.pop() {
            Some(Value::Array(items)) => values = items.to_vec(),
            Some(other) => values.push(other),
            None => {}
        }
    }
    let fixed = named;
    if params.rest.is_none() {
        values.truncate(fixed);
    }
    let low = params.required.len() + params.post.len();
    if values.len() < low {
        // Missing ones are nil; those behind the optional ones keep their places.
        values.resize(low, Value::Nil);
    }
    values
}
