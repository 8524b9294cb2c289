#: cap deploy:setup
#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy -s revision=v3
#: cap deploy:update BRANCH=v4
set :deploy_via, :checkout
