//! Finding recipes, `load`, `require`, and errors with their place.

use deploy_plan::{Problem, ProblemKind};
use deploy_ruby::{Effects, MemoryEffects};
use std::rc::Rc;

use super::{SEED, deployer, refuse};
use crate::{Loader, Recipe};

async fn found(files: &[(&str, &str)], cwd: &str) -> (Rc<MemoryEffects>, Result<Recipe, Box<Problem>>) {
    let effects = deployer();
    for (name, text) in files {
        effects.add_file(name, text);
    }
    effects.add_file(&format!("{cwd}/.keep"), "");
    // There is no call yet to change the directory with, so the recipe of a first load does it.
    effects.add_file("/cd.rb", &format!("Dir.chdir({cwd:?})"));
    let mut first = Loader::new(effects.clone());
    first.files = vec!["/cd.rb".into()];
    first.load().await.unwrap();
    let recipe = Loader::new(effects.clone()).load().await;
    (effects, recipe)
}

fn has_deploy(recipe: &Recipe) -> bool {
    recipe.explain("deploy:update_code").is_ok()
}

#[tokio::test]
async fn a_capfile_says_what_is_loaded() {
    let capfile =
        "load 'deploy' if respond_to?(:namespace)\nDir['vendor/*.rb'].each { |f| load f }\nload 'config/deploy'";
    let (effects, recipe) = found(&[("/app/Capfile", capfile), ("/app/config/deploy.rb", SEED)], "/app/lib/deep").await;
    let recipe = recipe.unwrap();
    assert!(has_deploy(&recipe));
    assert_eq!(effects.cwd(), "/app", "it enters the directory of the Capfile");
    let restart = recipe.explain("deploy:restart").unwrap();
    assert_eq!(restart.site.unwrap().to_string(), "config/deploy.rb:18:3");
    let (_, bare) = found(&[("/app/capfile", "load 'config/deploy'"), ("/app/config/deploy.rb", SEED)], "/app").await;
    assert!(!has_deploy(&bare.unwrap()), "without `load 'deploy'` there are only the recipe's own tasks");
}

#[tokio::test]
async fn config_deploy_alone_loads_the_deploy_recipes() {
    let (effects, recipe) = found(&[("/app/config/deploy.rb", SEED)], "/app/lib").await;
    assert!(has_deploy(&recipe.unwrap()));
    assert_eq!(effects.cwd(), "/app");
}

#[tokio::test]
async fn nothing_to_find() {
    let (_, recipe) = found(&[], "/empty").await;
    let problem = recipe.err().unwrap();
    assert_eq!(problem.kind, ProblemKind::Usage);
    assert!(problem.why.contains("/empty") && problem.next.is_some());
}

#[tokio::test]
async fn named_files() {
    let effects = deployer();
    effects.add_file("/a.rb", "task(:a) { }");
    effects.add_file("/b.rb", "load 'deploy'\ntask(:b) { }");
    let mut loader = Loader::new(effects.clone());
    loader.files = vec!["/a.rb".into(), "/b.rb".into()];
    let recipe = loader.load().await.unwrap();
    assert!(recipe.explain("a").is_ok() && recipe.explain("b").is_ok() && has_deploy(&recipe));
    let mut missing = Loader::new(effects);
    missing.files = vec!["/c.rb".into()];
    let problem = missing.load().await.err().unwrap();
    assert_eq!((problem.kind, problem.what.as_str()), (ProblemKind::Usage, "read the recipe /c.rb"));
}

#[tokio::test]
async fn loads() {
    let effects = deployer();
    effects.add_file("/lib/one.rb", "task(:one) { }");
    effects.add_file("/app/config/deploy.rb", "load 'lib/one'\nload '/lib/one.rb'\nload(:string => 'task(:two) { }')\nload { task(:three) { } }\nnamespace(:n) { load 'lib/one' }");
    let mut loader = Loader::new(effects);
    loader.files = vec!["/app/config/deploy.rb".into()];
    let recipe = loader.load().await.unwrap();
    for name in ["one", "two", "three"] {
        assert!(recipe.explain(name).is_ok(), "{name}");
    }
    assert!(recipe.explain("n:one").is_err(), "a loaded file is evaluated at the top");
}

#[tokio::test]
async fn what_cannot_be_loaded() {
    for (text, kind, words) in [
        ("load 'lib/none'", ProblemKind::Recipe, "no such file to load -- lib/none"),
        ("load 'deploy/else'", ProblemKind::Recipe, "no such file to load"),
        ("require 'acme/capistrano'", ProblemKind::Unsupported, "not built in"),
        ("require 'acme/recipes'", ProblemKind::Unsupported, "not built in"),
        ("require 'some/unknown/gem'", ProblemKind::Unsupported, "some/unknown/gem"),
    ] {
        let problem = refuse(&format!("set :a, 1\n{text}")).await;
        assert_eq!(problem.kind, kind, "{text}: {}", problem.why);
        assert!(problem.why.contains(words), "{text}: {}", problem.why);
        assert_eq!(problem.site.unwrap().line, 2, "{text}");
        if text.starts_with("require") {
            assert!(problem.next.unwrap().contains("CAP_ALLOW_REQUIRE="), "{text}");
        }
    }
}

#[tokio::test]
async fn a_gem_can_be_let_pass_or_rescued() {
    let effects = deployer();
    let text = "require 'some/gem'\nbegin\n  require 'other/gem'\nrescue LoadError\n  set :without, true\nend\n\
                require 'yaml'\nrequire 'rubygems'\nrequire 'capistrano'\nafter :t, 'gem:task'\n\
                task(:t) { gem_word.start(1) { boom }; SomeGem::Config.load; run \"echo #{gem_word}#{'a'.green}\" }\nrole :app, 'h'";
    effects.add_file("/app/config/deploy.rb", text);
    let mut loader = Loader::new(effects.clone());
    loader.files = vec!["/app/config/deploy.rb".into()];
    loader.allow_require = vec!["some/gem".into()];
    let recipe = loader.load().await.unwrap_or_else(|problem| panic!("{}", problem.why));
    assert!(effects.stderr().contains("is let pass"));
    let notes = super::Notes::default();
    super::run_recipe(&recipe, &["t"], &notes).await.unwrap();
    assert_eq!(notes.work(), ["run echo a @ h"]);
    let noted = notes.notes().join("\n");
    for word in ["`gem_word'", "`SomeGem::Config'", "the method `green'", "the task `gem:task'"] {
        assert!(noted.contains(word), "{word}: {noted}");
    }
    assert!(noted.contains("config/deploy.rb:1") && noted.contains("some/gem"), "{noted}");
    let mut loader = Loader::new(effects);
    loader.files = vec!["/app/config/deploy.rb".into()];
    let recipe = loader.load().await;
    assert!(recipe.is_err(), "without the allowance the require is an error");
}

#[tokio::test]
async fn the_place_of_an_error() {
    let syntax = refuse("task :x do\n  run 'a'\n").await;
    assert_eq!(syntax.kind, ProblemKind::Recipe);
    assert!(syntax.site.is_some() && syntax.why.contains('^'), "{}", syntax.why);
    let chain = refuse("def helper\n  nothing_here\nend\nnamespace(:x) do\n  helper\nend").await;
    let site = chain.site.unwrap();
    assert_eq!((&*site.file, site.line, site.column), ("/app/config/deploy.rb", 2, 3));
    assert!(chain.why.contains("in `helper`, called from /app/config/deploy.rb:5:3"), "{}", chain.why);
    let task = super::fail("role :app, 'h'\ntask(:t) { nothing_here }", &["t"]).await.0;
    assert!(task.why.contains("in task t"), "{}", task.why);
}

#[tokio::test]
async fn events_of_loading_and_leaving() {
    let effects = deployer();
    effects.add_file(
        "/app/config/deploy.rb",
        "on(:load) { set :loaded, true }\non(:exit) { puts 'bye' }\nat_exit { puts 'really' }\ntask(:t) { puts 'work' }",
    );
    let mut loader = Loader::new(effects.clone());
    loader.files = vec!["/app/config/deploy.rb".into()];
    let recipe = loader.load().await.unwrap();
    assert!(recipe.setting("loaded").await.unwrap().unwrap().is_truthy());
    let notes = super::Notes::default();
    super::run_recipe(&recipe, &["t"], &notes).await.unwrap();
    assert_eq!(*notes.messages.borrow(), ["work", "bye"]);
    recipe.at_exit().await.unwrap();
    assert_eq!(effects.stdout(), "really\n");
}

/// They are a part of the flow: behind the last task and the edge, when all is done, and only if it went well.
#[tokio::test]
async fn hooks_of_exit_can_ask_hosts() {
    let hooks = "on :exit, 'byebye'\ntask(:byebye) { run 'bye', :roles => :db }\non(:exit) { run 'end' }\n";
    let tasks =
        "role :app, 'a'\nrole :db, 'd', :primary => true\ntask(:t) { run 'x' }\ntask(:bad) { run 'x'; raise 'no' }\n";
    let notes = super::run(&format!("{tasks}{hooks}"), &["t", "t"]).await;
    assert_eq!(notes.work(), ["run x @ a,d", "run x @ a,d", "settle Exit", "run bye @ d", "run end @ a,d"]);
    for asked in [&["bad"][..], &["nosuch"]] {
        let (_, notes) = super::fail(&format!("{tasks}{hooks}"), asked).await;
        assert!(!notes.work().iter().any(|line| line.contains("bye") || line.contains("settle")), "{:?}", notes.lines);
    }
    let deployed = super::run(&format!("{SEED}\n{hooks}"), &["deploy:update"]).await.work();
    let at = |what: &str| deployed.iter().position(|line| line.starts_with(what)).unwrap();
    assert!(
        at("publish") < at("edge") && at("edge") < at("settle Exit") && at("settle Exit") < at("run bye"),
        "{deployed:?}"
    );
    let (problem, _) = super::fail(&format!("{tasks}on(:exit) {{ raise 'late' }}"), &["t"]).await;
    assert!(problem.why.contains("late") && problem.why.contains("in a hook of :exit"), "{}", problem.why);
    assert_eq!(problem.site.unwrap().line, 5);
}

#[tokio::test]
async fn a_rehearsal_does_nothing_at_the_end() {
    let effects = deployer();
    effects.add_file("/tmp/.keep", "");
    effects.add_file(
        "/app/config/deploy.rb",
        "role :app, 'h'\non(:exit) { File.open('/tmp/a', 'w') { |f| f.write 'x' } }\non :exit, :t\n\
         at_exit { File.open('/tmp/b', 'w') { |f| f.write 'x' } }\n\
         task(:t) { at_exit { system 'echo x > /tmp/c' } }",
    );
    let mut loader = Loader::new(effects.clone());
    loader.files = vec!["/app/config/deploy.rb".into()];
    loader.rehearsal = true;
    let recipe = loader.load().await.unwrap();
    let notes = super::Notes::default();
    notes.rehearsal.set(true);
    super::run_recipe(&recipe, &["t"], &notes).await.unwrap();
    effects.on_run(|command| panic!("{command:?} runs in a rehearsal"));
    recipe.at_exit().await.unwrap();
    assert_eq!(effects.stdout(), "");
    let said = effects.stderr();
    for words in ["a hook of :exit (", "calls t (", "at_exit block (/app/config/deploy.rb:4:", "deploy.rb:5:"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert!(notes.lines.borrow().iter().filter(|line| line.starts_with("> t")).count() == 1, "{:?}", notes.lines);
    super::load_with(effects.clone(), "puts ['/tmp/a', '/tmp/b', '/tmp/.keep'].map { |f| File.exist?(f) }.inspect")
        .await
        .unwrap();
    assert_eq!(effects.stdout(), "[false, false, true]\n");
}

#[tokio::test]
async fn syntax_outside_the_language_is_listed_and_stops_only_when_reached() {
    let recipe = super::load("role :app, 'h'\ntask(:bad) { undef puts }\ntask(:good) { run 'x' }").await;
    assert_eq!(recipe.unsupported().len(), 1);
    let notes = super::Notes::default();
    super::run_recipe(&recipe, &["good"], &notes).await.unwrap();
    assert!(super::run_recipe(&recipe, &["bad"], &notes).await.is_err());
}

#[tokio::test]
async fn what_the_machine_and_the_person_have_comes_first() {
    let effects = deployer();
    effects.add_file("/etc/capistrano.conf", "set :a, 'machine'; set :b, 'machine'");
    effects.add_file("/home/user/.caprc", "set :b, 'person'; set :c, 'person'");
    effects.add_file("/r.rb", "set :c, 'recipe'");
    let load = |skip: bool| {
        let mut loader = Loader::new(effects.clone());
        (loader.files, loader.skip_user, loader.skip_system) = (vec!["/r.rb".into()], skip, skip);
        loader.load()
    };
    let recipe = load(false).await.unwrap();
    for (name, value) in [("a", "machine"), ("b", "person"), ("c", "recipe")] {
        assert_eq!(recipe.setting(name).await.unwrap().unwrap().text().unwrap(), value);
    }
    assert_eq!(load(true).await.unwrap().setting("a").await.unwrap(), None);
}

#[tokio::test]
async fn a_name_that_no_variable_can_have() {
    let effects = deployer();
    effects.add_file("/r.rb", "");
    let mut loader = Loader::new(effects);
    loader.files = vec!["/r.rb".into()];
    loader.after = vec![("Big".into(), crate::CliValue::Nil)];
    assert_eq!(loader.load().await.err().unwrap().kind, ProblemKind::Usage);
}
