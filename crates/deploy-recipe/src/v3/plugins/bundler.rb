# What `require "capistrano/bundler"` stands for: the gems of the application.
namespace :load do
  task :defaults do
    set_if_empty :bundle_bins, %w[gem rake rails]
    set_if_empty :bundle_binstubs, nil
    set_if_empty :bundle_binstubs_command, :install
    set_if_empty :bundle_check_before_install, true
    set_if_empty :bundle_clean_options, ""
    set_if_empty :bundle_config, { deployment: true }
    set_if_empty :bundle_env_variables, {}
    set_if_empty :bundle_flags, "--quiet"
    set_if_empty :bundle_gemfile, nil
    set_if_empty :bundle_jobs, 4
    set_if_empty :bundle_path, -> { shared_path.join("bundle") }
    set_if_empty :bundle_roles, :all
    set_if_empty :bundle_servers, -> { release_roles(fetch(:bundle_roles)) }
    set_if_empty :bundle_without, "development:test"
  end
end

namespace :bundler do
  desc "Let the application's commands run with its gems."
  task :map_bins do
    fetch(:bundle_bins).uniq.each do |bin|
      SSHKit.config.command_map.prefix[bin.to_sym].push("bundle exec")
    end
  end

  desc "Write the settings of Bundler into the release."
  task :config do
    settings = fetch(:bundle_config).dup
    settings[:gemfile] = release_path.join(fetch(:bundle_gemfile)) if fetch(:bundle_gemfile)
    settings[:path] = fetch(:bundle_path)
    settings[:without] = fetch(:bundle_without)
    on fetch(:bundle_servers) do
      within release_path do
        with fetch(:bundle_env_variables) do
          settings.each do |name, value|
            next if value.nil? || value == ""
            execute :bundle, "config", "--local", name, value.to_s.shellescape
          end
        end
      end
    end
  end

  desc "Install the gems of the application."
  task install: :config do
    on fetch(:bundle_servers) do
      within release_path do
        with fetch(:bundle_env_variables) do
          if fetch(:bundle_check_before_install) && test(:bundle, :check)
            info "the gems of the Gemfile are there"
          else
            options = []
            if fetch(:bundle_binstubs) && fetch(:bundle_binstubs_command) == :install
              options << "--binstubs #{fetch(:bundle_binstubs)}"
            end
            options << "--jobs #{fetch(:bundle_jobs)}" if fetch(:bundle_jobs)
            options << fetch(:bundle_flags) if fetch(:bundle_flags)
            execute :bundle, :install, *options
            if fetch(:bundle_binstubs) && fetch(:bundle_binstubs_command) == :binstubs
              execute :bundle, :binstubs, "--all", "--path", fetch(:bundle_binstubs)
            end
          end
        end
      end
    end
  end

  desc "Remove gems that the application no longer uses."
  task clean: :config do
    on fetch(:bundle_servers) do
      within release_path do
        with fetch(:bundle_env_variables) do
          execute :bundle, :clean, fetch(:bundle_clean_options)
        end
      end
    end
  end
end

before "deploy:updated", "bundler:install"
before "deploy:reverted", "bundler:install"
stages.each { |stage| after stage, "bundler:map_bins" }
