# What `require "capistrano/passenger"` stands for: the restart of Passenger after the switch.
namespace :load do
  task :defaults do
    set_if_empty :passenger_roles, :app
    set_if_empty :passenger_restart_runner, :sequence
    set_if_empty :passenger_restart_wait, 5
    set_if_empty :passenger_restart_limit, 2
    set_if_empty :passenger_restart_with_sudo, false
    set_if_empty :passenger_environment_variables, {}
    set_if_empty :passenger_restart_command, "passenger-config restart-app"
    set_if_empty :passenger_restart_options, -> { "#{deploy_to} --ignore-app-not-running" }
  end
end

namespace :passenger do
  desc "Restart the application."
  task :restart do
    on roles(fetch(:passenger_roles)), in: fetch(:passenger_restart_runner), wait: fetch(:passenger_restart_wait), limit: fetch(:passenger_restart_limit) do
      with fetch(:passenger_environment_variables) do
        within release_path do
          touch = fetch(:passenger_restart_with_touch)
          if touch.nil?
            version = capture(:passenger, "-v").to_s[/\d+(\.\d+)+/]
            raise "passenger -v shows no version" if version.nil?
            touch = Gem::Version.new(version) < Gem::Version.new("4.0.33")
          end
          if touch
            execute :mkdir, "-p", release_path.join("tmp")
            execute :touch, release_path.join("tmp/restart.txt")
          else
            words = fetch(:passenger_restart_command).split + fetch(:passenger_restart_options).split
            words.unshift("sudo") if fetch(:passenger_restart_with_sudo)
            execute words.first.to_sym, *words.drop(1)
          end
        end
      end
    end
  end
end

namespace :deploy do
  task :restart do
    invoke "passenger:restart"
  end
end

after "deploy:publishing", "deploy:restart"
