//! `cap check` and `cap doctor`, and what is passed over as it is loaded.

use super::deployer;
use super::v3::{load, project};
use crate::{Checked, Loader, Met};

async fn check(files: &[(&str, &str)], allowed: &[&str]) -> Checked {
    let effects = deployer();
    for (name, text) in files {
        effects.add_file(name, text);
    }
    effects.on_run(|command| panic!("{command:?} runs in a check"));
    let mut loader = Loader::new(effects.clone());
    loader.allow_require = allowed.iter().map(|&name| name.to_owned()).collect();
    let checked = loader.check().await.unwrap_or_else(|problem| panic!("{}: {}", problem.what, problem.why));
    assert_eq!(effects.stdout() + &effects.stderr(), "", "a check runs nothing");
    checked
}

/// Head lines of what was found.
fn heads(found: &[deploy_ruby::Diagnostic]) -> Vec<String> {
    found.iter().map(|found| found.render().lines().next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn everything_at_once_in_all_files_of_dialect_2() {
    let found = check(
        &[
            ("/Capfile", "load 'deploy'\nload 'config/deploy'\nputs `touch /x`"),
            (
                "/config/deploy.rb",
                "require './lib/more'\nrequire File.expand_path('../own', __FILE__)\nrequire 'bundler/capistrano'\n\
                 task(:a) { Thread.new { } }\nload 'no/such'\nrequire 'airbrake/capistrano'\nrequire './config/boot'\n",
            ),
            ("/lib/more.rb", "undef puts\n\nrequire 'their/capistrano'\nrequire 'json'"),
            ("/config/own.rb", "  set :a, \n"),
        ],
        &[],
    )
    .await;
    assert_eq!(found.because, "Capfile:1: load 'deploy'");
    assert_eq!(found.files, ["Capfile", "config/deploy.rb", "lib/more.rb", "config/own.rb"]);
    let errors = heads(&found.errors);
    assert_eq!(errors[0], "config/deploy.rb:4:12: error: `Thread` is outside the language here");
    assert_eq!(errors[1], "lib/more.rb:1:1: error: `undef` is outside the language here");
    assert!(errors[2].starts_with("lib/more.rb:3:1: error: nothing is built in for `require \"their/capistrano\"`"));
    assert!(errors[3].starts_with("config/own.rb:1:"), "{errors:?}");
    assert!(found.errors[2].render().contains("CAP_ALLOW_REQUIRE=their/capistrano"));
    assert_eq!(heads(&found.warnings), ["config/deploy.rb:5:1: warning: there is no file no/such"]);
    let met: Vec<Met> = found.required.iter().map(|required| required.met).collect();
    let expected = [Met::File, Met::File, Met::BuiltIn, Met::Notifier, Met::Skipped, Met::Unknown, Met::Library];
    assert_eq!(met, expected);
    assert_eq!((found.required[5].place.as_str(), found.top_tasks), ("lib/more.rb:3:1", vec!["a".to_owned()]));
}

#[tokio::test]
async fn stages_and_task_files_of_dialect_3() {
    let files = [
        (
            "/Capfile",
            "require 'capistrano/setup'\nrequire 'capistrano/unheard_of'\n\
             Dir.glob('lib/capistrano/tasks/*.rake').each { |r| import r }",
        ),
        ("/config/deploy.rb", "set :application, 'x'"),
        ("/config/deploy/production.rb", "case 1\nin Integer then 2\nend"),
        ("/config/deploy/staging.rb", "fork { }"),
        ("/lib/capistrano/tasks/a.rake", "namespace :n do\n  task :inner do\n  end\nend\ntask check: :inner"),
    ];
    let found = check(&files, &[]).await;
    assert_eq!(found.files.len(), 5, "{:?}", found.files);
    assert_eq!(found.top_tasks, ["check"], "a task in a namespace is not called by its bare name");
    let errors = heads(&found.errors);
    assert!(errors.iter().any(|line| line.starts_with("config/deploy/production.rb:1:1: error: pattern matching")));
    assert!(errors.iter().any(|line| line.starts_with("config/deploy/staging.rb:1:1: error: `fork`")));
    assert_eq!(errors.len(), 3, "{errors:?}");
    let found = check(&files, &["capistrano/unheard_of"]).await;
    assert_eq!((found.errors.len(), found.required[1].met), (2, Met::Allowed));
}

#[tokio::test]
async fn doctor_names_what_nothing_reads() {
    let effects = project(
        "require 'capistrano/bundler'\n",
        "lock '~> 3.17'\nset :kept_releases, 3\nset :colour, 'red'\nset :keep_releases, 3\nset :bundle_jobs, 2\n",
        "task(:paint) { puts fetch(:colour) }",
    );
    let mut loader = Loader::new(effects.clone());
    loader.words = vec!["production".to_owned()];
    let checked = loader.check().await.unwrap();
    let recipe = load(effects, &["production"]).await.unwrap();
    assert_eq!(recipe.unread(), [("kept_releases".to_owned(), "config/deploy.rb:5:1".to_owned())]);
    let text = recipe.doctor(&checked).await.unwrap();
    for words in [
        "dialect: Capistrano 3 (Capfile:1: require",
        "lock: \"~> 3.17\"",
        "  lib/capistrano/tasks/own.rake\n",
        "  capistrano/bundler  built in  (Capfile:",
        "  web1  [web]\n",
        ":kept_releases is set (config/deploy.rb:5:1), and nothing reads it",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
}

#[tokio::test]
async fn what_loads_the_application_is_passed_over_with_a_warning() {
    let text = "require './config/boot'\nrequire 'capistrano/ext/monitor'\nrole :app, 'h'\ntask(:t) { run 'x' }";
    let recipe = super::load(text).await;
    let notes = super::Notes::default();
    super::run_recipe(&recipe, &["t"], &notes).await.unwrap();
    let said = notes.lines.borrow().join("\n");
    assert!(said.contains("`require \"./config/boot\"` is skipped"), "{said}");
    assert!(said.contains("monitor:load"), "{said}");
}
