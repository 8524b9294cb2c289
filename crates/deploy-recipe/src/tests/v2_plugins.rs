//! The recipes of plugin gems for dialect 2 that are built in.

use super::{Notes, deployer, load_with, run_on, run_recipe};
use crate::Loader;

const BASE: &str = "set :application, 'shop'\nset :repository, 'git@example.com:shop.git'\nset :scm, :git\n\
    set :deploy_to, '/srv/shop'\nset :use_sudo, false\nserver 'web1', :app, :web\nserver 'db1', :db, :app, :primary => true\n";

const RELEASE: &str = "/srv/shop/releases/20261123054446";

/// The commands of a run of tasks, without those that ask the hosts for what is there.
async fn commands(gem: &str, more: &str, tasks: &[&str]) -> Vec<String> {
    let notes = run_on(&format!("{gem}\n{BASE}{more}"), tasks, Notes::default()).await;
    notes.work()
}

fn position(lines: &[String], wanted: &str) -> usize {
    lines.iter().position(|line| line.contains(wanted)).unwrap_or_else(|| panic!("{wanted} is not in {lines:#?}"))
}

#[tokio::test]
async fn each_of_them_loads_and_does_its_work_in_a_deploy() {
    for (gem, more, wanted) in [
        (
            "require 'bundler/capistrano'",
            "",
            "bundle install --gemfile RELEASE/Gemfile --path /srv/shop/shared/bundle --deployment --quiet --without development test @ web1,db1",
        ),
        (
            "require 'bundler/capistrano'",
            "set :bundle_without, []\nset :bundle_flags, ''\n",
            "--path /srv/shop/shared/bundle @",
        ),
        ("load 'deploy/assets'", "", "ln -s /srv/shop/shared/assets RELEASE/public/assets @ web1"),
        ("load 'deploy/assets'", "", "RAILS_ENV=production RAILS_GROUPS=assets rake assets:precompile @ web1"),
        (
            "require 'whenever/capistrano'",
            "",
            "whenever --update-crontab shop --set environment=production --roles=app,db @ db1",
        ),
        ("require 'sidekiq/capistrano'", "", "bundle exec sidekiqctl quiet /srv/shop/current/tmp/pids/sidekiq.pid"),
        ("require 'sidekiq/capistrano'", "", "nohup bundle exec sidekiq -e production"),
        ("require 'puma/capistrano'", "", "bundle exec pumactl -S /srv/shop/shared/sockets/puma.state restart"),
        (
            "require 'mongrel_cluster/recipes'",
            "",
            "mongrel_rails cluster::restart -C /etc/mongrel_cluster/shop.yml @ web1,db1",
        ),
        ("require 'dotenv/capistrano'", "", "ln -nfs /srv/shop/shared/.env RELEASE/.env @ web1,db1"),
    ] {
        let all = commands(gem, more, &["deploy"]).await;
        position(&all, &wanted.replace("RELEASE", RELEASE));
    }
}

#[tokio::test]
async fn their_tasks_can_be_called_and_hooked() {
    for (gem, task, wanted) in [
        (
            "require 'delayed/recipes'",
            "delayed_job:restart",
            "RAILS_ENV=production script/delayed_job restart @ web1,db1",
        ),
        ("require 'capistrano-unicorn'", "unicorn:reload", "kill -s HUP `cat /srv/shop/current/tmp/pids/unicorn.pid`"),
        ("require 'capistrano-unicorn'", "unicorn:start", "bundle exec unicorn -c"),
        ("require 'capistrano-resque'\nset :resque_role, :app", "resque:start", "QUEUE=\"*\""),
        (
            "require 'thinking_sphinx/deploy/capistrano'",
            "thinking_sphinx:rebuild",
            "rake RAILS_ENV=production thinking_sphinx:rebuild",
        ),
        (
            "require 'foreman/capistrano'\nset :user, 'ann'",
            "foreman:export",
            "foreman export upstart /etc/init -f ./Procfile -a shop -u ann",
        ),
        ("require 'rvm/capistrano'", "rvm:install_rvm", "[ -x $HOME/.rvm/bin/rvm ]"),
        (
            "require 'capistrano-rbenv'\nset :rbenv_ruby_version, '3.1.2'",
            "rbenv:setup",
            "$HOME/.rbenv/bin/rbenv install 3.1.2",
        ),
        ("load 'deploy/assets'", "deploy:assets:clean_expired", "-mmin +10080"),
    ] {
        position(&commands(gem, "load 'deploy'\n", &[task]).await, wanted);
    }
}

#[tokio::test]
async fn a_bundle_is_installed_before_assets_are_compiled_and_rake_runs_with_it() {
    let both = "require 'bundler/capistrano'\nload 'deploy/assets'";
    let all = commands(both, "", &["deploy"]).await;
    let install = position(&all, "bundle install");
    let compile = position(&all, "bundle exec rake assets:precompile");
    let live = position(&all, "publish");
    assert!(install < compile && compile < live, "{all:#?}");
    let again = format!("{both}\nload 'deploy/assets'\nrequire 'bundler/capistrano'");
    let twice = commands(&again, "", &["deploy"]).await;
    assert_eq!(twice.iter().filter(|line| line.contains("bundle install")).count(), 1);
}

#[tokio::test]
async fn commands_run_in_the_shell_of_rvm() {
    let recipe = load_with(
        deployer(),
        &format!(
            "require 'rvm/capistrano'\n{BASE}set :rvm_ruby_string, '1.9.3@shop'\ntask(:t) {{ puts default_shell }}"
        ),
    )
    .await
    .unwrap_or_else(|problem| panic!("{problem:?}"));
    let notes = Notes::default();
    run_recipe(&recipe, &["t"], &notes).await.unwrap();
    let said = notes.messages.borrow().join("\n");
    assert!(said.contains("rvm_path=$HOME/.rvm $HOME/.rvm/bin/rvm-shell '1.9.3@shop'"), "{said}");
}

/// A recipe with two stages; the words of the command line.
async fn load_staged(more: &str, words: &[&str]) -> Result<crate::Recipe, String> {
    let effects = deployer();
    effects.add_file("/app/config/deploy/staging.rb", "server 'stage1', :app, :web, :db\nset :user, 'stager'\n");
    effects
        .add_file("/app/config/deploy/production.rb", "server 'prod1', :app, :web, :db\ntask(:extra) { run 'true' }\n");
    let text = format!("{more}require 'capistrano/ext/multistage'\ntask(:hi) {{ run \"hi #{{stage}}\" }}\n");
    effects.add_file("/app/Capfile", &text);
    effects.enter("/app");
    let mut loader = Loader::new(effects);
    loader.words = words.iter().map(|word| (*word).to_owned()).collect();
    loader.load().await.map_err(|problem| problem.why)
}

async fn staged(more: &str, words: &[&str]) -> Result<Notes, String> {
    let recipe = load_staged(more, words).await?;
    let notes = Notes::default();
    match run_recipe(&recipe, words, &notes).await {
        Ok(()) => Ok(notes),
        Err(deploy_plan::Stopped::Problem(problem)) => Err(format!("{}: {}", problem.what, problem.why)),
        Err(other) => Err(format!("{other} {:?}", notes.messages.borrow())),
    }
}

#[tokio::test]
async fn a_stage_is_chosen_by_the_first_word_or_by_default() {
    for (more, words, wanted) in [
        ("", &["staging", "hi"][..], "run hi staging @ stage1"),
        ("set :default_stage, 'production'\n", &["hi"][..], "run hi production @ prod1"),
        ("set :default_stage, :production\n", &["staging", "hi"][..], "run hi staging @ stage1"),
        ("set :stages, %w[production]\n", &["production", "extra"][..], "run true @ prod1"),
    ] {
        let notes = staged(more, words).await.unwrap_or_else(|why| panic!("{words:?}: {why}"));
        assert!(notes.work().iter().any(|line| line == wanted), "{words:?}: {:#?}", notes.work());
    }
    let none = staged("", &["hi"]).await.err().unwrap();
    assert!(none.contains("no stage is chosen") || none.contains("status 2"), "{none}");
}

#[tokio::test]
async fn the_word_of_the_stage_is_known() {
    for (words, wanted) in [
        (&["staging", "hi"][..], Some("staging")),
        (&["hi", "production"][..], Some("production")),
        (&["hi"][..], None),
    ] {
        let recipe = load_staged("set :default_stage, 'staging'\n", words).await.unwrap();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(recipe.stage_word(&words), wanted, "{words:?}");
    }
}

#[tokio::test]
async fn notifiers_are_never_dropped_silently() {
    let text = format!(
        "{BASE}require 'airbrake/capistrano'\nrequire 'new_relic/recipes'\nafter 'deploy:update', 'newrelic:notice_deployment'\n"
    );
    let notes = run_on(&text, &["deploy"], Notes::default()).await;
    let noted = notes.notes().join("\n");
    assert!(noted.contains("no notice will be sent to Airbrake"), "{noted}");
    let said = notes.messages.borrow().join("\n");
    assert!(said.contains("newrelic:notice_deployment: no notice is sent to New Relic"), "{said}");
}

#[tokio::test]
async fn without_rails_there_are_no_migrations_and_no_links() {
    let all = commands("require 'railsless-deploy'", "", &["deploy:migrate", "deploy:update"]).await;
    assert!(!all.iter().any(|line| line.contains("rake") || line.contains("public/system")), "{all:#?}");
    position(&all, "update_code");
}

#[tokio::test]
async fn a_recipe_may_ask_whether_capistrano_is_new_enough() {
    let text = format!(
        "abort 'too old' unless Capistrano::Configuration.respond_to?(:instance)\n{BASE}\
         Capistrano::Configuration.instance(:must_exist).load {{ task(:t) {{ run 'true' }} }}\n"
    );
    assert_eq!(run_on(&text, &["t"], Notes::default()).await.work(), ["run true @ web1,db1"]);
}

#[tokio::test]
async fn capifony_deploys_symfony() {
    let more = "set :use_composer, true\nset :dump_assetic_assets, true\nset :shared_files, ['app/config/parameters.yml']\n\
        set :shared_children, [app_path + '/logs', web_path + '/uploads']\n";
    for gem in ["require 'capifony_symfony2'", "load Gem.find_files('symfony2.rb').last.to_s"] {
        let all = commands(gem, more, &["deploy"]).await;
        let linked = position(&all, "ln -nfs /srv/shop/shared/app/config/parameters.yml");
        let installed = position(&all, "php composer.phar install --no-dev");
        let warmed =
            position(&all, &format!("cd {RELEASE} && php app/console cache:warmup --env=prod --no-debug @ web1"));
        let dumped = position(&all, "app/console assetic:dump");
        position(&all, "ln -nfs /srv/shop/shared/web/uploads");
        position(&all, &format!("rm -f {RELEASE}/web/app_*.php"));
        assert!(linked < installed && installed < warmed && warmed < dumped, "{all:#?}");
    }
    let all = commands("require 'capifony_symfony2'", "", &["symfony:doctrine:migrations:migrate"]).await;
    position(&all, "app/console doctrine:migrations:migrate --no-interaction --env=prod --no-debug @ db1");
}

#[tokio::test]
async fn words_for_colours_change_nothing_and_are_unknown_without_their_gem() {
    let task = "task(:t, :roles => :app) { run \"echo #{'done'.green.bold} #{'x'.colorize(:red)}\" }\n";
    let all = commands("require 'colored'", task, &["t"]).await;
    assert_eq!(all, ["run echo done x @ web1,db1"]);
    let (problem, _) = super::fail(&format!("role :app, 'a'\n{task}"), &["t"]).await;
    assert!(problem.why.contains("no method `green`"), "{}", problem.why);
}

#[tokio::test]
async fn a_variable_that_asks_for_itself_with_defined_is_not_there_yet() {
    let all =
        commands("", "set(:who) { defined?(who) ? who : 'me' }\ntask(:t) { run \"echo #{who}\" }\n", &["t"]).await;
    assert_eq!(all, ["run echo me @ web1,db1"]);
}

#[tokio::test]
async fn a_file_that_is_let_pass_is_done_without() {
    let effects = deployer();
    effects.add_file(
        "/app/config/deploy.rb",
        "role :app, 'a'\nload 'config/recipes/own'\nown_setup :x\ntask(:t) { run 'x' }\n",
    );
    let mut loader = Loader::new(effects);
    loader.files = vec!["/app/config/deploy.rb".to_owned()];
    loader.allow_require = vec!["config/recipes/own".into()];
    let recipe = loader.load().await.unwrap_or_else(|problem| panic!("{}: {}", problem.what, problem.why));
    let notes = Notes::default();
    run_recipe(&recipe, &["t"], &notes).await.unwrap();
    assert_eq!(notes.work(), ["run x @ a"]);
    assert!(notes.notes().join("\n").contains("`own_setup' is unknown and does nothing"), "{:#?}", notes.notes());
}
