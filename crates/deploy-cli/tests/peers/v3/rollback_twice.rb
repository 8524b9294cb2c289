#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy BRANCH=v3
#: cap deploy:rollback
#: cap deploy:rollback
#: cap deploy BRANCH=v4
#: sh all sleep 1; touch $ROOT/releases/@R2
#: differs(rollback target) 0 deploy:rollback
#: then app1 cat $ROOT/current/VERSION => 4 | 1
