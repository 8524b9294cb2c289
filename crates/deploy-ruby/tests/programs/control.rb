### if unless ternary values
x = if false then 1 end
y = unless true then 1 else 2 end
p x, y, (1 if true), (if nil; 1; elsif 0; 2; else 3; end)
puts "zero is true" if 0
puts "empty is true" if ""
### and or not
p((nil or 1), (1 and 2), (not nil), nil || false, 1 && nil, (false or nil), !1)
a = nil || 5
b = (nil or 6)
p a, b, (a and b), true & 1, nil & 1
### case values
def kind(x)
  case x
  when 1, 2 then "small"
  when 3..5 then "mid"
  when Integer, Float then "num"
  when "a", /^b/ then "ab"
  when :sym then "symbol"
  when nil then "nil"
  when ->(v) { v.respond_to?(:each) } then "list"
  when *%w[x y] then "xy"
  else "other"
  end
end
p [1, 4, 99, 1.5, "a", "bcd", :sym, nil, [1], "y", "zz", true].map { |v| kind(v) }
### case without subject
n = 7
r = case
    when n < 5 then :low
    when n < 10 then :mid
    else :high
    end
p r, (case 1 when 2 then 3 end)
### while until and modifiers
i = 0
i += 1 while i < 5
p i
i -= 1 until i.zero?
p i
begin i += 1 end while i < 3
p i
begin i += 10 end until true
p i, (while false do end)
r = while true do break "v" end
p r
### loop break next redo-less
i = 0
r = loop do
  i += 1
  next if i.odd?
  break i if i > 5
end
p r
p [1, 2, 3, 4].each { |v| break v if v > 2 }, (1..10).map { |v| next 0 if v.even?; v }.sum, [1, 2].each { |v| break }
### for loops
for i in 1..3 do print i end
for a, b in [[1, 2], [3, 4]]; print a + b; end
puts
p i, a, (for x in [] do end), (for q in [1] do end)
for k, v in { a: 1 } do p k, v end
### nested loops with break and next
out = []
(1..3).each do |i|
  (1..3).each do |j|
    next if j == 2
    break if i == 2
    out << [i, j]
  end
end
p out
### begin end as value
v = begin
  1
  2
end
p v, (begin; raise "x"; rescue; 3; else; 4; ensure; 5; end), (begin; 1; rescue; 3; else; 4; ensure; 5; end)
### rescue kinds
def t
  yield
rescue ZeroDivisionError, TypeError => e
  "num #{e.class}"
rescue ArgumentError
  "arg"
rescue => e
  "std #{e.message}"
else
  "none"
ensure
  print "E "
end
puts t { 1 / 0 }, t { 1 + nil }, t { Integer("x") }, t { raise "boom" }, t { 1 }
### retry
n = 0
begin
  n += 1
  raise "no" if n < 3
  p n
rescue
  retry
end
### ensure order and return
def e1
  return 1
ensure
  puts "ens"
end
def e2
  yield
ensure
  puts "cleanup"
end
p e1, (e2 { :x }), [1, 2].each { |x| e2 { break x * 10 } }
def e3
  begin
    return :a
  ensure
    puts "x"
  end
  :b
end
p e3
### rescue modifier and in blocks
p (raise "x" rescue 1), (Integer("z") rescue -1)
r = [1, 0].map do |v|
  10 / v
rescue ZeroDivisionError
  :inf
end
p r
v = Integer("q") rescue 5
p v
### raise forms
begin; raise "m"; rescue => e; p e.class, e.message; end
begin; raise ArgumentError; rescue => e; p e.message; end
begin; raise ArgumentError, "bad"; rescue => e; p e.message; end
begin; raise ArgumentError.new("new"); rescue => e; p e.message, e.full_message.class; end
begin; raise Class; rescue TypeError => e; p e.message; end
begin; raise IOError, "io", []; rescue => e; p e.backtrace; end
begin; fail "f"; rescue RuntimeError => e; p e.inspect; end
### re-raise and cause
begin
  begin
    raise "a"
  rescue => e
    raise "b"
  end
rescue => e
  p e.message, e.cause.message, e.cause.cause
end
begin
  begin; raise "orig"; rescue; raise; end
rescue => e
  p e.message
end
begin
  raise "x", cause: nil
rescue => e
  p e.cause
end
### exception hierarchy
p StandardError.ancestors.include?(Exception), KeyError.superclass, KeyError < IndexError, ZeroDivisionError <= StandardError, (begin; exit; rescue SystemExit => e; e.status; end), (begin; exit(3); rescue SystemExit => e; [e.status, e.success?]; end), (begin; abort; rescue SystemExit => e; e.status; end), NotImplementedError < StandardError, LoadError.superclass, Interrupt.superclass, StopIteration.superclass, FrozenError.superclass, Errno::ENOENT.superclass, FloatDomainError.superclass, UncaughtThrowError.superclass, EOFError.superclass
### exception methods
e = RuntimeError.new("msg")
p e.message, e.to_s, e.inspect, e.backtrace, e.cause
p RuntimeError.new.message, RuntimeError.new(nil).message, RuntimeError.new(:sym).message, e == RuntimeError.new("msg"), e.exception.equal?(e), e.exception("other").message, StandardError.new("a\nb").inspect
p (raise "x" rescue $!.message), $!
### error info variables
begin
  raise "first"
rescue
  p $!.message, $!.backtrace.class, $@.class
end
p $!
### exceptions that a plain rescue does not catch
r = begin
  begin
    raise NotImplementedError, "ni"
  rescue => e
    :caught
  end
rescue NotImplementedError => e
  e.message
end
p r
r = begin
  raise Exception, "deep"
rescue Exception => e
  e.message
end
p r
### rescue with splat and expressions
ERRS = [KeyError, IndexError]
begin; {}.fetch(:a); rescue *ERRS => e; p e.class; end
def which = TypeError
begin; 1 + nil; rescue which => e; p e.class; end
begin; raise "x"; rescue ->(x) { true } => e; p 1; end rescue p $!.class
### rescue into other targets
h = {}
begin; raise "t"; rescue => h[:err]; end
p h[:err].message
begin; raise "u"; rescue => @err; end
p @err.message
### catch throw
r = catch(:done) do
  10.times { |i| throw :done, i if i == 3 }
  :never
end
p r, catch(:a) { 1 }, catch { |tag| throw tag, 7 }, catch(:a) { throw :a }
begin; throw :nope; rescue UncaughtThrowError => e; p e.message; end
r = catch(:outer) { catch(:inner) { throw :outer, "o" }; "no" }
p r
### return from proc lambda and method
def m1; [1, 2, 3].each { |x| return x if x > 1 }; nil; end
def m2; l = -> { return 5 }; l.call; 6; end
def m3; pr = proc { return 7 }; pr.call; 8; end
def m4; return 1, 2; end
def m5; return; end
p m1, m2, m3, m4, m5
### local jump errors
pr = proc { next 5; 6 }
p pr.call
def mk; proc { return 1 }; end
begin; mk.call; rescue LocalJumpError => e; p e.message; end
begin; yield_it = proc { |x| x }; p yield_it.call(1, 2); end
def ny; yield; end
begin; ny; rescue LocalJumpError => e; p e.message; end
### ensure with explicit next and break
r = [1, 2, 3].map do |x|
  begin
    next x * 2 if x < 3
    99
  ensure
    print x
  end
end
puts
p r
### at_exit order
at_exit { puts "last" }
at_exit { puts "first" }
puts "body"
### begin end until with complex conditions
x = 10
x -= 3 until x < 0 || x == 4
p x
### flow with catch in loops
found = catch(:hit) do
  [[1, 2], [3, 4]].each { |row| row.each { |v| throw :hit, v if v * v > 8 } }
  nil
end
p found
### safe navigation
s = nil
p s&.length, "ab"&.length, s&.length.nil?, s&.foo(bar), [nil, "x"].map { |v| v&.upcase }, s.to_s.empty?, (s&.name = 1)
h = { a: { b: nil } }
p h[:a]&.[](:b)&.foo, h.dig(:z, :b), h[:z]&.fetch(:q)
### conditional assignment
a ||= 1; a ||= 2; b = 3; b &&= b + 1; c = nil; c &&= 5
h = {}; h[:x] ||= []; h[:x] << 1; h[:x] ||= :no; h[:n] = (h[:n] || 0) + 1
@iv ||= "set"; $gv ||= "g"; A ||= 1
p a, b, c, h, @iv, $gv, A
s = "a"; s += "b"; s *= 2; s <<= "c" rescue s << "c"
n = 5; n -= 1; n *= 3; n /= 2; n **= 2; n %= 7; n <<= 2; n |= 1; n &= 0xff; n ^= 2; n >>= 1
p s, n
### multiple assignment
a, b = 1, 2
a, b = b, a
c, *d = 1, 2, 3
*e, f = [1, 2, 3]
g, (h, *i), j = 1, [2, 3, 4], 5
k, l = 1
m = *nil; n = *1, 2; o, = [9, 8]
p a, b, c, d, e, f, g, h, i, j, k, l, m, n, o
x = [1, 2]; x[0], x[1] = x[1], x[0]
hh = {}; hh[:a], hh[:b] = 1, 2
p x, hh, (q, r = 5, 6), (s = t = 3)
first, (second, third), *rest = 1, [2, 3], 4, 5
p first, second, third, rest
a = b = c = 0
p a, b, c
### swap and nested targets
arr = [[1, [2, 3]], [4, [5, 6]]]
arr.each { |a, (b, c)| print a + b + c, " " }
puts
(a, b), c = [1, 2], 3
p a, b, c
### conditional expressions as arguments
def f(*a) = a
p f(1 ? 2 : 3, (4 if true), (5 unless true), [6].first || 7)
### comparison chain and spaceship
p [3, 1, 2].sort { |x, y| y <=> x }, [1, 2] <=> [1, 3], "a" <=> "b", nil <=> 1, (1 <=> "a").inspect, 5.between?(1, 10), 5.clamp(1, 3)
### defined in conditions
p defined?(zzz), (zzz = 1 if false), zzz, defined?(zzz)
### unless else and nested modifiers
x = 3
puts "odd" unless x.even?
unless x > 5 then puts "small" else puts "big" end
print "a" if x > 1 unless x > 10
puts
### numbered and it blocks with break
p [5, 6].each_with_index.find { |x, i| x > 5 }, [[1, 2], [3, 4]].map { |a, b| a * b }, [1, 2, 3].sum { _1 * 2 }
### while with complex bodies
queue = [1, [2, [3]]]
out = []
while (item = queue.shift)
  if item.is_a?(Array) then queue.unshift(*item) else out << item end
end
p out
### until with index
a = %w[x y z]; i = 0
until i >= a.size
  print a[i]; i += 1
end
puts
