#: cap deploy
#: differs(after the switch) 8 deploy BRANCH=v2 BREAK=1
#: then app1 cat $ROOT/current/VERSION => 2 | 2
#: then web1 wc -l < $ROOT/revisions.log => 2 | 2
#: cap deploy BRANCH=v3
after('deploy:finished', :notify) { on(roles(:app)) { note 'notify'; execute :false if ENV['BREAK'] } }
