#: cap deploy:setup
#: fails(1) deploy:rollback
#: cap deploy
#: fails(1) deploy:rollback
