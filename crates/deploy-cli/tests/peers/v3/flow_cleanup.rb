#: cap deploy
#: sh all mkdir -p $ROOT/releases/new; echo x > $ROOT/releases/file
#: cap deploy BRANCH=v2
#: cap deploy BRANCH=v3
#: cap deploy BRANCH=v4
#: cap deploy:cleanup
set :keep_releases, 2
before('deploy:cleanup', :count) { all_note 'cleanup' }
