#: only 2.15
#: fails(2) nobody
#: fails(2) no_such_role
#: cap goes_on
#: fails(2) filtered HOSTS=app1.example.com ROLES=
task(:nobody, :only => { :color => 'red' }) { note 'never' }
task(:no_such_role, :roles => :nowhere) { note 'never' }
task(:goes_on, :roles => :nowhere, :on_no_matching_servers => :continue) { note 'never'; after_it }
task(:after_it) { note 'after it' }
task(:filtered) { run 'false' }
