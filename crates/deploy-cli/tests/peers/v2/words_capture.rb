#: cap show
task :show, :roles => :app do
  said = capture("echo one; echo two; echo err >&2")
  note said.split("\n").inspect.gsub('"', ''), said[-1, 1].inspect.length
  note capture("cat #{deploy_to}.none 2>/dev/null; true").inspect, capture('hostname >/dev/null; echo x', :roles => :web).strip
  note capture("echo $CAPISTRANO:HOST$").strip
  stream "echo streamed"
  begin
    capture('exit 3')
  rescue Capistrano::CommandError => e
    note 'CommandError'
  end
  begin
    run 'false'
  rescue => e
    note e.class.name
  end
  note run_locally('echo local; echo second').split.join('+')
  begin
    run_locally('exit 4')
  rescue Capistrano::LocalArgumentError, StandardError => e
    note 'local failed'
  end if fetch(:version_dir) == 'none'
  note `echo back`.strip, $?.success?
  invoke_command "echo invoked >> #{deploy_to}.log", :via => :run
  invoke_command "echo by default >> #{deploy_to}.log"
  try_sudo "echo tried >> #{deploy_to}.log"
  sudo "sh -c 'echo sudo $(whoami) >> #{deploy_to}.log'"
  sudo "sh -c 'echo as $(whoami) >> #{deploy_to}.log'", :as => 'root'
  run "#{sudo} sh -c 'echo inside $(whoami) >> #{deploy_to}.log'"
  set :run_method, :sudo
  invoke_command "sh -c 'echo by method $(whoami) >> #{deploy_to}.log'", :via => run_method
end
