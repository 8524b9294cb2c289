# What `require "capistrano/safe_deploy_to"` stands for: deploy_to is made, and given to the deployer, with sudo.
namespace :load do
  task :defaults do
    set_if_empty :safe_deploy_to_roles, :all
  end
end

namespace :safe_deploy_to do
  desc "Make deploy_to and let it belong to the login of the deploy."
  task :ensure do
    on release_roles(fetch(:safe_deploy_to_roles)) do
      unless test("[ -d #{deploy_path} ] && [ -w #{deploy_path} ]")
        sudo :mkdir, "-p", deploy_path
        owner = fetch(:safe_deploy_to_owner) || "#{capture(:id, '-un')}:#{capture(:id, '-gn')}"
        sudo :chown, owner, deploy_path
      end
    end
  end
end

before "deploy:check", "safe_deploy_to:ensure"
