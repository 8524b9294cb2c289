#: cap deploy
#: sh app2 touch $ROOT.broken
#: fails(1) deploy BRANCH=v2
#: sh app2 rm $ROOT.broken
#: cap deploy BRANCH=v3
after 'deploy:updated', :build do
  on(roles(:app)) { note 'building'; execute :test, '!', '-e', "#{fetch(:deploy_to)}.broken" }
  on(roles(:web)) { note 'built' }
end
before('deploy:publishing', :publish_hook) { all_note 'before publishing' }
after('deploy:failed', :tell) { all_note 'failed' }
