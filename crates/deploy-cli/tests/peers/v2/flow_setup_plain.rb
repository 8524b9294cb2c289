#: only 2.15
#: cap deploy:setup
#: cap deploy:check
#: cap deploy
set :group_writable, false
set :shared_children, []
