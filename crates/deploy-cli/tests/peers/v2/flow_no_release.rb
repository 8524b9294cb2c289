#: cap deploy:setup
#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy:rollback
role :web, 'web1.example.com', :no_release => true
role :app, 'app1.example.com', 'app2.example.com'
role :db, 'app1.example.com', :primary => true
namespace :deploy do
  task(:restart, :roles => :app, :except => { :no_release => true }) { note 'restart' }
end
after('deploy') { note 'everywhere' }
