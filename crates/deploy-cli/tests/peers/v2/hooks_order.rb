#: cap target
#: cap space:target other
#: cap space
def said(*words)
  note(*words)
end
before(:target, :roles => nil) { } if false
before 'target', :first_one, 'second_one'
after(:target) { note 'after block', current_task.name }
after 'target', :third_one
before(:target) { note 'before block' }
on(:before, :first_one, :only => 'other')
on(:after, :only => %w[target other]) { note 'on after two' }
on(:before, :except => %w[target first_one second_one third_one hooked space:target space:default space after_own]) { note 'on before others', current_task.fully_qualified_name }
on(:start) { note 'start' }
on(:finish, :third_one)
task(:target, :roles => :app) { note 'target' }
task(:first_one, :roles => :web) { note 'first' }
task(:second_one) { note 'second' }
task(:third_one) { note 'third' }
task(:other) { note 'other'; hooked }
task(:hooked) { note 'hooked' }
task(:after_own) { note 'after own' }
namespace :space do
  task(:target) { note 'space:target' }
  task(:default) { note 'space'; target }
  task(:after_own) { note 'space:after_own' }
  before :target, :after_own
  after 'space:target', 'space:after_own'
  after 'space', 'after_own'
  after 'space:default', 'first_one'
end
after 'hooked', 'target'
