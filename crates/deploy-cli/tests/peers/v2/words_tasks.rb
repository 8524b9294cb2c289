#: cap first space:one space
#: cap space:inner:leaf
#: cap again
#: cap first first
desc 'The first'
task(:first) { note 'first' }
namespace :space do
  task(:default) { note 'space default'; one; inner.leaf }
  task(:one) { note 'space one' }
  namespace :inner do
    task(:leaf, :roles => :app) { note 'leaf'; one; top.first; space.two rescue note('no two') }
    task(:one) { note 'inner one' }
  end
  task(:two, :roles => :web) { note 'two'; first }
end
task(:replaced) { note 'never' }
task(:replaced, :roles => :db) { note 'replaced', current_task.options[:roles].inspect }
namespace :space do
  task(:added) { note 'added'; find_and_execute_task('space:one'); note top.find_task('space:inner:one').name.inspect }
end
task :again do
  2.times { first }
  replaced
  space.added
  space.default
  note find_task('space').fully_qualified_name, find_task('nothing').inspect, find_task('space:inner:leaf').fully_qualified_name
  note task_list(:all).length > 20, tasks.keys.include?(:first), namespaces.keys.include?(:space)
end
