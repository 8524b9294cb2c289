#: cap deploy:setup
#: cap deploy
#: cap deploy BRANCH=v2
namespace :deploy do
  task(:default) { note 'our own deploy'; update; restart; note 'end' }
  task(:finalize_update, :except => { :no_release => true }) { run "chmod -R o-w #{latest_release}"; note 'our own finalize' }
  task(:restart) { note 'restart' }
end
