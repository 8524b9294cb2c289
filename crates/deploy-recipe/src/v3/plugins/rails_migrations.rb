# What `require "capistrano/rails/migrations"` stands for.
namespace :load do
  task :defaults do
    set_if_empty :conditionally_migrate, false
    set_if_empty :migration_role, :db
    set_if_empty :migration_servers, -> { primary(fetch(:migration_role)) }
    set_if_empty :migration_command, "db:migrate"
  end
end

namespace :deploy do
  desc "Run the migrations; with conditionally_migrate only where db differs from the live release."
  task migrate: :set_rails_env do
    on fetch(:migration_servers) do
      if fetch(:conditionally_migrate) && test(:diff, "-qr #{release_path}/db #{current_path}/db")
        info "nothing in db has changed, no migration is run"
      else
        invoke "deploy:migrating"
      end
    end
  end

  desc "Run the migrations, whatever has changed."
  task migrating: :set_rails_env do
    on fetch(:migration_servers) do
      within release_path do
        with rails_env: fetch(:rails_env) do
          execute :rake, fetch(:migration_command)
        end
      end
    end
  end
end

after "deploy:updated", "deploy:migrate"
