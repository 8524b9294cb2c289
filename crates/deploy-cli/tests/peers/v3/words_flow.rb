#: cap show
# Ruby around and inside of blocks: results of commands decide.
task :show do
  results = Hash.new { |hash, key| hash[key] = [] }
  on roles(:all) do |host|
    if test("[ -d #{fetch(:deploy_to)}/none ]")
      note 'there'
    elsif capture(:echo, 'yes') == 'yes'
      note 'captured'
    end
    %w[a b].each_with_index { |word, index| note word, index unless word == 'b' && host.hostname.start_with?('web') }
    count = capture('echo 3').to_i
    count.downto(1) { |n| note n }
    case host.hostname
    when /^app(\d)/ then note "app number #{$1}"
    else note 'no app'
    end
    results[host.roles.to_a.first.to_s] << host.hostname
    begin
      execute :false
    rescue => e
      note 'rescued', e.class.name
    else
      note 'no error'
    ensure
      note 'ensured'
    end
    next if host.hostname =~ /app2/
    note 'not app2'
  end
  on(roles(:web)) { note results.sort.map { |k, v| "#{k}=#{v.sort.join('+')}" }.join(' ') }
  names = roles(:app).map { |server| server.hostname.sub('.example.com', '') }
  on(roles(:web)) { names.each { |name| note "from web about #{name}" } }
end
