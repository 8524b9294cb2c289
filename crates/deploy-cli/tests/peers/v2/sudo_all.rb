#: cap deploy:setup
#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy:rollback
set :use_sudo, true
set :group_writable, true
after('deploy:setup') { run "#{sudo} chown -R deploy #{deploy_to}" }
