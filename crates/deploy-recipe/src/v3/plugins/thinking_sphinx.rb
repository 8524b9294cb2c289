# What `require "thinking_sphinx/capistrano"` stands for: the search daemon.
namespace :load do
  task :defaults do
    set_if_empty :thinking_sphinx_roles, :db
    set_if_empty :thinking_sphinx_rails_env, -> { fetch(:rails_env) || fetch(:stage) }
  end
end

namespace :thinking_sphinx do
  { configure: "configure", index: "index", generate: "generate", rebuild: "rebuild", regenerate: "regenerate",
    restart: "restart", start: "start", stop: "stop" }.each do |name, command|
    desc "Run rake ts:#{command}."
    task name do
      on roles(fetch(:thinking_sphinx_roles)) do
        path = test("[ -d #{current_path} ]") ? current_path : release_path
        within path do
          with rails_env: fetch(:thinking_sphinx_rails_env) do
            execute :rake, "ts:#{command}"
          end
        end
      end
    end
  end
end
