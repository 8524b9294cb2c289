namespace :deploy do
  desc "Restart the application, one host at a time."
  task :restart do
    on roles(:app), in: :sequence, wait: 2 do |host|
      within release_path do
        execute :mkdir, "-p", "tmp"
        execute :touch, "tmp/restart.txt"
      end
      info "restarted with #{host.properties.workers} workers"
    end
  end
end

after "deploy:publishing", "deploy:restart"

namespace :app do
  desc "Say how long the hosts are up: cap production app:uptime"
  task :uptime do
    on roles(:all) do |host|
      info "#{host}: #{capture(:uptime)}"
    end
  end
end
