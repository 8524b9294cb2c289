#: sh all mkdir -p $ROOT/shared
#: cap send_all
#: cap read_all
#: cap send_all
#: file files/one.txt
one
#: file files/dir/two.txt
two
#: file files/dir/deeper/three.txt
three
#: file lib/capistrano/tasks/send.rake
task :send_all do
  on roles(:all) do |host|
    upload! 'files/one.txt', "#{shared_path}/one.txt"
    upload! StringIO.new("text for #{host.hostname}\n"), "#{shared_path}/text.txt"
    upload! 'files/dir', shared_path, recursive: true
    upload! 'files/one.txt', shared_path.join('by_path.txt').to_s
    execute :chmod, '640', shared_path.join('text.txt')
    note capture(:cat, shared_path.join('text.txt'))
    within(shared_path) { note capture(:ls).split.join(',') }
  end
end
task :read_all do
  kept = {}
  on roles(:app) do |host|
    kept[host.hostname] = download!("#{shared_path}/text.txt")
    download! "#{shared_path}/one.txt", "got-#{host.hostname}.txt"
    download! "#{shared_path}/dir", 'got-dir', recursive: true if host.hostname =~ /app1/
  end
  on(roles(:web)) { note kept.sort.map { |k, v| "#{k}:#{v.strip}" }.join(' '), File.read('got-app2.example.com.txt').strip }
  on(roles(:web)) { note Dir['got-dir/**/*'].select { |f| File.file?(f) }.map { |f| File.basename(f) }.sort.join(' ') }
end
