#: only 2.15
#: cap show
#: cap show ROLES=app
#: cap show HOSTS=app2.example.com
#: cap show HOSTFILTER=app1.example.com
#: cap only_some primaries
role :web, 'web1.example.com', :weight => 1
role :app, 'deploy@app1.example.com', 'app2.example.com', :weight => 2
role :db, 'web1.example.com', :primary => true
role(:lazy) { ['app2.example.com', { :made => true }] }
role :empty
server 'app1.example.com', :extra, :more, :special => 'yes'
task :show do
  note 'all'
  note find_servers.map { |s| s.host }.uniq.sort.join(',')
end
task :only_some, :roles => :app do
  note 'app', find_servers(:roles => :app).map { |s| s.host }.join(','), find_servers(:roles => :lazy).map { |s| s.host }.join(',')
  note 'web', find_servers(:roles => [:web, :app]).length, find_servers(:roles => []).length, find_servers(:roles => :nobody).length
  note 'by property', find_servers(:only => { :weight => 2 }).length, find_servers(:except => { :weight => 2 }).map { |s| s.host }.uniq.join(','), find_servers(:roles => :extra, :only => { :special => 'yes' }).length
  note 'task', find_servers_for_task(current_task).length, current_task.fully_qualified_name, current_task.name.inspect
  note roles[:app].servers.length, roles[:empty].servers.length
end
task :primaries, :roles => :db, :only => { :primary => true } do
  note 'primary'
  note 'nested'; extra_one; lazy_one
end
task(:extra_one, :roles => :extra) { note 'extra' }
task(:lazy_one, :roles => :lazy) { note 'lazy' }
