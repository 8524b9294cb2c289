#: cap deploy:setup
#: cap deploy
#: cap deploy BRANCH=v2
set :deploy_via, :export
set :public_children, %w[images]
set :normalize_asset_timestamps, true
