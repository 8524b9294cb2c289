def risky(n)
  yield n
rescue ZeroDivisionError, TypeError => e
  "rescued #{e.class}: #{e.message}"
else
  "fine"
ensure
  puts "cleanup #{n}"
end
p risky(1) { |x| x }, risky(0) { |x| 1 / x }, risky(nil) { |x| 1 + x }
tries = 0
begin
  tries += 1
  raise "again" if tries < 3
  puts "done after #{tries}"
rescue
  retry
end
def deep
  [1, 2, 3].each { |x| return x if x == 2 }
  :none
end
p deep
p [1, 2, 3].each { |x| break x * 10 if x == 2 }
r = [1, 2, 3].map { |x| next 0 if x == 2; x }
p r
p (Integer("zz") rescue "not a number"), (Integer("12") + 1), Float("1.5"), String(5), Array(nil), Array([1]), Array(1..3), Array({a: 1})
begin
  raise ArgumentError
rescue => e
  p e.message, e.class, e.is_a?(StandardError), e.is_a?(Exception), e.full_message rescue p :nofull
end if false
begin
  begin
    raise "inner"
  rescue => e
    raise TypeError, "outer"
  end
rescue => e
  p e.message, e.cause.message
end
e = RuntimeError.new("boom")
p e, e.message, (raise e rescue $!.equal?(e))
begin; [].fetch(5); rescue IndexError => e; puts e.message; end
begin; {}.fetch(:x); rescue KeyError => e; puts e.message; p e.key; end
begin; nil.upcase; rescue NoMethodError => e; puts e.class; end
begin; raise Exception, "x"; rescue StandardError; puts "no"; rescue Exception => e; puts "yes #{e.message}"; end
x = begin 42 ensure 1 end
p x
p (catch(:found) { [1, 2].each { |i| throw :found, i * 100 if i == 2 }; nil })
v = if false then 1 end
p v
v = case 5 when 1..3 then :low when 4..6 then :mid else :high end
p v
v = case when 1 > 2 then :a when 2 > 1 then :b end
p v
case "x" when "a", "x" then puts "hit" end
case [1, 2] when Array then puts "arr" end
t = [String, Symbol]
case :s when *t then puts "splat when" end
i = 10
i -= 1 until i < 5
p i
begin i += 1 end while i < 8
p i
for a, b in [[1, 2], [3, 4]] do print a + b, " " end
puts
for k in 1..3 do next if k == 2; print k end
puts
n = loop do break 7 end
p n
sq = lambda { |z| z * z }
add = proc { |m, o| (m || 0) + (o || 0) }
p sq[4], sq.(5), sq.call(6), add.call(1), add.call(1, 2, 3), add.call([4, 5]), sq.lambda?, add.lambda?, sq.arity, add.arity, proc { |*q| }.arity, lambda { |q, w = 1| }.arity
begin; sq.call(1, 2); rescue ArgumentError => e; puts e.message; end
def opt(a, b = a + 1, *c, d, e: b, **f, &g); [a, b, c, d, e, f, g ? g.call : nil]; end
p opt(1, 2), opt(1, 2, 3), opt(1, 2, 3, 4, e: 5, z: 6) { :blk }
begin; opt; rescue ArgumentError => e; puts e.message; end
def req(a:, b:); end
begin; req(a: 1); rescue ArgumentError => e; puts e.message; end
begin; req(a: 1, b: 2, c: 3); rescue ArgumentError => e; puts e.message; end
def blk(&b) = b
p blk.nil?, blk { 1 }.call, [[1, [2, 3]]].map { |a, (b, c)| a + b + c }, [[1, 2]].each { |a| p a }, { a: 1 }.map { |k, v| [k, v] }
p [1, 2, 3].map { _1 * 2 }
counter = 0
inc = -> { counter += 1 }
3.times { inc.call }
p counter
y = 5
[1].each { |q; y| y = q }
p y
@iv ||= []; @iv << 1; p @iv, @nope, defined?(@iv), defined?(@nope), defined?(y), defined?(puts), defined?(String.new), defined?(zzz), defined?(3 + 3), defined?(yield)
$glob = 3; $glob += 1; p $glob
CONST = [1, 2].freeze
p CONST, CONST.frozen?, Math::PI.round(3), Float::INFINITY
p __method__.inspect
def meth_name = __method__
p meth_name
p [1, 2, 3].send(:map) { |z| z + 1 }, "abc".public_send(:upcase), 5.respond_to?(:+), [1, 2].method(:push).call(3)
p 5.between?(1, 10), 5.clamp(1, 3), 10.digits, 255.to_s(16), 255.to_s(2), 3.7.floor, 3.2.ceil, 3.5.round, 4.5.round, -3.7.truncate, 3.14159.round(2), 10.gcd(4), 10.lcm(4), 7.pred, -5.abs, 5.zero?, 0.zero?, 1_000_000, 0xff, 0b101, 0o17, 1e3, 10.divmod(3), -7.divmod(2), 7.0 / 2, 7 / 2.0
p 1 == 1.0, 1.eql?(1.0), 1.equal?(1), 1 <=> 2, 5 & 3, 5 | 3, 5 ^ 3, ~5, 1 << 4, 256 >> 2, 3.even?, 3.odd?, 10.pow(3), 3.to_f, 3.9.to_i, 1.5 + 1, 3 % 2.5, 1e2.to_i, 12345.6789.round(-2), 1234.round(-2), 0.1 + 0.2, 1.1 * 3, 100.0.to_s, 1e100.to_s, 1.0e-10.to_s
p true & false, true | false, true ^ true, !true, (not true), nil.to_a, nil & 1, nil.to_s, 1.nil?, nil.nil?
p (1 and 2), (nil or 3), (false || nil), (1 && nil)
puts [1, 2, 3].to_s + "x", "#{[1, nil, "s", :sym, 1.0, { a: 1 }]}"
alias old_opt opt
p old_opt(1, 2)
a = *1..3, 4
p a
h = { a: { b: [1, { c: 2 }] } }
p h.dig(:a, :b, 1, :c), h[:a][:b][0], h.dig(:x, :y)
h[:n] ||= []; h[:n] << 1; h[:cnt] = (h[:cnt] || 0) + 1; p h
s = +"abc"; s += "d"; s <<= "e" rescue s << "e"; p s
puts <<~A + <<~B
  first #{1 + 1}
    indented
A
  second
B
puts(<<-'RAW')
  no #{interp} \n
  RAW
str = "multi
line"
p str, 'sq\'s', "a\\b", "\u0041\x42\103", ?a
p "abc"[0], "abc"[-1], "abc"[0..1], "%s" % "x", "a" + "b" * 2
p [*"a".."c"], (1..3).reduce(:+), %w[x y].each_with_index.to_a
p "x".instance_of?(String), 3.is_a?(Comparable), 3.is_a?(Numeric), [].is_a?(Enumerable), String === "s", Integer === 3, (1..3) === 2, /a/ === "cat", :a === :a, NilClass === nil
p "foo".frozen?, :a.frozen?, 1.frozen?, nil.dup, "a".dup << "b"
puts "a=%d b=%s" % [1, "two"], format("%03d|%.1f", 5, 2.25)
p __FILE__.end_with?(".rb"), __LINE__, __dir__.class
p 10.times.map { |i| i if i.even? }.compact, 3.times.to_a, 5.downto(3).to_a, 1.upto(3).select(&:odd?)
p ObjectSpace.class, Comparable.class, Kernel.class, String.class, 3.class, nil.class, (1..2).class, :a.class, 1.0.class, //.class, [].class, {}.class, true.class, StandardError.new.class, lambda {}.class, StandardError.superclass, Class.class
p %w[b a].sort <=> %w[a b], [1, "a"].sort { |a, b| a.to_s <=> b.to_s }, (["a", 1].sort rescue "cannot")
p /a.c/m.match?("a\nc"), /A/i =~ "xa", "x-y" =~ /-/, $~.pre_match, /(\d+)-(\d+)/.match("10-20").captures, /(?<y>\d+)/.match("in 2020")[:y], Regexp.escape("a.b*c"), /a#{1 + 1}b/, /x/ == /x/, /a|b/.source, /(?<n>.)/.names, Regexp.union("a.b", /c/), /[\w.]+@\w+/.match("me@x.y").to_s
if /(?<year>\d+)-(?<mon>\d+)/ =~ "2020-05" then p year, mon end
p "2020-05-06".match(/(\d+)-(\d+)/).to_a, "ab12".match(/[a-z]+(?=\d)/).to_s, "foobar".sub(/(?<=foo)bar/, "X"), "a{1}b{x}".gsub(/{(\w)}/) { $1 }
at_exit { puts "bye" } if false
p [0.1, 0.5].map(&:to_s), 1.23e-7, 123456789.123456789, 1e15, 1e16, -0.0, 5e-324
BEGIN_X = 1
puts "ok"
