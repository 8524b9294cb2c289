#: cap deploy:setup
#: cap deploy
#: cap deploy:start deploy:restart deploy:stop
namespace :deploy do
  [:start, :stop, :restart].each do |name|
    desc "#{name} by a file"
    task name, :roles => :app, :max_hosts => 1 do
      run "touch #{current_path}/tmp/#{name}.txt"
      note name
    end
  end
  task :after_restart_own, :roles => :web do
    note 'own'
  end
end
after 'deploy:restart', 'deploy:after_restart_own'
