//! Constants, global variables, class names, and the errors about unknown names.

use super::{R, ev};
use crate::ast::{ConstScope, Expr};
use crate::core::{self, UserClass};
use crate::interp::{Call, Context, Env, Interp};
use crate::source::Span;
use crate::value::{Sym, Unwind, Value};
use std::rc::Rc;

impl Interp {
    pub(super) async fn eval_const(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        scope: &ConstScope,
        name: &Sym,
        span: Span,
    ) -> R {
        let full = match self.const_path(scope, name) {
            Some(full) => full,
            None => {
                let ConstScope::Of(base) = scope else { return Ok(Value::Nil) };
                match ev!(self, cx, env, base)? {
                    Value::Class(class) => format!("{}::{name}", class.name()),
                    value if value.downcast::<UserClass>().is_some() => {
                        let base = value.downcast::<UserClass>().map(|class| class.name()).unwrap_or_default();
                        format!("{base}::{name}")
                    }
                    other => {
                        cx.set_span(Some(span));
                        return Err(self.raise(cx, "TypeError", format!("{} is not a class/module", other.inspect())));
                    }
                }
            }
        };
        cx.set_span(Some(span));
        let call = Call::new(self, cx, env.home.self_value.clone(), true, Some(env.clone()));
        let owner = env.home.owner.as_ref().filter(|_| !matches!(scope, ConstScope::Root));
        match self.find_const_in(&call, owner, &full)? {
            Some(value) => Ok(value),
            None => match self.0.host.constant_missing(&call, &full)? {
                Some(value) => Ok(value),
                None => Err(self.unknown_const(&call, &full)),
            },
        }
    }

    /// Full name of a path of plain constants.
    pub(super) fn const_path(&self, scope: &ConstScope, name: &Sym) -> Option<String> {
        match scope {
            ConstScope::Lexical | ConstScope::Root => Some(name.as_str().to_owned()),
            ConstScope::Of(base) => match &base.expr {
                Expr::Const { scope, name: base } => Some(format!("{}::{name}", self.const_path(scope, base)?)),
                _ => None,
            },
        }
    }

    pub(crate) fn find_const(&self, call: &Call, full: &str) -> Result<Option<Value>, Unwind> {
        if let Some(value) = self.0.consts.borrow().get(full) {
            return Ok(Some(value.clone()));
        }
        if let Some(value) = self.0.host.constant(call, full)? {
            return Ok(Some(value));
        }
        if let Some(value) = core::constant(call, full) {
            return Ok(Some(value));
        }
        Ok(self.class(full).map(Value::Class))
    }

    pub(crate) fn unknown_const(&self, call: &Call, full: &str) -> Unwind {
        if matches!(full, "Thread" | "Fiber" | "Ractor" | "Marshal" | "ObjectSpace" | "TracePoint" | "Refinement") {
            return call.raise("NotImplementedError", format!("`{full}` is outside the language here"));
        }
        let unwind = call.raise("NameError", format!("unknown constant {full}: only what is built in exists here"));
        if let Some(exception) = unwind.exception() {
            let root = full.split("::").next().unwrap_or(full);
            match root {
                "Net" | "HTTParty" | "Faraday" | "RestClient" | "OpenURI" | "Slack" => {
                    exception.add_note("run a command such as `curl` on this machine instead");
                }
                "Rails" | "ActiveRecord" | "ActiveSupport" | "ActionView" | "ActionController" | "Bundler" => {
                    exception.add_note("recipes run without the application and its gems");
                }
                _ => {}
            }
            exception.detail.replace(Value::sym(full));
            for hint in self.0.host.hints(full) {
                exception.add_note(hint);
            }
        }
        unwind
    }

    /// Sets a global variable (`$0`).
    pub fn set_global(&self, name: &str, value: Value) {
        self.0.globals.borrow_mut().insert(Sym::new(name), value);
    }

    pub(super) fn set_global_from(&self, cx: &Context, name: &Sym, value: Value) -> Result<(), Unwind> {
        const READ_ONLY: &[&str] = &["$!", "$?", "$~", "$@", "$$", "$&", "$_", "$:", "$LOAD_PATH", "$\"", "$stdin"];
        if READ_ONLY.contains(&name.as_str()) {
            return Err(self.raise(cx, "NameError", format!("{name} is a read-only variable")));
        }
        self.0.globals.borrow_mut().insert(name.clone(), value);
        Ok(())
    }

    pub(super) fn global(&self, cx: &Context, env: &Rc<Env>, name: &Sym) -> R {
        match name.as_str() {
            "$~" => return Ok(env.home.last_match.borrow().clone()),
            "$?" => return Ok(self.0.last_status.borrow().clone()),
            _ => {}
        }
        if let Some(value) = self.0.globals.borrow().get(name) {
            return Ok(value.clone());
        }
        let call = Call::new(self, cx, env.home.self_value.clone(), true, Some(env.clone()));
        let value = core::global(&call, name.as_str());
        if matches!(value, Value::Array(_) | Value::Object(_)) {
            self.0.globals.borrow_mut().insert(name.clone(), value.clone());
        }
        Ok(value)
    }

    /// Name of a value's class.
    pub fn class_name(&self, value: &Value) -> String {
        match value {
            Value::Nil => "NilClass",
            Value::Bool(true) => "TrueClass",
            Value::Bool(false) => "FalseClass",
            Value::Int(_) => "Integer",
            Value::Float(_) => "Float",
            Value::Str(_) => "String",
            Value::Sym(_) => "Symbol",
            Value::Array(_) => "Array",
            Value::Hash(_) => "Hash",
            Value::Range(_) => "Range",
            Value::Regexp(_) => "Regexp",
            Value::Match(_) => "MatchData",
            Value::Proc(_) => "Proc",
            Value::Enumerator(_) => "Enumerator",
            Value::Exception(e) => return e.class().name().to_owned(),
            Value::Time(_) => "Time",
            Value::Class(c) => {
                let module = c.parent().is_none() && c.name() != "BasicObject";
                return if module { "Module" } else { "Class" }.to_owned();
            }
            Value::Object(o) => return o.class_name(),
        }
        .to_owned()
    }

    /// Whether a value is an instance of a class or module, by full name.
    pub fn is_a(&self, value: &Value, class: &str) -> bool {
        match class {
            "BasicObject" | "Object" | "Kernel" => return true,
            "Comparable" => return matches!(value, Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Time(_)),
            "Enumerable" => {
                return matches!(value, Value::Array(_) | Value::Hash(_) | Value::Range(_) | Value::Enumerator(_));
            }
            _ => {}
        }
        if let Value::Object(object) = value {
            return object.is_a(class);
        }
        if class == "Method" {
            return matches!(value, Value::Proc(p) if matches!(&*p.0, crate::value::Callable::Method(_)));
        }
        self.class(&self.class_name(value)).is_some_and(|c| c.descends_from(class))
    }

    pub(crate) fn no_method(&self, call: &Call, recv: &Value, name: &str) -> Unwind {
        let what = match recv {
            Value::Nil => "nil".to_owned(),
            Value::Bool(b) => b.to_string(),
            Value::Class(c) => c.name().to_owned(),
            other => self.class_name(other),
        };
        let mut message = format!("{what} has no method `{name}` here");
        if core::is_active_support(name) {
            message.push_str(" (it comes from ActiveSupport)");
        }
        let candidates = core::method_names(recv);
        self.name_error(call, "NoMethodError", message, name, candidates)
    }

    pub(crate) fn no_word(&self, call: &Call, name: &str, bare_word: bool) -> Unwind {
        let kind = if bare_word { "variable, task or method" } else { "method" };
        let mut candidates = self.0.host.words(call.self_value());
        candidates.extend(self.0.defs.borrow().keys().map(|k| k.as_str().to_owned()));
        if let Value::Object(object) = call.self_value() {
            candidates.extend(object.method_names());
        }
        if let Some(env) = &call.env {
            candidates.extend(env.visible().into_iter().map(|(n, _)| n.as_str().to_owned()));
        }
        candidates.extend(core::KERNEL_NAMES.iter().map(|n| (*n).to_owned()));
        let class = if bare_word { "NameError" } else { "NoMethodError" };
        self.name_error(call, class, format!("unknown {kind} `{name}`"), name, candidates)
    }

    fn name_error(&self, call: &Call, class: &str, message: String, name: &str, candidates: Vec<String>) -> Unwind {
        let unwind = call.raise(class, message);
        if let Some(exception) = unwind.exception() {
            exception.detail.replace(Value::sym(name));
            let near = crate::suggest::nearest(name, candidates.iter().map(String::as_str));
            if !near.is_empty() {
                let list: Vec<String> = near.iter().map(|n| format!("`{n}`")).collect();
                exception.add_note(format!("did you mean {}?", list.join(" or ")));
            }
            for hint in self.0.host.hints(name) {
                exception.add_note(hint);
            }
        }
        unwind
    }
}
