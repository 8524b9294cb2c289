//! Classes and modules that a program defines: their methods, where these are looked for, and `new`.

use super::instance::Instance;
use super::object::block;
use super::take::name_of;
use crate::interp::{Args, Call, Inner, Interp, Ivars, Object, Reply};
use crate::value::{Proc, Unwind, Value};
use async_trait::async_trait;
use indexmap::IndexMap;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::{Rc, Weak};
use std::task::Poll;

/// Who may call a method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Visibility {
    #[default]
    Public,
    Protected,
    Private,
}

/// What a method does.
#[derive(Clone)]
pub(crate) enum Action {
    Proc(Proc),
    /// `attr_reader`, with the name of the variable.
    Read(Rc<str>),
    /// `attr_writer`
    Write(Rc<str>),
    /// `undef_method`: also what is above is not found.
    Gone,
}

/// A method of a class.
#[derive(Clone)]
pub(crate) struct Entry {
    pub action: Action,
    pub visibility: Visibility,
}

type Table = RefCell<IndexMap<String, Entry>>;

/// A class or module.
#[derive(Default)]
pub(crate) struct UserClass {
    name: RefCell<String>,
    pub is_module: bool,
    pub parent: Option<Rc<UserClass>>,
    /// `Struct.new`: its members, and whether they are given by keyword.
    pub fields: Option<(Vec<String>, bool)>,
    /// A module of the host (`Capistrano`) that only holds names here.
    pub holds_names_only: bool,
    /// `Object` or `Kernel` opened again: what is defined there is a word of the whole program.
    pub opens_all: bool,
    methods: Table,
    singleton: Table,
    included: RefCell<Vec<Rc<UserClass>>>,
    extended: RefCell<Vec<Rc<UserClass>>>,
    /// Built-in modules that were included, by name.
    mixins: RefCell<Vec<String>>,
    visibility: Cell<Visibility>,
    module_function: Cell<bool>,
    /// Inside `class << self`.
    in_singleton: Cell<bool>,
    /// What evaluates its methods where Rust asks for a text or an order.
    interp: RefCell<Weak<Inner>>,
    the_one: RefCell<Option<Value>>,
    ivars: Ivars,
    pub class_variables: Ivars,
}

impl UserClass {
    pub fn new(name: &str, is_module: bool, parent: Option<Rc<Self>>) -> Self {
        let fields = parent.as_ref().and_then(|parent| parent.fields.clone());
        Self { name: RefCell::new(name.to_owned()), is_module, parent, fields, ..Self::default() }
    }

    /// `Struct.new`
    pub fn of_fields(names: Vec<String>, by_keyword: bool) -> Self {
        Self { fields: Some((names, by_keyword)), ..Self::default() }
    }

    /// See [`Self::opens_all`].
    pub fn opening_all(is_module: bool) -> Self {
        Self { is_module, opens_all: true, ..Self::default() }
    }

    /// See [`Self::holds_names_only`].
    pub fn holding_names(name: &str, is_module: bool) -> Self {
        Self { holds_names_only: true, ..Self::new(name, is_module, None) }
    }

    pub fn name(&self) -> String {
        self.name.borrow().clone()
    }

    /// The constant that a class without a name is first assigned to names it.
    pub fn be_called(&self, name: &str) {
        if self.name.borrow().is_empty() {
            name.clone_into(&mut self.name.borrow_mut());
        }
    }

    /// This class, its modules, and those above, in the order in which methods are looked for.
    pub fn ancestors(self: &Rc<Self>) -> Vec<Rc<Self>> {
        let mut found: Vec<Rc<Self>> = Vec::new();
        let mut class = Some(self.clone());
        while let Some(this) = class {
            if found.len() > 1000 {
                break;
            }
            found.push(this.clone());
            for module in this.included.borrow().iter().rev() {
                if !Rc::ptr_eq(module, &this) && !found.iter().any(|known| Rc::ptr_eq(known, module)) {
                    found.extend(module.ancestors());
                }
            }
            class = this.parent.clone();
        }
        found
    }

    /// A method of its instances.
    pub fn find(self: &Rc<Self>, name: &str) -> Option<Entry> {
        let found = self.ancestors().iter().find_map(|class| class.methods.borrow().get(name).cloned());
        found.filter(|entry| !matches!(entry.action, Action::Gone))
    }

    /// Its own table, without those above.
    pub fn own(&self, name: &str) -> Option<Entry> {
        self.methods.borrow().get(name).cloned()
    }

    /// The singleton methods of this class alone: its own, then those of modules that extend it.
    fn own_singleton(self: &Rc<Self>, name: &str) -> Option<Entry> {
        if let Some(entry) = self.singleton.borrow().get(name).cloned() {
            return Some(entry);
        }
        let extended = self.extended.borrow().clone();
        extended.iter().rev().find_map(|module| match Rc::ptr_eq(module, self) {
            true => self.find(name),
            false => module.find(name),
        })
    }

    fn find_singleton(self: &Rc<Self>, name: &str) -> Option<Entry> {
        std::iter::successors(Some(self.clone()), |class| class.parent.clone())
            .find_map(|class| class.own_singleton(name))
    }

    /// What `super` in a singleton method of `owner` means.
    pub fn singleton_above(self: &Rc<Self>, owner: &Rc<Self>, name: &str) -> Option<Entry> {
        let mut chain = std::iter::successors(Some(self.clone()), |class| class.parent.clone());
        chain.find(|class| Rc::ptr_eq(class, owner))?;
        chain.find_map(|class| class.own_singleton(name))
    }

    /// Whether it is a class or module of this name, or below one.
    pub fn descends_from(self: &Rc<Self>, name: &str) -> bool {
        let own = |class: &Rc<Self>| *class.name.borrow() == name || class.mixins.borrow().iter().any(|n| n == name);
        self.ancestors().iter().any(own)
    }

    /// Whether another is among its ancestors.
    pub fn is_below(self: &Rc<Self>, other: &Rc<Self>) -> bool {
        self.ancestors().iter().any(|class| Rc::ptr_eq(class, other))
    }

    /// Names of methods that instances have.
    pub fn method_names(self: &Rc<Self>) -> Vec<String> {
        let mut names = Vec::new();
        for class in self.ancestors() {
            let open = |entry: &Entry| entry.visibility != Visibility::Private && !matches!(entry.action, Action::Gone);
            names.extend(class.methods.borrow().iter().filter(|(_, e)| open(e)).map(|(name, _)| name.clone()));
        }
        names.dedup();
        names
    }

    pub fn put_def(&self, name: &str, body: &Proc) {
        self.put(name, Action::Proc(body.clone()));
    }

    fn put(&self, name: &str, action: Action) {
        let visibility = if name == "initialize" { Visibility::Private } else { self.visibility.get() };
        let entry = Entry { action, visibility };
        if self.in_singleton.get() {
            self.singleton.borrow_mut().insert(name.to_owned(), entry);
            return;
        }
        if self.module_function.get() {
            let open = Entry { visibility: Visibility::Public, ..entry.clone() };
            self.singleton.borrow_mut().insert(name.to_owned(), open);
        }
        self.methods.borrow_mut().insert(name.to_owned(), entry);
    }

    pub fn put_singleton(&self, name: &str, body: &Proc) {
        let entry = Entry { action: Action::Proc(body.clone()), visibility: Visibility::Public };
        self.singleton.borrow_mut().insert(name.to_owned(), entry);
    }

    /// Begins a body: `def` is public again. `true` for that of `class << self`. Gives what to restore.
    pub fn open(&self, singleton: bool) -> (Visibility, bool, bool) {
        let before = (self.visibility.get(), self.module_function.get(), self.in_singleton.get());
        self.visibility.set(Visibility::Public);
        self.module_function.set(false);
        self.in_singleton.set(singleton);
        before
    }

    pub fn close(&self, before: (Visibility, bool, bool)) {
        self.visibility.set(before.0);
        self.module_function.set(before.1);
        self.in_singleton.set(before.2);
    }

    /// `include` or `extend` of one module.
    async fn mix(self: &Rc<Self>, call: &Call, word: &str, module: &Value) -> Result<(), Unwind> {
        let Some(module) = module.downcast::<UserClass>() else {
            // Comparable, Enumerable, and what the host has (its words are known everywhere).
            self.mixins.borrow_mut().push(module.to_s());
            return Ok(());
        };
        let list = if word == "extend" || self.in_singleton.get() { &self.extended } else { &self.included };
        list.borrow_mut().push(module.clone());
        let hook = if word == "extend" { "extended" } else { "included" };
        if let Some(entry) = module.find_singleton(hook) {
            let this = Value::Object(self.clone());
            run(call, &entry, Value::Object(module), &Args::one(this)).await?;
        }
        Ok(())
    }

    fn visibility_word(&self, call: &Call, word: &str, args: &Args) -> Result<Value, Unwind> {
        let visibility = match word {
            "private" | "private_class_method" => Visibility::Private,
            "protected" => Visibility::Protected,
            _ => Visibility::Public,
        };
        if args.positional.is_empty() {
            self.module_function.set(word == "module_function");
            self.visibility.set(visibility);
            return Ok(Value::Nil);
        }
        let of_singleton = word.ends_with("class_method") || self.in_singleton.get();
        for name in args.positional.iter().flat_map(Value::to_list) {
            let name = name_of(call, &name)?;
            if word == "module_function" {
                let found = self.methods.borrow().get(&name).cloned();
                self.singleton.borrow_mut().extend(found.map(|entry| (name, entry)));
                continue;
            }
            let table = if of_singleton { &self.singleton } else { &self.methods };
            if let Some(entry) = table.borrow_mut().get_mut(&name) {
                entry.visibility = visibility;
            }
        }
        Ok(args.at(0))
    }

    fn attributes(&self, call: &Call, word: &str, args: &Args) -> Result<Value, Unwind> {
        let mut made = Vec::new();
        for name in &args.positional {
            let name = name_of(call, name)?;
            let ivar: Rc<str> = format!("@{name}").into();
            if word != "attr_writer" {
                self.put(&name, Action::Read(ivar.clone()));
                made.push(Value::sym(&name));
            }
            if word == "attr_writer" || word == "attr_accessor" {
                self.put(&format!("{name}="), Action::Write(ivar));
                made.push(Value::sym(format!("{name}=")));
            }
        }
        Ok(Value::array(made))
    }

    pub fn alias(self: &Rc<Self>, call: &Call, new: &Value, old: &Value) -> Result<Value, Unwind> {
        let (new, old) = (name_of(call, new)?, name_of(call, old)?);
        let found = if self.in_singleton.get() { self.find_singleton(&old) } else { self.find(&old) };
        let Some(entry) = found else {
            let text = format!("undefined method `{old}' for {}", self.name());
            return Err(call.raise("NameError", text));
        };
        let table = if self.in_singleton.get() { &self.singleton } else { &self.methods };
        table.borrow_mut().insert(new.clone(), entry);
        Ok(Value::sym(new))
    }

    /// `Name.new`
    pub async fn make(self: &Rc<Self>, call: &Call, args: &Args) -> Result<Value, Unwind> {
        self.interp.replace(Rc::downgrade(&call.interp().0));
        let instance = Instance::new(self.clone());
        let this = Value::Object(instance.clone());
        if let Some(entry) = self.find("initialize") {
            run(call, &entry, this.clone(), args).await?;
        } else if self.fields.is_some() {
            instance.fill(call, args)?;
        } else {
            call.arity(args, 0, 0)?;
        }
        Ok(this)
    }

    /// Runs a method where nothing can wait; none if it would have to, or calls itself without end.
    pub fn at_once(&self, entry: &Entry, this: Value, args: &Args) -> Option<Value> {
        let interp = Interp(self.interp.borrow().upgrade()?);
        // The native stack carries these calls on top of those that led here.
        let depth = &interp.0.at_once;
        if depth.get() >= 4 {
            return None;
        }
        depth.set(depth.get() + 1);
        let context = interp.short_context();
        let call = Call::new(&interp, &context, this.clone(), true, None);
        let done = finish(run(&call, entry, this, args));
        depth.set(depth.get() - 1);
        done?.ok()
    }

    async fn word(self: &Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match name {
            "include" | "extend" => {
                for module in args.positional.iter().rev() {
                    self.mix(call, name, module).await?;
                }
                Value::Object(self.clone())
            }
            "attr_reader" | "attr_writer" | "attr_accessor" | "attr" => self.attributes(call, name, args)?,
            "private" | "public" | "protected" | "module_function" | "private_class_method" | "public_class_method" => {
                self.visibility_word(call, name, args)?
            }
            "prepend" | "refine" | "using" => {
                let text = format!("`{name}` of a module is outside the language here");
                return Err(call.raise("NotImplementedError", text));
            }
            "private_constant" | "public_constant" | "freeze" => Value::Nil,
            "alias_method" => self.alias(call, &args.at(0), &args.at(1))?,
            "define_method" => {
                let name = name_of(call, &args.at(0))?;
                let body = match (&args.block, args.get(1)) {
                    (Some(body), _) | (None, Some(Value::Proc(body))) => body.clone(),
                    _ => return Err(call.argument_error("tried to create Proc object without a block")),
                };
                self.put(&name, Action::Proc(super::procs::to_method(&body, &name)));
                Value::sym(name)
            }
            call_word @ ("undef_method" | "remove_method") => {
                for name in &args.positional {
                    let name = name_of(call, name)?;
                    if call_word == "undef_method" || self.methods.borrow_mut().shift_remove(&name).is_none() {
                        self.put(&name, Action::Gone);
                    }
                }
                Value::Object(self.clone())
            }
            "class_eval" | "module_eval" | "class_exec" | "module_exec" if args.block.is_some() => {
                let before = self.open(false);
                let this = Value::Object(self.clone());
                let done = call.instance_exec(block(call, args)?, this, args.positional.clone()).await;
                self.close(before);
                done?
            }
            _ => return Ok(None),
        }))
    }

    fn question(self: &Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let other = args.at(0).downcast::<UserClass>();
        Ok(Some(match name {
            "name" if self.name.borrow().is_empty() => Value::Nil,
            "name" | "to_s" | "inspect" => Value::from(Object::inspect(&**self)),
            "class" => {
                call.interp().class(if self.is_module { "Module" } else { "Class" }).map_or(Value::Nil, Value::Class)
            }
            "===" => {
                let instance = args.at(0).downcast::<Instance>();
                Value::Bool(instance.is_some_and(|instance| instance.has(self)))
            }
            "==" | "equal?" | "eql?" => Value::Bool(other.is_some_and(|other| Rc::ptr_eq(&other, self))),
            "!=" => Value::Bool(!other.is_some_and(|other| Rc::ptr_eq(&other, self))),
            "<" | "<=" | "include?" => {
                let same = other.as_ref().is_some_and(|other| Rc::ptr_eq(other, self));
                Value::Bool(other.is_some_and(|other| self.is_below(&other)) && (name == "<=" || !same))
            }
            ">" | ">=" => {
                let same = other.as_ref().is_some_and(|other| Rc::ptr_eq(other, self));
                Value::Bool(other.is_some_and(|other| other.is_below(self)) && (name == ">=" || !same))
            }
            "superclass" => match &self.parent {
                Some(parent) => Value::Object(parent.clone()),
                None => call.interp().class("Object").map_or(Value::Nil, Value::Class),
            },
            "ancestors" => Value::array(self.ancestors().into_iter().map(|class| Value::Object(class)).collect()),
            "instance_methods" | "public_instance_methods" => {
                let names = match args.at(0) {
                    Value::Bool(false) => self.methods.borrow().keys().cloned().collect(),
                    _ => self.method_names(),
                };
                let hidden =
                    |name: &String| self.find(name).is_some_and(|entry| entry.visibility == Visibility::Private);
                let names: Vec<String> = names.into_iter().filter(|name| !hidden(name)).collect();
                Value::array(names.into_iter().map(Value::sym).collect())
            }
            "method_defined?" | "instance_method?" | "public_method_defined?" => {
                Value::Bool(self.find(&name_of(call, &args.at(0))?).is_some())
            }
            "members" if self.fields.is_some() => {
                let fields = self.fields.as_ref().map(|(names, _)| names.clone()).unwrap_or_default();
                Value::array(fields.into_iter().map(Value::sym).collect())
            }
            "const_get" | "const_defined?" => {
                let wanted = name_of(call, &args.at(0))?;
                match call.interp().find_const_in(call, Some(self), &wanted)? {
                    found if name == "const_defined?" => Value::Bool(found.is_some()),
                    Some(found) => found,
                    None => return Err(call.interp().unknown_const(call, &format!("{}::{wanted}", self.name()))),
                }
            }
            "const_set" => {
                let full = format!("{}::{}", self.name(), name_of(call, &args.at(0))?);
                call.interp().define_const(&full, args.at(1));
                args.at(1)
            }
            "class_variable_get" => self.class_variables.get(&name_of(call, &args.at(0))?).unwrap_or_default(),
            "class_variable_set" => {
                self.class_variables.set(&name_of(call, &args.at(0))?, args.at(1));
                args.at(1)
            }
            _ => return Ok(None),
        }))
    }
}

#[async_trait(?Send)]
impl Object for UserClass {
    fn class_name(&self) -> String {
        if self.is_module { "Module" } else { "Class" }.to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        if let Some(entry) = self.find_singleton(name) {
            if entry.visibility == Visibility::Private && !call.is_bare() {
                let text = format!("private method `{name}' called for {}", self.inspect());
                return Err(call.raise("NoMethodError", text));
            }
            return run(call, &entry, Value::Object(self), args).await.map(Some);
        }
        if matches!(name, "send" | "__send__" | "public_send")
            && let Some((entry, args)) = args.get(0).and_then(Value::as_name).and_then(|asked| {
                let mut rest = args.clone();
                rest.positional.remove(0);
                self.find_singleton(&asked).map(|entry| (entry, rest))
            })
        {
            return run(call, &entry, Value::Object(self), &args).await.map(Some);
        }
        if name == "new" && !self.is_module {
            return self.make(call, args).await.map(Some);
        }
        if name == "instance" && self.descends_from("Singleton") {
            let known = self.the_one.borrow().clone();
            let one = match known {
                Some(one) => one,
                None => self.make(call, args).await?,
            };
            self.the_one.replace(Some(one.clone()));
            return Ok(Some(one));
        }
        if name == "[]" && self.fields.is_some() {
            return self.make(call, args).await.map(Some);
        }
        if let Some(value) = self.question(call, name, args)? {
            return Ok(Some(value));
        }
        self.word(call, name, args).await
    }

    async fn missing(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let Some(entry) = self.find_singleton("method_missing") else { return Ok(None) };
        let mut given = args.clone();
        given.positional.insert(0, Value::sym(name));
        run(call, &entry, Value::Object(self), &given).await.map(Some)
    }

    fn responds_to(&self, name: &str) -> bool {
        self.singleton.borrow().contains_key(name) || (name == "new" && !self.is_module)
    }

    fn method_names(&self) -> Vec<String> {
        self.singleton.borrow().keys().cloned().collect()
    }

    fn inspect(&self) -> String {
        match (self.name(), self.is_module) {
            (name, _) if !name.is_empty() => name,
            (_, true) => "#<Module>".to_owned(),
            (_, false) => "#<Class>".to_owned(),
        }
    }

    fn ivars(&self) -> Option<&Ivars> {
        Some(&self.ivars)
    }

    fn define_method(&self, name: &str, body: &Proc) -> bool {
        self.put(name, Action::Proc(body.clone()));
        true
    }
}

/// The result of what only pauses, and waits for nothing.
fn finish<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    // A pause comes every some thousand steps.
    for _ in 0..1000 {
        if let Poll::Ready(done) = work.as_mut().poll(&mut task) {
            return Some(done);
        }
    }
    None
}

/// Runs a method with an object as self.
pub(crate) async fn run(call: &Call, entry: &Entry, this: Value, args: &Args) -> Result<Value, Unwind> {
    match &entry.action {
        Action::Proc(body) => call.interp().call_proc(call.context(), body, args.clone(), Some(this)).await,
        Action::Read(name) => {
            call.arity(args, 0, 0)?;
            Ok(call.interp().ivars_of(&this).get(name).unwrap_or_default())
        }
        Action::Write(name) => {
            call.arity(args, 1, 1)?;
            if super::instance::is_frozen(&this) {
                let text = format!("can't modify frozen {}", call.interp().class_name(&this));
                return Err(call.raise("FrozenError", text));
            }
            call.interp().ivars_of(&this).set(name, args.at(0));
            Ok(args.at(0))
        }
        Action::Gone => Ok(Value::Nil),
    }
}

/// The methods of a module become words of the whole program: `include M` or `extend M` at its top.
pub(crate) fn open_to_all(call: &Call, module: &Rc<UserClass>) {
    for class in module.ancestors().iter().rev() {
        let names: Vec<String> = class.methods.borrow().keys().cloned().collect();
        for name in names {
            if let Some(Entry { action: Action::Proc(body), .. }) = class.own(&name) {
                call.interp().define_method(&name, body);
            }
        }
    }
}
