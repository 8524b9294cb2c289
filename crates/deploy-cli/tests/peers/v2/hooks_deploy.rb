#: only 2.15
#: cap deploy:setup
#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy:rollback
#: cap deploy:migrations
set :rake, 'true'
%w[deploy deploy:setup deploy:update deploy:update_code deploy:finalize_update deploy:create_symlink deploy:restart
   deploy:rollback deploy:rollback:revision deploy:rollback:cleanup deploy:rollback:code deploy:migrate deploy:cleanup].each do |name|
  before(name) { note 'before', name }
  after(name) { note 'after', name }
end
after('deploy:update_code') { note release_path, latest_release }
namespace(:deploy) { task(:restart, :roles => :app) { note 'restarting', current_path } }
after 'deploy:update', 'deploy:cleanup'
