#: sh all mkdir -p $ROOT
#: cap send_all
#: cap receive
#: file files/one.txt
one
#: file files/tree/two.txt
two
#: file files/tree/deeper/three.txt
three
#: file config/more.rb
task :send_all do
  put "text\n", "#{deploy_to}/put.txt"
  put "moded\n", "#{deploy_to}/moded.txt", :mode => 0640
  upload 'files/one.txt', "#{deploy_to}/one.txt"
  upload 'files/one.txt', "#{deploy_to}/executable", :mode => 'u=rwx,go=rx'
  upload StringIO.new("from io\n"), "#{deploy_to}/io.txt"
  upload 'files/tree', "#{deploy_to}/tree", :via => :scp, :recursive => true
  upload 'files/one.txt', "#{deploy_to}/scp.txt", :via => :scp
  upload 'files/one.txt', "#{deploy_to}/app.txt", :roles => :app
  upload 'files/one.txt', "#{deploy_to}/$CAPISTRANO:HOST$.txt"
  top.upload 'files/one.txt', "#{deploy_to}/top.txt", :once => true
  note 'sent'
end
task :receive do
  get "#{deploy_to}/put.txt", 'got.txt'
  download "#{deploy_to}/one.txt", 'down-$CAPISTRANO:HOST$.txt', :roles => :app
  download "#{deploy_to}/tree", 'tree', :once => true, :via => :scp, :recursive => true
  note File.read('got.txt').strip, Dir['down-*'].sort.join(',')
end
#: file Capfile
load 'deploy'
load 'config/deploy'
load 'config/more'
