#: cap deploy
#: sh all ln -s $(readlink $ROOT/current) $ROOT/releases/current
#: differs(half-done publish) 0 deploy BRANCH=v2
#: then app1 cat $ROOT/current/VERSION => 1 | 2
