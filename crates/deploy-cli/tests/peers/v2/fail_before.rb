#: cap deploy:setup
#: fails(1) deploy
#: fails(1) deploy:update BREAK=before
#: cap deploy FINE=1
before('deploy:update_code') { note 'before'; run 'false' unless ENV['FINE'] }
after('deploy:update_code') { note 'after update code' }
