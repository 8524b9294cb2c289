#: sh all mkdir -p $ROOT/current; touch $ROOT/current/kept
#: fails(1) deploy
