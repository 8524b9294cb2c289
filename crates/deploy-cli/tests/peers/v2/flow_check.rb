#: sh all mkdir -p $ROOT
#: fails(1) deploy:check
#: cap deploy:setup
#: fails(1) deploy:check
#: sh all mkdir -p $ROOT/shared/config; echo x > $ROOT/shared/config/own.yml
#: cap deploy:check
depend :remote, :command, 'sh'
depend :remote, :directory, '/tmp'
depend :remote, :writable, '/tmp'
depend :remote, :file, "#{deploy_to}/shared/config/own.yml"
depend :remote, :match, 'echo version 7', /version \d/
depend :local, :command, 'sh'
