//! The recipes of plugin gems that are built in.

use deploy_plan::Program;

use super::Notes;
use super::v3::{load, project, run_project};

/// The commands of a deploy or rollback with these gems, by the task that they are of.
async fn commands(capfile: &str, deploy: &str, words: &[&str]) -> Vec<String> {
    let notes = run_project(project(capfile, deploy, ""), words, Notes::default()).await;
    let notes = notes.unwrap_or_else(|stopped| panic!("{stopped}"));
    notes.work().into_iter().filter(|line| line.starts_with("together") || line.starts_with("wait")).collect()
}

#[tokio::test]
async fn bundler_and_rails() {
    let deploy = "set :bundle_check_before_install, false\nset :keep_assets, 2\n";
    let all = commands("require 'capistrano/rails'\n", deploy, &["production", "deploy"]).await;
    let release = "/var/www/shop/releases/20261123054446";
    let wanted = [
        "together bundle config --local deployment true @ web1,app1,app2,db1; \
         bundle config --local path /var/www/shop/shared/bundle @ web1,app1,app2,db1; \
         bundle config --local without development:test @ web1,app1,app2,db1"
            .to_owned(),
        "together bundle install --jobs 4 --quiet @ web1,app1,app2,db1".to_owned(),
        "together rake assets:precompile @ web1".to_owned(),
        format!("together mkdir -p {release}/assets_manifest_backup @ web1"),
        format!("wait Result Status: ls {release}/public/assets/.sprockets-manifest* @ web1"),
        format!("together cp {release}/public/assets/.sprockets-manifest* {release}/assets_manifest_backup @ web1"),
        "together rake 'assets:clean[2]' @ web1".to_owned(),
        "together rake db:migrate @ db1".to_owned(),
    ];
    let mut sorted = all.clone();
    sorted.sort();
    let mut expected = wanted.to_vec();
    expected.sort();
    assert_eq!(sorted, expected);
    assert!(all.iter().position(|l| l.contains("bundle install")) < all.iter().position(|l| l.contains("db:migrate")));
}

#[tokio::test]
async fn each_of_them_loads_and_hooks_itself() {
    for (capfile, deploy, wanted) in [
        ("require 'capistrano/bundler'\n", "", "wait Result Status: bundle check"),
        ("require 'capistrano/rbenv'\n", "set :rbenv_ruby, '3.1.2'\n", "[ -d $HOME/.rbenv/versions/3.1.2 ]"),
        ("require 'capistrano/chruby'\n", "set :chruby_ruby, 'ruby-3.1'\n", "[ -x /usr/local/bin/chruby-exec ]"),
        ("require 'capistrano/rvm'\n", "", "[ -d ~/.rvm ]"),
        (
            "require 'capistrano/passenger'\n",
            "set :passenger_restart_with_touch, true\n",
            "touch /var/www/shop/releases/20261123054446/tmp/restart.txt",
        ),
        (
            "require 'capistrano/passenger'\n",
            "set :passenger_restart_with_touch, false\n",
            "passenger-config restart-app /var/www/shop --ignore-app-not-running",
        ),
        (
            "require 'capistrano/puma'\ninstall_plugin Capistrano::Puma\n",
            "",
            "/bin/systemctl --user restart shop_puma_production @ web1",
        ),
        (
            "require 'whenever/capistrano'\n",
            "",
            "bundle exec whenever --update-crontab shop --set environment=production --roles=db",
        ),
        ("require 'capistrano/yarn'\n", "", "yarn install --production"),
        ("require 'capistrano/npm'\n", "", "npm install --production --silent --no-progress"),
        ("require 'capistrano/composer'\n", "", "composer install --no-dev"),
        ("require 'capistrano/symfony'\n", "", "cache:warmup"),
        ("require 'capistrano/symfony'\n", "set :cache, fetch(:app_path) + '/cache'\n", "composer install --no-dev"),
        (
            "require 'capistrano/symfony'\n",
            "set :permission_method, :acl\nset :file_permissions_users, ['www-data']\n",
            "setfacl -R -m u:www-data:rwX /var/www/shop/releases/20261123054446/var/logs",
        ),
        (
            "require 'capistrano/file-permissions'\n",
            "set :file_permissions_paths, %w[var]\nbefore 'deploy:updated', 'deploy:set_permissions:chmod'\n",
            "chmod -R 0777 /var/www/shop/releases/20261123054446/var",
        ),
    ] {
        let all = commands(capfile, deploy, &["production", "deploy"]).await;
        assert!(all.iter().any(|line| line.contains(wanted)), "{capfile}: {all:#?}");
    }
}

#[tokio::test]
async fn a_plugin_of_nobody_is_refused_at_its_line() {
    let refused = load(project("install_plugin Capistrano::SCM::Hg\n", "", ""), &["production"]).await;
    let problem = refused.err().unwrap();
    assert!(
        problem.why.contains("Capistrano::SCM::Hg") || problem.what.contains("Hg"),
        "{} {}",
        problem.what,
        problem.why
    );
}

/// The commands of one task, after the plugin was loaded.
async fn of_task(capfile: &str, deploy: &str, task: &str) -> String {
    let notes = run_project(project(capfile, deploy, ""), &["production", task], Notes::default()).await;
    let notes = notes.unwrap_or_else(|stopped| panic!("{capfile} {task}: {stopped}"));
    notes.work().join("\n")
}

#[tokio::test]
async fn the_smaller_ones_do_their_tasks() {
    for (capfile, deploy, task, wanted) in [
        (
            "require 'capistrano3/unicorn'\n",
            "",
            "unicorn:reload",
            "kill -s HUP `cat /var/www/shop/current/tmp/pids/unicorn.pid`",
        ),
        ("require 'capistrano3/unicorn'\n", "", "unicorn:restart", "kill -s USR2"),
        ("require 'capistrano/sidekiq'\n", "", "sidekiq:restart", "systemctl --user restart shop_sidekiq_production"),
        ("require 'capistrano/sidekiq'\n", "", "deploy", "systemctl --user start shop_sidekiq_production"),
        (
            "require 'capistrano/delayed_job'\n",
            "set :delayed_job_workers, 3\n",
            "deploy",
            "bundle exec bin/delayed_job -n 3 restart",
        ),
        ("require 'capistrano/nginx'\n", "", "nginx:reload", "service nginx reload"),
        ("require 'capistrano/safe_deploy_to'\n", "", "deploy:check", "[ -d /var/www/shop ] && [ -w /var/www/shop ]"),
        ("require 'capistrano/nvm'\n", "set :nvm_node, 'v20.11.0'\n", "deploy", "$HOME/.nvm/versions/node/v20.11.0"),
        ("require 'capistrano/bower'\n", "", "deploy", "bower install --quiet --config.interactive=false"),
        (
            "require 'capistrano/maintenance'\n",
            "",
            "maintenance:disable",
            "rm -f /var/www/shop/shared/public/system/maintenance.html",
        ),
        ("require 'capistrano-resque'\n", "role :resque_worker, 'job1.example.com'\n", "resque:start", "QUEUE=\"*\""),
        (
            "require 'capistrano/touch-linked-files'\n",
            "set :linked_files, ['a/b.yml']\n",
            "deploy:check",
            "[ -f /var/www/shop/shared/a/b.yml ]",
        ),
        ("require 'capistrano/dotenv'\n", "", "dotenv:read", "[ -f /var/www/shop/shared/.env ]"),
    ] {
        let all = of_task(capfile, deploy, task).await;
        assert!(all.contains(wanted), "{capfile} {task}: {all}");
    }
}

#[tokio::test]
async fn an_old_puma_is_told_by_pumactl() {
    let effects = project("require 'capistrano/puma'\n", "set :puma_workers, 2\n", "");
    effects.add_file("/Gemfile.lock", "GEM\n  specs:\n    capistrano3-puma (3.1.1)\n");
    let notes = run_project(effects, &["production", "deploy"], Notes::default()).await.unwrap();
    let all = notes.work().join("\n");
    assert!(all.contains("pumactl -S /var/www/shop/shared/tmp/pids/puma.state"), "{all}");
    assert!(all.contains("phased-restart") && !all.contains("systemctl"), "{all}");
}

#[tokio::test]
async fn notifiers_say_that_they_send_nothing() {
    let capfile = "require 'capistrano/honeybadger'\nrequire 'capistrano/slack'\n";
    let notes = run_project(project(capfile, "", ""), &["production", "deploy"], Notes::default()).await.unwrap();
    let noted = notes.notes().join("\n");
    assert!(noted.contains("no notice will be sent to Honeybadger") && noted.contains("to Slack"), "{noted}");
}

#[tokio::test]
async fn after_a_gem_was_let_pass_its_words_do_nothing_and_say_so() {
    let effects = project(
        "require 'acme/capistrano'\nafter 'deploy:updated', 'acme:push'\n",
        "acme_servers :app\nSSHKit.config.command_map[:acme] = Acme::Bin.path\n",
        "task(:own) { on(roles(:app)) { execute :echo, acme_name, 'x' } }\n",
    );
    let mut loader = crate::Loader::new(effects.clone());
    loader.words = vec!["production".into()];
    loader.allow_require = vec!["acme/capistrano".into()];
    let recipe = loader.load().await.unwrap_or_else(|problem| panic!("{}: {}", problem.what, problem.why));
    let notes = Notes::default();
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    recipe.program(words(&["production", "deploy", "own"])).run(&notes).await.unwrap();
    let noted = notes.notes().join("\n");
    for word in ["`acme_servers'", "`Acme::Bin'", "`acme_name'", "the task `acme:push'"] {
        assert!(noted.contains(word), "{word}: {noted}");
    }
    let unknown = recipe.program(words(&["production", "acme:other"])).run(&Notes::default()).await;
    assert!(unknown.is_err(), "a task that the command line names must be there");
}

#[tokio::test]
async fn submodules_come_with_a_checkout_and_a_nameless_task_is_one() {
    let capfile = "require 'capistrano/scm/git-with-submodules'\ninstall_plugin Capistrano::SCM::Git::WithSubmodules\n";
    let deploy = "namespace :nginx do\n  desc \"#{task} the site\"\n  task(:reload) { on(roles(:web)) { execute :reload } }\nend\n";
    let all = commands(capfile, deploy, &["production", "nginx:reload"]).await;
    assert_eq!(all, ["together reload @ web1"]);
    let recipe = load(project(capfile, deploy, ""), &["production"]).await.unwrap();
    assert!(recipe.tasks().iter().any(|task| task.name == "nginx:"), "as Rake defines it");
}

#[tokio::test]
async fn servers_that_a_gem_let_pass_should_have_found_are_not_declared() {
    let capfile = "require 'capistrano/chef_search'\n";
    let deploy = "found = ChefSearch.new('x')\nrole :web, found.hosts\nserver found.first, roles: %w[db]\n\
        task(:t) { on(roles(:all)) { |host| execute :hi } }\n";
    let mut loader = crate::Loader::new(project(capfile, deploy, ""));
    loader.words = vec!["production".into()];
    loader.allow_require = vec!["capistrano/chef_search".into()];
    let recipe = loader.load().await.unwrap_or_else(|problem| panic!("{}: {}", problem.what, problem.why));
    let notes = Notes::default();
    recipe.program(vec!["production".into(), "t".into()]).run(&notes).await.unwrap();
    assert!(notes.work().join("\n").contains("hi"), "{:#?}", notes.work());
    assert!(!notes.work().join("\n").contains(".invalid"), "{:#?}", notes.work());
}
