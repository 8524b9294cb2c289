//! The recipes of plugin gems that are built in.

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
