#: cap show
task :show do
  parallel do |session|
    session.when "in?(:app)", "echo app >> #{deploy_to}.log"
    session.when "server.host =~ /web/", "echo by host >> #{deploy_to}.log"
    session.else "echo else >> #{deploy_to}.log"
  end
  parallel do |session|
    session.when "in?(:nothing)", "echo never >> #{deploy_to}.log"
    session.else "echo otherwise >> #{deploy_to}.log"
  end
  parallel(:roles => :app) do |session|
    session.when "server.host == 'app1.example.com'", "echo first >> #{deploy_to}.log"
    session.else "echo second >> #{deploy_to}.log"
  end
end
