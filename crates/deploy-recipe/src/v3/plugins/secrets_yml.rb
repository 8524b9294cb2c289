# What `require "capistrano/secrets_yml"` stands for: config/secrets.yml comes to the hosts by a task.
namespace :load do
  task :defaults do
    set_if_empty :secrets_yml_local_path, "config/secrets.yml"
    set_if_empty :secrets_yml_remote_path, -> { shared_path.join("config/secrets.yml") }
    set_if_empty :secrets_yml_env, -> { fetch(:rails_env, fetch(:stage)) }
  end
end

namespace :secrets_yml do
  desc "Check that the local secrets have the environment of the stage."
  task :check do
    file = fetch(:secrets_yml_local_path)
    raise "#{file} is not there: write the secrets of #{fetch(:secrets_yml_env)} into it" unless File.exist?(file)
    known = YAML.load(ERB.new(File.read(file)).result)
    raise "#{file} has nothing for #{fetch(:secrets_yml_env)}" unless known && known[fetch(:secrets_yml_env).to_s]
  end

  desc "Upload the secrets of the stage to the hosts."
  task setup: :check do
    name = fetch(:secrets_yml_env).to_s
    own = YAML.load(ERB.new(File.read(fetch(:secrets_yml_local_path))).result)[name]
    on release_roles(:all) do
      execute :mkdir, "-p", File.dirname(fetch(:secrets_yml_remote_path).to_s)
      upload! StringIO.new({ name => own }.to_yaml), fetch(:secrets_yml_remote_path).to_s
    end
  end
end
