# What `require "capistrano/touch-linked-files"` stands for: a linked file that is missing is made, empty.
namespace :deploy do
  namespace :check do
    task :touch_linked_files do
      on release_roles(:all) do
        fetch(:linked_files, []).each do |file|
          at = shared_path.join(file)
          execute :mkdir, "-p", File.dirname(at.to_s)
          execute :touch, at unless test("[ -f #{at} ]")
        end
      end
    end
  end
end

before "deploy:check:linked_files", "deploy:check:touch_linked_files"
