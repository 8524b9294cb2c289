#: cap deploy
#: fails(1) deploy BRANCH=v2 BREAK=git:create_release
#: fails(1) deploy BRANCH=v2 BREAK=deploy:symlink:shared
#: fails(1) deploy BRANCH=v2 BREAK=deploy:check
#: cap deploy BRANCH=v2
set :linked_dirs, %w[log]
if ENV['BREAK']
  after(ENV['BREAK'], :break_it) { all_note 'breaks', ENV['BREAK']; on(roles(:all)) { execute :false } }
end
after('deploy:failed', :tell) { all_note 'failed' }
