# What `require "dotenv/capistrano"` stands for: `.env` of shared in every release.
_cset(:dotenv_path) { "#{fetch(:shared_path)}/.env" }
_cset(:dotenv_role) { :app }

namespace :dotenv do
  desc "Link shared/.env into the release."
  task :symlink, :roles => lambda { fetch(:dotenv_role) }, :except => { :no_release => true } do
    run "ln -nfs #{fetch(:dotenv_path)} #{fetch(:latest_release)}/.env"
  end
end

after "deploy:update_code", "dotenv:symlink"
