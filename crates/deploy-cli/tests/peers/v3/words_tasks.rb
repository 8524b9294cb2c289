#: cap first second[with,two] 'third[a b]'
#: cap nested:inner:leaf
#: cap again
#: cap changed
#: cap nested
def said(text) = all_note(text)
desc 'The first'
task(:first) { said 'first' }
task :second, [:one, :two, :three] => :first do |task, args|
  args.with_defaults(three: 'default')
  said "#{task.name} #{args[:one]} #{args.two} #{args.three} #{args.extras.inspect} #{args.to_a.inspect.gsub('"', '')}"
end
task(:third, :words) { |t, args| said "#{t} #{args[:words]} #{args.to_h.keys.inspect}" }
task third: :prepared
task(:prepared) { said 'prepared' }
task(:third) { said 'third again' }
namespace :nested do
  task(:helper) { said 'nested:helper' }
  namespace :inner do
    task(:helper) { said 'nested:inner:helper' }
    task leaf: [:helper, 'nested:helper', '^helper'] do |t|
      said "#{t.name} #{t.prerequisites.size}"
      invoke 'first'
      invoke 'nested:helper'
      invoke! 'nested:helper'
    end
  end
end
task :nested do
  said 'a task of the name of a namespace'
  invoke 'second', 'by', 'invoke'
  invoke 'second', 'not', 'again'
  Rake::Task['second'].reenable
  Rake::Task['second'].invoke('third', 'time')
end
task :again do
  2.times { |n| invoke! 'third', "n#{n}" }
  said Rake::Task.task_defined?('nested:inner:leaf').to_s + Rake::Task.task_defined?('nope').to_s
  said Rake::Task['third'].arg_names.inspect
end
task(:old) { said 'never' }
Rake::Task['old'].clear
task(:old) { said 'new' }
Rake::Task['first'].enhance([:prepared]) { said 'enhanced' }
task(:changed) { said 'changed' }
Rake::Task['changed'].clear_actions
Rake::Task['changed'].enhance { said 'only this' }
task changed: %w[old first]
