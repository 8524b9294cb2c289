# What `require "capistrano/ext/multistage"` stands for: a file of settings for each stage.
folder = fetch(:stage_dir, "config/deploy")
set(:stages, Dir["#{folder}/*.rb"].sort.map { |file| File.basename(file, ".rb") }) unless exists?(:stages)
known = fetch(:stages).map { |name| name.to_s }
chosen = []

# The file of a stage is loaded once: when the command line names it, so that its tasks can be listed.
choose = lambda do |name|
  set :stage, name.to_sym
  unless chosen.include?(name)
    chosen << name
    load "#{folder}/#{name}"
  end
end

known.each do |name|
  desc "Choose the stage `#{name}'."
  task(name) { choose.call(name) }
end

on :load do
  named = ARGV.find { |word| known.include?(word) }
  named ||= fetch(:default_stage).to_s if exists?(:default_stage)
  choose.call(named) if named && known.include?(named)
end

namespace :multistage do
  desc "[internal] See that a stage was chosen."
  task :ensure do
    unless exists?(:stage)
      wanted = fetch(:default_stage, nil).to_s
      unless known.include?(wanted)
        warn "no stage is chosen: name one of #{known.join(', ')} first, as in: cap #{known.first} deploy"
        exit 2
      end
      choose.call(wanted)
    end
  end

  desc "Write an empty file for each stage that has none."
  task :prepare do
    FileUtils.mkdir_p(folder)
    known.each do |name|
      file = "#{folder}/#{name}.rb"
      File.write(file, "# Settings of the stage #{name} only.\n") unless File.exist?(file)
    end
  end
end

on :start, "multistage:ensure", :except => known + ["multistage:prepare"]
