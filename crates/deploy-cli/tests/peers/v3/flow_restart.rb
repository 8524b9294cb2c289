#: cap deploy
#: cap deploy:restart
#: cap deploy BRANCH=v2
namespace :deploy do
  desc 'Restart application'
  task :restart do
    on roles(:app), in: :sequence, wait: 0 do
      execute :mkdir, '-p', release_path.join('tmp')
      execute :touch, release_path.join('tmp/restart.txt')
      note 'restart', release_path
    end
  end
  after :publishing, :restart
  after :restart, :clear_cache do
    on roles(:web), in: :groups, limit: 3, wait: 0 do
      within release_path do
        note 'clear', capture(:pwd)
      end
    end
  end
end
