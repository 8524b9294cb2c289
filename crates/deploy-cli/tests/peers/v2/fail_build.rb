#: only 2.15
#: cap deploy:setup
#: cap deploy
#: sh app2 touch $ROOT.broken
#: fails(1) deploy BRANCH=v2
#: sh app2 rm $ROOT.broken
#: cap deploy BRANCH=v3
after 'deploy:update_code', :build
task(:build, :roles => :app) { on_rollback { note 'build back' }; note 'build'; run "test ! -e #{deploy_to}.broken" }
before('deploy:create_symlink') { note 'before symlink' }
after('deploy') { note 'after' }
