#: cap deploy:setup
#: cap deploy
#: cap deploy BRANCH=v3
#: cap deploy BRANCH=v2
set :deploy_via, :remote_cache
set :repository_cache, 'cached-copy'
