#: only 2.15
#: cap show
#: cap show -s given=12 -s truth=true -s nothing=nil -s text=word -s 'quoted="a b"' -s ratio=1.5
#: cap show -S early=7 word=in-env
set :plain, 'p'
set(:lazy) { "#{plain}-lazy" }
set :lam, lambda { "#{lazy}-lambda" }
set :later, defer { fetch(:counted) + 1 }
set :calls, 0
set(:counted) { set(:calls, calls + 1); calls }
set :list, %w[a b]
set :flag, false
set :early_seen, exists?(:early) ? early.class : 'none'
task :show, :roles => :web do
  note plain, lazy, lam, fetch(:plain), self[:plain], variables[:plain]
  note counted, counted, calls, later
  note fetch(:nothing_here, 'default'), fetch(:nothing_here) { 'from a block' }, exists?(:nothing_here), exists?(:flag), self[:nothing_here].inspect
  note list.join(','), flag.inspect, fetch(:flag, true).inspect
  set :plain, 'changed'
  note plain, lazy
  reset!(:lazy)
  note lazy, calls
  unset :plain
  note exists?(:plain)
  begin
    fetch(:plain)
  rescue IndexError => e
    note 'IndexError'
  end
  begin
    set(:Bad, 1)
  rescue ArgumentError
    note 'ArgumentError'
  end
  note fetch(:given, 'no').inspect, fetch(:truth, 'no').inspect, fetch(:nothing, 'no').inspect, fetch(:text, 'no'), fetch(:quoted, 'no'), fetch(:ratio, 'no').inspect
  note early_seen, ENV['word'].inspect
  note application, deploy_to.length > 3, releases_path[-8..-1], shared_path[-6..-1], current_path[-7..-1], version_dir, shared_dir, current_dir
  note keep_releases_or_default, branch, scm, deploy_via, revision, real_revision, rails_env, rake, use_sudo.inspect, run_method.inspect
  note shared_children.join(','), fetch(:group_writable, 'unset').inspect, maintenance_basename, release_name.length
end
def keep_releases_or_default
  fetch(:keep_releases, 5)
end
