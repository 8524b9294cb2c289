#: fails(1) fails
#: cap works
#: fails(1) outside
#: fails(1) nested
#: differs(handlers) 1 handlers
#: then web1 tr "\n" " " < $ROOT.log => one bad handler breaks broken back bad one back | one bad handler breaks broken back bad after bad one back
task :works do
  transaction { one; two }
  note 'done'
end
task(:one, :roles => :web) { on_rollback { note 'one back' }; note 'one' }
task(:two, :roles => :app) { on_rollback { note 'two never' }; on_rollback { note 'two back' }; note 'two' }
task(:broken) { on_rollback { note 'broken back' }; note 'breaks'; run 'false'; note 'never' }
task(:fails) { transaction { one; two; one; broken; never }; never }
task(:never) { note 'never' }
task(:outside) { one; broken }
task(:nested) { transaction { one; inner; never } }
task(:inner) { transaction { two; broken } }
task(:bad_handler) { on_rollback { note 'bad'; run 'false'; note 'after bad' }; note 'bad handler' }
task(:handlers) { transaction { one; bad_handler; two; broken } }
