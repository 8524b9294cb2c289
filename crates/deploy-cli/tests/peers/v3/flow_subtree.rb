#: cap deploy
#: cap deploy BRANCH=v2
set :repo_tree, 'public'
