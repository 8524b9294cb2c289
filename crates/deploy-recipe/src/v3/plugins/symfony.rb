# What `require "capistrano/symfony"` stands for: Symfony applications.
namespace :load do
  task :defaults do
    set_if_empty :symfony_env, -> { fetch(:symfony_env_prod, "prod") }
    set_if_empty :symfony_roles, :all
    set_if_empty :symfony_directory_structure, 3
    set_if_empty :sensio_distribution_version, 5
    set_if_empty :app_path, "app"
    set_if_empty :web_path, -> { fetch(:symfony_directory_structure) == 4 ? "public" : "web" }
    set_if_empty :var_path, "var"
    set_if_empty :bin_path, "bin"
    set_if_empty :app_config_path, -> { fetch(:symfony_directory_structure) == 4 ? "config" : "#{fetch(:app_path)}/config" }
    set_if_empty :log_path, -> { fetch(:symfony_directory_structure) == 2 ? "#{fetch(:app_path)}/logs" : (fetch(:symfony_directory_structure) == 4 ? "var/log" : "var/logs") }
    set_if_empty :cache_path, -> { fetch(:symfony_directory_structure) == 2 ? "#{fetch(:app_path)}/cache" : "var/cache" }
    set_if_empty :symfony_console_path, -> { fetch(:symfony_directory_structure) == 2 ? "#{fetch(:app_path)}/console" : "bin/console" }
    set_if_empty :symfony_console_flags, "--no-debug"
    set_if_empty :controllers_to_clear, ["app_*.php", "config.php"]
    set_if_empty :assets_install_path, -> { fetch(:web_path) }
    set_if_empty :assets_install_flags, "--symlink"
    set_if_empty :share_files_mode, "0644"
    set_if_empty :permission_method, false
    set_if_empty :file_permissions_paths, -> { [fetch(:log_path), fetch(:cache_path)] }
  end
end

def symfony_console(command, params = "")
  on release_roles(fetch(:symfony_roles)) do
    within release_path do
      with symfony_env: fetch(:symfony_env) do
        words = [command, params, fetch(:symfony_console_flags).to_s].reject(&:empty?)
        execute :php, fetch(:symfony_console_path), *words, "--env=#{fetch(:symfony_env)}"
      end
    end
  end
end

namespace :symfony do
  desc "Run a command of the console: cap STAGE symfony:console[COMMAND,PARAMS]"
  task :console, [:command, :params] do |task, args|
    task.reenable
    symfony_console args[:command] || "list", args[:params].to_s
  end

  namespace :cache do
    desc "Empty the cache."
    task(:clear) { symfony_console "cache:clear" }

    desc "Fill the cache."
    task(:warmup) { symfony_console "cache:warmup" }
  end

  namespace :assets do
    desc "Install the assets of the bundles."
    task(:install) { symfony_console "assets:install", "#{fetch(:assets_install_path)} #{fetch(:assets_install_flags)}".strip }
  end

  namespace :assetic do
    desc "Write all assets of Assetic."
    task(:dump) { symfony_console "assetic:dump" }
  end

  desc "[internal] Make the directory of the cache."
  task :create_cache_dir do
    on release_roles(fetch(:symfony_roles)) do
      cache = release_path.join(fetch(:cache_path))
      execute :rm, "-rf", cache if test("[ -d #{cache} ]")
      execute :mkdir, "-pv", cache
    end
  end

  desc "Let the web server write the cache and the logs, by the way that permission_method names."
  task :set_permissions do
    invoke "deploy:set_permissions:#{fetch(:permission_method)}" if fetch(:permission_method)
  end

  desc "Remove the front controllers of development."
  task :clear_controllers do
    names = Array(fetch(:controllers_to_clear))
    on release_roles(fetch(:symfony_roles)) do
      within release_path.join(fetch(:web_path)) do
        execute :rm, "-f", *names unless names.empty?
      end
    end
  end

  desc "Build the bootstrap file."
  task :build_bootstrap do
    on release_roles(fetch(:symfony_roles)) do
      within release_path do
        file = "vendor/sensio/distribution-bundle/Resources/bin/build_bootstrap.php"
        execute :php, "./#{file}", fetch(:app_path) if test("[ -f #{release_path}/#{file} ]")
      end
    end
  end
end

after "deploy:updating", "symfony:create_cache_dir"
after "deploy:updating", "symfony:set_permissions"
before "deploy:updated", "symfony:cache:warmup"
before "deploy:updated", "symfony:clear_controllers"
