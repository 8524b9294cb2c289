# What `require "sidekiq/capistrano"` stands for: the processes of Sidekiq.
_cset(:sidekiq_default_hooks) { true }
_cset(:sidekiq_cmd) { "#{fetch(:bundle_cmd, 'bundle')} exec sidekiq" }
_cset(:sidekiqctl_cmd) { "#{fetch(:bundle_cmd, 'bundle')} exec sidekiqctl" }
_cset(:sidekiq_timeout) { 10 }
_cset(:sidekiq_role) { :app }
_cset(:sidekiq_pid) { "#{fetch(:current_path)}/tmp/pids/sidekiq.pid" }
_cset(:sidekiq_processes) { 1 }

namespace :sidekiq do
  scope = { :roles => lambda { fetch(:sidekiq_role) }, :on_no_matching_servers => :continue }
  each_pid = lambda do |work|
    fetch(:sidekiq_processes).times do |number|
      work.call(number == 0 ? fetch(:sidekiq_pid) : "#{fetch(:sidekiq_pid)}-#{number}", number)
    end
  end
  # Without a process of that number there is nothing to tell.
  tell = lambda do |pid, words|
    run "if [ -d #{fetch(:current_path)} ] && [ -f #{pid} ] && kill -0 `cat #{pid}` > /dev/null 2>&1; then " \
        "cd #{fetch(:current_path)} && #{fetch(:sidekiqctl_cmd)} #{words}; else echo 'Sidekiq is not running'; fi"
  end

  desc "Tell Sidekiq to take no more jobs."
  task :quiet, scope do
    each_pid.call(lambda { |pid, _number| tell.call(pid, "quiet #{pid}") })
  end

  desc "Stop Sidekiq."
  task :stop, scope do
    each_pid.call(lambda { |pid, _number| tell.call(pid, "stop #{pid} #{fetch(:sidekiq_timeout)}") })
  end

  desc "Start Sidekiq."
  task :start, scope do
    rails_env = fetch(:rails_env, "production")
    each_pid.call(lambda do |pid, number|
      run "cd #{fetch(:current_path)}; nohup #{fetch(:sidekiq_cmd)} -e #{rails_env} -C #{fetch(:current_path)}/config/sidekiq.yml " \
          "-i #{number} -P #{pid} >> #{fetch(:current_path)}/log/sidekiq.log 2>&1 &", :pty => false
    end)
  end

  desc "Stop and start Sidekiq."
  task :restart, scope do
    stop
    start
  end
end

if fetch(:sidekiq_default_hooks)
  before "deploy:update_code", "sidekiq:quiet"
  after "deploy:stop", "sidekiq:stop"
  after "deploy:start", "sidekiq:start"
  before "deploy:restart", "sidekiq:restart"
end
