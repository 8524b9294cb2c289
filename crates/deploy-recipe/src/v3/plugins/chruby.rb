# What `require "capistrano/chruby"` stands for: commands run with the Ruby that chruby has.
namespace :load do
  task :defaults do
    set_if_empty :chruby_exec, "/usr/local/bin/chruby-exec"
    set_if_empty :chruby_map_bins, %w[rake gem bundle ruby]
  end
end

namespace :chruby do
  task :validate do
    on release_roles(:all) do |host|
      raise "chruby: set :chruby_ruby to a version of Ruby" if fetch(:chruby_ruby).nil?
      raise "chruby: #{fetch(:chruby_exec)} is missing on #{host}" unless test("[ -x #{fetch(:chruby_exec)} ]")
    end
  end

  task :map_bins do
    prefix = "#{fetch(:chruby_exec)} #{fetch(:chruby_ruby)} --"
    fetch(:chruby_map_bins).uniq.each do |bin|
      SSHKit.config.command_map.prefix[bin.to_sym].unshift(prefix)
    end
  end
end

stages.each do |stage|
  after stage, "chruby:validate"
  after stage, "chruby:map_bins"
end
