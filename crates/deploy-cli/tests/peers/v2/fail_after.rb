#: cap deploy:setup
#: cap deploy
#: differs(after the switch) 8 deploy BRANCH=v2 BREAK=1
#: then app1 cat $ROOT/current/VERSION => 2 | 2
after('deploy') { note 'after'; run 'false' if ENV['BREAK'] }
