#: only 2.15
#: cap deploy:setup
#: cap deploy:setup
#: cap deploy
set :shared_children, %w[log tmp/pids public/system data]
after('deploy:setup') { run "test -d #{shared_path}/data"; note 'set up' }
