# What `require "thinking_sphinx/deploy/capistrano"` stands for: the search daemon of Thinking Sphinx.
namespace :thinking_sphinx do
  rake_in = lambda do |name|
    run "cd #{fetch(:current_path)} && #{fetch(:rake, 'rake')} RAILS_ENV=#{fetch(:rails_env, 'production')} #{name}"
  end

  %w[configure index reindex start stop restart rebuild].each do |name|
    desc "Run rake thinking_sphinx:#{name} in the live release."
    task(name.to_sym) { rake_in.call("thinking_sphinx:#{name}") }
  end

  desc "Make the folder for the index in shared."
  task :shared_sphinx_folder, :roles => :web do
    run "mkdir -p #{fetch(:shared_path)}/db/sphinx/#{fetch(:rails_env, 'production')}"
  end
end
