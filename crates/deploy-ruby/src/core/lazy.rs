//! Enumerator::Lazy: elements go through the whole chain one by one, and only as many as are asked for.

use super::enumerate;
use super::take::count;
use crate::interp::{Args, Call, Object, Reply};
use crate::value::{Jump, Key, Proc, Unwind, Value};
use async_trait::async_trait;
use indexmap::IndexSet;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// One link of a chain.
#[derive(Clone)]
enum Link {
    Map(Proc),
    Keep(Proc, bool),
    FilterMap(Proc),
    FlatMap(Proc),
    TakeWhile(Proc),
    DropWhile(Proc),
    Take(usize),
    Drop(usize),
    Index(i64, Option<Proc>),
    Uniq(Option<Proc>),
    Zip(Vec<Vec<Value>>),
    Grep(Value, bool, Option<Proc>),
    Compact,
}

/// What one run of a chain remembers of a link.
#[derive(Default)]
struct Memory {
    seen: Cell<usize>,
    keys: RefCell<IndexSet<Key>>,
}

struct Run {
    links: Vec<(Link, Memory)>,
    sink: Proc,
    tag: u64,
}

/// `collection.lazy` and what is chained to it.
struct Lazy {
    source: Value,
    links: Vec<Link>,
    shown: String,
}

pub(super) fn lazy(source: &Value) -> Value {
    let shown = format!("#<Enumerator::Lazy: {}>", source.inspect());
    Value::object(Lazy { source: source.clone(), links: Vec::new(), shown })
}

#[async_trait(?Send)]
impl Object for Lazy {
    fn class_name(&self) -> String {
        "Enumerator::Lazy".to_owned()
    }

    fn is_a(&self, class: &str) -> bool {
        matches!(class, "Enumerator::Lazy" | "Enumerator" | "Enumerable")
    }

    fn inspect(&self) -> String {
        self.shown.clone()
    }

    fn responds_to(&self, name: &str) -> bool {
        enumerate::NAMES.contains(&name) || matches!(name, "force" | "eager" | "lazy" | "first")
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        if let Some(link) = link(call, name, args).await? {
            let mut links = self.links.clone();
            links.push(link);
            let shown = format!("#<Enumerator::Lazy: {}:{name}>", self.shown);
            return Ok(Some(Value::object(Self { source: self.source.clone(), links, shown })));
        }
        let whole = Value::Object(self.clone());
        match (name, &args.block) {
            ("lazy", _) => Ok(Some(whole)),
            ("each", Some(sink)) => {
                self.run(call, sink.clone()).await?;
                Ok(Some(whole))
            }
            ("eager", _) => Ok(Some(enumerate::enumerator(&whole, "each", &Args::none()))),
            ("force", _) => forward(call, &whole, "to_a", args).await,
            ("size", _) => Ok(Some(Value::Nil)),
            _ if self.responds_to(name) || super::enumerable::NAMES.contains(&name) => {
                forward(call, &whole, name, args).await
            }
            _ => Ok(None),
        }
    }
}

/// Through the enumerator of `each`, which streams.
async fn forward(call: &Call, whole: &Value, name: &str, args: &Args) -> Reply {
    let each = enumerate::enumerator(whole, "each", &Args::none());
    Box::pin(super::call_later(call, &each, name, args)).await
}

async fn link(call: &Call, name: &str, args: &Args) -> Result<Option<Link>, Unwind> {
    Ok(Some(match (name, &args.block) {
        ("map" | "collect", Some(f)) => Link::Map(f.clone()),
        ("select" | "filter" | "find_all", Some(f)) => Link::Keep(f.clone(), true),
        ("reject", Some(f)) => Link::Keep(f.clone(), false),
        ("filter_map", Some(f)) => Link::FilterMap(f.clone()),
        ("flat_map" | "collect_concat", Some(f)) => Link::FlatMap(f.clone()),
        ("take_while", Some(f)) => Link::TakeWhile(f.clone()),
        ("drop_while", Some(f)) => Link::DropWhile(f.clone()),
        ("take", None) => Link::Take(count(call, &args.at(0))?),
        ("drop", None) => Link::Drop(count(call, &args.at(0))?),
        ("with_index" | "each_with_index", f) => Link::Index(super::take::int_or(call, args, 0, 0)?, f.clone()),
        ("uniq", f) => Link::Uniq(f.clone()),
        ("compact", None) => Link::Compact,
        ("grep" | "grep_v", f) => Link::Grep(args.at(0), name == "grep", f.clone()),
        ("zip", None) => {
            let mut others = Vec::new();
            for other in &args.positional {
                others.push(Box::pin(enumerate::elements(call, other)).await?);
            }
            Link::Zip(others)
        }
        _ => return Ok(None),
    }))
}

impl Lazy {
    async fn run(&self, call: &Call, sink: Proc) -> Result<(), Unwind> {
        if self.links.iter().any(|link| matches!(link, Link::Take(0))) {
            return Ok(());
        }
        let tag = call.interp().next_id();
        let links = self.links.iter().map(|link| (link.clone(), Memory::default())).collect();
        let run = Rc::new(Run { links, sink, tag });
        let first = Proc::native(move |call, args| {
            let run = run.clone();
            let item = enumerate::packed(args.positional);
            Box::pin(async move {
                push(&call, &run, 0, item).await?;
                Ok(Value::Nil)
            })
        });
        let done = call.send(&self.source, "each", Args::none().with_block(Some(first))).await;
        match done {
            Err(unwind) if matches!(&*unwind.0, Jump::Break(to, _) if *to == tag) => Ok(()),
            done => done.map(drop),
        }
    }
}

/// Sends an element into the link at an index, and what becomes of it further on.
fn push<'a>(
    call: &'a Call,
    run: &'a Run,
    at: usize,
    item: Value,
) -> Pin<Box<dyn Future<Output = Result<(), Unwind>> + 'a>> {
    Box::pin(async move {
        let Some((link, memory)) = run.links.get(at) else {
            return call.call_proc(&run.sink, vec![item]).await.map(drop);
        };
        let ask = |f: &Proc| {
            let (f, item) = (f.clone(), item.clone());
            async move { call.call_proc(&f, vec![item]).await }
        };
        let stop = || Err(Unwind::jump(Jump::Break(run.tag, Value::Nil)));
        let seen = memory.seen.replace(memory.seen.get() + 1);
        let passed = match link {
            Link::Map(f) => ask(f).await?,
            Link::Keep(f, wanted) if ask(f).await?.truthy() == *wanted => item,
            Link::FilterMap(f) => match ask(f).await? {
                value if value.truthy() => value,
                _ => return Ok(()),
            },
            Link::FlatMap(f) => match ask(f).await? {
                Value::Array(inner) => {
                    for one in inner.to_vec() {
                        push(call, run, at + 1, one).await?;
                    }
                    return Ok(());
                }
                other => other,
            },
            Link::TakeWhile(f) => {
                if !ask(f).await?.truthy() {
                    return stop();
                }
                item
            }
            Link::DropWhile(f) => {
                let dropping = memory.keys.borrow().is_empty();
                if dropping && ask(f).await?.truthy() {
                    return Ok(());
                }
                memory.keys.borrow_mut().insert(Key(Value::Nil));
                item
            }
            Link::Take(n) => {
                push(call, run, at + 1, item).await?;
                return if seen + 1 >= *n { stop() } else { Ok(()) };
            }
            Link::Drop(n) if seen >= *n => item,
            Link::Index(from, f) => {
                let index = Value::Int(from.saturating_add(i64::try_from(seen).unwrap_or(i64::MAX)));
                match f {
                    Some(f) => {
                        call.call_proc(f, vec![item.clone(), index]).await?;
                        item
                    }
                    None => Value::array(vec![item, index]),
                }
            }
            Link::Uniq(f) => {
                let key = match f {
                    Some(f) => ask(f).await?,
                    None => item.clone(),
                };
                if !memory.keys.borrow_mut().insert(Key(key)) {
                    return Ok(());
                }
                item
            }
            Link::Zip(others) => {
                let rest = others.iter().map(|list| list.get(seen).cloned().unwrap_or_default());
                Value::array(std::iter::once(item).chain(rest).collect())
            }
            Link::Grep(pattern, wanted, f) => match (super::case_equal(call, pattern, &item).await? == *wanted, f) {
                (true, Some(f)) => ask(f).await?,
                (true, None) => item,
                (false, _) => return Ok(()),
            },
            Link::Compact if !item.is_nil() => item,
            Link::Keep(..) | Link::Drop(_) | Link::Compact => return Ok(()),
        };
        push(call, run, at + 1, passed).await
    })
}
