# What `require "foreman/capistrano"` stands for: the processes of a Procfile as services.
_cset(:foreman_sudo) { "sudo" }
_cset(:foreman_format) { "upstart" }
_cset(:foreman_location) { "/etc/init" }
_cset(:foreman_app) { fetch(:application) }
_cset(:foreman_user) { fetch(:user) }
_cset(:foreman_log) { "#{fetch(:shared_path)}/log" }
_cset(:foreman_concurrency) { false }

namespace :foreman do
  desc "Write the services of the Procfile."
  task :export, :roles => :app do
    words = "foreman export #{fetch(:foreman_format)} #{fetch(:foreman_location)} -f ./Procfile -a #{fetch(:foreman_app)} " \
            "-u #{fetch(:foreman_user)} -l #{fetch(:foreman_log)}"
    words += " -c #{fetch(:foreman_concurrency)}" if fetch(:foreman_concurrency)
    run "cd #{fetch(:current_path)} && #{fetch(:foreman_sudo)} #{fetch(:bundle_cmd, 'bundle')} exec #{words}"
  end

  { :start => "Start", :stop => "Stop" }.each do |verb, title|
    desc "#{title} the services of the application."
    task(verb, :roles => :app) { run "#{fetch(:foreman_sudo)} service #{fetch(:foreman_app)} #{verb}" }
  end

  desc "Restart the services of the application, or start them."
  task :restart, :roles => :app do
    run "#{fetch(:foreman_sudo)} service #{fetch(:foreman_app)} restart || #{fetch(:foreman_sudo)} service #{fetch(:foreman_app)} start"
  end
end
