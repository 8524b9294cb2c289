# What `require "capistrano/composer"` stands for: the packages of the application.
namespace :load do
  task :defaults do
    set_if_empty :composer_install_flags, "--no-dev --prefer-dist --no-interaction --quiet --optimize-autoloader"
    set_if_empty :composer_roles, :all
    set_if_empty :composer_working_dir, -> { release_path }
    set_if_empty :composer_dump_autoload_flags, "--optimize"
  end
end

namespace :composer do
  desc "Run a command of Composer: cap STAGE composer:run[COMMAND]"
  task :run, [:command] do |_task, args|
    on release_roles(fetch(:composer_roles)) do
      within fetch(:composer_working_dir) do
        execute :composer, args[:command], *args.extras
      end
    end
  end

  desc "Install the packages of the application."
  task :install do
    invoke! "composer:run", :install, fetch(:composer_install_flags)
  end

  desc "Write the map of classes anew."
  task :dump_autoload do
    invoke! "composer:run", "dump-autoload", fetch(:composer_dump_autoload_flags)
  end

  desc "Bring Composer itself up to date."
  task :self_update do
    invoke! "composer:run", :selfupdate
  end
end

before "deploy:updated", "composer:install"
before "deploy:reverted", "composer:install"
