# What `require "capistrano/rvm"` stands for: commands run with the Ruby that RVM has.
namespace :load do
  task :defaults do
    set_if_empty :rvm_type, :auto
    set_if_empty :rvm_ruby_version, "default"
    set_if_empty :rvm_map_bins, %w[gem rake ruby bundle]
    set_if_empty :rvm_roles, :all
  end
end

namespace :rvm do
  desc "Show the versions of RVM and Ruby on the hosts."
  task :check do
    on roles(fetch(:rvm_roles)) do
      debug capture(:rvm, "version")
      debug capture(:rvm, "current")
      debug capture(:ruby, "--version")
    end
  end

  task :hook do
    on roles(fetch(:rvm_roles)) do |host|
      path = fetch(:rvm_custom_path)
      path ||= case fetch(:rvm_type)
      when :user, :mixed then "~/.rvm"
      when :system then "/usr/local/rvm"
      else
        if test("[ -d ~/.rvm ]")
          "~/.rvm"
        elsif test("[ -d /usr/local/rvm ]")
          "/usr/local/rvm"
        else
          raise "rvm: there is neither ~/.rvm nor /usr/local/rvm on #{host}"
        end
      end
      set :rvm_path, path
    end
    SSHKit.config.command_map[:rvm] = "#{fetch(:rvm_path)}/bin/rvm"
    prefix = "#{fetch(:rvm_path)}/bin/rvm #{fetch(:rvm_ruby_version)} do"
    fetch(:rvm_map_bins).each do |bin|
      SSHKit.config.command_map.prefix[bin.to_sym].unshift(prefix)
    end
  end
end

stages.each do |stage|
  after stage, "rvm:hook"
  after stage, "rvm:check"
end
