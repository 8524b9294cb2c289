set = ->(*a, &b) { p a, b && b.call }
set.call(:branch, `echo`.chomp.empty? ? "master" : "x")
set.call(:lazy) { "v" }
def template(from, to)
  erb = "conf for <%= app %>"
  app = "demo"
  erb.sub("<%= app %>", app)
end
puts template("a", "b")
%w[start stop restart].each do |command|
  puts "desc #{command}"
end
run = <<-CMD
  cd /x &&
  touch y
CMD
puts run.gsub(/\s+/, " ").strip
servers = [["a", { primary: true }], ["b", {}]]
servers.each { |name, opts| puts "#{name} #{opts[:primary] ? "primary" : "-"}" }
puts [1, 2, 3].each_with_index.map { |x, i| x * i }.inspect
hash = Hash[[[:a, 1], [:b, 2]]]
puts hash.map { |k, v| "#{k}=#{v}" }.join(" ")
def opts_last(a, opts = {})
  [a, opts]
end
p opts_last(1, :x => 2), opts_last(1, { "y" => 3 }), opts_last(1)
def star(*args) = args
p star(1, a: 2), star(*[1, 2], **{}), star({ a: 1 })
p [["x", 1]].each_with_object({}) { |(k, v), h| h[k] = v }
puts "a".."c" if false
x = [1, 2, 3]
first, *rest = x
p first, rest
p x.each_slice(2).map(&:first), x.inject(:+), x.to_a.equal?(x)
y = begin Integer("x") rescue 0 end
p y
p "#{"nested #{"deep #{1 + 1}"}"}"
z = if x.empty? then "e" elsif x.size > 2 then "big" else "small" end
p z
puts "ok" unless x.nil? or x.empty?
print "a", "b", "\n"
$stderr.puts "err"
STDOUT.print "out\n"
p "deploy@host:22".split(/[@:]/), "v1.2.3"[/\d+\.\d+/], "%s-%s" % %w[a b]
def with_block; yield 1, 2; end
with_block { |a, b| p a + b }
with_block do |a| p a end
def pass(&b) = with_block(&b)
pass { |a, b| p [a, b] }
v = [3, 1].sort!.first
v += 1 while v < 5
p v
p [1, [2, 3]].then { |a, (b, c)| [a, b] } rescue p $!.class
p (proc { |a, (b, c), *d, e: 5| [a, b, c, d, e] }).call(1, [2, 3], 4, e: 6)
puts "%-20s %s" % ["name", "value"]
p "str".instance_variable_get(:@x), self.to_s, self.class
h = {"a" => {"b" => 1}}
p h["a"]["b"], h.fetch("a").fetch("b"), h.to_a.first
p h.each_with_index.map { |(k, v), i| [k, i] }
p (1..3).zip(4..6)
p 5.times.each_slice(2).to_a, %w[a b c].each_with_index.select { |x, i| i > 0 }.map(&:first)
p "abc".tap { |s| s << "d" }, "x".then { _1 + "y" }
p [nil, 1, false].compact, [[1, 2], [3, 4]].sum { |a, b| a * b }, [1, 2, 3, 4].each_slice(2).map { |a, b| a + b }
a = [1,2,3]; a.each_with_index { |x, i| a[i] = x * 2 }; p a
p({ "b" => 1, "a" => 2 }.sort.map(&:first), { a: 1 }.any? { |k, v| v > 0 }, { a: nil }.compact)
p "2.10.0".split(".").map(&:to_i) <=> "2.9.1".split(".").map(&:to_i)
