#: cap deploy ROLES=app
#: cap deploy --roles=web BRANCH=v2
#: cap show ROLES=web,app
#: cap show --roles=db
#: cap show ROLES=/^a/
#: cap show ROLES=all
#: cap show ROLES=app HOSTS=app2.example.com
task(:show) do
  all_note 'ran', roles(:all).size
  on(roles(:app)) { note 'app' }
  on(roles(:db)) { note 'db' }
  on(roles(:web, :app)) { note 'both' }
end
after 'deploy:published', :show
