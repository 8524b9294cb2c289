#: cap show
task :show do
  on roles(:app) do
    as(:root) { execute "true"; note capture(:whoami) }
    as user: 'root' do
      within('/tmp') { note capture(:pwd) }
      with(answer: 42) { note capture(:echo, '$ANSWER') }
      execute :touch, '/tmp/who'
    end
    note capture('stat -c %U /tmp/who')
    sudo :rm, '-f', '/tmp/who'
    note test('[ -e /tmp/who ]'), capture(:sudo, :whoami)
    note capture(:whoami)
  end
  on(roles(:web)) { |host| host.user = 'deploy'; note capture(:whoami) }
end
