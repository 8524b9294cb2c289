# The recipe of the demo: a shop on five servers. It is an ordinary Capistrano 2 recipe and runs without Ruby.
set :application, "shop"
set :repository,  "git://git.example.com/#{application}.git"
set :branch,      "main"

role :web, "web1.example.com", "web2.example.com"
role :app, "app1.example.com", "app2.example.com"
role :db,  "db1.example.com", :primary => true

# Each server has its own home directory.
set :deploy_to, "~/apps/#{application}"
set :use_sudo, false

namespace :deploy do
  desc "Restarts the application: the servers on the app role watch tmp/restart.txt."
  task :restart, :roles => :app, :except => { :no_release => true } do
    run "touch #{current_path}/tmp/restart.txt"
  end

  # Runs right after deploy:update_code, because of its name.
  task :after_update_code, :roles => :app do
    run "ln -nfs #{shared_path}/config/database.yml #{release_path}/config/database.yml"
  end
end
