#: cap show
# The order in which hosts come to their blocks.
task :show do
  came = []
  on(roles(:all), in: :sequence, wait: 0) { |host| came << "s-#{host.hostname[/^\w+/]}"; execute(:true); came << 'end' }
  on(roles(:all), in: :groups, limit: 1, wait: 0) { |host| came << "g-#{host.hostname[/^\w+/]}"; execute(:true); came << 'end' }
  pairs = []
  on(roles(:all), in: :groups, limit: 2, wait: 0) { |host| execute(:true); pairs << host.hostname[/^\w+/] }
  all = []
  on(roles(:all), in: :parallel) { |host| execute(:true); all << host.hostname[/^\w+/] }
  on(roles(:app).reverse, in: :sequence, wait: 0) { |host| came << host.hostname[/^\w+/] }
  on([]) { came << 'nobody' }
  on(roles(:nobody)) { came << 'nobody either' }
  on(roles(:app).first) { came << 'one' }
  on roles(:web) do
    note came.join(' ')
    note pairs.first(2).sort.join(' '), pairs.last, all.sort.join(' ')
  end
end
