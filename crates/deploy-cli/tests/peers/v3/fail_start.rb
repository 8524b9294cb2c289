#: cap deploy
#: fails(1) deploy BRANCH=v2
#: cap deploy BRANCH=v2 FINE=1
before('deploy:starting', :look) { on(roles(:app)) { note 'look'; execute :false unless ENV['FINE'] || !test("[ -d #{current_path} ]") } }
after('deploy:starting', :never) { all_note 'started' }
after('deploy:failed', :tell) { all_note 'failed', fetch(:deploying) }
