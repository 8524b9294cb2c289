# What `require "capistrano-db-tasks"` stands for: directories of shared, copied to and from this machine. Databases are not.
namespace :load do
  task :defaults do
    set_if_empty :assets_dir, "public/system"
    set_if_empty :local_assets_dir, -> { fetch(:assets_dir) }
    set_if_empty :db_local_clean, false
    set_if_empty :db_remote_clean, false
    set_if_empty :disallow_pushing, true
    set_if_empty :skip_data_sync_confirm, false
    set_if_empty :rails_env, -> { fetch(:stage) }
  end
end

namespace :db do
  { remote: %w[sync], local: %w[sync] }.each do |side, names|
    namespace side do
      names.each do |name|
        desc "Not built in: copies of databases."
        task name do
          raise "db:#{side}:#{name} is not built in: dump the database in a task of your own (pg_dump, mysqldump) and download! it"
        end
      end
    end
  end

  desc "Not built in: copies of databases."
  task(:pull) { invoke "db:local:sync" }

  desc "Not built in: copies of databases."
  task(:push) { invoke "db:remote:sync" }
end

namespace :assets do
  namespace :local do
    desc "Bring the directories of assets_dir from the first application host."
    task :sync do
      on primary(:app) do
        remote = Array(fetch(:assets_dir))
        local = Array(fetch(:local_assets_dir))
        remote.each_with_index do |dir, index|
          download! "#{current_path}/#{dir}", File.dirname(local[index] || local.first), recursive: true
        end
      end
    end
  end

  namespace :remote do
    desc "Bring the directories of assets_dir to the application hosts."
    task :sync do
      raise "set :disallow_pushing, false: assets of this machine would replace those of the hosts" if fetch(:disallow_pushing)
      on roles(:app) do
        Array(fetch(:local_assets_dir)).each_with_index do |dir, index|
          target = Array(fetch(:assets_dir))[index] || Array(fetch(:assets_dir)).first
          upload! dir, File.dirname("#{current_path}/#{target}"), recursive: true
        end
      end
    end
  end

  desc "Bring the directories of assets_dir here."
  task(:pull) { invoke "assets:local:sync" }

  desc "Bring the directories of assets_dir to the hosts."
  task(:push) { invoke "assets:remote:sync" }
end
