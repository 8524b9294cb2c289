#: fails(1) broken after_it
#: fails(1) needs
#: fails(1) hooked
task(:broken) { on(roles(:app)) { note 'broken'; execute :false; note 'never' } }
task(:after_it) { all_note 'never' }
task(needs: :broken) { all_note 'never' }
task(:hooked) { all_note 'hooked' }
after :hooked, :broken
after :hooked, :after_it
after('deploy:failed', :tell) { all_note 'failed' }
