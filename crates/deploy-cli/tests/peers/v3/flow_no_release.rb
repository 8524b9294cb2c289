#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy:rollback
after('deploy:updated', :tell) { on(roles(:all)) { |h| note h.hostname, release_roles(:all).size } }
after('deploy:published', :tell_release) { on(release_roles(:app)) { note capture(:readlink, current_path) } }
#: file config/deploy/production.rb
server 'web1.example.com', user: 'deploy', roles: %w[web db], no_release: true
server 'app1.example.com', user: 'deploy', roles: %w[app]
server 'app2.example.com', user: 'deploy', roles: %w[app web]
