# What `require "capistrano/nvm"` stands for: commands run with a Node that nvm has installed.
namespace :load do
  task :defaults do
    set_if_empty :nvm_type, :user
    set_if_empty :nvm_map_bins, %w[node npm yarn]
    set_if_empty :nvm_roles, :all
  end
end

namespace :nvm do
  task :validate do
    raise "nvm_node is not set: say which Node, as in set :nvm_node, 'v20.11.0'" if fetch(:nvm_node).to_s.empty?
    place = fetch(:nvm_custom_path) || (fetch(:nvm_type).to_sym == :system ? "/usr/local/nvm" : "$HOME/.nvm")
    set :nvm_path, place
    on release_roles(fetch(:nvm_roles)) do
      old = "#{place}/#{fetch(:nvm_node)}"
      unless test("[ -d #{place}/versions/node/#{fetch(:nvm_node)} ] || [ -d #{old} ]")
        error "nvm: #{fetch(:nvm_node)} is not installed in #{place}"
        exit 1
      end
    end
  end

  task :map_bins do
    SSHKit.config.default_env.merge!(node_version: fetch(:nvm_node))
    fetch(:nvm_map_bins).each { |bin| SSHKit.config.command_map.prefix[bin.to_sym].unshift("#{fetch(:nvm_path)}/nvm-exec") }
  end
end

stages.each do |stage|
  after stage, "nvm:validate"
  after stage, "nvm:map_bins"
end
