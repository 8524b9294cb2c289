#: cap deploy
#: cap tell
#: file Capfile
set :deploy_config_path, 'app/config/deploy.rb'
set :stage_config_path, 'app/config/deploy'
require 'capistrano/setup'
require 'capistrano/deploy'
require 'capistrano/scm/git'
install_plugin Capistrano::SCM::Git
Dir.glob('app/tasks/*.rake').each { |r| import r }
#: file app/config/deploy.rb
load 'config/deploy.rb'
set :linked_dirs, %w[log]
#: file app/config/deploy/production.rb
server 'app1.example.com', user: 'deploy', roles: %w[app db web], primary: true
#: file app/tasks/tell.rake
task(:tell) { on(roles(:db)) { note 'told', stage_config_path, deploy_config_path, fetch(:stage) } }
