#: cap deploy:setup
#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy BRANCH=v3
#: cap deploy BRANCH=v4
#: differs(cleanup) 0 deploy:cleanup -s keep_releases=1
#: then app1 ls $ROOT/releases | wc -l => 1 | 2
set :keep_releases, 2
after 'deploy:update', 'deploy:cleanup'
