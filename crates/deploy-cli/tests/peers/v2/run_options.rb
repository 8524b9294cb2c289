#: only 2.15
#: cap options
#: cap environment
#: cap placeholders
task :options do
  note 'roles', :roles => :app
  note 'hosts', :hosts => 'web1.example.com'
  note 'two hosts', :hosts => %w[web1.example.com app1.example.com]
  note 'only', :only => { :primary => true }
  note 'except', :except => { :primary => true }, :roles => :app
  note 'once', :once => true
  note 'once app', :once => true, :roles => :app
  note 'max', :max_hosts => 1
  run "echo raw $- >> #{deploy_to}.log", :shell => false, :roles => :db
  run "echo \"shell ${BASH:+bash}\" >> #{deploy_to}.log", :shell => '/bin/bash', :roles => :db
end
task :environment, :roles => :app do
  run "echo [$A] [$B] [$C] >> #{deploy_to}.log", :env => { 'A' => 'one two', :B => 2 }
  default_environment['C'] = 'c "quoted"'
  run "echo [$A] [$B] [$C] >> #{deploy_to}.log"
  run "echo [$A] [$C] >> #{deploy_to}.log", :env => { :A => 'own' }
  default_run_options[:roles] = :web
end
task :placeholders do
  run "echo $CAPISTRANO:HOST$ $CAPISTRANO:HOSTROLES$ $CAPISTRANO:NOTHING$ >> #{deploy_to}.log"
end
