//! Variables, namespaces, tasks and descriptions as a recipe writes them.

use super::{SEED, deployer, fail, load, load_with, refuse, run};
use crate::{CliValue, Loader};
use deploy_inventory::Property;

/// Runs a task whose commands show what the recipe computes.
async fn shown(recipe: &str) -> Vec<String> {
    let notes = run(&format!("role :app, 'h'\n{recipe}"), &["t"]).await;
    notes.work().iter().map(|line| line.trim_start_matches("run ").trim_end_matches(" @ h").to_owned()).collect()
}

#[tokio::test]
async fn variables() {
    let recipe = r##"
        set :plain, 1
        set(:lazy) { $count = ($count || 0) + 1; "lazy#{$count}" }
        set :callable, lambda { "called" }
        set :later, defer { "deferred" }
        set :options, :a => 1
        task :t do
          run "#{plain} #{lazy} #{lazy} #{callable} #{later} #{options[:a]}"
          run "#{fetch(:plain)} #{fetch(:none, 'default')} #{fetch(:none) { |n| "block #{n}" }} #{self[:none].inspect} #{self[:plain]}"
          run "#{exists?(:plain)} #{exists?(:none)}"
          unset :plain
          run "#{exists?(:plain)}"
          reset! :lazy
          run lazy
          self[:plain] = 5
          run plain.to_s
          run "#{variables[:plain]}"
        end
    "##;
    assert_eq!(
        shown(recipe).await,
        ["1 lazy1 lazy1 called deferred 1", "1 default block none nil 1", "true false", "false", "lazy2", "5", "5"]
    );
}

#[tokio::test]
async fn lazy_values_see_what_is_set_later() {
    let recipe = "set(:a) { \"#{b}!\" }\nset :b, 'one'\nset :b, 'two'\ntask(:t) { run a }";
    assert_eq!(shown(recipe).await, ["two!"]);
}

#[tokio::test]
async fn bad_variables() {
    for (recipe, words) in [
        ("set :Big, 1", "must begin with a lower-case letter"),
        ("set :a", "either a value or a block"),
        ("set(:a, 1) { }", "either a value or a block"),
        ("set :a, 1, 2", "wrong number of arguments"),
        ("puts fetch(:aplication)", "the variable `aplication' is not set"),
        ("puts aplication", "did you mean `application`"),
        ("set(:a) { b }; set(:b) { a }; puts a", "a → b → a"),
    ] {
        let problem = refuse(&format!("set :application, 'x'\n{recipe}")).await;
        assert!(problem.why.contains(words), "{recipe}: {}", problem.why);
        assert_eq!(problem.site.as_ref().map(|site| site.line), Some(2), "{recipe}");
    }
}

#[tokio::test]
async fn an_unknown_word_is_shown_with_its_place() {
    let problem = refuse("set :application, 'x'\nputs \"hello #{aplication}\"").await;
    let site = problem.site.unwrap();
    assert_eq!((site.line, site.column), (2, 15));
    assert!(
        problem.why.contains("puts \"hello #{aplication}\"\n") && problem.why.contains("^^^^^^^^^^"),
        "{}",
        problem.why
    );
}

#[tokio::test]
async fn command_line_variables() {
    let effects = deployer();
    effects.add_file("/app/r.rb", "set :seen, exists?(:early) ? early : 'no'\nset :both, 1\nrole :app, 'h'\ntask(:t) { run \"#{seen} #{both} #{late}\" }");
    let mut loader = Loader::new(effects);
    loader.files = vec!["/app/r.rb".into()];
    loader.before = vec![("early".into(), CliValue::Text("yes".into())), ("late".into(), CliValue::Int(1))];
    loader.after = vec![("both".into(), CliValue::Int(2)), ("late".into(), CliValue::Bool(true))];
    let recipe = loader.load().await.unwrap();
    let notes = super::Notes::default();
    super::run_recipe(&recipe, &["t"], &notes).await.unwrap();
    assert_eq!(notes.work(), ["run yes 2 true @ h"]);
}

#[tokio::test]
async fn namespaces_and_calls() {
    let recipe = r##"
        namespace :a do
          def helper(x) "helped #{x}" end
          task(:one) { run "a:one" }
          namespace :b do
            task(:two) { one; run helper(1) }
          end
          task(:restart) { run "a:restart" }
        end
        namespace :a do
          task(:three) { restart; top.restart; b.two }
        end
        task(:restart) { run "top restart" }
        alias_task :other, "a:one"
        task :t do
          a.three
          a.b.two
          find_and_execute_task("a:b:two")
          other
          run current_task.fully_qualified_name
          run "#{find_task('a:nothing').inspect} #{find_task('a:one').name}"
        end
    "##;
    assert_eq!(
        shown(recipe).await,
        [
            "a:restart",
            "top restart",
            "a:one",
            "helped 1",
            "a:one",
            "helped 1",
            "a:one",
            "helped 1",
            "a:one",
            "t",
            "nil one"
        ]
    );
}

#[tokio::test]
async fn a_task_takes_no_arguments() {
    let (problem, _) = fail("role :app, 'h'\ntask(:a) { }\ntask(:t) { a(1) }", &["t"]).await;
    assert!(problem.why.contains("a task takes no arguments"), "{}", problem.why);
}

#[tokio::test]
async fn respond_to_knows_words_tasks_and_variables() {
    let recipe = "set :v, 1\nnamespace(:n) { task(:x) { } }\ntask :t do\n  \
                  run [:namespace, :v, :n, :t, :nothing].map { |w| respond_to?(w) }.join(' ')\nend";
    assert_eq!(shown(recipe).await, ["true true true true false"]);
}

#[tokio::test]
async fn descriptions() {
    let recipe = load(
        "desc <<-D\n  First sentence. Second.\n\n    code\nD\nnamespace(:x) { task(:one) { } }\ntask(:two) { }\n\
         desc '[internal] Hidden.'\ntask(:three) { }\ndesc 'Four'\ntask(:four) { }\ntask(:four) { }",
    )
    .await;
    let one = recipe.explain("x:one").unwrap();
    assert_eq!(
        (one.summary.as_str(), one.description.as_deref()),
        ("First sentence.", Some("First sentence. Second.\n\n  code"))
    );
    assert!(!one.hidden && recipe.explain("two").unwrap().hidden && recipe.explain("three").unwrap().hidden);
    assert!(recipe.explain("four").unwrap().hidden, "redefinition replaces the description");
    let names: Vec<String> =
        recipe.tasks().into_iter().filter(|task| task.name.starts_with("deploy:web")).map(|task| task.name).collect();
    assert_eq!(names, ["deploy:web:disable", "deploy:web:enable"]);
    let wrong = recipe.explain("deploy:restrat").unwrap_err();
    assert_eq!(wrong.next.as_deref(), Some("did you mean `deploy:restart`?"));
}

#[tokio::test]
async fn every_built_in_task_has_a_summary() {
    let recipe = load("").await;
    for task in recipe.tasks() {
        assert!(task.summary.ends_with('.'), "{task:?}");
        assert!(task.description.unwrap().len() >= task.summary.len());
    }
}

#[tokio::test]
async fn questions() {
    let effects = deployer();
    for answer in ["main", "", "maybe", "yes", "secret"] {
        effects.add_answer(answer);
    }
    let text = r##"
        role :app, 'h'
        task :t do
          ui = Capistrano::CLI.ui
          run ui.ask("Branch? ")
          run(ui.ask("Tag? ") { |q| q.default = "v1" })
          run ui.agree("Sure? ").to_s
          run Capistrano::CLI.password_prompt("Password: ")
        end
    "##;
    let recipe = load_with(effects, text).await.unwrap();
    let notes = super::Notes::default();
    super::run_recipe(&recipe, &["t"], &notes).await.unwrap();
    let runs: Vec<String> = notes.work().into_iter().filter(|line| line.starts_with("run")).collect();
    assert_eq!(runs, ["run main @ h", "run v1 @ h", "run true @ h", "run secret @ h"]);
    assert_eq!(notes.work().iter().filter(|line| *line == "settle Prompt").count(), 5);
}

#[tokio::test]
async fn a_question_that_nobody_answers() {
    let (problem, _) = fail("role :app, 'h'\ntask(:t) { Capistrano::CLI.ui.ask('Branch? ') }", &["t"]).await;
    assert_eq!((problem.kind, problem.what.as_str()), (deploy_plan::ProblemKind::Usage, "ask \"Branch?\""));
}

#[tokio::test]
async fn settings_and_what_was_never_read() {
    let recipe = load(&format!("{SEED}\nset :typo, 1\nset(:max_failed) {{ 2 }}")).await;
    assert_eq!(recipe.setting("max_failed").await.unwrap(), Some(Property::Int(2)));
    assert_eq!(recipe.setting("nothing").await.unwrap(), None);
    let unread: Vec<String> = recipe.never_read().into_iter().map(|(name, _)| name).collect();
    assert!(unread.contains(&"typo".to_owned()) && !unread.contains(&"application".to_owned()), "{unread:?}");
}

#[tokio::test]
async fn configuration_instance() {
    let recipe = "Capistrano::Configuration.instance(:must_exist).load do\n  set :x, 5\n  task(:t) { run x.to_s }\nend";
    assert_eq!(shown(recipe).await, ["5"]);
    let old = "Capistrano::Configuration.instance.load { namespace(:n) { task(:u) { run 'u' } } }\ntask(:t) { n.u }";
    assert_eq!(shown(old).await, ["u"]);
}
