#: cap deploy HOSTS=app1.example.com
#: cap deploy HOSTS=app2.example.com,app1.example.com BRANCH=v2
#: cap --hosts=web1.example.com show
#: cap show -z app1.example.com,web1.example.com
#: cap show HOSTS=^app
#: cap show 'HOSTS=app(1|9).example.com'
task(:show) { all_note 'ran', roles(:all).size, roles(:app).map(&:hostname).join(','), primary(:app).hostname }
after 'deploy:published', :show
