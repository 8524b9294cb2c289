# What `require "capistrano/rails/console"` stands for: a console needs a terminal, which a run has not.
namespace :rails do
  { console: "console", dbconsole: "dbconsole" }.each do |name, word|
    desc "Say how to open the #{word} of Rails on a host."
    task name do
      host = primary(fetch(:console_role, :app))
      raise "there is no server of the role #{fetch(:console_role, :app)}" if host.nil?
      puts "A #{word} needs a terminal. Open it with:"
      puts "  ssh -t #{host.user ? "#{host.user}@" : ''}#{host.hostname} 'cd #{current_path} && RAILS_ENV=#{fetch(:rails_env, fetch(:stage))} bundle exec rails #{word}'"
    end
  end
end
