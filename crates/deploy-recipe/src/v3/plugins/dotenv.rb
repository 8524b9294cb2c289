# What `require "capistrano/dotenv"` stands for: the settings of shared/.env for every command.
namespace :load do
  task :defaults do
    set_if_empty :env_file, ".env"
    set_if_empty :dotenv_hook_commands, %w[bundle rake rails ruby]
  end
end

namespace :dotenv do
  desc "Read shared/.env of the first host into the environment of the commands."
  task :read do
    text = ""
    file = shared_path.join(fetch(:env_file))
    on primary(:app) do
      text = capture(:cat, file) if test("[ -f #{file} ]")
    end
    text.each_line do |line|
      name, value = line.strip.sub(/\Aexport\s+/, "").split("=", 2)
      next if name.nil? || name.start_with?("#") || value.nil?
      SSHKit.config.default_env[name.strip.downcase.to_sym] = value.strip.gsub(/\A["']|["']\z/, "")
    end
  end

  desc "Check that shared/.env is there."
  task :check do
    on release_roles(:all) do
      execute "[ -f #{shared_path.join(fetch(:env_file))} ]"
    end
  end

  desc "Upload the local file."
  task :upload do
    on release_roles(:all) do
      execute :mkdir, "-p", shared_path
      upload! StringIO.new(File.read(fetch(:env_file))), shared_path.join(fetch(:env_file)).to_s
    end
  end

  task hook: :read
end
