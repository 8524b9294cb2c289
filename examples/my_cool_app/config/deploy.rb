# An application on five servers, deployed from Subversion: an ordinary Capistrano 2 recipe.
set :application, "my_cool_app"
set :repository,  "svn://svn.example.com/apps/my_cool_app/trunk"

# Capstan takes the system from the repository's form; with git this line is not needed either.
# set :scm, :subversion

role :web, "web1.example.com", "web2.example.com"
role :app, "app1.example.com", "app2.example.com"
role :db,  "db1.example.com", :primary => true

set :deploy_to, "/var/www/#{application}"
set :user, "deploy"
set :use_sudo, false

namespace :deploy do
  desc "Restarts the application: its server watches tmp/restart.txt"
  task :restart, :roles => :app, :except => { :no_release => true } do
    run "touch #{current_path}/tmp/restart.txt"
  end

  # Runs right after deploy:update_code, because of its name.
  task :after_update_code, :roles => :app do
    run "ln -nfs #{shared_path}/config/database.yml #{release_path}/config/database.yml"
  end
end
