#: cap deploy
#: cap deploy:rollback
#: cap own
Rake::Task['deploy:symlink:linked_dirs'].clear_actions
Rake::Task['deploy:log_revision'].clear
Rake::Task['deploy:rollback'].clear
namespace :deploy do
  task(:rollback) { all_note 'our own rollback' }
  task(:log_revision) { on(release_roles(:all)) { note 'our own log', fetch(:current_revision), release_timestamp } }
  namespace(:symlink) { task(:linked_dirs) { on(release_roles(:all)) { execute :mkdir, '-p', release_path.join('log'); note 'our own dirs' } } }
  task(:updated) { all_note 'added to updated' }
  task(:check) { all_note 'added to check' }
end
set :linked_dirs, %w[log]
task(:own) { invoke 'deploy:check:directories'; invoke 'deploy:check'; all_note 'own' }
