# What `require "whenever/capistrano"` stands for: the crontab of the application.
_cset(:whenever_roles) { :db }
_cset(:whenever_options) { { :roles => fetch(:whenever_roles) } }
_cset(:whenever_command) { "whenever" }
_cset(:whenever_identifier) { fetch(:application) }
_cset(:whenever_environment) { fetch(:rails_env, fetch(:stage, "production")) }
_cset(:whenever_variables) { "environment=#{fetch(:whenever_environment)}" }
_cset(:whenever_update_flags) { "--update-crontab #{fetch(:whenever_identifier)} --set #{fetch(:whenever_variables)}" }
_cset(:whenever_clear_flags) { "--clear-crontab #{fetch(:whenever_identifier)}" }
_cset(:whenever_path) { fetch(:latest_release) }

namespace :whenever do
  # Each host has the jobs of its own roles.
  each_host = lambda do |path, flags|
    find_servers(fetch(:whenever_options)).each do |server|
      mine = role_names_for_host(server).join(",")
      run "cd #{path} && #{fetch(:whenever_command)} #{flags} --roles=#{mine}", :hosts => server
    end
  end

  desc "Update the crontab with the schedule of the newest release."
  task :update_crontab do
    on_rollback do
      before = fetch(:previous_release, nil)
      if before
        each_host.call(before, fetch(:whenever_update_flags))
      else
        each_host.call(fetch(:whenever_path), fetch(:whenever_clear_flags))
      end
    end
    each_host.call(fetch(:whenever_path), fetch(:whenever_update_flags))
  end

  desc "Remove the application's jobs from the crontab."
  task :clear_crontab do
    each_host.call(fetch(:whenever_path), fetch(:whenever_clear_flags))
  end
end

before "deploy:finalize_update", "whenever:update_crontab"
after "deploy:rollback", "whenever:update_crontab"
