### join basename dirname extname
p File.join("a", "b"), File.join("a/", "/b"), File.join("a", ["b", "c"]), File.join, File.join("", "a"), File.join("a", ""), File.basename("/a/b.rb"), File.basename("/a/b.rb", ".rb"), File.basename("/a/b.rb", ".*"), File.basename("/"), File.basename("a/"), File.dirname("/a/b"), File.dirname("a"), File.dirname("/"), File.dirname("/a/b/"), File.dirname("/a/b/c", 2), File.extname("a.rb"), File.extname("a"), File.extname(".bashrc"), File.extname("a."), File.extname("a.tar.gz"), File.split("/a/b"), File.basename("a.rb", "rb")
### expand_path
p File.expand_path("/a/../b"), File.expand_path("b", "/a"), File.expand_path("../x", "/a/b"), File.expand_path("~"), File.expand_path("~/x"), File.expand_path("/a/./b//c/"), File.absolute_path("x", "/y"), File.absolute_path?("/a"), File.absolute_path?("a"), File.expand_path("..", "/"), File.expand_path(".", "/q")
### read and write
File.write("f.txt", "one\ntwo\n")
p File.read("f.txt"), File.readlines("f.txt"), File.readlines("f.txt", chomp: true), File.exist?("f.txt"), File.file?("f.txt"), File.directory?("f.txt"), File.size("f.txt"), File.zero?("f.txt"), File.foreach("f.txt").map(&:chomp), IO.read("f.txt", 3), File.size?("nope"), File.empty?("f.txt"), IO.readlines("f.txt").size, File.write("g", "abc"), File.binread("g"), IO.write("g", "x"), File.read("g")
### open modes
File.open("o.txt", "w") { |f| f.puts "a", 1; f.print "b"; f.write("c", "d"); f << "e" << 2; f.printf("%02d\n", 3) }
p File.read("o.txt")
File.open("o.txt", "a") { |f| f.puts "tail" }
File.open("o.txt") { |f| p f.gets, f.read, f.eof?, f.gets }
File.open("o.txt", "r+") { |f| p f.readline; f.rewind; p f.readlines.size; p f.path }
r = File.open("o.txt") { |f| f.each_line.map(&:chomp) }
p r
f = File.new("o.txt"); p f.read(1), f.getc, f.closed?; f.close; p f.closed?
File.open("o.txt", "w", 0644) { |f| f.puts [1, [2]] }
p IO.readlines("o.txt", chomp: true), File.open("o.txt", &:readline), File.open("o.txt").each_line.to_a
### errors
begin; File.read("nope"); rescue Errno::ENOENT => e; p e.class, e.is_a?(SystemCallError), e.errno, e.message.end_with?("- nope"); end
begin; File.open("no/such", "w"); rescue SystemCallError => e; p e.class; end
begin; Dir.mkdir("d"); Dir.mkdir("d"); rescue Errno::EEXIST => e; p e.class; end
begin; File.read("d"); rescue Errno::EISDIR => e; p e.class; end
begin; Dir.rmdir("zz"); rescue => e; p e.class; end
begin; File.readlines("nope"); rescue IOError, SystemCallError => e; p e.class; end
begin; File.delete("nope"); rescue => e; p e.class; end
begin; File.open("f", "w") { |f| f.puts 1; f.close; f.puts 2 }; rescue IOError => e; p e.message; end
### stat and tests
File.write("x", "abc"); File.chmod(0600, "x"); Dir.mkdir("dir"); File.symlink("x", "ln")
p File.stat("x").size, File.stat("x").file?, File.stat("dir").directory?, File.symlink?("ln"), File.lstat("ln").symlink?, File.readlink("ln"), File.exist?("ln"), "%o" % (File.stat("x").mode & 0777), File.mtime("x").class, File.realpath("ln") == File.realpath("x"), File.readable?("x"), File.writable?("x"), File.executable?("x"), File.ftype("dir"), File.identical?("x", "ln")
### rename delete
File.write("a", "1"); File.rename("a", "b")
p File.exist?("a"), File.read("b"), File.delete("b"), File.exist?("b"), File.unlink, Dir.exist?("q"), File.exist?("")
### dir
Dir.mkdir("d"); Dir.mkdir("d/e"); File.write("d/a.rb", ""); File.write("d/b.txt", ""); File.write("d/e/c.rb", ""); File.write("d/.hid", "")
p Dir["d/*"].sort, Dir["d/**/*.rb"].sort, Dir.glob("d/*.{rb,txt}").sort, Dir.entries("d").sort, Dir.children("d").sort, Dir.exist?("d"), Dir["d/?.rb"], Dir["d/[ab].*"].sort, Dir.glob(%w[d/*.rb d/*.txt]), Dir["nope/*"], Dir.glob("*", base: "d").sort, Dir.each_child("d").to_a.sort, Dir.empty?("d"), Dir["d/*.rb", "d/*.txt"], Dir.glob("d/e/*") { |x| print x }, Dir.glob("**/*.rb").sort
### chdir pwd
Dir.mkdir("sub")
here = Dir.pwd
r = Dir.chdir("sub") { |d| [File.basename(Dir.pwd), d] }
p r, Dir.pwd == here, Dir.chdir("sub"), File.basename(Dir.getwd), Dir.home.class
begin; Dir.chdir("zzz"); rescue Errno::ENOENT => e; p e.class; end
### tmpdir tempfile
require "tmpdir"
require "tempfile"
d = Dir.mktmpdir { |x| File.write("#{x}/f", "1"); p Dir.exist?(x); x }
p Dir.exist?(d), Dir.tmpdir.class
t = Tempfile.new("pre"); t.write("hi"); t.close
p File.read(t.path), File.basename(t.path).start_with?("pre"), t.unlink, t.path
Tempfile.create("x") { |f| f.puts "q"; f.flush; p File.read(f.path) }
t = Tempfile.open(["a", ".rb"]); p File.extname(t.path); t.puts "z"; t.rewind; p t.read; t.close!
### fileutils
require "fileutils"
FileUtils.mkdir_p("a/b/c"); FileUtils.touch("a/f"); FileUtils.touch(%w[a/g a/h]); FileUtils.cp("a/f", "a/b"); FileUtils.cp("a/f", "a/k"); FileUtils.mv("a/g", "a/m"); FileUtils.ln_s("f", "a/l"); FileUtils.rm("a/h"); FileUtils.rm_f("nope"); FileUtils.cp_r("a/b", "a/bb"); FileUtils.chmod(0755, "a/f"); FileUtils.ln_sf("m", "a/l"); FileUtils.mkdir("z"); FileUtils.rmdir("z")
p Dir["a/**/*"].sort, File.readlink("a/l"), "%o" % (File.stat("a/f").mode & 0777)
FileUtils.rm_r("a/bb"); FileUtils.rm_rf("a/b"); FileUtils.mkdir_p(%w[q/1 q/2]); FileUtils.cp(%w[a/f a/m], "q/1"); FileUtils.cd("q") { p Dir["*"].sort }; p FileUtils.pwd == Dir.pwd
p Dir["a/*"].sort, Dir["q/1/*"].sort, (FileUtils.rm_rf("q"); Dir.exist?("q"))
include FileUtils
mkdir_p "inc/x"; touch "inc/y"
p Dir["inc/*"].sort
### pathname
require "pathname"
q = Pathname.new("/a/b/c.rb")
p q.basename.to_s, q.dirname.to_s, q.extname, q.parent.to_s, (q + "../d").to_s, q.join("x", "y").to_s, q.relative?, q.absolute?, q.to_s, "#{q}", Pathname("x") + "y" == Pathname("x/y"), q.sub("b", "z").to_s, q.relative_path_from(Pathname.new("/a")).to_s, Pathname.new("a//b/../c").cleanpath.to_s, q.each_filename.to_a, q.inspect, q.exist?, q.sub_ext(".py").to_s, (Pathname("/x") / "y").to_s, q.basename(".rb").to_s, Pathname("a").expand_path("/r").to_s, q <=> Pathname("/b"), q.root?, q.ascend.map(&:to_s), q.descend.first.to_s, Pathname("/a") == Pathname("/a"), File.join(q, "w"), q.to_path, Pathname.new("a").join("/b").to_s, Pathname.pwd.class
w = Pathname.new("w"); w.mkpath; (w + "f").write("data")
p (w + "f").read, w.children.map(&:to_s), w.directory?, (w + "f").file?, w.entries.map(&:to_s).sort, (w + "f").size, Pathname.glob("w/*").map(&:to_s), w.glob("*").map(&:to_s), (w + "f").readlines, w.join("f").delete, w.rmtree.class, w.exist?
### stringio
require "stringio"
io = StringIO.new("one\ntwo\nthree")
p io.gets, io.read(2), io.read, io.eof?, io.gets, io.rewind, io.each_line.to_a, io.string.size, StringIO.new("a\nb").readlines, StringIO.new("ab").getc, StringIO.new("x").each_char.to_a
o = StringIO.new
o.puts "a", 1; o.print "b"; o << "c" << 2; o.write("d"); o.printf("%d", 3); o.putc "e"
p o.string, o.pos, o.tap(&:rewind).read, o.closed?, o.truncate(0), o.string
$stdout = StringIO.new; puts "captured"; s = $stdout.string; $stdout = STDOUT
p s
### fnmatch
p File.fnmatch("*.rb", "a.rb"), File.fnmatch("*", ".a"), File.fnmatch("a?c", "abc"), File.fnmatch("[a-c]x", "bx"), File.fnmatch("**/*.rb", "a/b/c.rb", File::FNM_PATHNAME), File.fnmatch?("{a,b}", "a", File::FNM_EXTGLOB), File.fnmatch("*", "a/b", File::FNM_PATHNAME)
### file constants and umask free
p File::SEPARATOR, File::PATH_SEPARATOR, File::ALT_SEPARATOR, IO::SEEK_SET, File::RDONLY
### data flow like recipes
File.write("database.yml.erb", "name: <%= name %>\n")
require "erb"
name = "prod"
out = ERB.new(File.read("database.yml.erb")).result(binding)
File.open("database.yml", "w") { |f| f.write out }
require "yaml"
p YAML.load_file("database.yml"), YAML.load(File.open("database.yml"))
### env
ENV["CAP_X"] = "1"
p ENV["CAP_X"], ENV.fetch("CAP_X"), ENV.fetch("NOPE", 2), ENV.fetch("NOPE") { |k| k * 2 }, ENV.key?("CAP_X"), ENV.include?("Q"), ENV.has_key?("HOME"), ENV["HOME"], ENV.to_h.class, ENV.delete("CAP_X"), ENV["CAP_X"], ENV.delete("ZZ"), ENV.values_at("HOME", "ZZ"), ENV.slice("HOME", "ZZ"), ENV.select { |k, v| k == "USER" }, ENV.reject { |k, v| k != "USER" }.size, ENV.any? { |k, v| k == "USER" }, ENV.key("user"), ENV.empty?, ENV.map { |k, v| k }.include?("USER"), ENV.find { |k, v| k == "USER" }, ENV.keys.include?("HOME"), ENV.values.include?("user"), ENV.to_a.assoc("USER"), ENV.to_s
begin; ENV.fetch("NOPE"); rescue KeyError => e; p e.message, e.key; end
begin; ENV["A"] = 1; rescue TypeError => e; p e.message; end
begin; ENV[:A]; rescue TypeError => e; p e.message; end
ENV.update("U1" => "a", "U2" => "b"); ENV["U1"] = nil
p ENV["U1"], ENV["U2"], (ENV["N"] ||= "dflt"), ENV["N"], ENV.filter_map { |k, v| v if k == "N" }, ENV.merge!("M" => "x")["M"], ENV.store("S", "t")
### processes
p `echo hi`, $?.success?, $?.exitstatus, $?.class, `printf 'a\nb'`.lines.map(&:chomp), %x(echo #{1 + 1}).to_i, system("true"), system("false"), $?.exitstatus, system("exit 3"), $?.exitstatus, system("nonesuch-program-x"), $?.exitstatus
x = `exit 2`
p x, $?.to_i >> 8, $?.exited?, $?.signaled?, $?.pid.class
p system({ "A" => "b" }, "test \"$A\" = b"), system("test", "a", "=", "a"), system("false", exception: false)
begin; system("false", exception: true); rescue RuntimeError => e; p e.message; end
### open3
require "open3"
o, s = Open3.capture2("cat", stdin_data: "in")
p o, s.success?
o, e, s = Open3.capture3("echo out; echo err >&2; exit 4")
p o, e, s.exitstatus
o, s = Open3.capture2e("echo a; echo b >&2")
p o, s.success?
### kernel open and io popen free
File.write("k", "kk")
p open("k").read, open("k") { |f| f.read.size }, open("k", "w") { |f| f.write "zz" }, File.read("k")
