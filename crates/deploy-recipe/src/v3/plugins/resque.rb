# What `require "capistrano-resque"` stands for: the workers of Resque.
namespace :load do
  task :defaults do
    set_if_empty :workers, { "*" => 1 }
    set_if_empty :resque_kill_signal, "QUIT"
    set_if_empty :interval, "5"
    set_if_empty :resque_environment_task, false
    set_if_empty :resque_pid_path, -> { shared_path.join("tmp/pids").to_s }
    set_if_empty :resque_rails_env, -> { fetch(:rails_env, fetch(:stage)) }
  end
end

namespace :resque do
  rake = lambda do |backend, settings, name|
    words = settings.map { |key, value| "#{key}=#{value}" }
    words << "environment" if fetch(:resque_environment_task)
    backend.within(current_path) { backend.execute :rake, "RAILS_ENV=#{fetch(:resque_rails_env)}", *words, name }
  end
  kill = lambda do |backend, pattern|
    backend.execute "for f in #{fetch(:resque_pid_path)}/#{pattern}; do if [ -f \"$f\" ]; then " \
                    "kill -s #{fetch(:resque_kill_signal)} $(cat \"$f\"); rm -f \"$f\"; fi; done"
  end

  desc "Show the workers of Resque."
  task :status do
    on(roles(:resque_worker)) { execute "ls #{fetch(:resque_pid_path)}/resque_work_*.pid 2>/dev/null; true" }
  end

  desc "Start the workers of Resque."
  task :start do
    on roles(:resque_worker) do
      number = 0
      fetch(:workers).each do |queue, count|
        count.times do
          number += 1
          file = "#{fetch(:resque_pid_path)}/resque_work_#{number}.pid"
          rake.call(self, { "QUEUE" => "\"#{queue}\"", "PIDFILE" => file, "BACKGROUND" => "yes", "INTERVAL" => fetch(:interval) }, "resque:work")
        end
      end
    end
  end

  desc "Stop the workers of Resque."
  task :stop do
    on(roles(:resque_worker)) { kill.call(self, "resque_work_*.pid") }
  end

  desc "Stop and start the workers of Resque."
  task :restart do
    invoke! "resque:stop"
    invoke! "resque:start"
  end

  namespace :scheduler do
    desc "Start the scheduler of Resque."
    task :start do
      on roles(:resque_scheduler) do
        rake.call(self, { "PIDFILE" => "#{fetch(:resque_pid_path)}/scheduler.pid", "BACKGROUND" => "yes", "MUTE" => "1" }, "resque:scheduler")
      end
    end

    desc "Stop the scheduler of Resque."
    task :stop do
      on(roles(:resque_scheduler)) { kill.call(self, "scheduler.pid") }
    end

    desc "Stop and start the scheduler of Resque."
    task :restart do
      invoke! "resque:scheduler:stop"
      invoke! "resque:scheduler:start"
    end
  end
end
