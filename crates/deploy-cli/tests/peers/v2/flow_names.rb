#: cap deploy:setup
#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy:rollback
set :version_dir, 'versions'
set :shared_dir, 'common'
set :current_dir, 'live'
after('deploy') { note release_path, current_path, shared_path, releases_path }
