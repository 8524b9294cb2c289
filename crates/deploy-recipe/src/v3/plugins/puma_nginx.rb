# What `install_plugin Capistrano::Puma::Nginx` stands for: the site of nginx is uploaded from a template of the project.
namespace :load do
  task :defaults do
    set_if_empty :puma_nginx, :web
    set_if_empty :nginx_config_name, -> { "#{fetch(:application)}_#{fetch(:stage)}" }
    set_if_empty :nginx_sites_available_path, "/etc/nginx/sites-available"
    set_if_empty :nginx_sites_enabled_path, "/etc/nginx/sites-enabled"
    set_if_empty :nginx_server_name, -> { "localhost #{fetch(:application)}.local" }
    set_if_empty :nginx_flags, "fail_timeout=0"
    set_if_empty :nginx_http_flags, -> { fetch(:nginx_flags) }
    set_if_empty :nginx_socket_flags, -> { fetch(:nginx_flags) }
    set_if_empty :nginx_use_ssl, false
  end
end

namespace :puma do
  desc "Upload config/deploy/templates/nginx_conf.erb as the site of nginx."
  task :nginx_config do
    found = %w[config/deploy/templates config/templates lib/capistrano/templates]
      .map { |dir| "#{dir}/nginx_conf.erb" }.find { |file| File.exist?(file) }
    raise "write the site of nginx as config/deploy/templates/nginx_conf.erb: none is built in" unless found
    template = ERB.new(File.read(found), trim_mode: "-")
    on roles(fetch(:puma_nginx)) do |host|
      @role = host
      name = fetch(:nginx_config_name)
      upload! StringIO.new(template.result(binding)), "/tmp/nginx_#{name}"
      sudo :mv, "/tmp/nginx_#{name}", "#{fetch(:nginx_sites_available_path)}/#{name}"
      sudo :ln, "-fs", "#{fetch(:nginx_sites_available_path)}/#{name}", "#{fetch(:nginx_sites_enabled_path)}/#{name}"
    end
  end
end
