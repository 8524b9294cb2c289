# What `require "delayed/recipes"` stands for: the workers of Delayed Job.
namespace :delayed_job do
  environment = lambda { fetch(:rails_env, false) ? "RAILS_ENV=#{fetch(:rails_env)} " : "" }
  command = lambda { fetch(:delayed_job_command, "script/delayed_job") }
  roles_of_it = lambda { fetch(:delayed_job_server_role, :app) }

  { :start => "Start", :stop => "Stop", :restart => "Restart" }.each do |verb, title|
    desc "#{title} the workers of Delayed Job."
    task verb, :roles => roles_of_it do
      words = [command.call, verb == :stop ? "stop" : verb.to_s]
      words << fetch(:delayed_job_args, "") unless verb == :stop
      run "cd #{fetch(:current_path)} && #{environment.call}#{words.join(' ').rstrip}"
    end
  end
end
