//! Class and module definitions, `super`, class variables, and constants as a class sees them.

use super::{R, ev};
use crate::ast::{self, BlockArg, Body, ConstScope, Node};
use crate::core::{Entry, Instance, UserClass, run_method};
use crate::interp::{Args, Call, Context, Env, Home, Interp};
use crate::value::{Jump, Proc, Sym, Unwind, Value};
use std::rc::Rc;

/// The parts of a definition.
pub(crate) struct Definition<'a> {
    pub scope: &'a ConstScope,
    pub name: &'a Sym,
    pub is_module: bool,
    pub parent: Option<&'a Node>,
    pub body: &'a Rc<Body>,
}

impl Interp {
    pub(super) async fn eval_class(&self, cx: &Context, env: &Rc<Env>, definition: Definition<'_>, node: &Node) -> R {
        let parent = match definition.parent {
            Some(parent) => Some(ev!(self, cx, env, parent)?),
            None => None,
        };
        cx.set_span(Some(node.span));
        let call = Call::new(self, cx, env.home.self_value.clone(), true, Some(env.clone()));
        let full = self.name_here(&call, env, definition.scope, definition.name)?;
        let Some(class) = self.class_for(&call, &full, &definition, parent, env)? else {
            return Ok(Value::Nil);
        };
        self.eval_class_body(cx, definition.body, class, false).await
    }

    /// The class of a definition: a new one, or the one that is opened again. None where there is nothing to evaluate.
    fn class_for(
        &self,
        call: &Call,
        full: &str,
        definition: &Definition<'_>,
        parent: Option<Value>,
        env: &Rc<Env>,
    ) -> Result<Option<Rc<UserClass>>, Unwind> {
        let known = self.0.consts.borrow().get(full).cloned();
        if let Some(known) = known {
            let class = known.downcast::<UserClass>().filter(|class| class.is_module == definition.is_module);
            let kind = if definition.is_module { "module" } else { "class" };
            return class.map(Some).ok_or_else(|| call.type_error(format!("{full} is not a {kind}")));
        }
        match self.find_const(call, full)? {
            // `class Object` and `module Kernel` at the top are the words of everybody.
            Some(Value::Class(class)) if env.home.owner.is_none() && matches!(class.name(), "Object" | "Kernel") => {
                return Ok(Some(Rc::new(UserClass::opening_all(definition.is_module))));
            }
            Some(Value::Class(_)) => {
                return Err(self.outside(call, &format!("a change of {full}, which is built in,")));
            }
            // A module of the host, such as `Capistrano`, may hold names of the program.
            Some(_) => {
                return Ok(Some(Rc::new(UserClass::holding_names(full, definition.is_module))));
            }
            None => {}
        }
        let above = match parent {
            None | Some(Value::Nil) => None,
            Some(Value::Class(class)) if class.descends_from("Exception") => {
                if !matches!(definition.body.code.expr, ast::Expr::Nil) {
                    return Err(self.outside(call, "a method of an exception class"));
                }
                self.define_exception(full, class.name());
                return Ok(None);
            }
            Some(Value::Class(class)) if class.name() == "Object" => None,
            Some(Value::Class(class)) => {
                return Err(self.outside(call, &format!("a class below {}", class.name())));
            }
            // A class of the host that the program takes for its base has nothing to inherit here.
            Some(other) => other.downcast::<UserClass>(),
        };
        let class = Rc::new(UserClass::new(full, definition.is_module, above));
        self.define_const(full, Value::Object(class.clone()));
        Ok(Some(class))
    }

    fn outside(&self, call: &Call, what: &str) -> Unwind {
        let unwind = call.raise("NotImplementedError", format!("{what} is outside the language here"));
        if let Some(exception) = unwind.exception() {
            exception.add_note("use a `def`, or a class of your own, instead");
        }
        unwind
    }

    /// The full name that a definition at this place has.
    fn name_here(&self, call: &Call, env: &Rc<Env>, scope: &ConstScope, name: &Sym) -> Result<String, Unwind> {
        let owner = env.home.owner.as_ref().map(|owner| owner.name()).filter(|owner| !owner.is_empty());
        let plain = self.const_path(scope, name).unwrap_or_else(|| name.as_str().to_owned());
        match (scope, owner) {
            (ConstScope::Lexical, Some(owner)) => Ok(format!("{owner}::{plain}")),
            (ConstScope::Of(_), Some(owner)) => {
                let base = plain.rsplit_once("::").map_or("", |(base, _)| base);
                let inner = format!("{owner}::{base}");
                Ok(if self.find_const(call, &inner)?.is_some() { format!("{owner}::{plain}") } else { plain })
            }
            _ => Ok(plain),
        }
    }

    async fn eval_class_body(&self, cx: &Context, body: &Rc<Body>, class: Rc<UserClass>, singleton: bool) -> R {
        let _depth = cx.enter_call(self)?;
        let home = Home::of_class(class.clone(), self.next_id());
        let env = Env::new(body, None, home, 0);
        let before = class.open(singleton);
        let done = ev!(self, cx, &env, &body.code);
        class.close(before);
        done
    }

    /// `class << self`
    pub(super) async fn eval_singleton_class(&self, cx: &Context, env: &Rc<Env>, on: &Node, body: &Rc<Body>) -> R {
        let target = ev!(self, cx, env, on)?;
        if let Some(class) = target.downcast::<UserClass>() {
            return self.eval_class_body(cx, body, class, true).await;
        }
        // Of any other object: its methods are defined with it as self.
        let home = env.home.with(Some(target), Some(self.next_id()));
        let env = Env::new(body, None, home, 0);
        let _depth = cx.enter_call(self)?;
        ev!(self, cx, &env, &body.code)
    }

    pub(super) async fn eval_super(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        parts: (&[ast::Arg], Option<&[ast::Pair]>, &BlockArg),
        node: &Node,
    ) -> R {
        let (args, keywords, block) = parts;
        let mut args = Args::new(self.eval_list(cx, env, args).await?);
        if let Some(pairs) = keywords {
            let keywords = Rc::new(Box::pin(self.eval_pairs(cx, env, pairs)).await?);
            args.keywords = (!keywords.is_empty()).then_some(keywords);
        }
        let tag = self.take_block(cx, env, block, &mut args).await?;
        if args.block.is_none() {
            args.block.clone_from(&env.home.block);
        }
        cx.set_span(Some(node.span));
        match self.call_super(cx, env, args).await {
            Err(unwind) => match (*unwind.0, tag) {
                (Jump::Break(to, value), Some(tag)) if to == tag => Ok(value),
                (jump, _) => Err(Unwind::jump(jump)),
            },
            done => done,
        }
    }

    async fn call_super(&self, cx: &Context, env: &Rc<Env>, args: Args) -> R {
        let (Some(owner), Some(method)) = (&env.home.owner, &env.home.method) else {
            return Err(self.raise(cx, "RuntimeError", "super called outside of method"));
        };
        let name = method.as_str();
        let this = env.home.self_value.clone();
        let call = Call::new(self, cx, this.clone(), true, Some(env.clone()));
        if let Some(class) = this.downcast::<UserClass>() {
            if let Some(entry) = class.singleton_above(owner, name) {
                return run_method(&call, &entry, this, &args).await;
            }
            return match name {
                "new" => class.make(&call, &args).await,
                "inherited" | "included" | "extended" => Ok(Value::Nil),
                "respond_to?" | "respond_to_missing?" => Ok(Value::Bool(false)),
                _ => Err(self.no_super(&call, name)),
            };
        }
        let above: Option<Entry> = this.downcast::<Instance>().and_then(|instance| instance.above(owner, name));
        if let Some(entry) = above {
            return run_method(&call, &entry, this, &args).await;
        }
        match (name, this.downcast::<Instance>()) {
            ("initialize", Some(instance)) => {
                instance.fill(&call, &args)?;
                Ok(Value::Nil)
            }
            ("to_s", _) => Ok(Value::from(this.to_s())),
            ("inspect", _) => Ok(Value::from(this.inspect())),
            ("respond_to?" | "respond_to_missing?", _) => Ok(Value::Bool(false)),
            ("==", _) => Ok(Value::Bool(this.same(&args.at(0)))),
            ("method_missing", _) => {
                let asked = args.at(0).as_name().unwrap_or_default();
                Err(self.no_method(&call, &this, &asked))
            }
            _ => Err(self.no_super(&call, name)),
        }
    }

    /// `defined?(super)`
    pub(super) fn super_exists(&self, env: &Rc<Env>) -> bool {
        let (Some(owner), Some(method)) = (&env.home.owner, &env.home.method) else { return false };
        let this = &env.home.self_value;
        match (this.downcast::<UserClass>(), this.downcast::<Instance>()) {
            (Some(class), _) => class.singleton_above(owner, method.as_str()).is_some(),
            (_, Some(instance)) => instance.above(owner, method.as_str()).is_some(),
            _ => false,
        }
    }

    fn no_super(&self, call: &Call, name: &str) -> Unwind {
        let of = call.self_value().inspect();
        call.raise("NoMethodError", format!("super: no superclass method `{name}' for {of}"))
    }

    /// The class whose table has a class variable, or would get it.
    fn holder(&self, cx: &Context, env: &Rc<Env>, name: &str) -> Result<Rc<UserClass>, Unwind> {
        let Some(owner) = &env.home.owner else {
            return Err(self.raise(cx, "RuntimeError", "class variable access from toplevel"));
        };
        let has = |class: &Rc<UserClass>| class.class_variables.get(name).is_some();
        Ok(owner.ancestors().into_iter().find(has).unwrap_or_else(|| owner.clone()))
    }

    pub(super) fn class_variable(&self, cx: &Context, env: &Rc<Env>, name: &Sym, or_nil: bool) -> R {
        let holder = self.holder(cx, env, name.as_str())?;
        match holder.class_variables.get(name.as_str()) {
            Some(value) => Ok(value),
            None if or_nil => Ok(Value::Nil),
            None => {
                let text = format!("uninitialized class variable {name} in {}", holder.name());
                Err(self.raise(cx, "NameError", text))
            }
        }
    }

    pub(super) fn set_class_variable(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        name: &Sym,
        value: Value,
    ) -> Result<(), Unwind> {
        self.holder(cx, env, name.as_str())?.class_variables.set(name.as_str(), value);
        Ok(())
    }

    /// A constant by its name as a class sees it: in it, in the modules around, in those above, at the top.
    pub(crate) fn find_const_in(
        &self,
        call: &Call,
        owner: Option<&Rc<UserClass>>,
        name: &str,
    ) -> Result<Option<Value>, Unwind> {
        let Some(owner) = owner else { return self.find_const(call, name) };
        let own = owner.name();
        let around = std::iter::successors(Some(own.as_str()), |name| name.rsplit_once("::").map(|(outer, _)| outer));
        let mut places: Vec<String> = around.map(str::to_owned).collect();
        places.extend(owner.ancestors().iter().skip(1).map(|class| class.name()));
        for place in places.iter().filter(|place| !place.is_empty()) {
            let full = format!("{place}::{name}");
            if let Some(value) = self.0.consts.borrow().get(&full) {
                return Ok(Some(value.clone()));
            }
            if let Some(class) = self.class(&full) {
                return Ok(Some(Value::Class(class)));
            }
        }
        self.find_const(call, name)
    }

    /// Names a class without a name by the constant that it is assigned to, and gives the constant's full name.
    pub(super) fn name_constant(&self, env: &Rc<Env>, name: &Sym, value: &Value) -> String {
        let owner = env.home.owner.as_ref().map(|owner| owner.name()).filter(|owner| !owner.is_empty());
        let full = owner.map_or_else(|| name.as_str().to_owned(), |owner| format!("{owner}::{name}"));
        if let Some(class) = value.downcast::<UserClass>() {
            class.be_called(&full);
        }
        full
    }

    /// `def` in a class: none where the class takes no methods.
    pub(super) fn define_in(&self, cx: &Context, class: &UserClass, name: &str, body: &Proc) -> Result<(), Unwind> {
        if class.holds_names_only {
            let text = format!("a method of {}, which is built in, is outside the language here", class.name());
            return Err(self.raise(cx, "NotImplementedError", text));
        }
        if class.opens_all {
            self.define_method(name, body.clone());
        } else {
            class.put_def(name, body);
        }
        Ok(())
    }
}
