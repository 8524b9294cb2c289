#: cap deploy
#: cap tell
set :branch, 'v1'
set :keep_releases, 3
set(:lazy) { "lazy #{fetch(:keep_releases)} #{fetch(:stage)}" }
task(:tell) { on(roles(:web)) { note fetch(:lazy), fetch(:branch), fetch(:keep_releases), fetch(:own) } }
after 'deploy:finished', :tell
#: file config/deploy/production.rb
set :branch, 'v3'
set :keep_releases, 1
set :own, -> { "own #{fetch(:branch)}" }
%w[app1 app2].each { |name| server "#{name}.example.com", user: 'deploy', roles: %w[app] }
role :web, %w[deploy@web1.example.com]
role :db, %w[deploy@web1.example.com], primary: true
