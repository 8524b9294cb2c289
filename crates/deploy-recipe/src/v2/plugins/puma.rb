# What `require "puma/capistrano"` stands for: Puma, told by pumactl.
_cset(:puma_default_hooks) { true }
_cset(:puma_cmd) { "#{fetch(:bundle_cmd, 'bundle')} exec puma" }
_cset(:pumactl_cmd) { "#{fetch(:bundle_cmd, 'bundle')} exec pumactl" }
_cset(:puma_env) { fetch(:rack_env, fetch(:rails_env, "production")) }
_cset(:puma_state) { "#{fetch(:shared_path)}/sockets/puma.state" }
_cset(:puma_socket) { "unix://#{fetch(:shared_path)}/sockets/puma.sock" }
_cset(:puma_control) { "unix://#{fetch(:shared_path)}/sockets/pumactl.sock" }
_cset(:puma_config_file) { "#{fetch(:current_path)}/config/puma.rb" }
_cset(:puma_role) { :app }

namespace :puma do
  scope = { :roles => lambda { fetch(:puma_role) }, :on_no_matching_servers => :continue }
  control = lambda { |verb| "cd #{fetch(:current_path)} && #{fetch(:pumactl_cmd)} -S #{fetch(:puma_state)} #{verb}" }

  desc "Start Puma."
  task :start, scope do
    own = "-q -d -e #{fetch(:puma_env)} -C #{fetch(:puma_config_file)}"
    plain = "-q -d -e #{fetch(:puma_env)} -b '#{fetch(:puma_socket)}' -S #{fetch(:puma_state)} --control '#{fetch(:puma_control)}'"
    run "cd #{fetch(:current_path)} && if [ -f #{fetch(:puma_config_file)} ]; then #{fetch(:puma_cmd)} #{own}; " \
        "else #{fetch(:puma_cmd)} #{plain}; fi", :pty => false
  end

  desc "Stop Puma."
  task :stop, scope do
    run control.call("stop")
  end

  desc "Restart Puma; where it does not run, start it."
  task :restart, scope do
    run "#{control.call('restart')} || (cd #{fetch(:current_path)} && #{fetch(:puma_cmd)} -q -d -e #{fetch(:puma_env)} " \
        "-b '#{fetch(:puma_socket)}' -S #{fetch(:puma_state)} --control '#{fetch(:puma_control)}')", :pty => false
  end

  desc "Restart Puma worker by worker."
  task :phased_restart, scope do
    run control.call("phased-restart")
  end

  desc "[internal] Let the sockets of the release lie in shared."
  task :after_symlink, scope do
    run "mkdir -p #{fetch(:shared_path)}/sockets && ln -nfs #{fetch(:shared_path)}/sockets #{fetch(:release_path)}/tmp/sockets"
  end
end

if fetch(:puma_default_hooks)
  after "deploy:stop", "puma:stop"
  after "deploy:start", "puma:start"
  after "deploy:restart", "puma:restart"
  after "deploy:finalize_update", "puma:after_symlink"
end
