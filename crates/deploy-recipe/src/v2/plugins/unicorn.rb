# What `require "capistrano-unicorn"` stands for: Unicorn, told by signals.
_cset(:unicorn_env) { fetch(:rails_env, "production") }
_cset(:unicorn_rack_env) { %w[development test].include?(fetch(:unicorn_env).to_s) ? fetch(:unicorn_env) : "deployment" }
_cset(:unicorn_bin) { "unicorn" }
_cset(:unicorn_bundle) { fetch(:bundle_cmd, "bundle") }
_cset(:unicorn_options) { "" }
_cset(:unicorn_restart_sleep_time) { 2 }
_cset(:unicorn_user) { nil }
_cset(:unicorn_roles) { :app }
_cset(:app_path) { fetch(:current_path) }
_cset(:app_subdir) { "" }
_cset(:unicorn_config_path) { "#{fetch(:app_path)}#{fetch(:app_subdir)}/config" }
_cset(:unicorn_config_filename) { "unicorn.rb" }
_cset(:unicorn_config_file_path) { "#{fetch(:unicorn_config_path)}/#{fetch(:unicorn_config_filename)}" }
_cset(:unicorn_config_stage_file_path) { "#{fetch(:unicorn_config_path)}/unicorn/#{fetch(:unicorn_env)}.rb" }
# As the local configuration says, where it says so plainly.
_cset(:unicorn_pid) do
  local = ["config/unicorn/#{fetch(:unicorn_env)}.rb", "config/unicorn.rb"].find { |file| File.exist?(file) }
  said = local && File.read(local)[/^\s*pid[\s(]+["']([^"'#]+)["']/, 1]
  if said.nil?
    "#{fetch(:app_path)}/tmp/pids/unicorn.pid"
  else
    said.start_with?("/") ? said : "#{fetch(:app_path)}/#{said}"
  end
end

namespace :unicorn do
  scope = { :roles => lambda { fetch(:unicorn_roles) }, :except => { :no_release => true } }
  as_user = lambda { |command| fetch(:unicorn_user) ? "sudo -u #{fetch(:unicorn_user)} #{command}" : command }
  pid = lambda { "`cat #{fetch(:unicorn_pid)}`" }
  runs = lambda { "[ -e #{fetch(:unicorn_pid)} ] && #{as_user.call("kill -0 #{pid.call}")} > /dev/null 2>&1" }
  signal = lambda { |name| as_user.call("kill -s #{name} #{pid.call}") }
  start = lambda do
    file = "$([ -e #{fetch(:unicorn_config_stage_file_path)} ] && echo #{fetch(:unicorn_config_stage_file_path)} || " \
           "echo #{fetch(:unicorn_config_file_path)})"
    words = "BUNDLE_GEMFILE=#{fetch(:bundle_gemfile, "#{fetch(:app_path)}/Gemfile")} #{fetch(:unicorn_bundle)} exec " \
            "#{fetch(:unicorn_bin)} -c #{file} -E #{fetch(:unicorn_rack_env)} -D #{fetch(:unicorn_options)}".rstrip
    "rm -f #{fetch(:unicorn_pid)}; cd #{fetch(:app_path)} && #{as_user.call("env RAILS_ENV=#{fetch(:unicorn_env)} #{words}")}"
  end
  told = lambda { |name| "if #{runs.call}; then #{signal.call(name)}; else echo 'Unicorn is not running'; fi" }
  second = lambda do |name|
    "sleep #{fetch(:unicorn_restart_sleep_time)}; [ ! -e #{fetch(:unicorn_pid)}.oldbin ] || " \
      "#{as_user.call("kill -s #{name} `cat #{fetch(:unicorn_pid)}.oldbin`")}"
  end

  desc "Start Unicorn where it does not run."
  task :start, scope do
    run "if #{runs.call}; then echo 'Unicorn is running'; else #{start.call}; fi"
  end

  { :stop => "QUIT", :shutdown => "TERM", :reload => "HUP", :add_worker => "TTIN", :remove_worker => "TTOU" }.each do |name, sign|
    desc "Send #{sign} to Unicorn."
    task(name, scope) { run told.call(sign) }
  end

  desc "Restart Unicorn with the new code, without a pause."
  task :restart, scope do
    run "if #{runs.call}; then #{signal.call('USR2')}; #{second.call('QUIT')}; else #{start.call}; fi"
  end

  desc "Start a second master beside the old one."
  task :duplicate, scope do
    run "if #{runs.call}; then #{signal.call('USR2')}; else #{start.call}; fi"
  end
end
