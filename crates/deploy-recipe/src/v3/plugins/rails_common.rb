# What the recipes for Rails have in common.
namespace :deploy do
  task :set_rails_env do
    set :rails_env, fetch(:rails_env) || fetch(:stage)
  end
end

stages.each { |stage| after stage, "deploy:set_rails_env" }
