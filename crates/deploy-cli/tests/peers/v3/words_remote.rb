#: sh all mkdir -p $ROOT/sub $ROOT/deep/er
#: cap show
set :default_env, { 'GREETING' => 'hello', number: 7 }
SSHKit.config.command_map[:shown] = 'echo mapped'
SSHKit.config.command_map.prefix[:shy].push('echo')
SSHKit.config.command_map.prefix[:shy].unshift('nice')
def deploy_to = fetch(:deploy_to)
task :show do
  log = ">> #{fetch(:deploy_to)}.log"
  on roles(:app) do |host|
    execute :echo, '$GREETING $NUMBER', log
    execute "echo raw:$GREETING:$NUMBER:`pwd` #{log}"
    execute :shown, 'words', log
    execute :shy, log
    within deploy_to do
      execute :pwd, log
      within 'sub' do
        execute :pwd, log
        execute "pwd #{log}"
      end
      execute :echo, capture(:pwd), log
    end
    within(deploy_path.join('deep')) { within('er') { execute :pwd, log } }
    within(deploy_path.join('deep')) { within('er') { execute :pwd, log } }
    with greeting: 'a "quoted" one', other: '$HOME/x', 'mixedCase' => 1 do
      execute :echo, '"$GREETING $OTHER $mixedCase $MIXEDCASE"', log
      with(inner: 2) { execute :echo, '$INNER $OTHER', log }
      execute :echo, '[$INNER]', log
    end
    note test('[ -d /tmp ]'), test("[ -d #{deploy_to}/none ]"), test(:false), test(:test, '-d', '/tmp')
    note capture(:echo, ' spaced '), '|', capture(:printf, '"  x\n"', strip: false).inspect, '|', capture('echo out; echo err >&2')
    note execute(:false, raise_on_non_zero_exit: false), execute(:true)
    text = <<-SCRIPT
      cd #{deploy_to}
      pwd #{log}
      for x in 1 2; do echo $x #{log}; done
    SCRIPT
    execute text
    begin
      execute :test, '-d', '/none'
    rescue SSHKit::Command::Failed => e
      note 'rescued', e.class, e.message.lines.first.strip.sub(/^.*exit/, 'exit').gsub('"', '')
    end
    begin
      within('/none/at/all') { execute :pwd }
    rescue StandardError
      note 'no such directory'
    end
    execute :echo, 'after', log
    execute(:sh, '-c', '"exit 3"') rescue note('status')
    if host.hostname == 'app1.example.com' then note 'first' else note 'other' end
    execute "umask #{log}"
    note capture(:whoami), capture('echo $-')
  end
end
