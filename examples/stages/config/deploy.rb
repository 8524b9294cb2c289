# What staging and production have in common.
lock "~> 3.17"

set :application, "stages"
set :repo_url, "https://git.example.com/stages.git"
set :branch, "main"

append :linked_files, "config/database.yml"
append :linked_dirs, "log", "tmp/pids"

set :keep_releases, 3

namespace :deploy do
  desc "Refuse to deploy at the weekend."
  task :not_at_the_weekend do
    abort "it is the weekend" if Time.now.wday % 6 == 0 && fetch(:stage) == :production && !ENV["FORCE"]
  end
end
before "deploy:starting", "deploy:not_at_the_weekend"
