# What `require "capistrano/file-permissions"` stands for: paths that users or groups of the host may write.
namespace :load do
  task :defaults do
    set_if_empty :file_permissions_roles, :all
    set_if_empty :file_permissions_paths, []
    set_if_empty :file_permissions_users, []
    set_if_empty :file_permissions_groups, []
    set_if_empty :file_permissions_chmod_mode, "0777"
  end
end

namespace :deploy do
  namespace :set_permissions do
    paths = -> { fetch(:file_permissions_paths).map { |path| release_path.join(path).to_s } }

    desc "[internal] Check that there is something to do."
    task(:check) {}

    desc "Set the mode of the paths."
    task :chmod do
      on release_roles(fetch(:file_permissions_roles)) do
        execute :chmod, "-R", fetch(:file_permissions_chmod_mode), *paths.call unless paths.call.empty?
      end
    end

    desc "Let users and groups write the paths by access lists."
    task :acl do
      entries = fetch(:file_permissions_users).map { |name| "u:#{name}:rwX" }
      entries += fetch(:file_permissions_groups).map { |name| "g:#{name}:rwX" }
      on release_roles(fetch(:file_permissions_roles)) do
        unless paths.call.empty? || entries.empty?
          given = entries.flat_map { |entry| ["-m", entry] }
          execute :setfacl, "-R", *given, *paths.call
          execute :setfacl, "-dR", *given, *paths.call
        end
      end
    end

    { chown: :users, chgrp: :groups }.each do |command, names|
      desc "Give the paths away (#{command})."
      task command do
        name = fetch(:"file_permissions_#{names}").first
        on release_roles(fetch(:file_permissions_roles)) do
          execute :sudo, command, "-R", name, *paths.call unless paths.call.empty? || name.nil?
        end
      end
    end
  end
end
