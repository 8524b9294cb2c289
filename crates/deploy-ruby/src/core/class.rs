//! What classes and modules answer to: `new`, comparisons, and class methods of the core.

use super::object::block;
use super::take::{self, count, int, text};
use super::user_class::UserClass;
use crate::interp::{Args, Call, Ivars, Reply};
use crate::value::{Class, Exception, Hash, Proc, Unwind, Value};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::rc::Rc;

pub(super) const NAMES: &[&str] =
    &["new", "name", "to_s", "===", "<", "<=", ">", ">=", "ancestors", "superclass", "instance_methods", "class_eval"];

pub(super) fn call(call: &Call, this: &Rc<Class>, name: &str, args: &Args) -> Reply {
    let other = || match args.at(0) {
        Value::Class(c) => Ok(c),
        _ => Err(call.type_error("compared with non class/module")),
    };
    Ok(Some(match (this.name(), name) {
        (_, "name" | "to_s" | "inspect") => Value::str(this.name()),
        (_, "===") => Value::Bool(call.interp().is_a(&args.at(0), this.name())),
        (_, "<=" | "<" | ">=" | ">" | "<=>") => order(this, other()?.as_ref(), name),
        (_, "superclass") => this.parent().cloned().map_or(Value::Nil, Value::Class),
        (_, "const_defined?" | "const_get") => {
            let wanted = super::name_of(call, &args.at(0))?;
            let full = if this.name() == "Object" { wanted } else { format!("{}::{wanted}", this.name()) };
            match call.interp().find_const(call, &full)? {
                found if name == "const_defined?" => Value::Bool(found.is_some()),
                Some(found) => found,
                None => return Err(call.interp().unknown_const(call, &full)),
            }
        }
        (_, "ancestors") => {
            let mut chain = Vec::new();
            for class in std::iter::successors(Some(this.clone()), |c| c.parent().cloned()) {
                let module = match class.name() {
                    "Numeric" | "String" | "Time" => "Comparable",
                    "Array" | "Hash" | "Range" | "Set" | "Enumerator" => "Enumerable",
                    "Object" => "Kernel",
                    _ => "",
                };
                chain.push(Value::Class(class));
                chain.extend(call.interp().class(module).map(Value::Class));
            }
            Value::array(chain)
        }
        (_, "new" | "exception") if this.descends_from("Exception") => {
            let exception = Exception::new(this.clone(), args.get(0).cloned());
            if this.name() == "SystemExit" {
                exception.detail.replace(Value::Int(args.at(0).as_int().unwrap_or(0)));
            }
            Value::Exception(Rc::new(exception))
        }
        ("Enumerator", _) => return super::generator::class_call(call, name, args),
        ("Encoding", "default_external" | "default_internal" | "default_external=" | "default_internal=") => {
            crate::stdlib::encoding("UTF-8")
        }
        ("String" | "Array" | "Hash" | "Regexp", "try_convert") => {
            let same = call.interp().class_name(&args.at(0)) == this.name();
            if same { args.at(0) } else { Value::Nil }
        }
        ("Regexp", _) => return super::regexp::class_call(call, name, args),
        ("Time", _) => return super::time::class_call(call, name, args),
        ("String", "new") => Value::from(args.get(0).map(|v| text(call, v)).transpose()?.unwrap_or_default()),
        ("Array", "new") if args.block.is_none() => match args.at(0) {
            Value::Nil => Value::array(Vec::new()),
            Value::Array(a) => Value::array(a.to_vec()),
            n => {
                let n = count(call, &n)?;
                call.interp().check_size(call.context(), n.checked_mul(24))?;
                Value::array(vec![args.at(1); n])
            }
        },
        ("Array", "[]") => Value::array(args.flat()),
        ("Hash", "new") if args.block.is_none() => {
            let hash = Hash::new();
            hash.default.replace(args.at(0));
            Value::Hash(Rc::new(hash))
        }
        ("Hash", "[]") => match args.folded().at(0) {
            Value::Hash(h) => Value::Hash(Rc::new(h.dup())),
            Value::Array(a) if args.len() == 1 => super::enumerable::to_h(call, &a.to_vec())?,
            _ => {
                let flat = args.positional.chunks(2);
                Value::hash(
                    flat.map(|c| (c.first().cloned().unwrap_or_default(), c.get(1).cloned().unwrap_or_default())),
                )
            }
        },
        ("Range", "new") => Value::range(args.at(0), args.at(1), args.at(2).truthy()),
        ("Object" | "BasicObject", "new") => Value::object(Plain::default()),
        ("Integer", "sqrt") => {
            Value::Int(i64::try_from(int(call, &args.at(0))?.max(0).unsigned_abs().isqrt()).unwrap_or(0))
        }
        ("Math", _) => return math(call, name, args),
        ("Kernel" | "Random", "rand") | ("Random", "random_number") => super::kernel::random(call, &args.at(0))?,
        ("Random", "new" | "new_seed" | "srand") => Value::Class(this.clone()),
        // No gem is read: who loads what it has by this name finds out what stands for it.
        ("Gem", "find_files") => {
            let name = args.at(0).to_s();
            let is_pattern = name.contains(['*', '?', '[', '{']);
            Value::array(if is_pattern { Vec::new() } else { vec![Value::str(&name)] })
        }
        ("GC" | "ObjectSpace", "start" | "garbage_collect" | "enable" | "disable" | "compact") => Value::Nil,
        ("ObjectSpace", "each_object" | "count_objects") => {
            return Err(call.raise("NotImplementedError", format!("`{}` is outside the language here", this.name())));
        }
        _ => return Ok(None),
    }))
}

/// `Struct.new(:a, :b)`
async fn new_struct(call: &Call, args: &Args) -> Result<Value, Unwind> {
    let (positional, options) = args.split_options();
    let by_keyword = options.get_name("keyword_init").is_some_and(|value| value.truthy());
    let names = positional.iter().map(|name| super::name_of(call, name)).collect::<Result<Vec<_>, _>>()?;
    let class = UserClass::of_fields(names, by_keyword);
    open_new(call, class, args).await
}

/// `Class.new(Parent) { … }`, `Module.new { … }`
async fn new_class(call: &Call, is_module: bool, args: &Args) -> Result<Value, Unwind> {
    if let Value::Class(parent) = args.at(0)
        && parent.name() != "Object"
    {
        let text = format!("a class below {} without a name is outside the language here", parent.name());
        return Err(call.raise("NotImplementedError", text));
    }
    open_new(call, UserClass::new("", is_module, args.at(0).downcast::<UserClass>()), args).await
}

async fn open_new(call: &Call, class: UserClass, args: &Args) -> Result<Value, Unwind> {
    let value = Value::object(class);
    if args.block.is_some() {
        let mut given = Args::none();
        given.block.clone_from(&args.block);
        call.send(&value, "class_eval", given).await?;
    }
    Ok(value)
}

/// How two classes stand to each other; nil if neither is above the other.
fn order(this: &Class, other: &Class, name: &str) -> Value {
    let order = match (this.name() == other.name(), this.descends_from(other.name()), other.descends_from(this.name()))
    {
        (true, _, _) => 0,
        (_, true, _) => -1,
        (_, _, true) => 1,
        _ => return Value::Nil,
    };
    match name {
        "<=>" => Value::Int(order),
        "<=" => Value::Bool(order <= 0),
        "<" => Value::Bool(order < 0),
        ">=" => Value::Bool(order >= 0),
        _ => Value::Bool(order > 0),
    }
}

/// `Object.new`: it has instance variables and singleton methods of its own.
#[derive(Default)]
struct Plain {
    ivars: Ivars,
    methods: RefCell<IndexMap<String, Proc>>,
}

#[async_trait::async_trait(?Send)]
impl crate::interp::Object for Plain {
    fn class_name(&self) -> String {
        "Object".to_owned()
    }

    fn ivars(&self) -> Option<&Ivars> {
        Some(&self.ivars)
    }

    fn define_method(&self, name: &str, body: &Proc) -> bool {
        self.methods.borrow_mut().insert(name.to_owned(), body.clone());
        true
    }

    fn responds_to(&self, name: &str) -> bool {
        self.methods.borrow().contains_key(name)
    }

    fn method_names(&self) -> Vec<String> {
        self.methods.borrow().keys().cloned().collect()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        if name == "singleton_methods" {
            return Ok(Some(Value::array(self.method_names().into_iter().map(Value::sym).collect())));
        }
        let method = self.methods.borrow().get(name).cloned();
        match method {
            Some(method) => {
                let this = Value::Object(self.clone());
                call.interp().call_proc(call.context(), &method, args.clone(), Some(this)).await.map(Some)
            }
            None => Ok(None),
        }
    }
}

fn math(call: &Call, name: &str, args: &Args) -> Reply {
    let x = || take::float(call, &args.at(0));
    let y = || take::float(call, &args.at(1));
    Ok(Some(Value::Float(match name {
        "sqrt" | "log" | "log2" | "log10" if x()? < 0.0 => {
            let message = format!("Numerical argument is out of domain - {name}");
            return Err(call.raise("Math::DomainError", message));
        }
        "sqrt" => x()?.sqrt(),
        "cbrt" => x()?.cbrt(),
        "log" if args.len() > 1 => x()?.log(y()?),
        "log" => x()?.ln(),
        "log2" => x()?.log2(),
        "log10" => x()?.log10(),
        "exp" => x()?.exp(),
        "sin" => x()?.sin(),
        "cos" => x()?.cos(),
        "tan" => x()?.tan(),
        "atan" => x()?.atan(),
        "atan2" => x()?.atan2(y()?),
        "pow" => x()?.powf(y()?),
        "hypot" => x()?.hypot(y()?),
        _ => return Ok(None),
    })))
}

pub(super) async fn later(call: &Call, this: &Rc<Class>, name: &str, args: &Args) -> Reply {
    Ok(Some(match (this.name(), name) {
        ("Array", "new") if args.block.is_some() => {
            let n = count(call, &args.at(0))?;
            call.interp().check_size(call.context(), n.checked_mul(24))?;
            let mut items = Vec::new();
            for i in 0..n {
                items.push(call.call_proc(block(call, args)?, vec![Value::from(i)]).await?);
            }
            Value::array(items)
        }
        ("Hash", "new") => {
            let hash = Hash::new();
            hash.default_proc.replace(args.block.clone().map(Value::Proc));
            Value::Hash(Rc::new(hash))
        }
        ("Struct", "new") => new_struct(call, args).await?,
        ("Class" | "Module", "new") => new_class(call, this.name() == "Module", args).await?,
        ("Proc", "new") => Value::Proc(block(call, args)?.clone()),
        ("Kernel", _) => {
            let done: Result<Option<Value>, Unwind> = Box::pin(super::kernel(call, name, args)).await;
            return done;
        }
        _ => return Ok(None),
    }))
}
