# What `require "capistrano/bower"` stands for.
namespace :load do
  task :defaults do
    set_if_empty :bower_flags, "--quiet --config.interactive=false"
    set_if_empty :bower_roles, :all
    set_if_empty :bower_bin, :bower
    set_if_empty :bower_target_path, nil
  end
end

namespace :bower do
  desc "Install the components of Bower."
  task :install do
    on roles(fetch(:bower_roles)) do
      within fetch(:bower_target_path) || release_path do
        execute fetch(:bower_bin), :install, fetch(:bower_flags)
      end
    end
  end

  desc "Remove components of Bower that are no longer used."
  task :prune do
    on roles(fetch(:bower_roles)) do
      within fetch(:bower_target_path) || release_path do
        execute fetch(:bower_bin), :prune, fetch(:bower_flags)
      end
    end
  end
end

before "deploy:updated", "bower:install"
