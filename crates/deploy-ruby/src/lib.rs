//! A small embeddable Ruby: parse, evaluate asynchronously, diagnose.
//!
//! It is for configuration files and recipes that are written in Ruby and must run without one. The embedding
//! supplies the words of its language as host objects; this crate supplies Ruby's syntax, its core classes and
//! the part of the standard library that such files use.
//!
//! * Parsing is done by prism, Ruby's own parser. Syntax that is outside the language is no error until it is
//!   reached; [`Interp::unsupported`] lists every such place.
//! * Evaluation is asynchronous: a host method may wait, and several strands ([`Context`]) may be suspended at
//!   once on one thread. Values are single-threaded (`Rc`).
//! * The crate does no IO, starts no process, reads no clock and prints nothing: all that goes through
//!   [`Effects`]. [`MemoryEffects`] is an implementation without a machine.
//! * Every error points at its source text, with the call chain.
//!
//! # Limits
//!
//! No classes, modules, refinements, pattern matching, threads, `eval` of strings or `method_missing`. Integers
//! have 64 bits; a result beyond is `RangeError`. Strings are bytes read as UTF-8.
//!
//! The evaluator uses the native stack: run it on a thread with at least 64 MiB of stack at the default
//! [`Limits`] (1000 calls, 10 000 nested expressions). Beyond them a program gets `SystemStackError`.
//!
//! # Example
//!
//! ```
//! use deploy_ruby::{Args, Call, Interp, MemoryEffects, NoHost, Object, Proc, Reply, Value};
//! use std::{cell::RefCell, rc::Rc};
//!
//! /// A language with two words: `set :name, value` and `task :name do … end`. Names that are set can be read bare.
//! #[derive(Default)]
//! struct Recipe {
//!     variables: RefCell<Vec<(String, Value)>>,
//!     tasks: RefCell<Vec<(String, Proc)>>,
//! }
//!
//! #[async_trait::async_trait(?Send)]
//! impl Object for Recipe {
//!     fn class_name(&self) -> String {
//!         "Recipe".to_owned()
//!     }
//!
//!     async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
//!         let given = args.at(0).as_name().unwrap_or_default();
//!         match (name, &args.block) {
//!             ("set", _) => self.variables.borrow_mut().push((given, args.at(1))),
//!             ("task", Some(body)) => self.tasks.borrow_mut().push((given, body.clone())),
//!             ("task", None) => return Err(call.argument_error("a task needs a block")),
//!             _ => return Ok(None),
//!         }
//!         Ok(Some(Value::Nil))
//!     }
//!
//!     async fn missing(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
//!         let variables = self.variables.borrow();
//!         Ok(variables.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let effects = Rc::new(MemoryEffects::new());
//! let interp = Interp::new(Rc::new(NoHost), effects.clone());
//! let recipe = Rc::new(Recipe::default());
//! let this = Value::Object(recipe.clone());
//! let text = r#"
//! set :application, "shop"
//! set :deploy_to, "/var/www/#{application}"
//! task :restart do
//!   puts "touch #{deploy_to}/tmp/restart.txt"
//! end
//! "#;
//! let cx = interp.context();
//! interp.eval_file(&cx, "deploy.rb", text, this.clone()).await.unwrap();
//! // A body is kept and run later, with any object as self.
//! let (_, body) = recipe.tasks.borrow()[0].clone();
//! interp.call_proc(&cx, &body, Args::none(), Some(this.clone())).await.unwrap();
//! assert_eq!(effects.stdout(), "touch /var/www/shop/tmp/restart.txt\n");
//!
//! let wrong = interp.eval_file(&cx, "deploy.rb", "set :a, aplication", this).await.unwrap_err();
//! assert!(interp.error(wrong).to_string().starts_with("deploy.rb:1:9: error: unknown variable, task or method `aplication`"));
//! # }
//! ```

mod ast;
mod core;
mod diagnostic;
mod eval;
mod interp;
mod lower;
mod source;
mod stdlib;
mod suggest;
mod value;

pub use ast::Tree;
pub use diagnostic::{Diagnostic, Severity};
pub use interp::{
    Args, Call, Command, CommandLine, Context, Effects, Entered, Error, FileKind, Finished, Host, Interp, Ivars,
    Limits, LoadKind, Loaded, MemoryEffects, NoHost, Object, Reply, Stat, Stderr, Stream,
};
pub use lower::{Request, RequestBase, RequestKind};
pub use source::{FileId, Position, SourceFile, Sources, Span};
pub use stdlib::{Pathname, glob, is_library};
pub use suggest::nearest;
pub use value::{
    Array, Class, Exception, Frame, Hash, Key, MatchData, NativeFuture, Payload, Proc, Range, Regexp, Str, Sym, Unwind,
    Value,
};
