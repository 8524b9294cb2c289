#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy:rollback
set :releases_directory, 'versions'
set :shared_directory, 'common'
set :current_directory, 'live'
set :linked_dirs, %w[log]
after('deploy:published', :tell) { all_note current_path, shared_path, releases_path, release_path }
