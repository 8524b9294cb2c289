# What `require "railsless-deploy"` stands for: deploys without what only Rails has.
load "deploy"

# Unless the recipe has chosen its own before.
set(:shared_children, []) if fetch(:shared_children) == %w[public/system log tmp/pids]
set :normalize_asset_timestamps, false

namespace :deploy do
  { :migrate => "There are no migrations here.", :start => "", :stop => "", :restart => "" }.each do |name, text|
    desc "[internal] #{text}".rstrip
    task(name) {}
  end
end
