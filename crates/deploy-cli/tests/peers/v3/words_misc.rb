#: cap show
#: cap questions answer=given
ask :question, 'the default'
ask(:hidden, 'secret default', echo: false)
task :show do
  on roles(:web) do
    note fetch(:question), fetch(:hidden)
    info 'told'; warn 'warned'; error 'an error'; debug 'not shown'
    note release_path, current_path, shared_path, releases_path, deploy_path, repo_path, stage_config_path
    note release_path.class, (current_path + 'x'), current_path.join('a', 'b'), current_path.basename, current_path.dirname.basename
    note dry_run?, any?(:scm)
    SSHKit.config.umask = '027'
    execute :touch, "#{fetch(:deploy_to)}.umask"
    note capture("stat -c %a #{fetch(:deploy_to)}.umask; rm #{fetch(:deploy_to)}.umask")
  end
end
task(:questions) { on(roles(:app)) { note ENV['answer'], ENV.fetch('nothing', 'unset'), ENV.key?('ROOT') } }
