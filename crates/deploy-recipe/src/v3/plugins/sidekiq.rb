# What `require "capistrano/sidekiq"` stands for. With version 2 of the gem and later Sidekiq is a service of systemd;
# before, it was started and stopped by its pid file.
locked = File.exist?("Gemfile.lock") ? File.read("Gemfile.lock")[/^    capistrano-sidekiq \((\d+)/, 1] : nil
by_pid = !locked.nil? && locked.to_i < 2

namespace :load do
  task :defaults do
    set_if_empty :sidekiq_default_hooks, true
    set_if_empty :sidekiq_roles, -> { fetch(:sidekiq_role, :app) }
    set_if_empty :sidekiq_env, -> { fetch(:rack_env, fetch(:rails_env, fetch(:stage))) }
    set_if_empty :sidekiq_service_unit_name, -> { "#{fetch(:application)}_sidekiq_#{fetch(:stage)}" }
    set_if_empty :sidekiq_systemctl_user, :user
    set_if_empty :sidekiq_pid, -> { File.join(shared_path.to_s, "tmp", "pids", "sidekiq.pid") }
    set_if_empty :sidekiq_log, -> { File.join(shared_path.to_s, "log", "sidekiq.log") }
    set_if_empty :sidekiq_timeout, 10
    set_if_empty :sidekiq_processes, 1
    set_if_empty :sidekiq_options, nil
  end
end

namespace :sidekiq do
  systemctl = lambda do |backend, verb|
    words = ["systemctl", verb, fetch(:sidekiq_service_unit_name)]
    words.insert(1, "--user") unless fetch(:sidekiq_systemctl_user) == :system
    fetch(:sidekiq_systemctl_user) == :system ? backend.sudo(*words) : backend.execute(*words)
  end
  each_pid = lambda do |work|
    fetch(:sidekiq_processes).times do |number|
      work.call(fetch(:sidekiq_processes) == 1 ? fetch(:sidekiq_pid) : fetch(:sidekiq_pid).sub(/\.pid$/, "-#{number}.pid"), number)
    end
  end
  told = lambda do |backend, file, words|
    if backend.test("[ -f #{file} ] && kill -0 $(cat #{file})")
      backend.within(current_path) { backend.execute :bundle, :exec, :sidekiqctl, *words }
    end
  end
  start = lambda do |backend|
    each_pid.call(lambda do |file, number|
      next if backend.test("[ -f #{file} ] && kill -0 $(cat #{file})")
      words = ["--index #{number}", "--pidfile #{file}", "--environment #{fetch(:sidekiq_env)}", "--logfile #{fetch(:sidekiq_log)}"]
      words << "--config #{fetch(:sidekiq_config)}" if fetch(:sidekiq_config)
      words << "--concurrency #{fetch(:sidekiq_concurrency)}" if fetch(:sidekiq_concurrency)
      [fetch(:sidekiq_queue)].flatten.compact.each { |queue| words << "--queue #{queue}" }
      words << fetch(:sidekiq_options) if fetch(:sidekiq_options)
      backend.within(release_path) { backend.execute :bundle, :exec, :sidekiq, *words, "--daemon" }
    end)
  end

  desc "Tell Sidekiq to take no more jobs."
  task :quiet do
    on roles(fetch(:sidekiq_roles)) do
      if by_pid
        each_pid.call(->(file, _number) { told.call(self, file, [:quiet, file]) })
      elsif fetch(:sidekiq_systemctl_user) == :system
        sudo :systemctl, "kill", "-s", "TSTP", fetch(:sidekiq_service_unit_name), raise_on_non_zero_exit: false
      else
        execute :systemctl, "--user", "kill", "-s", "TSTP", fetch(:sidekiq_service_unit_name), raise_on_non_zero_exit: false
      end
    end
  end

  desc "Stop Sidekiq."
  task :stop do
    on roles(fetch(:sidekiq_roles)) do
      if by_pid
        each_pid.call(->(file, _number) { told.call(self, file, [:stop, file, fetch(:sidekiq_timeout)]) })
      else
        systemctl.call(self, "stop")
      end
    end
  end

  desc "Start Sidekiq."
  task :start do
    on roles(fetch(:sidekiq_roles)) do
      by_pid ? start.call(self) : systemctl.call(self, "start")
    end
  end

  desc "Stop and start Sidekiq."
  task :restart do
    if by_pid
      invoke! "sidekiq:stop"
      invoke! "sidekiq:start"
    else
      on(roles(fetch(:sidekiq_roles))) { systemctl.call(self, "restart") }
    end
  end
end

namespace :deploy do
  hooked = -> { fetch(:sidekiq_default_hooks) }
  task(:sidekiq_quiet) { invoke "sidekiq:quiet" if hooked.call }
  task(:sidekiq_stop) { invoke! "sidekiq:stop" if hooked.call }
  task(:sidekiq_start) { invoke! "sidekiq:start" if hooked.call }
  task(:sidekiq_restart) { invoke! "sidekiq:restart" if hooked.call }
end

after "deploy:starting", "deploy:sidekiq_quiet"
after "deploy:updated", "deploy:sidekiq_stop"
after "deploy:reverted", "deploy:sidekiq_stop"
after "deploy:published", "deploy:sidekiq_start"
after "deploy:failed", "deploy:sidekiq_restart"
