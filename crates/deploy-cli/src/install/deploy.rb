# What all stages have in common.
lock "~> 3.17"

set :application, "my_app"
set :repo_url, "git@example.com:me/my_app.git"

# The branch that is deployed; the default is master.
# set :branch, "main"

# The root of the deployment on the hosts; the default is /var/www/my_app.
# set :deploy_to, "/var/www/my_app"

# Files that are in shared/ on each host and are linked into each release.
# append :linked_files, "config/database.yml"

# Directories that outlive releases.
# append :linked_dirs, "log", "tmp/pids", "tmp/cache", "public/system"

# How many releases stay.
# set :keep_releases, 5
