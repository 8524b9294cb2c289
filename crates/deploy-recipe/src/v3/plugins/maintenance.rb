# What `require "capistrano/maintenance"` stands for: a page that says that the application is down.
namespace :load do
  task :defaults do
    set_if_empty :maintenance_roles, -> { roles(:web) }
    set_if_empty :maintenance_dirname, -> { "#{shared_path}/public/system" }
    set_if_empty :maintenance_basename, "maintenance"
    set_if_empty :maintenance_template_path, nil
  end
end

namespace :maintenance do
  page = lambda do
    reason = ENV["REASON"] || "maintenance"
    deadline = ENV["UNTIL"] ? "shortly after #{ENV['UNTIL']}" : "shortly"
    own = fetch(:maintenance_template_path)
    next ERB.new(File.read(own)).result(binding) if own
    "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head>\n" \
      "<body><h1>Maintenance</h1><p>Down for #{reason}; back #{deadline}.</p></body></html>\n"
  end

  desc "Show the page: REASON and UNTIL say more."
  task :enable do
    on fetch(:maintenance_roles) do
      execute :mkdir, "-p", fetch(:maintenance_dirname)
      upload! StringIO.new(page.call), "#{fetch(:maintenance_dirname)}/#{fetch(:maintenance_basename)}.html"
      execute :chmod, "644", "#{fetch(:maintenance_dirname)}/#{fetch(:maintenance_basename)}.html"
    end
  end

  desc "Remove the page."
  task :disable do
    on fetch(:maintenance_roles) do
      execute :rm, "-f", "#{fetch(:maintenance_dirname)}/#{fetch(:maintenance_basename)}.html"
    end
  end
end
