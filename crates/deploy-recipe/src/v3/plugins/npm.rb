# What `require "capistrano/npm"` stands for: the packages of the application.
namespace :load do
  task :defaults do
    set_if_empty :npm_flags, "--production --silent --no-progress"
    set_if_empty :npm_prune_flags, "--production"
    set_if_empty :npm_roles, :all
    set_if_empty :npm_env_variables, {}
    set_if_empty :npm_method, "install"
  end
end

namespace :npm do
  run = lambda do |*words|
    on roles(fetch(:npm_roles)) do
      within fetch(:npm_target_path) || release_path do
        with fetch(:npm_env_variables) do
          execute :npm, *words
        end
      end
    end
  end

  desc "Install the packages of the application."
  task :install do
    run.call(fetch(:npm_method), fetch(:npm_flags))
  end

  desc "Remove packages that the application no longer uses."
  task :prune do
    run.call("prune", fetch(:npm_prune_flags))
  end

  desc "Build the packages anew."
  task :rebuild do
    run.call("rebuild")
  end
end

before "deploy:updated", "npm:install"
