# What `require "capifony_symfony2"` stands for: Symfony 2 applications.
load "deploy"
require "colored"

_cset :app_path, "app"
_cset :web_path, "web"
_cset(:app_config_path) { "#{fetch(:app_path)}/config" }
_cset :app_config_file, "parameters.yml"
_cset(:log_path) { "#{fetch(:app_path)}/logs" }
_cset(:cache_path) { "#{fetch(:app_path)}/cache" }
_cset(:symfony_console) { "#{fetch(:app_path)}/console" }
_cset :symfony_env_prod, "prod"
_cset :symfony_env_local, "dev"
_cset :symfony_debug, false
_cset :php_bin, "php"
_cset :interactive_mode, true
_cset :remote_tmp_dir, "/tmp"
_cset :symfony_vendors, "bin/vendors"
_cset :build_bootstrap, "bin/build_bootstrap"
_cset :use_composer, false
_cset :composer_bin, false
_cset :composer_options, "--no-dev --verbose --prefer-dist --optimize-autoloader --no-progress"
_cset :composer_dump_autoload_options, "--optimize"
_cset :copy_vendors, false
_cset :update_vendors, false
_cset :vendors_mode, "reinstall"
_cset :dump_assetic_assets, false
_cset :assetic_dump_options, ""
_cset :assets_install, true
_cset :assets_symlinks, false
_cset :assets_relative_symlinks, false
_cset :update_assets_version, false
_cset :cache_warmup, true
_cset :clear_controllers, true
_cset :controllers_to_clear, ["app_*.php"]
_cset :use_orm, true
_cset :model_manager, "doctrine"
_cset :shared_files, false
_cset :writable_dirs, []
_cset :webserver_user, "www-data"
_cset :permission_method, false
_cset :use_set_permissions, false
_cset(:asset_children) { %w[css images js].map { |name| "#{fetch(:web_path)}/#{name}" } }

# Unless the recipe has chosen its own before.
if fetch(:shared_children) == %w[public/system log tmp/pids]
  set(:shared_children) { [fetch(:log_path), "#{fetch(:web_path)}/uploads"] }
end
set :normalize_asset_timestamps, false

def capifony_pretty_print(text)
  logger.info text
end

def capifony_puts_ok
end

def remote_file_exists?(path)
  capture("if [ -e #{path} ]; then echo true; fi").strip == "true"
end

def remote_command_exists?(name)
  capture("if command -v #{name} >/dev/null 2>&1; then echo true; fi").strip == "true"
end

def console_options
  "--env=#{fetch(:symfony_env_prod)}#{' --no-debug' unless fetch(:symfony_debug)}"
end

scope = { :roles => :app, :except => { :no_release => true } }
console = lambda do |words|
  release = fetch(:latest_release) || fetch(:current_path)
  run "cd #{release} && #{fetch(:php_bin)} #{fetch(:symfony_console)} #{words} #{console_options}"
end
composer = lambda do |words|
  release = fetch(:latest_release) || fetch(:current_path)
  own = fetch(:composer_bin)
  # Without a `composer` of the host's own, the release gets one.
  get = "if [ ! -e composer.phar ]; then curl -s https://getcomposer.org/installer | #{fetch(:php_bin)}; fi && "
  run "cd #{release} && #{own ? '' : get}#{own || "#{fetch(:php_bin)} composer.phar"} #{words}"
end

namespace :deploy do
  { :migrate => "", :start => "", :stop => "", :restart => "" }.each_key do |name|
    desc "[internal] Symfony needs nothing here."
    task(name) {}
  end

  desc "[internal] Link shared directories and files into the release."
  task :share_childs, scope do
    links = [fetch(:shared_children), fetch(:shared_files) || []].flatten
    links.each do |path|
      shared = "#{fetch(:shared_path)}/#{path}"
      release = "#{fetch(:latest_release)}/#{path}"
      is_file = [fetch(:shared_files) || []].flatten.include?(path)
      make = is_file ? "mkdir -p #{File.dirname(shared)} && touch #{shared}" : "mkdir -p #{shared}"
      run "#{make} && mkdir -p #{File.dirname(release)} && rm -rf #{release} && ln -nfs #{shared} #{release}"
    end
  end

  desc "Let the web server write what it must."
  task :set_permissions, scope do
    if fetch(:use_set_permissions) || fetch(:permission_method)
      dirs = [fetch(:writable_dirs)].flatten.map { |dir| "#{fetch(:latest_release)}/#{dir}" }.join(" ")
      user = fetch(:webserver_user)
      unless dirs.empty?
        case fetch(:permission_method)
        when :acl then run "setfacl -R -m u:#{user}:rwX #{dirs} && setfacl -dR -m u:#{user}:rwx #{dirs}"
        when :chown then run "#{try_sudo} chown -R #{user} #{dirs}"
        when :chmod_alt then run "chmod -R a+w #{dirs}"
        else run "chmod -R +a \"#{user} allow delete,write,append,file_inherit,directory_inherit\" #{dirs}"
        end
      end
    end
  end

  desc "[internal] Make the release one of Symfony."
  task :finalize_update, scope do
    release = fetch(:latest_release)
    run "chmod -R -- g+w #{release}" if fetch(:group_writable, true)
    run "rm -rf #{release}/#{fetch(:cache_path)} && mkdir -p #{release}/#{fetch(:cache_path)} && chmod -R 0777 #{release}/#{fetch(:cache_path)}"
    share_childs
  end

  desc "[internal] Not of Symfony."
  task(:test_all) {}
end

namespace :symfony do
  desc "Run a command of the console: -s command=list"
  task :default, scope do
    console.call(fetch(:command, "list"))
  end

  namespace :logs do
    [:tail, :tail_dev].each do |name|
      desc "Show the end of the log."
      task name, scope do
        env = name == :tail ? fetch(:symfony_env_prod) : fetch(:symfony_env_local)
        run "tail -n 50 #{fetch(:shared_path)}/#{fetch(:log_path)}/#{env}.log"
      end
    end
  end

  namespace :assets do
    desc "Install the assets of the bundles."
    task :install, scope do
      kind = fetch(:assets_relative_symlinks) ? " --symlink --relative" : (fetch(:assets_symlinks) ? " --symlink" : "")
      console.call("assets:install #{fetch(:web_path)}#{kind}")
    end

    desc "Give the assets a new version."
    task :update_version, scope do
      file = "#{fetch(:latest_release)}/#{fetch(:app_config_path)}/config.yml"
      run "sed -i 's/\\(assets_version:[ ]*\\)\\([a-zA-Z0-9_]*\\)\\(.*\\)$/\\1#{fetch(:release_name)}\\3/g' #{file}"
    end
  end

  namespace :assetic do
    desc "Write all assets of Assetic."
    task(:dump, scope) { console.call("assetic:dump #{fetch(:assetic_dump_options)}".rstrip) }
  end

  namespace :vendors do
    %w[install reinstall upgrade].each do |name|
      desc "Bring the vendor libraries (#{name})."
      task name, scope do
        words = { "install" => "install", "reinstall" => "install --reinstall", "upgrade" => "update" }[name]
        run "cd #{fetch(:latest_release)} && #{fetch(:php_bin)} #{fetch(:symfony_vendors)} #{words}"
      end
    end
  end

  namespace :bootstrap do
    desc "Build the bootstrap file."
    task :build, scope do
      run "cd #{fetch(:latest_release)} && test -f #{fetch(:build_bootstrap)} && #{fetch(:php_bin)} #{fetch(:build_bootstrap)} || true"
    end
  end

  namespace :composer do
    desc "Bring Composer into the release."
    task(:get, scope) { composer.call("--version") }

    desc "Install the vendor libraries."
    task(:install, scope) { composer.call("install #{fetch(:composer_options)}") }

    desc "Bring the vendor libraries up to date."
    task(:update, scope) { composer.call("update #{fetch(:composer_options)}") }

    desc "Write the map of classes anew."
    task(:dump_autoload, scope) { composer.call("dump-autoload #{fetch(:composer_dump_autoload_options)}") }

    desc "Take the vendor libraries of the release that is live."
    task :copy_vendors, scope do
      run "vendor=#{fetch(:current_path)}/vendor; if [ -d $vendor ]; then cp -a $vendor #{fetch(:latest_release)}; fi"
    end
  end

  namespace :cache do
    [:clear, :warmup].each do |name|
      desc "Run cache:#{name}."
      task name, scope do
        console.call("cache:#{name}")
        run "chmod -R g+w #{fetch(:latest_release)}/#{fetch(:cache_path)}"
      end
    end
  end

  namespace :project do
    desc "Remove the front controllers of development."
    task :clear_controllers, scope do
      names = [fetch(:controllers_to_clear)].flatten.map { |name| "#{fetch(:latest_release)}/#{fetch(:web_path)}/#{name}" }
      run "rm -f #{names.join(' ')}" unless names.empty?
    end
  end

  namespace :init do
    desc "Make the tables of the access lists."
    task(:acl, :roles => :app, :only => { :primary => true }) { console.call("init:acl") }
  end

  words = lambda do |full|
    { "schema:update" => "schema:update --force", "schema:drop" => "schema:drop --force",
      "database:drop" => "database:drop --force",
      "migrations:migrate" => "migrations:migrate --no-interaction" }.fetch(full, full).tr("_", "-")
  end
  once = { :roles => :db, :only => { :primary => true } }

  namespace :doctrine do
    { "database" => %w[create drop], "schema" => %w[create drop update], "migrations" => %w[migrate status],
      "cache" => %w[clear_metadata clear_query clear_result] }.each do |group, names|
      namespace group do
        names.each do |name|
          desc "Run doctrine:#{group}:#{name.tr('_', '-')}."
          task(name, once) { console.call("doctrine:#{words.call("#{group}:#{name}")}") }
        end
      end
    end

    namespace :mongodb do
      { "schema" => %w[create update], "indexes" => %w[create] }.each do |group, names|
        namespace group do
          names.each do |name|
            desc "Run doctrine:mongodb:#{group}:#{name}."
            task(name, once) { console.call("doctrine:mongodb:#{group}:#{name}") }
          end
        end
      end
    end

    desc "Load the fixtures."
    task(:load_fixtures, once) { console.call("doctrine:fixtures:load") }
  end

  namespace :propel do
    { "database" => %w[create drop], "build" => %w[model sql sql_load acl],
      "migration" => %w[migrate status] }.each do |group, names|
      namespace group do
        names.each do |name|
          desc "Run propel:#{group}:#{name.tr('_', '-')}."
          task(name, once) { console.call("propel:#{words.call("#{group}:#{name}")}") }
        end
      end
    end
  end
end

after "deploy:finalize_update" do
  symfony.composer.copy_vendors if fetch(:copy_vendors)
  if fetch(:use_composer)
    fetch(:update_vendors) ? symfony.composer.update : symfony.composer.install
  elsif fetch(:update_vendors)
    fetch(:vendors_mode).to_s == "upgrade" ? symfony.vendors.upgrade : symfony.vendors.send(fetch(:vendors_mode))
  end
  symfony.bootstrap.build unless fetch(:use_composer)
  symfony.assets.update_version if fetch(:update_assets_version)
  symfony.assets.install if fetch(:assets_install)
  symfony.cache.warmup if fetch(:cache_warmup)
  symfony.assetic.dump if fetch(:dump_assetic_assets)
  symfony.project.clear_controllers if fetch(:clear_controllers)
  deploy.set_permissions
end
