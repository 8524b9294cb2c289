#: cap deploy:setup
#: cap deploy
#: differs(put back) 3 deploy BRANCH=v2 BREAK=1
#: then app1 cat $ROOT/current/VERSION => 2 | 1
#: then web1 cat $ROOT/current/VERSION => 2 | 1
namespace(:deploy) { task(:restart, :roles => :app) { run "test -z '#{ENV['BREAK']}' -o `cat #{current_path}/VERSION` = 1" } }
