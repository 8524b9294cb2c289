# What `require "capistrano/yarn"` stands for: the packages of the application.
namespace :load do
  task :defaults do
    set_if_empty :yarn_flags, "--production"
    set_if_empty :yarn_prune_flags, "--production"
    set_if_empty :yarn_roles, :all
    set_if_empty :yarn_env_variables, {}
    set_if_empty :yarn_method, "install"
  end
end

namespace :yarn do
  run = lambda do |*words|
    on roles(fetch(:yarn_roles)) do
      within fetch(:yarn_target_path) || release_path do
        with fetch(:yarn_env_variables) do
          execute :yarn, *words
        end
      end
    end
  end

  desc "Install the packages of the application."
  task :install do
    run.call(fetch(:yarn_method), fetch(:yarn_flags))
  end

  desc "Remove packages that the application no longer uses."
  task :prune do
    run.call("prune", fetch(:yarn_prune_flags))
  end

  desc "Build the packages anew."
  task :rebuild do
    run.call("rebuild")
  end
end

before "deploy:updated", "yarn:install"
