#: cap target
#: cap space:target
#: cap chain
def said(text) = all_note(text)
task(:target) { said 'target' }
task(:one) { said 'one' }
task(:two) { said 'two' }
after :target, :one
after('target', :block) { said 'an after block' }
before :target, :two
before('target', :before_block) { said 'a before block' }
task(:before_two) { said 'before two' }
before 'two', 'before_two'
after :one, 'after_one'
task(:after_one) { said 'after one' }
after :target, :one
namespace :space do
  task(:target) { said 'space:target' }
  task(:near) { said 'space:near' }
  after :target, :near
  after :target, 'two'
  before(:target, :here) { said 'space:here' }
  task(:near) { said 'space:near again' }
end
task(:chain) { said 'chain'; invoke 'target'; invoke 'space:target' }
after(:chain, :arguments) { |task| said "after #{task}" }
