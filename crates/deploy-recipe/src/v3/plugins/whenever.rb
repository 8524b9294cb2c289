# What `require "whenever/capistrano"` stands for: the crontab of the application.
namespace :load do
  task :defaults do
    set_if_empty :whenever_roles, :db
    set_if_empty :whenever_command, -> { [:bundle, :exec, :whenever] }
    set_if_empty :whenever_command_environment_variables, -> { fetch(:default_env).merge(rails_env: fetch(:whenever_environment)) }
    set_if_empty :whenever_identifier, -> { fetch(:application) }
    set_if_empty :whenever_environment, -> { fetch(:rails_env, fetch(:stage, "production")) }
    set_if_empty :whenever_variables, -> { "environment=#{fetch(:whenever_environment)}" }
    set_if_empty :whenever_load_file, nil
    set_if_empty :whenever_update_flags, -> { "--update-crontab #{fetch(:whenever_identifier)} --set #{fetch(:whenever_variables)}" }
    set_if_empty :whenever_clear_flags, -> { "--clear-crontab #{fetch(:whenever_identifier)}" }
    set_if_empty :whenever_path, -> { release_path }
  end
end

namespace :whenever do
  run = lambda do |flags|
    on roles(fetch(:whenever_roles)) do |host|
      words = [fetch(:whenever_command), flags].flatten
      words << "--load-file #{fetch(:whenever_load_file)}" if fetch(:whenever_load_file)
      words << "--roles=#{host.roles.join(',')}"
      within fetch(:whenever_path) do
        with fetch(:whenever_command_environment_variables) do
          execute(*words)
        end
      end
    end
  end

  desc "Update the crontab."
  task :update_crontab do
    run.call(fetch(:whenever_update_flags))
  end

  desc "Clear the crontab."
  task :clear_crontab do
    run.call(fetch(:whenever_clear_flags))
  end
end

after "deploy:updated", "whenever:update_crontab"
after "deploy:reverted", "whenever:update_crontab"
