#: cap show
#: file config/deploy/production.rb
server 'web1.example.com', user: 'deploy', roles: %w[web db], primary: true, weight: 3, tags: %w[a b], extra: { x: 1 }
server 'app1.example.com', user: 'deploy', roles: :app, weight: 1, active: true
role :app, %w[deploy@app2.example.com deploy@app1.example.com], weight: 2
role :late, 'deploy@app2.example.com'
server 'web1.example.com', roles: %w[late], tags: %w[c], extra: { y: 2 }, weight: 4
#: file config/deploy/nothing.rb
#: file lib/capistrano/tasks/show.rake
def names(list)
  list.map(&:hostname).join(',')
end
task :show do
  on roles(:web) do
    note 'all', names(roles(:all)), 'app', names(roles(:app)), 'late', names(roles(:late)), 'db', names(roles(:db))
    note 'several', names(roles(:web, :app)), 'array', names(roles([:db, :app])), 'strings', names(roles('app')), 'none', names(roles(:nobody))
    note 'primary', primary(:db).hostname, primary(:app).hostname, primary(:late).hostname, primary(:nobody).inspect
    note 'filter', names(roles(:app, filter: :active)), names(roles(:all, select: :active)), names(roles(:all, exclude: :active))
    note 'proc', names(roles(:all, filter: ->(s) { s.properties.weight.to_i > 1 })), names(roles(:all, exclude: ->(s) { s.hostname =~ /^app/ }))
    note 'value', names(roles(:all, weight: 2)), names(roles(:all, filter: { weight: 4 }))
    note 'release', names(release_roles(:all)), names(release_roles(:app)), names(release_roles(:app, filter: :active))
    roles(:all).each do |s|
      note s.hostname, s.user, s.port.inspect, s.roles.to_a.map(&:to_s).sort.join('+'), s.properties.weight.inspect, s.properties.tags.inspect, s.properties.extra.inspect, s.primary.nil?, s.has_role?(:app), s.properties.fetch(:weight), s.properties.nothing.inspect, s.to_s
    end
    role_properties(:app) { |hostname, role, props| note hostname, role, props.to_h.keys.map(&:to_s).sort.join('+') }
    note role_properties(:late).map { |p| "#{p[:hostname]}:#{p[:role]}" }.join(' ')
  end
  on(roles(:app)) { |host| note host, host.hostname, host.user }
  on('app2.example.com') { note 'one by its name' }
  on(%w[deploy@app1.example.com web1.example.com]) { |host| note 'by texts', host.hostname }
end
