# What `require "capistrano/nginx"` stands for: the service nginx, and the application's site.
namespace :load do
  task :defaults do
    set_if_empty :nginx_roles, :web
    set_if_empty :nginx_sudo_tasks, %w[nginx:start nginx:stop nginx:restart nginx:reload nginx:configtest nginx:site:add nginx:site:disable nginx:site:enable nginx:site:remove]
    set_if_empty :nginx_service_path, "service nginx"
    set_if_empty :nginx_root_path, "/etc/nginx"
    set_if_empty :nginx_sites_available_dir, "sites-available"
    set_if_empty :nginx_sites_enabled_dir, "sites-enabled"
    set_if_empty :nginx_application_name, -> { fetch(:application) }
    set_if_empty :nginx_template, -> { "config/deploy/#{fetch(:stage)}/nginx.conf.erb" }
    set_if_empty :nginx_domains, []
  end
end

namespace :nginx do
  tell = lambda do |backend, task, *words|
    fetch(:nginx_sudo_tasks).map(&:to_s).include?(task) ? backend.sudo(*words) : backend.execute(*words)
  end
  site = ->(dir) { "#{fetch(:nginx_root_path)}/#{fetch(dir)}/#{fetch(:nginx_application_name)}" }

  %w[start stop restart reload configtest].each do |verb|
    desc "Tell nginx: #{verb}."
    task verb.to_sym do
      on release_roles(fetch(:nginx_roles)) do
        tell.call(self, "nginx:#{verb}", *fetch(:nginx_service_path).split, verb)
      end
    end
  end

  namespace :site do
    desc "Upload the site of the application, made from nginx_template."
    task :add do
      config = ERB.new(File.read(fetch(:nginx_template).to_s)).result(binding)
      on release_roles(fetch(:nginx_roles)) do
        waiting = shared_path.join("nginx.conf").to_s
        upload! StringIO.new(config), waiting
        tell.call(self, "nginx:site:add", :mv, waiting, site.call(:nginx_sites_available_dir))
      end
    end

    desc "Enable the site."
    task :enable do
      on release_roles(fetch(:nginx_roles)) do
        tell.call(self, "nginx:site:enable", :ln, "-nfs", site.call(:nginx_sites_available_dir), site.call(:nginx_sites_enabled_dir))
      end
    end

    { disable: :nginx_sites_enabled_dir, remove: :nginx_sites_available_dir }.each do |name, dir|
      desc "Let the site be gone from #{dir.to_s.sub(/^nginx_/, '')}."
      task name do
        on(release_roles(fetch(:nginx_roles))) { tell.call(self, "nginx:site:#{name}", :rm, "-f", site.call(dir)) }
      end
    end
  end
end
