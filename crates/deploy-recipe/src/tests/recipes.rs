//! Recipes as people write them, with many words at once.

use super::{NEW, Notes, deployer, load, load_with, run_recipe};

const RAILS: &str = r##"
default_run_options[:pty] = true
ssh_options[:forward_agent] = true

set :application, "store"
set :repository, "git@example.com:team/#{application}.git"
set :scm, "git"
set(:branch) { ENV["BRANCH"] || "main" }
set :deploy_via, :remote_cache
set :git_shallow_clone, 1
set :user, "deploy"
set :use_sudo, false
set :deploy_to, "/srv/#{application}"
set :keep_releases, 3
set :normalize_asset_timestamps, false
set :shared_children, shared_children + %w(tmp/sockets)

if ENV["DEPLOY"] == "production"
  server "app1", :web, :app, :db, :primary => true
  server "app2", :web, :app
else
  server "staging", :web, :app, :db, :primary => true
end

%w(start stop).each do |command|
  namespace :unicorn do
    desc "#{command.capitalize}s unicorn."
    task command.to_sym, :roles => :app, :except => { :no_release => true } do
      run "#{try_sudo} /etc/init.d/unicorn_#{application} #{command}"
    end
  end
end

namespace :deploy do
  %w(start stop).each { |name| task(name, :roles => :app) { unicorn.send(name) } }

  task :restart, :roles => :app, :except => { :no_release => true } do
    run "kill -USR2 `cat #{shared_path}/pids/unicorn.pid`"
  end

  namespace :db do
    desc "Writes the database settings."
    task :config, :except => { :no_release => true } do
      settings = { "production" => { "adapter" => "postgresql", "database" => application } }
      put settings.map { |k, v| "#{k}:\n" + v.map { |a, b| "  #{a}: #{b}\n" }.join }.join, "#{shared_path}/database.yml", :mode => 0600
    end

    task :symlink, :except => { :no_release => true } do
      run "ln -nfs #{shared_path}/database.yml #{release_path}/config/database.yml"
    end
  end

  def tagged?(name)
    name =~ /\Av\d/ ? true : false
  end

  task :announce, :roles => :app, :once => true do
    logger.info "#{application} #{real_revision[0, 7]} tagged: #{tagged?(branch)}"
  end
end

namespace :bundler do
  task :install, :except => { :no_release => true } do
    run <<-CMD
      cd #{latest_release} &&
      RAILS_ENV=#{rails_env} bundle install --path #{File.join(shared_path, 'bundle')} --without #{[:development, :test].join(' ')}
    CMD
  end
end

after "deploy:setup", "deploy:db:config"
before "deploy:finalize_update", "bundler:install"
after "deploy:finalize_update", "deploy:db:symlink"
after "deploy:update", "deploy:cleanup"
after "deploy" do
  deploy.announce
end
"##;

#[tokio::test]
async fn a_rails_application() {
    let effects = deployer();
    deploy_ruby::Effects::set_env(&*effects, "DEPLOY", Some("production"));
    let recipe = load_with(effects, RAILS).await.unwrap_or_else(|problem| panic!("{}", problem.why));
    let notes = Notes::default();
    run_recipe(&recipe, &["deploy:setup", "deploy"], &notes).await.unwrap_or_else(|stopped| panic!("{stopped}"));
    let release = format!("/srv/store/releases/{NEW}");
    let links =
        "ops link what is shared into releases/20261123054446: 5 ops, 0 to undo @ app1,app2 for deploy:finalize_update";
    assert_eq!(
        notes.work(),
        [
            "begin setup in /srv/store @ app1,app2",
            "setup /srv/store /srv/store/releases /srv/store/shared /srv/store/shared/system /srv/store/shared/log \
             /srv/store/shared/pids /srv/store/shared/sockets g+w=true @ app1,app2 for deploy:setup",
            "run put /srv/store/shared/database.yml (52 bytes) @ app1,app2",
            "begin deploy - in /srv/store @ app1,app2",
            &format!(
                "update_code {NEW} 8f3a2c1b00000000000000000000000000000001 (branch main) links  @ app1,app2 for deploy:update_code"
            ),
            &format!(
                "run cd {release} &&\\\n      RAILS_ENV=production bundle install --path /srv/store/shared/bundle --without development test @ app1,app2"
            ),
            links,
            &format!("run ln -nfs /srv/store/shared/database.yml {release}/config/database.yml @ app1,app2"),
            "wait Facts Output: ls db/migrate @ app1",
            &format!("publish {NEW} 8f3a2c1b00000000000000000000000000000001 @ app1,app2 for deploy:create_symlink"),
            "cleanup keep 3 @ app1,app2 for deploy:cleanup",
            "run kill -USR2 `cat /srv/store/shared/pids/unicorn.pid` @ app1,app2",
            "edge",
        ]
    );
    assert_eq!(*notes.messages.borrow(), ["store 8f3a2c1 tagged: false"]);
    run_recipe(&recipe, &["deploy:stop"], &notes).await.unwrap();
    assert_eq!(notes.work().last().unwrap(), "run /etc/init.d/unicorn_store stop @ app1,app2");
}

const OLD: &str = r##"
require 'rubygems'
require "yaml"

set :application, "blog"
set :domain, "blog.example.com"
set :repository, "http://svn.example.com/#{application}/trunk"
set :deploy_to, "~/#{application}"
set :use_sudo, true
set :runner, user = "mongrel"

role :app, domain
role :web, domain
role :db,  domain, :primary => true

task :after_setup, :roles => [:app, :web] do
  sudo "chown #{user} ~/#{application}"
end

namespace :deploy do
  task :restart, :roles => :app do
    stop
    start
  end

  task :start, :roles => :app do
    try_runner "mongrel_rails start -d -c #{current_path}"
  end

  task :stop, :roles => :app do
    begin
      try_runner "mongrel_rails stop"
    rescue Capistrano::CommandError
      puts "it was not running"
    end
  end

  task :long do
    transaction do
      update_code
      web.disable
      create_symlink
      migrate
    end
    restart
    web.enable
  end
end

desc <<-DESC
  Shows the log. Give LINES for more.
DESC
task :tail_log, :roles => :app do
  stream "tail -n #{ENV['LINES'] || 10} -f #{shared_path}/log/production.log"
end

task :uptime do
  result = ""
  run "uptime" do |channel, stream, data|
    result << "#{channel[:host]}: #{data}" if stream == :out
  end
  puts result
end
"##;

#[tokio::test]
async fn an_old_application_on_one_host() {
    let recipe = load(OLD).await;
    let notes = Notes::answering(|command, _| {
        (
            i32::from(command.shown.contains("stop")),
            if command.shown == "uptime" { "up 3 days\n".into() } else { String::new() },
        )
    });
    run_recipe(&recipe, &["deploy:long"], &notes).await.unwrap_or_else(|stopped| panic!("{stopped}"));
    let links = "public/system->~/blog/shared/system log->~/blog/shared/log tmp/pids->~/blog/shared/pids";
    let host = "blog";
    assert_eq!(
        notes.work(),
        [
            format!("begin deploy - sudo in ~/blog @ {host}"),
            format!("update_code {NEW} 4711 (trunk) links {links} @ {host} for deploy:update_code"),
            format!("ops put the maintenance page up: 2 ops, 1 to undo @ {host} for deploy:web:disable"),
            format!("sudo publish {NEW} 4711 @ {host} for deploy:create_symlink"),
            format!("run cd ~/blog/releases/{NEW} && rake RAILS_ENV=production db:migrate @ {host}"),
            format!("wait Rescue Status: sudo -u mongrel mongrel_rails stop @ {host}"),
            format!("run sudo -u mongrel mongrel_rails start -d -c ~/blog/current @ {host}"),
            "edge".to_owned(),
            format!("ops take the maintenance page down: 1 ops, 0 to undo @ {host} for deploy:web:enable"),
        ]
    );
    assert_eq!(notes.messages.borrow().last().unwrap(), "it was not running");
    run_recipe(&recipe, &["tail_log", "uptime"], &notes).await.unwrap();
    assert_eq!(notes.messages.borrow().last().unwrap(), "blog.example.com: up 3 days");
    assert_eq!(recipe.explain("tail_log").unwrap().summary, "Shows the log.");
}
