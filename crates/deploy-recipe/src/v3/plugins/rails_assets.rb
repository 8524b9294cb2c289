# What `require "capistrano/rails/assets"` stands for.
namespace :load do
  task :defaults do
    set_if_empty :assets_roles, [:web]
    set_if_empty :assets_prefix, "assets"
    set_if_empty :assets_manifests, -> {
      %w[.sprockets-manifest* manifest*.* .manifest.json].map do |name|
        release_path.join("public", fetch(:assets_prefix), name)
      end
    }
    set_if_empty :keep_assets, nil
    append :linked_dirs, "public/#{fetch(:assets_prefix)}"
  end
end

namespace :deploy do
  desc "Even out the time stamps of the assets."
  task normalize_assets: :set_rails_env do
    places = [fetch(:normalize_asset_timestamps)].flatten.compact
    unless places.empty? || places == [true]
      on release_roles(fetch(:assets_roles)) do
        within release_path do
          execute :find, "#{places.join(' ')} -exec touch -t #{asset_timestamp} {} ';'; true"
        end
      end
    end
  end

  desc "Compile the assets."
  task compile_assets: :set_rails_env do
    invoke "deploy:assets:precompile"
    invoke "deploy:assets:backup_manifest"
  end

  desc "Remove assets that are no longer used (keep_assets)."
  task cleanup_assets: :set_rails_env do
    if fetch(:keep_assets)
      on release_roles(fetch(:assets_roles)) do
        within release_path do
          with rails_env: fetch(:rails_env) do
            execute :rake, "'assets:clean[#{fetch(:keep_assets)}]'"
          end
        end
      end
    end
  end

  desc "Remove all compiled assets."
  task clobber_assets: :set_rails_env do
    on release_roles(fetch(:assets_roles)) do
      within release_path do
        with rails_env: fetch(:rails_env) do
          execute :rake, "assets:clobber"
        end
      end
    end
  end

  task rollback_assets: :set_rails_env do
    begin
      invoke "deploy:assets:restore_manifest"
    rescue
      invoke "deploy:compile_assets"
    end
  end

  namespace :assets do
    task :precompile do
      on release_roles(fetch(:assets_roles)) do
        within release_path do
          with rails_env: fetch(:rails_env), rails_groups: fetch(:rails_assets_groups) do
            execute :rake, "assets:precompile"
          end
        end
      end
    end

    task :backup_manifest do
      on release_roles(fetch(:assets_roles)) do
        within release_path do
          backup = release_path.join("assets_manifest_backup")
          execute :mkdir, "-p", backup
          candidate = fetch(:assets_manifests).find { |path| test(:ls, path) }
          if candidate
            execute :cp, candidate, backup
          else
            fatal "no manifest of the assets is found in #{fetch(:assets_manifests).join(', ')}"
            raise "the assets have no manifest"
          end
        end
      end
    end

    task :restore_manifest do
      on release_roles(fetch(:assets_roles)) do
        within release_path do
          backup = release_path.join("assets_manifest_backup")
          name = capture(:ls, "-A", backup).split.first
          raise "there is no manifest in #{backup}" if name.nil?
          execute :cp, backup.join(name), release_path.join("public", fetch(:assets_prefix), name)
        end
      end
    end
  end
end

after "deploy:updated", "deploy:compile_assets"
after "deploy:updated", "deploy:cleanup_assets"
after "deploy:updated", "deploy:normalize_assets"
after "deploy:reverted", "deploy:rollback_assets"
