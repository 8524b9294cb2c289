# What `require "capistrano/postgresql"` stands for: the database of the application, made on the database host.
namespace :load do
  task :defaults do
    set_if_empty :pg_database, -> { "#{fetch(:application)}_#{fetch(:stage)}" }
    set_if_empty :pg_user, -> { fetch(:pg_database) }
    set_if_empty :pg_username, -> { fetch(:pg_user) }
    set_if_empty :pg_env, -> { fetch(:rails_env) || fetch(:stage) }
    set_if_empty :pg_host, "localhost"
    set_if_empty :pg_port, 5432
    set_if_empty :pg_pool, 5
    set_if_empty :pg_encoding, "unicode"
    set_if_empty :pg_system_user, "postgres"
    set_if_empty :pg_system_db, "postgres"
    set_if_empty :pg_without_sudo, false
    set_if_empty :pg_use_hstore, false
    set_if_empty :pg_extensions, []
    set_if_empty :pg_ask_for_password, false
    set_if_empty :pg_generate_random_password, true
  end
end

namespace :postgresql do
  sql = lambda do |backend, text|
    words = [:psql, "-d", fetch(:pg_system_db), "-c", "\"#{text}\""]
    words = [:sudo, "-u", fetch(:pg_system_user), *words] unless fetch(:pg_without_sudo)
    backend.execute(*words)
  end
  there = lambda do |backend, query|
    words = "psql -d #{fetch(:pg_system_db)} -tAc \"#{query}\" | grep -q 1"
    backend.test(fetch(:pg_without_sudo) ? words : "sudo -u #{fetch(:pg_system_user)} #{words}")
  end

  # A password would stand on a command line of the host, for everybody there to see.
  desc "Check that the login of the application is there: it is not made."
  task :create_database_user do
    on primary(:db) do
      name = fetch(:pg_username)
      unless there.call(self, "SELECT 1 FROM pg_roles WHERE rolname = '#{name}'")
        raise "the database has no login #{name}: make it by hand (createuser --pwprompt #{name}), with the password of :pg_password"
      end
    end
  end

  desc "Make the database of the application, if it is not there."
  task create_database: :create_database_user do
    on primary(:db) do
      name = fetch(:pg_database)
      unless there.call(self, "SELECT 1 FROM pg_database WHERE datname = '#{name}'")
        sql.call(self, "CREATE DATABASE \\\"#{name}\\\" OWNER \\\"#{fetch(:pg_username)}\\\"")
      end
    end
  end

  desc "Write config/database.yml of the shared files, if it is not there."
  task :generate_database_yml do
    on release_roles(:all) do
      file = shared_path.join("config/database.yml").to_s
      unless test("[ -e #{file} ]")
        raise "set :pg_password: #{file} needs it" unless fetch(:pg_password)
        own = { "adapter" => "postgresql", "encoding" => fetch(:pg_encoding), "database" => fetch(:pg_database),
                "pool" => fetch(:pg_pool), "username" => fetch(:pg_username), "password" => fetch(:pg_password),
                "host" => fetch(:pg_host), "port" => fetch(:pg_port) }
        execute :mkdir, "-pv", File.dirname(file)
        upload! StringIO.new({ fetch(:pg_env).to_s => own }.to_yaml), file
      end
    end
  end
end

desc "Prepare the database: login, database, config/database.yml."
task :setup do
  invoke "postgresql:create_database"
  invoke "postgresql:generate_database_yml"
end
