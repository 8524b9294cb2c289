# What `require "capistrano-resque"` stands for: the workers of Resque.
_cset :workers, { "*" => 1 }
_cset :resque_kill_signal, "QUIT"
_cset :interval, "5"
_cset :resque_environment_task, false
_cset(:resque_role) { :resque_worker }
_cset(:resque_scheduler_role) { :resque_scheduler }
_cset(:resque_pid_dir) { "#{fetch(:current_path)}/tmp/pids" }
_cset(:resque_bundle) { fetch(:bundle_cmd, "bundle") }

namespace :resque do
  rails_env = lambda { fetch(:resque_rails_env, fetch(:rails_env, "production")) }
  workers_of = { :roles => lambda { fetch(:resque_role) }, :on_no_matching_servers => :continue }
  scheduler_of = { :roles => lambda { fetch(:resque_scheduler_role) }, :on_no_matching_servers => :continue }
  rake_with = lambda do |settings, name|
    all = settings.map { |key, value| "#{key}=#{value}" }.join(" ")
    extra = fetch(:resque_environment_task) ? "environment " : ""
    "cd #{fetch(:current_path)} && RAILS_ENV=#{rails_env.call} #{all} #{fetch(:resque_bundle)} exec rake #{extra}#{name}"
  end
  kill = lambda do |pattern|
    "for f in #{fetch(:resque_pid_dir)}/#{pattern}; do if [ -f \"$f\" ]; then " \
      "kill -s #{fetch(:resque_kill_signal)} $(cat \"$f\"); rm -f \"$f\"; fi; done"
  end

  desc "Show the workers of Resque."
  task :status, workers_of do
    run "ls #{fetch(:resque_pid_dir)}/resque_work_*.pid 2>/dev/null; true"
  end

  desc "Start the workers of Resque."
  task :start, workers_of do
    number = 0
    fetch(:workers).each do |queue, count|
      count.times do
        number += 1
        pid = "#{fetch(:resque_pid_dir)}/resque_work_#{number}.pid"
        run rake_with.call({ "QUEUE" => "\"#{queue}\"", "PIDFILE" => pid, "BACKGROUND" => "yes", "INTERVAL" => fetch(:interval) }, "resque:work")
      end
    end
  end

  desc "Stop the workers of Resque."
  task :stop, workers_of do
    run kill.call("resque_work_*.pid")
  end

  desc "Stop and start the workers of Resque."
  task :restart, workers_of do
    stop
    start
  end

  namespace :scheduler do
    desc "Start the scheduler of Resque."
    task :start, scheduler_of do
      pid = "#{fetch(:resque_pid_dir)}/scheduler.pid"
      run rake_with.call({ "PIDFILE" => pid, "BACKGROUND" => "yes", "MUTE" => "1" }, "resque:scheduler")
    end

    desc "Stop the scheduler of Resque."
    task :stop, scheduler_of do
      run kill.call("scheduler.pid")
    end

    desc "Stop and start the scheduler of Resque."
    task :restart, scheduler_of do
      stop
      start
    end
  end
end
