#: fails(1) breaks after_it
#: differs(ahead) 2 raises
#: then web1 cat $ROOT.log 2>/dev/null; true => before | 
#: fails(1) hooked
#: cap goes_on
#: fails(1) max
task(:breaks) { note 'one'; run 'exit 3'; note 'never' }
task(:after_it) { note 'never' }
task(:raises, :roles => :web) { note 'before'; raise 'a reason' }
task(:hooked) { note 'hooked' }
after :hooked, :breaks, :after_it
task(:goes_on, :on_error => :continue) { run "test $CAPISTRANO:HOST$ != app1.example.com"; note 'those left' }
task(:max, :roles => :app, :max_hosts => 1) { note 'slice'; run 'false', :max_hosts => 1 }
