//! Embedding: host objects as self, kept blocks, payloads, strands that wait.

use crate::block_on;
use async_trait::async_trait;
use deploy_ruby::{
    Args, Call, Host, Interp, Ivars, LoadKind, Loaded, MemoryEffects, Object, Proc, Reply, Unwind, Value,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A namespace of tasks, as a Capistrano 2 recipe has them.
#[derive(Default)]
struct Space {
    name: String,
    ivars: Ivars,
    methods: RefCell<BTreeMap<String, Proc>>,
    log: Rc<RefCell<Vec<String>>>,
    variables: RefCell<BTreeMap<String, Value>>,
    parent: Option<Rc<Space>>,
}

#[async_trait(?Send)]
impl Object for Space {
    fn class_name(&self) -> String {
        "Space".to_owned()
    }

    fn ivars(&self) -> Option<&Ivars> {
        Some(&self.ivars)
    }

    fn define_method(&self, name: &str, body: &Proc) -> bool {
        self.methods.borrow_mut().insert(name.to_owned(), body.clone());
        true
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let method = self.methods.borrow().get(name).cloned();
        if let Some(method) = method {
            let this = Value::Object(self.clone());
            return call.interp().call_proc(call.context(), &method, args.clone(), Some(this)).await.map(Some);
        }
        let log = |text: String| self.log.borrow_mut().push(text);
        Ok(Some(match name {
            "namespace" => {
                let inner = Space {
                    name: args.at(0).to_s(),
                    log: self.log.clone(),
                    parent: Some(self.clone()),
                    ..Space::default()
                };
                call.instance_exec(args.block.as_ref().unwrap(), Value::object(inner), vec![]).await?
            }
            "task" => {
                self.methods.borrow_mut().insert(args.at(0).to_s(), args.block.clone().unwrap());
                log(format!(
                    "{}:{} {}",
                    self.name,
                    args.at(0).to_s(),
                    args.options().map_or("-".to_owned(), |o| Value::Hash(o).inspect())
                ));
                Value::Nil
            }
            "run" => {
                tokio::task::yield_now().await;
                log(format!("{} at {} rescue={}", args.at(0).to_s(), call.position().unwrap(), call.under_rescue()));
                Value::Nil
            }
            "set" => {
                self.variables.borrow_mut().insert(args.at(0).to_s(), args.at(1));
                Value::Nil
            }
            "fail_with_payload" => {
                call.interp().define_exception("Tool::Failed", "StandardError");
                let exception = call.interp().exception("Tool::Failed", "remote said no");
                exception.set_payload(Rc::new(42u8));
                return Err(call.interp().raise_at(call.context(), exception));
            }
            _ => match &self.parent {
                Some(parent) => return parent.clone().call(call, name, args).await,
                None => return Ok(None),
            },
        }))
    }

    async fn missing(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let value = self.variables.borrow().get(name).cloned();
        match (value, &self.parent) {
            (None, Some(parent)) => parent.clone().missing(call, name, args).await,
            (value, _) => Ok(value),
        }
    }
}

struct Files;

#[async_trait(?Send)]
impl Host for Files {
    async fn load(&self, _call: &Call, kind: LoadKind, name: &str) -> Result<Loaded, Unwind> {
        Ok(match (kind, name) {
            (LoadKind::Load, "config/deploy") => Loaded::Text {
                name: "config/deploy.rb".to_owned(),
                text: "set :loaded, true\nnonsense_word\n".to_owned(),
            },
            (LoadKind::RequireRelative, "lib/helper") => Loaded::Handled(true),
            _ => Loaded::NotFound,
        })
    }

    fn constant(&self, _call: &Call, name: &str) -> Reply {
        Ok((name == "Tool::VERSION").then(|| Value::str("9.9")))
    }

    fn words(&self, _self_value: &Value) -> Vec<String> {
        vec!["nonsense_words".to_owned()]
    }

    fn hints(&self, name: &str) -> Vec<String> {
        if name == "nonsense_word" { vec!["a plugin may define it".to_owned()] } else { Vec::new() }
    }
}

fn setup() -> (Interp, Rc<Space>) {
    (
        Interp::new(Rc::new(Files), Rc::new(MemoryEffects::new())),
        Rc::new(Space { name: "top".to_owned(), ..Space::default() }),
    )
}

fn run(interp: &Interp, space: &Rc<Space>, text: &str) -> Result<Value, Unwind> {
    block_on(interp.eval_file(&interp.context(), "Capfile", text, Value::Object(space.clone())))
}

#[test]
fn words_methods_variables_and_namespaces_resolve_outwards() {
    let (interp, space) = setup();
    let text = r##"
set :app, "shop"
def helper(x) = "#{app}-#{x}"
namespace :deploy do
  def inner = helper("in")
  task :restart, :roles => :app, :except => { :no_release => true } do
    run "touch #{inner}"
  end
  begin
    restart
  rescue StandardError
  end
  namespace(:web) { run inner }
end
"##;
    run(&interp, &space, text).unwrap_or_else(|u| panic!("{}", interp.error(u)));
    let expected = [
        "deploy:restart {:roles=>:app, :except=>{:no_release=>true}}",
        "touch shop-in at Capfile:7:5 rescue=true",
        "shop-in at Capfile:13:21 rescue=false",
    ];
    assert_eq!(*space.log.borrow(), expected);
}

#[test]
fn instance_variables_belong_to_self() {
    let (interp, space) = setup();
    let value = run(&interp, &space, "@a = 1\nnamespace(:x) { @a = 2; @b = 3 }\n[@a, @b]").unwrap();
    assert_eq!(value.inspect(), "[1, nil]");
}

#[test]
fn payloads_come_back_at_the_top_and_classes_can_be_rescued() {
    let (interp, space) = setup();
    let error = interp.error(run(&interp, &space, "fail_with_payload").unwrap_err());
    assert_eq!((error.class.as_str(), error.payload.unwrap().downcast_ref::<u8>()), ("Tool::Failed", Some(&42)));
    assert_eq!(error.diagnostics[0].position.as_ref().unwrap().to_string(), "Capfile:1:1");
    let value = run(
        &interp,
        &space,
        "begin; fail_with_payload; rescue Tool::Failed => e; [e.message, e.class, Tool::VERSION]; end",
    )
    .unwrap();
    assert_eq!(value.inspect(), "[\"remote said no\", Tool::Failed, \"9.9\"]");
}

#[test]
fn a_loaded_file_keeps_self_and_tells_from_where() {
    let (interp, space) = setup();
    let error =
        interp.error(run(&interp, &space, "require_relative 'lib/helper'\nload 'config/deploy'\n").unwrap_err());
    let expected = "config/deploy.rb:2:1: error: unknown variable, task or method `nonsense_word`\n  nonsense_word\n  ^^^^^^^^^^^^^\nnote: did you mean `nonsense_words`?\nnote: a plugin may define it\nnote: loaded from Capfile:2:1";
    assert_eq!(error.to_string(), expected);
    assert!(space.variables.borrow().contains_key("loaded"));
}

#[test]
fn strands_share_locals_and_keep_their_own_chain() {
    let (interp, space) = setup();
    let block = run(
        &interp,
        &space,
        "count = 0\nproc { |host| 3.times { |i| count += 1; run \"#{host}#{i} #{count}\" }; count }",
    )
    .unwrap();
    let block = block.as_proc().unwrap().clone();
    let cx = interp.context();
    let results = block_on(async {
        let (a, b) = (cx.fork(), cx.fork());
        let one = interp.call_proc(&a, &block, Args::one("a"), None);
        let two = interp.call_proc(&b, &block, Args::one("b"), None);
        let _guard = a.enter("in strand a");
        assert!(b.frames().is_empty());
        tokio::join!(one, two)
    });
    assert_eq!((results.0.unwrap().inspect(), results.1.unwrap().inspect()), ("6".to_owned(), "6".to_owned()));
    let order: Vec<String> = space.log.borrow().iter().map(|l| l.split(" at").next().unwrap().to_owned()).collect();
    // Which strand goes first is the executor's choice; that they take turns is not.
    let mut counts: Vec<&str> = order.iter().filter_map(|l| l.split(' ').nth(1)).collect();
    counts.sort_unstable();
    assert_eq!(counts, ["1", "2", "3", "4", "5", "6"]);
    let places: Vec<usize> =
        ["a0", "a1", "b0", "b1"].iter().filter_map(|w| order.iter().position(|l| l.starts_with(w))).collect();
    assert!(places[0].max(places[2]) < places[1].min(places[3]), "{order:?}");
}

#[test]
fn native_procs_are_callable_from_programs() {
    let (interp, space) = setup();
    let double =
        Proc::native(|_call, args| Box::pin(async move { Ok(Value::Int(args.at(0).as_int().unwrap_or(0) * 2)) }));
    space.variables.borrow_mut().insert("double".to_owned(), Value::Proc(double));
    assert_eq!(run(&interp, &space, "[1, 2].map(&double)").unwrap().inspect(), "[2, 4]");
}
