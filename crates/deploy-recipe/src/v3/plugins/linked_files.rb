# What `require "capistrano/linked_files"` stands for: local files and folders go to shared.
namespace :linked_files do
  desc "Upload the linked files that are here."
  task :upload_files do
    on release_roles(:all) do
      fetch(:linked_files, []).each do |file|
        execute :mkdir, "-p", File.dirname(shared_path.join(file).to_s)
        upload! StringIO.new(File.read(file)), shared_path.join(file).to_s
      end
    end
  end

  desc "Upload the linked folders that are here."
  task :upload_dirs do
    on release_roles(:all) do
      fetch(:linked_dirs, []).each do |dir|
        upload! dir, File.dirname(shared_path.join(dir).to_s), recursive: true if File.directory?(dir)
      end
    end
  end

  task upload: [:upload_files, :upload_dirs]
end
