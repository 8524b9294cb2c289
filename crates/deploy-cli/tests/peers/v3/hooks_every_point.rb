#: sh all mkdir -p $ROOT/shared/config; : > $ROOT/shared/config/own.yml
#: cap deploy
#: cap deploy BRANCH=v2
#: cap deploy:rollback ROLLING=1
#: cap deploy:check
set :linked_files, %w[config/own.yml]
set :linked_dirs, %w[log tmp/pids]
%w[starting check started updating updated publishing published finishing finished reverting reverted finishing_rollback restart set_current_revision new_release_path rollback_release_path set_previous_revision log_revision cleanup cleanup_rollback revert_release check:directories check:linked_dirs check:make_linked_dirs check:linked_files symlink:shared symlink:linked_files symlink:linked_dirs symlink:release].each do |name|
  before("deploy:#{name}", "b_#{name}") { all_note 'before', name, release_path }
  after("deploy:#{name}", "a_#{name}") { all_note 'after', name, release_path }
end
%w[wrapper check clone update create_release set_current_revision].each do |name|
  before("git:#{name}", "gb_#{name}") { all_note 'before git', name unless ENV['ROLLING'] }
  after("git:#{name}", "ga_#{name}") { all_note 'after git', name unless ENV['ROLLING'] }
end
before('deploy', :very_first) { all_note 'first' }
after('deploy', :very_last) { all_note 'last', fetch(:deploying), fetch(:previous_revision).to_s.size }
after('deploy:rollback', :rolled) { all_note 'rolled' }
