#: cap show
task :show do
  said = []
  run_locally do
    execute :mkdir, '-p', 'made/here'
    execute 'echo one > made/here/file'
    within 'made' do
      said << test('[ -f here/file ]') << test('[ -f nothing ]')
      execute :touch, 'touched'
    end
    with word: 'given' do
      execute :sh, '-c', "'echo $WORD >> made/here/file'"
    end
    said << capture(:cat, 'made/here/file').lines.map(&:strip).join('+')
    said << capture(:ls, 'made')
    said << (execute(:false, raise_on_non_zero_exit: false).inspect)
  end
  said << `cat made/here/file`.strip.split.inspect.gsub('"', '') << $?.success? << $?.exitstatus
  said << system('test -d made') << system('exit 3') << $?.exitstatus
  said << File.read('made/here/file').size << File.exist?('made/touched') << Dir['made/*'].sort.join(',')
  File.write('made/written', "text\n")
  said << IO.readlines('made/written').map(&:chomp).first
  on(roles(:web)) { note said.join(' ').gsub("\n", '/') }
  run_locally { said << 'again' }
  on(roles(:app)) { note said.last }
end
