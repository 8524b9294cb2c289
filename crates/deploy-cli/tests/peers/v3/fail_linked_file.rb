#: differs(linked files) 1 deploy
#: then web1 ls -A $ROOT/releases; ls -A $ROOT | grep -v 'capstan\|repo' | sort | tr '\n' ' ' => releases shared | releases shared
#: sh all mkdir -p $ROOT/shared/config; echo x > $ROOT/shared/config/a.yml
#: fails(1) deploy:check:linked_files
#: sh all echo x > $ROOT/shared/b.yml
#: cap deploy:check:linked_files
#: cap deploy
set :linked_files, %w[config/a.yml b.yml]
