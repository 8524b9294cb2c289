# What `require "bundler/capistrano"` stands for: the gems of the application.
_cset(:bundle_cmd) { "bundle" }
_cset(:bundle_gemfile) { "Gemfile" }
_cset(:bundle_dir) { "#{fetch(:shared_path)}/bundle" }
_cset(:bundle_flags) { "--deployment --quiet" }
_cset(:bundle_without) { [:development, :test] }
set(:rake) { "#{fetch(:bundle_cmd)} exec rake" }

# The roles are those at the time of the require.
scope = { :except => { :no_release => true } }
scope[:roles] = fetch(:bundle_roles) if exists?(:bundle_roles)

namespace :bundle do
  desc "Install the gems of the application."
  task :install, scope do
    # Before the first deploy, as in a rehearsal, there is none.
    release = fetch(:latest_release) || fetch(:current_path)
    without = [fetch(:bundle_without)].flatten.compact
    with = [fetch(:bundle_with, [])].flatten.compact
    words = [fetch(:bundle_cmd), "install", "--gemfile #{File.join(release, fetch(:bundle_gemfile))}"]
    words << "--path #{fetch(:bundle_dir)}" unless fetch(:bundle_dir).to_s.empty?
    words << fetch(:bundle_flags).to_s
    words << "--with #{with.join(' ')}" unless with.empty?
    words << "--without #{without.join(' ')}" unless without.empty?
    run "cd #{release} && #{words.reject { |word| word.empty? }.join(' ')}"
  end
end

before "deploy:finalize_update", "bundle:install"
