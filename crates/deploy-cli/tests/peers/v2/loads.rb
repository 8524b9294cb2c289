#: cap show from_string from_file
load 'config/more.rb'
load :string => "task(:from_string) { note 'string' }"
load 'lib/again'
set :lib_seen, exists?(:from_lib)
on(:load) { set :loaded_all, true }
task(:show) { note loaded_all, from_more, from_lib, lib_seen; note Dir['lib/*'].sort.join(','), File.basename(__FILE__) }
#: file config/more.rb
set :from_more, 'more'
task(:from_file) { note 'file' }
#: file lib/again.rb
set :from_lib, 'lib'
