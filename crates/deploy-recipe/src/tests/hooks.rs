//! Hooks: order, scope, names.

use super::{NEW, SEED, fail, load, run};

async fn order(recipe: &str, task: &str) -> Vec<String> {
    let notes = run(&format!("role :app, 'h'\n{recipe}"), &[task]).await;
    let work = notes.work();
    work.iter().map(|line| line.trim_start_matches("run ").trim_end_matches(" @ h").to_owned()).collect()
}

#[tokio::test]
async fn firing_order() {
    let recipe = r#"
        task(:t) { run "body" }
        task(:before_t) { run "magic before" }
        task(:after_t) { run "magic after" }
        task(:a) { run "a" }
        before :t, "a"
        before(:t) { run "block" }
        on(:before, "b", :only => "t")
        task(:b) { run "b" }
        on(:before, :except => "t") { run "never" } 
        after "t", "c", "d"
        task(:c) { run "c" }
        task(:d) { run "d" }
        on(:start) { run "start" }
        on(:finish) { run "finish" }
    "#;
    // The hooks `a`, `b`, … are tasks too, so the one that excepts only `t` fires for them.
    let all = order(recipe, "t").await;
    let named: Vec<&str> = all.iter().map(String::as_str).filter(|line| *line != "never").collect();
    assert_eq!(named, ["start", "magic before", "a", "block", "b", "body", "c", "d", "magic after", "finish"]);
    assert_eq!(all.iter().filter(|line| *line == "never").count(), 6);
}

#[tokio::test]
async fn scope_of_hooks() {
    let recipe = "role :web, 'w'\nrole :app, 'a'\ntask(:t, :roles => :app) { run 'body' }\n\
                  before(:t) { run 'in the scope of t' }\ntask(:h, :roles => :web) { run 'own scope' }\nbefore :t, :h";
    let notes = run(recipe, &["t"]).await;
    assert_eq!(notes.work(), ["run in the scope of t @ a", "run own scope @ w", "run body @ a"]);
}

#[tokio::test]
async fn a_hook_never_fires_for_itself_and_each_call_of_a_task_counts() {
    let recipe = "task(:t) { run 't' }\non :before, 'h'\ntask(:h) { run 'h' }\ntask(:twice) { t; t }";
    assert_eq!(order(recipe, "twice").await, ["h", "h", "t", "h", "t"]);
}

#[tokio::test]
async fn default_tasks_go_by_their_namespace() {
    let recipe =
        "namespace(:x) { task(:default) { run 'x' } }\nafter('x:default') { run 'never' }\nafter('x') { run 'after' }";
    assert_eq!(order(recipe, "x:default").await, ["x", "after"]);
}

#[tokio::test]
async fn a_failing_before_hook_skips_the_rest() {
    let (problem, notes) =
        fail("role :app, 'h'\ntask(:t) { run 't' }\nbefore(:t) { raise 'no' }\nafter(:t) { run 'after' }", &["t"])
            .await;
    assert!(notes.work().is_empty());
    assert!(problem.why.contains("no"), "{}", problem.why);
}

#[tokio::test]
async fn hooks_on_unknown_tasks_are_dead_and_unknown_targets_fail_when_fired() {
    assert_eq!(order("task(:t) { run 't' }\nbefore('nothing') { run 'x' }", "t").await, ["t"]);
    let (problem, _) = fail("role :app, 'h'\ntask(:t) { run 't' }\nbefore :t, 'tt'", &["t"]).await;
    assert_eq!(problem.why, "the task `tt' does not exist");
    assert_eq!(problem.next.as_deref(), Some("did you mean `t`?"));
}

#[tokio::test]
async fn magic_names() {
    let search = "namespace(:x) { task(:restart) { run 'r' } }\ntask(:after_restart) { run 'top' }";
    assert_eq!(order(search, "x:restart").await, ["r", "top"]);
    let off = format!("set :magic_hooks, false\n{search}");
    assert_eq!(order(&off, "x:restart").await, ["r"]);
    let hooked = format!("{search}\nafter 'x:restart', 'after_restart'");
    assert_eq!(order(&hooked, "x:restart").await, ["r", "top"], "once");
    let called = format!("{search}\ntask(:other) {{ after_restart }}");
    assert_eq!(order(&called, "x:restart").await, ["r"]);
    assert_eq!(order(&called, "other").await, ["top"]);
    let notes = run(&format!("role :app, 'h'\n{called}"), &["x:restart"]).await;
    assert_eq!(
        notes.notes(),
        ["after_restart is not run after x:restart by its name: the recipe calls it itself at /app/config/deploy.rb:4"]
    );
}

#[tokio::test]
async fn magic_names_are_off_where_the_lock_file_says_so() {
    let effects = super::deployer();
    effects.add_file("/Gemfile.lock", "GEM\n  specs:\n    capistrano (2.15.5)\n");
    let recipe = super::load_with(effects, SEED).await.unwrap();
    let notes = super::Notes::default();
    super::run_recipe(&recipe, &["deploy:update_code"], &notes).await.unwrap();
    assert!(!notes.work().iter().any(|line| line.contains(&format!("releases/{NEW}/config"))));
    assert!(notes.notes().iter().any(|note| note.contains("pins capistrano 2.15.5")), "{:?}", notes.notes());
}

#[tokio::test]
async fn arguments_are_checked() {
    for (recipe, words) in [
        ("on :boot, 'x'", "no event `boot'"),
        ("before 't'", "either a task's name or a block"),
        ("before('t', 'x') { }", "not both"),
        ("task :x", "needs a block"),
        ("namespace :x", "needs a block"),
        ("namespace(:x) { }\ntask(:x) { }", "would shadow an existing namespace"),
        ("task(:x) { }\nnamespace(:x) { }", "would shadow an existing task"),
        ("task(:run) { }", "would shadow an existing method"),
        ("namespace(:puts) { }", "would shadow an existing method"),
    ] {
        let problem = super::refuse(recipe).await;
        assert!(problem.why.contains(words), "{recipe}: {}", problem.why);
    }
    load("namespace(:db) { task(:run) { } }").await;
}

#[tokio::test]
async fn endless_calls_name_the_circle() {
    let (problem, _) = fail("role :app, 'h'\ntask(:a) { b }\ntask(:b) { a }", &["a"]).await;
    assert!(problem.why.contains("a → b → a"), "{}", problem.why);
}
