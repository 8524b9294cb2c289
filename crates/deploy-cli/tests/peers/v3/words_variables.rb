#: cap show
set :plain, 'p'
set(:block) { "#{fetch(:plain)}-block" }
set :lambda, -> { "#{fetch(:block)}-lambda" }
set :nested, -> { -> { 'inner' } }
set :takes, ->(x) { x }
set_if_empty :plain, 'not this'
set_if_empty :fresh, 'fresh'
append :list, 'a', 'b'
append :list, 'c'
remove :list, 'b'
append :plain_list, 'z'
set :gone, 1
delete :gone
set :count, 0
set(:once) { set :count, fetch(:count) + 1; fetch(:count) }
set :false_one, false
set :hash, { a: 1, 'b' => [2, nil] }
validate(:checked) { |key, value| raise Capistrano::ValidationError, "#{key} is #{value}" if value.to_s.empty? }
set :checked, 'fine'
task :show do
  on roles(:web) do
    note fetch(:plain), fetch(:block), fetch(:lambda), fetch(:nested), fetch(:fresh)
    note fetch(:list).inspect, fetch(:plain_list).inspect, fetch(:gone).inspect, fetch(:gone, 'default'), fetch(:gone) { 'from a block' }
    note fetch(:takes).respond_to?(:call), fetch(:takes).call('called')
    note fetch(:once), fetch(:once), fetch(:count)
    note fetch(:false_one).inspect, fetch(:false_one, true).inspect, any?(:list), any?(:nothing_here), any?(:plain)
    note fetch(:hash).inspect.gsub('"', '.').gsub('=>', ':'), fetch(:checked)
    note fetch(:stage), fetch(:stage).class, fetch(:application), fetch(:keep_releases), fetch(:tmp_dir), fetch(:branch)
    note fetch(:linked_files, []).inspect, fetch(:linked_dirs, []).inspect, fetch(:pty).inspect, fetch(:default_env).inspect
    note fetch(:scm).inspect, fetch(:log_level).inspect, fetch(:format).inspect, fetch(:local_user)
    note lock('~> 3.17').inspect.size > 0
  end
end
