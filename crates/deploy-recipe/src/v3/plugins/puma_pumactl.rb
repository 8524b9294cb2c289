# What `require "capistrano/puma"` stands for before version 5 of its gem: Puma as a daemon, told by pumactl.
namespace :load do
  task :defaults do
    set_if_empty :puma_default_hooks, true
    set_if_empty :puma_role, :app
    set_if_empty :puma_env, -> { fetch(:rack_env, fetch(:rails_env, fetch(:stage))) }
    set_if_empty :puma_threads, [0, 16]
    set_if_empty :puma_workers, 0
    set_if_empty :puma_rackup, -> { current_path.join("config.ru").to_s }
    set_if_empty :puma_state, -> { shared_path.join("tmp", "pids", "puma.state").to_s }
    set_if_empty :puma_pid, -> { shared_path.join("tmp", "pids", "puma.pid").to_s }
    set_if_empty :puma_bind, -> { "unix://#{shared_path.join('tmp', 'sockets', 'puma.sock')}" }
    set_if_empty :puma_control_app, false
    set_if_empty :puma_default_control_app, -> { "unix://#{shared_path.join('tmp', 'sockets', 'pumactl.sock')}" }
    set_if_empty :puma_conf, -> { shared_path.join("puma.rb").to_s }
    set_if_empty :puma_access_log, -> { shared_path.join("log", "puma_access.log").to_s }
    set_if_empty :puma_error_log, -> { shared_path.join("log", "puma_error.log").to_s }
    set_if_empty :puma_init_active_record, false
    set_if_empty :puma_preload_app, false
    set_if_empty :puma_tag, ""
    set_if_empty :puma_restart_command, "bundle exec puma"
    set_if_empty :puma_worker_timeout, nil
  end
end

namespace :puma do
  config = lambda do
    threads = [fetch(:puma_threads)].flatten
    lines = ["#!/usr/bin/env puma", "directory '#{current_path}'", "rackup \"#{fetch(:puma_rackup)}\"",
             "environment '#{fetch(:puma_env)}'", "pidfile \"#{fetch(:puma_pid)}\"", "state_path \"#{fetch(:puma_state)}\"",
             "stdout_redirect '#{fetch(:puma_access_log)}', '#{fetch(:puma_error_log)}', true",
             "threads #{threads.first},#{threads.last}"]
    lines << "tag '#{fetch(:puma_tag)}'" unless fetch(:puma_tag).to_s.empty?
    [fetch(:puma_bind)].flatten.each { |at| lines << "bind '#{at}'" }
    lines << "activate_control_app \"#{fetch(:puma_default_control_app)}\"" if fetch(:puma_control_app)
    lines << "workers #{fetch(:puma_workers)}"
    lines << "worker_timeout #{fetch(:puma_worker_timeout)}" if fetch(:puma_worker_timeout)
    lines << "restart_command '#{fetch(:puma_restart_command)}'"
    lines << "preload_app!" if fetch(:puma_preload_app)
    lines << "prune_bundler" unless fetch(:puma_preload_app)
    lines << "on_restart do\n  ENV[\"BUNDLE_GEMFILE\"] = \"#{fetch(:bundle_gemfile, current_path.join('Gemfile'))}\"\nend"
    if fetch(:puma_init_active_record)
      lines << "before_fork do\n  ActiveRecord::Base.connection_pool.disconnect!\nend" if fetch(:puma_preload_app)
      lines << "on_worker_boot do\n  ActiveSupport.on_load(:active_record) do\n    ActiveRecord::Base.establish_connection\n  end\nend"
    end
    lines.join("\n") + "\n"
  end
  upload = lambda do |backend|
    backend.execute :mkdir, "-p", File.dirname(fetch(:puma_conf).to_s)
    backend.upload! StringIO.new(config.call), fetch(:puma_conf).to_s
  end
  runs = lambda { |backend| backend.test("[ -f #{fetch(:puma_pid)} ] && kill -0 $(cat #{fetch(:puma_pid)})") }
  start = lambda do |backend|
    upload.call(backend) unless backend.test("[ -f #{fetch(:puma_conf)} ]")
    backend.within current_path do
      backend.with rack_env: fetch(:puma_env) do
        backend.execute :bundle, :exec, :puma, "-C", fetch(:puma_conf), "--daemon"
      end
    end
  end
  control = lambda do |backend, verb|
    backend.within current_path do
      backend.with rack_env: fetch(:puma_env) do
        backend.execute :bundle, :exec, :pumactl, "-S", fetch(:puma_state), "-F", fetch(:puma_conf), verb
      end
    end
  end

  desc "Write the configuration of Puma."
  task :config do
    on(roles(fetch(:puma_role))) { upload.call(self) }
  end

  desc "Start Puma where it does not run."
  task :start do
    on roles(fetch(:puma_role)) do
      runs.call(self) ? info("Puma is running") : start.call(self)
    end
  end

  %w[halt stop status].each do |verb|
    desc "Tell Puma: #{verb}."
    task verb.to_sym do
      on roles(fetch(:puma_role)) do
        runs.call(self) ? control.call(self, verb) : warn("Puma is not running")
      end
    end
  end

  { "restart" => "Restart Puma", "phased-restart" => "Restart Puma worker by worker" }.each do |verb, title|
    desc "#{title}; where it does not run, start it."
    task verb.to_sym do
      on roles(fetch(:puma_role)) do
        runs.call(self) ? control.call(self, verb) : start.call(self)
      end
    end
  end

  task :check do
    on roles(fetch(:puma_role)) do
      upload.call(self) unless test("[ -f #{fetch(:puma_conf)} ]")
    end
  end

  task :smart_restart do
    invoke(!fetch(:puma_preload_app) && fetch(:puma_workers).to_i > 1 ? "puma:phased-restart" : "puma:restart")
  end
end

namespace :deploy do
  task(:puma_check) { invoke "puma:check" if fetch(:puma_default_hooks) }
  task(:puma_restart) { invoke "puma:smart_restart" if fetch(:puma_default_hooks) }
end

after "deploy:check", "deploy:puma_check"
after "deploy:finished", "deploy:puma_restart"
