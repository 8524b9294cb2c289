#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy:rollback
set :local_user, 'Bob the Builder'
set(:revision_log_message) { "#{fetch(:branch)} by #{fetch(:local_user).split.first} at #{fetch(:current_revision)} in #{release_path.basename}" }
