//! Objects of classes that a program defines.

use super::take::name_of;
use super::user_class::{Action, Entry, UserClass, Visibility, run};
use crate::interp::{Args, Call, Ivars, Object, Reply};
use crate::value::{NativeFuture, Proc, Unwind, Value};
use async_trait::async_trait;
use indexmap::IndexMap;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::rc::{Rc, Weak};

/// An object with instance variables.
pub(crate) struct Instance {
    me: Weak<Instance>,
    class: Rc<UserClass>,
    ivars: Ivars,
    own: RefCell<IndexMap<String, Proc>>,
    extended: RefCell<Vec<Rc<UserClass>>>,
    frozen: Cell<bool>,
}

/// Whether a value is a frozen object of a class of the program.
pub(super) fn is_frozen(value: &Value) -> bool {
    value.downcast::<Instance>().is_some_and(|instance| instance.frozen.get())
}

impl Instance {
    pub fn new(class: Rc<UserClass>) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            me: me.clone(),
            class,
            ivars: Ivars::default(),
            own: RefCell::default(),
            extended: RefCell::default(),
            frozen: Cell::new(false),
        })
    }

    /// What a method of its own says, where nothing can wait.
    fn at_once(&self, name: &str, args: &Args) -> Option<Value> {
        let entry = self.find(name)?;
        self.class.at_once(&entry, Value::Object(self.me.upgrade()?), args)
    }

    /// Whether it is an instance of a class, or has a module.
    pub fn has(&self, class: &Rc<UserClass>) -> bool {
        self.class.is_below(class) || self.extended.borrow().iter().any(|module| module.is_below(class))
    }

    /// Where methods are looked for, in order.
    fn ancestors(&self) -> Vec<Rc<UserClass>> {
        let extended = self.extended.borrow().clone();
        let extended = extended.iter().rev().flat_map(UserClass::ancestors);
        extended.chain(self.class.ancestors()).collect()
    }

    fn find(&self, name: &str) -> Option<Entry> {
        if let Some(body) = self.own.borrow().get(name).cloned() {
            return Some(Entry { action: Action::Proc(body), visibility: Visibility::Public });
        }
        let extended = self.extended.borrow().clone();
        extended.iter().rev().find_map(|module| module.find(name)).or_else(|| self.class.find(name))
    }

    /// What `super` in a method of `owner` means.
    pub fn above(&self, owner: &Rc<UserClass>, name: &str) -> Option<Entry> {
        let chain = self.ancestors();
        let at = chain.iter().position(|class| Rc::ptr_eq(class, owner))?;
        let entry = chain.iter().skip(at + 1).find_map(|class| class.own(name))?;
        (!matches!(entry.action, Action::Gone)).then_some(entry)
    }

    fn fields(&self) -> Option<&[String]> {
        self.class.fields.as_ref().map(|(names, _)| names.as_slice())
    }

    fn field_values(&self) -> Vec<Value> {
        let value = |name: &String| self.ivars.get(&format!("@{name}")).unwrap_or_default();
        self.fields().unwrap_or_default().iter().map(value).collect()
    }

    /// The members of a struct as `new` is given them.
    pub fn fill(&self, call: &Call, args: &Args) -> Result<(), Unwind> {
        let Some((names, by_keyword)) = &self.class.fields else { return Ok(()) };
        let keywords = args.keywords.as_ref().filter(|_| *by_keyword || args.positional.is_empty());
        if let Some(keywords) = keywords {
            for (key, value) in keywords.pairs() {
                let key = name_of(call, &key)?;
                if !names.contains(&key) {
                    return Err(call.argument_error(format!("unknown keywords: {key}")));
                }
                self.ivars.set(&format!("@{key}"), value);
            }
            return Ok(());
        }
        if args.positional.len() > names.len() {
            return Err(call.argument_error("struct size differs"));
        }
        for (name, value) in names.iter().zip(&args.positional) {
            self.ivars.set(&format!("@{name}"), value.clone());
        }
        Ok(())
    }

    /// What a struct has beyond the methods of its class.
    fn of_struct(&self, call: &Call, name: &str, args: &Args) -> Reply {
        let Some(names) = self.fields() else { return Ok(None) };
        let member = |value: &Value| match value.as_int() {
            Some(at) => usize::try_from(at).ok().and_then(|at| names.get(at).cloned()),
            None => value.as_name().filter(|name| names.contains(name)),
        };
        Ok(Some(match name {
            name if names.iter().any(|own| own == name) => self.ivars.get(&format!("@{name}")).unwrap_or_default(),
            name if name.strip_suffix('=').is_some_and(|own| names.iter().any(|known| known == own)) => {
                self.ivars.set(&format!("@{}", name.trim_end_matches('=')), args.at(0));
                args.at(0)
            }
            "to_a" | "deconstruct" | "values" => Value::array(self.field_values()),
            "members" => Value::array(names.iter().map(Value::sym).collect()),
            "to_h" if args.block.is_none() => Value::hash(names.iter().map(Value::sym).zip(self.field_values())),
            "[]" | "[]=" => match member(&args.at(0)) {
                Some(name) if name_is_read(args) => self.ivars.get(&format!("@{name}")).unwrap_or_default(),
                Some(name) => {
                    self.ivars.set(&format!("@{name}"), args.at(1));
                    args.at(1)
                }
                None => {
                    let text = format!("no member '{}' in struct", args.at(0).to_s());
                    return Err(call.raise("NameError", text));
                }
            },
            "dig" if args.positional.len() == 1 => {
                member(&args.at(0)).and_then(|name| self.ivars.get(&format!("@{name}"))).unwrap_or_default()
            }
            _ => return Ok(None),
        }))
    }

    fn struct_text(&self) -> Option<String> {
        let names = self.fields()?;
        let pairs = names.iter().zip(self.field_values()).map(|(name, value)| format!("{name}={}", value.inspect()));
        let pairs = pairs.collect::<Vec<_>>().join(", ");
        let class = self.class.name();
        Some(if class.is_empty() { format!("#<struct {pairs}>") } else { format!("#<struct {class} {pairs}>") })
    }

    /// What every object has, where the classes of the program matter.
    async fn of_every(self: &Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let wanted = args.at(0).downcast::<UserClass>();
        Ok(Some(match name {
            "class" | "singleton_class" => Value::Object(self.class.clone()),
            "is_a?" | "kind_of?" if wanted.is_some() => Value::Bool(wanted.is_some_and(|class| self.has(&class))),
            "instance_of?" => Value::Bool(wanted.is_some_and(|class| Rc::ptr_eq(&class, &self.class))),
            "extend" => {
                for module in &args.positional {
                    self.extended.borrow_mut().extend(module.downcast::<UserClass>());
                }
                Value::Object(self.clone())
            }
            "freeze" => {
                self.frozen.set(true);
                Value::Object(self.clone())
            }
            "frozen?" => Value::Bool(self.frozen.get()),
            "dup" | "clone" => {
                let copy = Self::new(self.class.clone());
                for name in self.ivars.names() {
                    copy.ivars.set(name.as_str(), self.ivars.get(name.as_str()).unwrap_or_default());
                }
                if name == "clone" {
                    copy.own.replace(self.own.borrow().clone());
                    copy.extended.replace(self.extended.borrow().clone());
                }
                let copy = Value::Object(copy);
                if let Some(entry) = self.find("initialize_copy") {
                    run(call, &entry, copy.clone(), &Args::one(Value::Object(self.clone()))).await?;
                }
                copy
            }
            "send" | "__send__" => {
                let asked = args.get(0).and_then(Value::as_name).and_then(|asked| self.find(&asked));
                let Some(entry) = asked else { return Ok(None) };
                let mut rest = args.clone();
                rest.positional.remove(0);
                run(call, &entry, Value::Object(self.clone()), &rest).await?
            }
            "!=" => match self.find("==") {
                Some(entry) => Value::Bool(!run(call, &entry, Value::Object(self.clone()), args).await?.truthy()),
                None => return Ok(None),
            },
            "respond_to?" => {
                let asked = name_of(call, &args.at(0))?;
                let known =
                    self.responds_to(&asked) || super::responds_to(call, &Value::Nil, &asked) && asked != "to_a";
                match self.find("respond_to_missing?") {
                    Some(entry) if !known => run(call, &entry, Value::Object(self.clone()), args).await?,
                    _ => Value::Bool(known),
                }
            }
            _ => return Ok(None),
        }))
    }

    /// Comparable by `<=>`.
    async fn compared(self: &Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let Some(entry) = self.find("<=>") else { return Ok(None) };
        let this = Value::Object(self.clone());
        let order = |value: Value| {
            value.as_int().map(|order| order.cmp(&0)).ok_or_else(|| {
                call.argument_error(format!("comparison of {} with {} failed", self.class.name(), args.at(0).inspect()))
            })
        };
        let first = order(run(call, &entry, this.clone(), &Args::one(args.at(0))).await?)?;
        Ok(Some(Value::Bool(match name {
            "<" => first == Ordering::Less,
            "<=" => first != Ordering::Greater,
            ">" => first == Ordering::Greater,
            ">=" => first != Ordering::Less,
            "==" => first == Ordering::Equal,
            _ => {
                let second = order(run(call, &entry, this, &Args::one(args.at(1))).await?)?;
                first != Ordering::Less && second != Ordering::Greater
            }
        })))
    }

    /// Enumerable by `each`: what it yields, as an array.
    async fn gathered(self: &Rc<Self>, call: &Call) -> Result<Option<Value>, Unwind> {
        let Some(entry) = self.find("each") else { return Ok(None) };
        let list = Value::array(Vec::new());
        let into = list.clone();
        let collect = move |_call: Call, args: Args| -> NativeFuture {
            if let Value::Array(items) = &into {
                items.push(if args.len() == 1 { args.at(0) } else { Value::array(args.positional) });
            }
            Box::pin(std::future::ready(Ok(Value::Nil)))
        };
        let mut args = Args::none();
        args.block = Some(Proc::native(collect));
        run(call, &entry, Value::Object(self.clone()), &args).await?;
        Ok(Some(list))
    }
}

/// `[]` has one argument, `[]=` two.
fn name_is_read(args: &Args) -> bool {
    args.positional.len() < 2
}

#[async_trait(?Send)]
impl Object for Instance {
    fn class_name(&self) -> String {
        self.class.inspect()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let this = Value::Object(self.clone());
        if let Some(entry) = self.find(name) {
            let hidden = match entry.visibility {
                Visibility::Public => false,
                Visibility::Private => !call.is_bare(),
                Visibility::Protected => call.self_value().downcast::<Instance>().is_none(),
            };
            if hidden {
                let word = if entry.visibility == Visibility::Private { "private" } else { "protected" };
                let text = format!("{word} method `{name}' called for an instance of {}", self.class_name());
                return Err(call.raise("NoMethodError", text));
            }
            return run(call, &entry, this, args).await.map(Some);
        }
        if let Some(value) = self.of_struct(call, name, args)? {
            return Ok(Some(value));
        }
        if let Some(value) = self.of_every(call, name, args).await? {
            return Ok(Some(value));
        }
        let compares = ["<", "<=", ">", ">=", "==", "between?"].contains(&name);
        if compares && self.class.descends_from("Comparable") {
            return self.compared(call, name, args).await;
        }
        let listed = self.class.descends_from("Enumerable") || self.fields().is_some();
        if listed && super::is_enumerating(name) {
            let list = match self.fields() {
                Some(_) => Some(Value::array(self.field_values())),
                None => self.gathered(call).await?,
            };
            if let Some(list) = list {
                return call.send(&list, name, args.clone()).await.map(Some);
            }
        }
        Ok(None)
    }

    async fn missing(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let Some(entry) = self.find("method_missing") else { return Ok(None) };
        let mut given = args.clone();
        given.positional.insert(0, Value::sym(name));
        run(call, &entry, Value::Object(self), &given).await.map(Some)
    }

    fn responds_to(&self, name: &str) -> bool {
        let of_struct = self.fields().is_some_and(|names| names.iter().any(|own| own == name.trim_end_matches('=')));
        let lists = name == "to_a" && (self.fields().is_some() || self.class.descends_from("Enumerable"));
        of_struct || lists || self.find(name).is_some_and(|entry| entry.visibility == Visibility::Public)
    }

    fn method_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.own.borrow().keys().cloned().collect();
        names.extend(self.ancestors().iter().flat_map(UserClass::method_names));
        names
    }

    fn is_a(&self, class: &str) -> bool {
        self.class.descends_from(class) || self.extended.borrow().iter().any(|module| module.descends_from(class))
    }

    fn equals(&self, other: &Value) -> bool {
        let args = Args::one(other.clone());
        if let Some(answer) = self.at_once("==", &args) {
            return answer.truthy();
        }
        if self.class.descends_from("Comparable") {
            return self.compare(other) == Some(Ordering::Equal);
        }
        let other = other.downcast::<Instance>().filter(|other| Rc::ptr_eq(&other.class, &self.class));
        self.fields().is_some()
            && other
                .is_some_and(|other| other.field_values().iter().zip(self.field_values()).all(|(a, b)| a.equals(&b)))
    }

    fn compare(&self, other: &Value) -> Option<Ordering> {
        Some(self.at_once("<=>", &Args::one(other.clone()))?.as_int()?.cmp(&0))
    }

    fn hash_code(&self) -> u64 {
        match self.at_once("hash", &Args::none()).and_then(|code| code.as_int()) {
            Some(code) => code.unsigned_abs(),
            None if self.fields().is_some() => 1,
            None => std::ptr::from_ref(self).cast::<()>() as usize as u64,
        }
    }

    fn inspect(&self) -> String {
        if let Some(Value::Str(text)) = self.at_once("inspect", &Args::none()) {
            return text.to_text();
        }
        if let Some(text) = self.struct_text() {
            return text;
        }
        let names = self.ivars.names();
        let pairs: Vec<String> = names
            .iter()
            .map(|name| {
                let value = self.ivars.get(name.as_str()).unwrap_or_default();
                // Objects may know each other.
                let shown = if matches!(value, Value::Object(_)) { value.to_s() } else { value.inspect() };
                format!("{name}={shown}")
            })
            .collect();
        match pairs.is_empty() {
            true => format!("#<{}>", self.class_name()),
            false => format!("#<{} {}>", self.class_name(), pairs.join(", ")),
        }
    }

    fn to_s(&self) -> String {
        if let Some(Value::Str(text)) = self.at_once("to_s", &Args::none()) {
            return text.to_text();
        }
        if let Some(text) = self.struct_text() {
            return text;
        }
        format!("#<{}>", self.class_name())
    }

    fn ivars(&self) -> Option<&Ivars> {
        Some(&self.ivars)
    }

    fn is_frozen(&self) -> bool {
        self.frozen.get()
    }

    fn define_method(&self, name: &str, body: &Proc) -> bool {
        self.own.borrow_mut().insert(name.to_owned(), body.clone());
        true
    }
}
