#: only 2.15
#: fails(2) show
#: cap staging show
#: cap production show deploy:setup deploy
set :stages, %w[staging production]
require 'capistrano/ext/multistage'
task(:show) { note stage, own, branch }
#: file config/deploy/staging.rb
role :app, 'app1.example.com'
set :own, 'staging'
set :branch, 'v2'
#: file config/deploy/production.rb
role :app, 'app1.example.com', 'app2.example.com'
set :own, 'production'
set :branch, 'v3'
