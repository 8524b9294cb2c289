# What `require "capistrano3/unicorn"` stands for: Unicorn, told by signals.
namespace :load do
  task :defaults do
    set_if_empty :unicorn_pid, -> { current_path.join("tmp", "pids", "unicorn.pid").to_s }
    set_if_empty :unicorn_config_path, -> { current_path.join("config", "unicorn", "#{fetch(:rails_env)}.rb").to_s }
    set_if_empty :unicorn_restart_sleep_time, 3
    set_if_empty :unicorn_roles, -> { :app }
    set_if_empty :unicorn_options, ""
    set_if_empty :unicorn_exec, "unicorn"
    set_if_empty :unicorn_rack_env, -> { fetch(:rails_env) == "development" ? "development" : "deployment" }
    set_if_empty :unicorn_bundle_gemfile, -> { current_path.join("Gemfile").to_s }
  end
end

namespace :unicorn do
  pid = -> { "`cat #{fetch(:unicorn_pid)}`" }
  runs = lambda do |backend|
    backend.test("[ -e #{fetch(:unicorn_pid)} ] && kill -0 #{pid.call}")
  end
  start = lambda do |backend|
    backend.within current_path do
      backend.with rails_env: fetch(:rails_env), bundle_gemfile: fetch(:unicorn_bundle_gemfile) do
        backend.execute :bundle, "exec", fetch(:unicorn_exec), "-c", fetch(:unicorn_config_path), "-E", fetch(:unicorn_rack_env), "-D", fetch(:unicorn_options)
      end
    end
  end

  desc "Start Unicorn where it does not run."
  task :start do
    on roles(fetch(:unicorn_roles)) do
      runs.call(self) ? info("Unicorn is running") : start.call(self)
    end
  end

  { stop: "QUIT", reload: "HUP", duplicate: "USR2", add_worker: "TTIN", remove_worker: "TTOU" }.each do |name, signal|
    desc "Send #{signal} to Unicorn."
    task name do
      on roles(fetch(:unicorn_roles)) do
        if runs.call(self)
          execute :kill, "-s #{signal}", pid.call
        else
          info "Unicorn is not running"
        end
      end
    end
  end

  desc "Restart Unicorn with the new code, without a pause."
  task :restart do
    on roles(fetch(:unicorn_roles)) do
      if runs.call(self)
        execute :kill, "-s USR2", pid.call
        execute :sleep, fetch(:unicorn_restart_sleep_time)
        if test("[ -e #{fetch(:unicorn_pid)}.oldbin ]")
          execute :kill, "-s QUIT", "`cat #{fetch(:unicorn_pid)}.oldbin`"
        end
      else
        start.call(self)
      end
    end
  end

  desc "Reload Unicorn; where it does not run, start it."
  task :legacy_restart do
    on roles(fetch(:unicorn_roles)) do
      runs.call(self) ? execute(:kill, "-s HUP", pid.call) : start.call(self)
    end
  end
end
