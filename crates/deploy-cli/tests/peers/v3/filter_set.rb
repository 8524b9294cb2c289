#: cap show
#: cap deploy
#: cap show HOSTS=app1.example.com
set :filter, roles: %w[app]
task(:show) do
  all_note 'ran', fetch(:filter).inspect.gsub('"', '')
  on(roles(:web)) { note 'never' }
  on(roles(:all), in: :sequence, wait: 0) { note 'one by one' }
end
after 'deploy:published', :show
