# What `require "mongrel_cluster/recipes"` stands for: a cluster of Mongrels starts, stops and restarts with the deploy.
load "deploy"

_cset :mongrel_servers, 2
_cset :mongrel_port, 8000
_cset :mongrel_address, "127.0.0.1"
_cset(:mongrel_environment) { fetch(:rails_env, "production") }
_cset(:mongrel_conf) { "/etc/mongrel_cluster/#{fetch(:application)}.yml" }
_cset :mongrel_user, nil
_cset :mongrel_group, nil
_cset :mongrel_prefix, nil
_cset :mongrel_rails, "mongrel_rails"
_cset :mongrel_clean, false
_cset :mongrel_pid_file, nil
_cset :mongrel_log_file, nil
_cset :mongrel_config_script, nil

namespace :mongrel do
  namespace :cluster do
    verb = lambda do |name|
      words = [fetch(:mongrel_rails), "cluster::#{name}", "-C", fetch(:mongrel_conf)]
      words << "--clean" if fetch(:mongrel_clean)
      invoke_command words.join(" "), :via => fetch(:run_method)
    end

    desc "Write the configuration of the Mongrels."
    task :configure, :roles => :app do
      words = [fetch(:mongrel_rails), "cluster::configure", "-N", fetch(:mongrel_servers), "-p", fetch(:mongrel_port)]
      words.push("-e", fetch(:mongrel_environment), "-a", fetch(:mongrel_address))
      words.push("-c", fetch(:current_path), "-C", fetch(:mongrel_conf))
      { "-P" => :mongrel_pid_file, "-l" => :mongrel_log_file, "--user" => :mongrel_user, "--group" => :mongrel_group,
        "--prefix" => :mongrel_prefix, "-S" => :mongrel_config_script }.each do |flag, name|
        words.push(flag, fetch(name)) if fetch(name)
      end
      invoke_command words.join(" "), :via => fetch(:run_method)
    end

    { :start => "Start", :stop => "Stop", :restart => "Restart", :status => "Ask" }.each do |name, title|
      desc "#{title} the Mongrels."
      task(name, :roles => :app) { verb.call(name) }
    end
  end
end

namespace :deploy do
  { :start => "Start", :stop => "Stop", :restart => "Restart" }.each do |name, title|
    desc "#{title} the Mongrels."
    task(name, :roles => :app) { top.mongrel.cluster.send(name) }
  end
end
