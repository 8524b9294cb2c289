# What `require "capistrano-rbenv"` stands for: commands run with a Ruby that rbenv has installed.
_cset :rbenv_path, "$HOME/.rbenv"
_cset :rbenv_ruby_version, nil
_cset :rbenv_repository, "https://github.com/rbenv/rbenv.git"
_cset :rbenv_ruby_build_repository, "https://github.com/rbenv/ruby-build.git"
_cset :rbenv_setup_default_environment, true
_cset(:rbenv_bin) { "#{fetch(:rbenv_path)}/bin/rbenv" }
_cset(:rbenv_cmd) do
  version = fetch(:rbenv_ruby_version)
  version ? "env RBENV_VERSION=#{version} #{fetch(:rbenv_bin)}" : fetch(:rbenv_bin)
end
_cset(:rbenv_exec) { "#{fetch(:rbenv_cmd)} exec" }

on :load do
  if fetch(:rbenv_setup_default_environment)
    places = "#{fetch(:rbenv_path)}/shims:#{fetch(:rbenv_path)}/bin"
    before = default_environment["PATH"] || "$PATH"
    default_environment["PATH"] = "#{places}:#{before}" unless before.start_with?(places)
    default_environment["RBENV_ROOT"] ||= fetch(:rbenv_path)
    version = fetch(:rbenv_ruby_version)
    default_environment["RBENV_VERSION"] ||= version if version
  end
end

namespace :rbenv do
  desc "Install rbenv and the Ruby of rbenv_ruby_version where they are missing."
  task :setup, :except => { :no_release => true } do
    root = fetch(:rbenv_path)
    run "[ -d #{root} ] || git clone -q #{fetch(:rbenv_repository)} #{root}"
    run "[ -d #{root}/plugins/ruby-build ] || git clone -q #{fetch(:rbenv_ruby_build_repository)} #{root}/plugins/ruby-build"
    version = fetch(:rbenv_ruby_version)
    run "[ -d #{root}/versions/#{version} ] || #{fetch(:rbenv_bin)} install #{version}" if version
  end
end

after "deploy:setup", "rbenv:setup"
