# What `require "capistrano/upload-config"` stands for: files of a stage, such as database.production.yml, go to shared.
namespace :load do
  task :defaults do
    set_if_empty :config_files, -> { fetch(:linked_files, []) }
    set_if_empty :config_example_suffix, "-example"
    set_if_empty :config_example_prefix, ""
  end
end

namespace :config do
  local = lambda do |file|
    extension = File.extname(file)
    "#{file[0, file.length - extension.length]}.#{fetch(:stage)}#{extension}"
  end

  desc "Check that the files of the stage are here."
  task :check do
    fetch(:config_files).each do |file|
      puts "#{local.call(file)}: #{File.exist?(local.call(file)) ? 'is there' : 'is missing'}"
    end
  end

  desc "Copy the examples to the files of the stage, where these are missing."
  task :init do
    fetch(:config_files).each do |file|
      extension = File.extname(file)
      base = File.basename(file, extension)
      sample = File.join(File.dirname(file), "#{fetch(:config_example_prefix)}#{base}#{extension}#{fetch(:config_example_suffix)}")
      FileUtils.cp(sample, local.call(file)) if File.exist?(sample) && !File.exist?(local.call(file))
    end
  end

  desc "Upload the files of the stage."
  task :push do
    present = fetch(:config_files).select { |file| File.exist?(local.call(file)) }
    on release_roles(:all) do
      present.each do |file|
        execute :mkdir, "-p", File.dirname(shared_path.join(file).to_s)
        upload! StringIO.new(File.read(local.call(file))), shared_path.join(file).to_s
      end
    end
  end
end

before "deploy:check:linked_files", "config:push"
