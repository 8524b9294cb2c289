# What `require "capistrano/rbenv"` stands for: commands run with the Ruby that rbenv has.
namespace :load do
  task :defaults do
    set_if_empty :rbenv_type, :user
    set_if_empty :rbenv_roles, :all
    set_if_empty :rbenv_map_bins, %w[rake gem bundle ruby rails]
    set_if_empty :rbenv_path, -> {
      fetch(:rbenv_custom_path) || case fetch(:rbenv_type)
      when :system then "/usr/local/rbenv"
      when :fullstaq then "/usr/lib/rbenv"
      else "$HOME/.rbenv"
      end
    }
    set_if_empty :rbenv_ruby_dir, -> { "#{fetch(:rbenv_path)}/versions/#{fetch(:rbenv_ruby)}" }
  end
end

namespace :rbenv do
  task :validate do
    on release_roles(fetch(:rbenv_roles)) do |host|
      if fetch(:rbenv_ruby).nil?
        info "rbenv_ruby is not set: each host uses the Ruby that its rbenv chooses"
      elsif !test("[ -d #{fetch(:rbenv_ruby_dir)} ]")
        raise "rbenv: #{fetch(:rbenv_ruby)} is not installed in #{fetch(:rbenv_ruby_dir)} on #{host}"
      end
    end
  end

  task :map_bins do
    SSHKit.config.default_env.merge!(rbenv_root: fetch(:rbenv_path), rbenv_version: fetch(:rbenv_ruby))
    SSHKit.config.command_map[:rbenv] = "#{fetch(:rbenv_path)}/bin/rbenv"
    prefix = fetch(:rbenv_prefix) || "#{fetch(:rbenv_path)}/bin/rbenv exec"
    fetch(:rbenv_map_bins).uniq.each do |bin|
      SSHKit.config.command_map.prefix[bin.to_sym].unshift(prefix)
    end
  end
end

stages.each do |stage|
  after stage, "rbenv:validate"
  after stage, "rbenv:map_bins"
end
