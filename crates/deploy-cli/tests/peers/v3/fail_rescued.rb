#: cap deploy
#: cap deploy BRANCH=v2
after 'deploy:updated', :tries do
  on roles(:all) do |host|
    begin
      execute :false
      note 'never'
    rescue SSHKit::StandardError => e
      note 'rescued', host.hostname
    end
    execute :false, raise_on_non_zero_exit: false
    note 'goes on'
  end
  begin
    on(roles(:app)) { execute :false }
  rescue SSHKit::Runner::ExecuteError => e
    all_note 'around the block'
  end
  begin
    raise 'here'
  rescue RuntimeError => e
    all_note e.message
  ensure
    all_note 'ensured'
  end
end
