# What `require "capistrano/delayed_job"` stands for: the workers of Delayed Job.
namespace :load do
  task :defaults do
    set_if_empty :delayed_job_workers, 1
    set_if_empty :delayed_job_queues, nil
    set_if_empty :delayed_job_pools, nil
    set_if_empty :delayed_job_pool, nil
    set_if_empty :delayed_job_prefix, ""
    set_if_empty :delayed_job_identifier, nil
    set_if_empty :delayed_job_monitor, nil
    set_if_empty :delayed_job_bin_path, "bin"
    set_if_empty :delayed_job_roles, :app
    set_if_empty :delayed_job_pid_dir, nil
    set_if_empty :delayed_job_log_dir, nil
    set_if_empty :delayed_job_default_hooks, true
  end
end

namespace :delayed_job do
  words = lambda do
    all = []
    all << "-i #{fetch(:delayed_job_identifier)}" if fetch(:delayed_job_identifier)
    pools = fetch(:delayed_job_pools) || fetch(:delayed_job_pool)
    if pools
      pools.each { |queues, count| all << "--pool='#{queues}:#{count}'" }
    else
      all << "-n #{fetch(:delayed_job_workers)}" if fetch(:delayed_job_workers)
      all << "--queues=#{fetch(:delayed_job_queues).join(',')}" if fetch(:delayed_job_queues)
    end
    all << "--prefix=#{fetch(:delayed_job_prefix)}" unless fetch(:delayed_job_prefix).to_s.empty?
    all << "--pid-dir=#{fetch(:delayed_job_pid_dir)}" if fetch(:delayed_job_pid_dir)
    all << "--log-dir=#{fetch(:delayed_job_log_dir)}" if fetch(:delayed_job_log_dir)
    all << "-m" if fetch(:delayed_job_monitor)
    all
  end

  %w[start stop restart status].each do |verb|
    desc "Tell the workers of Delayed Job: #{verb}."
    task verb.to_sym do
      on roles(fetch(:delayed_job_roles)) do
        within release_path do
          with rails_env: fetch(:rails_env, fetch(:stage)) do
            execute :bundle, :exec, "#{fetch(:delayed_job_bin_path)}/delayed_job", *words.call, verb
          end
        end
      end
    end
  end
end

namespace :deploy do
  task(:delayed_job_restart) { invoke "delayed_job:restart" if fetch(:delayed_job_default_hooks) }
end

after "deploy:published", "deploy:delayed_job_restart"
