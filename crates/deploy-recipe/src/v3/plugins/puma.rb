# What `install_plugin Capistrano::Puma` and `Capistrano::Puma::Systemd` stand for: Puma as a service of systemd.
namespace :load do
  task :defaults do
    set_if_empty :puma_role, :web
    set_if_empty :puma_env, -> { fetch(:rack_env, fetch(:rails_env, fetch(:stage))) }
    set_if_empty :puma_systemctl_bin, -> { fetch(:systemctl_bin, "/bin/systemctl") }
    set_if_empty :puma_service_unit_name, -> { "#{fetch(:application)}_puma_#{fetch(:stage)}" }
    set_if_empty :puma_systemctl_user, :user
    set_if_empty :puma_enable_socket_service, false
    set_if_empty :puma_phased_restart, false
  end
end

namespace :puma do
  systemctl = lambda do |backend, *words|
    command = fetch(:puma_systemctl_bin)
    if fetch(:puma_systemctl_user) == :system
      backend.sudo command, *words
    else
      backend.execute command, "--user", *words
    end
  end

  %w[start stop restart reload status enable disable].each do |verb|
    desc "Tell systemd to #{verb} Puma."
    task verb.to_sym do
      on roles(fetch(:puma_role)) do
        systemctl.call(self, verb, fetch(:puma_service_unit_name))
      end
    end
  end

  desc "Restart Puma; with puma_phased_restart worker by worker."
  task :smart_restart do
    verb = fetch(:puma_phased_restart) ? "reload" : "restart"
    on roles(fetch(:puma_role)) do
      systemctl.call(self, verb, fetch(:puma_service_unit_name))
    end
  end
end

after "deploy:published", "puma:smart_restart"
