#: cap deploy:setup
#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy BRANCH=v3
#: cap deploy:rollback
#: cap deploy:rollback:code
#: fails(1) deploy:rollback
#: cap deploy BRANCH=v4
namespace(:deploy) { task(:restart, :roles => :app) { note 'restart', current_path } }
after('deploy:rollback') { note 'rolled back' }
