#: only 2.15
#: cap deploy:setup
#: sh all mkdir -p $ROOT/shared/config; echo x > $ROOT/shared/config/database.yml
#: cap deploy
#: cap deploy BRANCH=v2
namespace :links do
  task :make, :roles => [:app, :web], :except => { :no_release => true } do
    run "ln -nfs #{shared_path}/config/database.yml #{release_path}/config/database.yml"
    run "rm -rf #{latest_release}/log && ln -s #{shared_path}/log #{latest_release}/log"
  end
end
after 'deploy:finalize_update', 'links:make'
after 'deploy:create_symlink', :tell
after('deploy') { note current_revision, previous_revision.inspect.length > 3, latest_revision }
task(:tell) { note capture("cat #{current_path}/REVISION").strip, current_revision, release_path, previous_release.to_s.length > 0 }
