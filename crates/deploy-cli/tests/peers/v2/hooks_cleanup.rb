#: cap deploy:setup
#: cap deploy
before('deploy:cleanup') { note 'before cleanup' }
after('deploy:cleanup') { note 'after cleanup' }
after('deploy:update') { note 'after update' }
namespace(:deploy) { task(:restart, :roles => :app) { note 'restarting', current_path } }
after 'deploy:update', 'deploy:cleanup'
