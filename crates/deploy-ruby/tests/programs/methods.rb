### parameters
def a(x, y = 2, *r, z, k: 1, **o, &b) = [x, y, r, z, k, o, b&.call]
p a(1, 9), a(1, 5, 9), a(1, 5, 6, 7, 9), a(1, 9, k: 3, q: 4) { 8 }
def b(x, y = x + 1, z = y * 2) = [x, y, z]
p b(1), b(1, 5), b(1, 5, 6)
def g(...) = a(...)
p g(1, 2, k: 5)
def h(&) = i(&)
def i = yield
p h { 3 }
### keyword arguments
def k(a:, b: 2, **rest) = [a, b, rest]
p k(a: 1), k(a: 1, b: 3, c: 4), k(**{ a: 5 })
begin; k; rescue ArgumentError => e; p e.message; end
begin; k(1); rescue ArgumentError => e; p e.message; end
def k2(a:) = a
begin; k2(a: 1, z: 2); rescue ArgumentError => e; p e.message; end
begin; k2(a: 1, z: 2, y: 3); rescue ArgumentError => e; p e.message; end
def k3(a:, b:) = 1
begin; k3; rescue ArgumentError => e; p e.message; end
a = 1; b = 2
p k3(a:, b:)
### optional hash and keywords
def opt(name, options = {}) = [name, options]
p opt(:a), opt(:a, b: 1), opt(:a, { b: 1 }), opt(:a, :b => 1, "c" => 2)
def last_hash(*args) = args
p last_hash(1, a: 2), last_hash({ a: 1 }), last_hash(**{}), last_hash(*[1, { b: 2 }])
### arity errors
def z0; end
def z1(a); end
def z12(a, b = 1); end
def zs(a, *b); end
begin; z0(1); rescue ArgumentError => e; p e.message; end
begin; z1; rescue ArgumentError => e; p e.message; end
begin; z12; rescue ArgumentError => e; p e.message; end
begin; z12(1, 2, 3); rescue ArgumentError => e; p e.message; end
begin; zs; rescue ArgumentError => e; p e.message; end
begin; ->(x) { x }.call; rescue ArgumentError => e; p e.message; end
### blocks and yield
def y1; yield 1; end
def y2; yield 1, 2; end
def y3; yield [1, 2]; end
y1 { |a| p a }; y1 { |a, b| p [a, b] }; y2 { |a| p a }; y2 { |a, b, c| p [a, b, c] }; y3 { |a| p a }; y3 { |a, b| p [a, b] }; y3 { |a, (b, c), *d| p [a, b, c, d] }; y2 { |*a| p a }; y3 { |*a| p a }; y3 { |a, *b| p [a, b] }; y3 { |a, | p a }; y1 { p _1 }; y3 { p [_1, _2] }; y3 { p _1 }
y2 { |a, b = 5, c = 6| p [a, b, c] }
### block_given and passing blocks
def bg = block_given?
def pass(&b) = bg(&b)
p bg, bg { }, pass, pass { }, (bg do end)
def call_it(&b) = b.call(2)
p call_it { |x| x * 3 }, call_it(&:succ), call_it(&10.method(:+)), [1, 2].map(&:to_s), [[1, 2]].map(&:sum), %w[a b].each_with_index.to_a.map(&:first) == %w[a b]
### procs and lambdas
l = ->(x, y = 2) { x + y }
pr = proc { |x, y| [x, y] }
p l.(1), l[1, 3], l.call(1), l.yield(4), pr.call(1), pr.call(1, 2, 3), pr.call([4, 5]), l.lambda?, pr.lambda?, l.arity, pr.arity, proc { |x| }.arity, proc { |*x| }.arity, ->(*x) { }.arity, ->(x, k:) { }.arity, ->() { }.arity, proc { |x, y = 1| }.arity, lambda { |x| x }.lambda?, Proc.new { |x| x }.call(3)
p l.parameters, pr.parameters, ->(a, b = 1, *c, d, e:, f: 1, **g, &h) { }.parameters, method(:puts).arity
### closures
x = 10
add = ->(n) { x += n }
add.(5); p x
counters = Array.new(2) { c = 0; -> { c += 1 } }
counters[0].call; counters[0].call
p counters[0].call, counters[1].call
def make(n) = ->(x) { x + n }
p make(3).call(4), [1, 2].map(&make(10))
### curry and compose
add = ->(a, b, c) { a + b + c }
p add.curry[1][2][3], add.curry.(1, 2).(3), (->(x) { x + 1 } >> ->(x) { x * 2 }).call(3), (->(x) { x + 1 } << ->(x) { x * 2 }).call(3), (:upcase.to_proc >> :reverse.to_proc).call("ab"), (method(:Integer) >> ->(x) { x + 1 }).call("4")
### method objects
m = "abc".method(:upcase)
p m.call, m.name, m.receiver, m.arity, [1, 2].each_slice(1).map(&method(:Array)), m.to_proc.call
def twice(x) = x * 2
p [1, 2].map(&method(:twice)), method(:twice).call(4), method(:twice).arity, method(:twice).name
### define_method and send
define_singleton_method(:dyn) { |x = 1| x + 1 }
p dyn, dyn(5), send(:dyn, 2), public_send(:dyn), respond_to?(:dyn), __send__(:dyn, 3)
p "abc".send(:upcase), 1.send(:+, 2), [3, 1].public_send(:sort), "a".respond_to?(:upcase), "a".respond_to?(:nope), nil.respond_to?(:to_a)
### singleton methods on values
o = Object.new
def o.hi(n) = "hi #{n}"
def o.to_s = "custom"
p o.hi(1), "#{o}", o.respond_to?(:hi), o.singleton_methods.sort
### self and top level
p self.to_s, self.inspect, self.class
def whoami = self.to_s
p whoami
@x = 5
def readx = @x
p readx, instance_variable_get(:@x), instance_variables, instance_variable_set(:@y, 6), @y, instance_variable_defined?(:@z)
### instance_eval and instance_exec
p "abc".instance_eval { upcase + size.to_s }, [1, 2].instance_exec(3) { |n| map { |x| x * n } }, 5.instance_eval { self + 1 }
o = Object.new
o.instance_eval { @v = 3 }
p o.instance_variable_get(:@v), o.instance_eval { @v }
### tap then itself
p 5.tap { |x| puts x }.succ, 5.then { |x| x + 1 }, 5.yield_self { |x| x * 2 }, [3].itself, "a".tap { }.upcase
### recursion and memo
def fib(n, memo = {}) = n < 2 ? n : memo[n] ||= fib(n - 1, memo) + fib(n - 2, memo)
p fib(50)
def hanoi(n, a, b, c) = n == 0 ? 0 : hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a)
p hanoi(6, :a, :b, :c)
### alias
def orig = "o"
alias copy orig
alias :sym_copy :orig
def orig = "new"
p copy, sym_copy, orig
### default arguments evaluated late
def now(x = (puts "evaluated"; 5)) = x
now(1); p now
def self_ref(a, b = a.size) = b
p self_ref("abc")
### splats in calls
def three(a, b, c) = [a, b, c]
p three(*[1, 2, 3]), three(1, *[2, 3]), three(*1..3), three(*[1], *[2, 3]), [*1..3, *"x"], { **{ a: 1 }, **{ b: 2 } }, three(*%w[a b], "c"), [*nil, *[1]], [*{ a: 1 }]
### hash arguments with string keys
def tags(h) = h.map { |k, v| "#{k}=#{v}" }.join(",")
p tags(a: 1, "b" => 2), tags({ c: 3 })
### method returning multiple values
def mv = return 1, [2, 3]
a, (b, c) = mv
p a, b, c, mv
### nested defs and visibility words
def outer
  def inner = "in"
  inner + "!"
end
p outer, inner
private def priv = "p"
p priv
public
def pub = 1
p pub
### predicate bang and setter names
def ok? = true
def go! = "go"
def val=(v); @val = v; end
p ok?, go!, (self.val = 3), @val
### operators as methods
p 1.+(2), [1, 2].[](0), "a".==("a"), 5.-@, !true.!, 3.<=>(4), "%d".%(5), [1].<<(2), { a: 1 }.[](:a)
### __method__ and caller
def mm = __method__
p mm, __method__, caller.class
### block local variables
x = 1
[5].each { |y; x| x = y }
p x
[6].each { |y| x = y }
p x
### block with default and keyword params
p [[1, 2]].map { |a, b = 9| [a, b] }, proc { |a, k: 2, **o| [a, k, o] }.call(1, k: 3, z: 4), proc { |a, (b, (c, d))| [a, b, c, d] }.call(1, [2, [3, 4]]), ->((a, b), c) { [a, b, c] }.call([1, 2], 3)
### proc equality conversion and ruby2 keywords
b = proc { 1 }
def same(&x) = x
p same(&b).equal?(b), b.to_proc.equal?(b), :a.to_proc.lambda?, proc { |a, b| }.arity, proc { || }.arity, proc { |a| }.parameters, :up.to_proc.arity, proc { _1 + _2 }.arity, ->(){}.parameters
### yield in nested blocks
def each_pair_sum(list)
  list.each_slice(2) { |a, b| yield a + b }
end
each_pair_sum([1, 2, 3, 4]) { |s| print s, " " }
puts
### enumerator from own method with block
def countdown(n)
  return to_enum(__method__, n) unless block_given?
  while n > 0
    yield n
    n -= 1
  end
  :liftoff
end
p countdown(3).to_a, countdown(2) { |x| print x }, countdown(3).with_index.map { |x, i| x * i }
### object equality and identity
a = "x"; b = "x"
p a == b, a.equal?(b), a.eql?(b), a.hash == b.hash, 1.equal?(1), :a.equal?(:a), nil.equal?(nil), [1] == [1], [1].equal?([1]), a.equal?(a.itself), Object.new == Object.new
### object basics
p 5.class, 5.is_a?(Numeric), 5.kind_of?(Comparable), 5.instance_of?(Integer), Integer === 5, 5.frozen?, nil.dup, :a.dup, 5.dup, [1].frozen?, "a".dup, Object.new.class, 5.nil?, nil.to_a, 5.instance_variables, Object.new.inspect =~ /#<Object/ ? 1 : 0, 3.respond_to?(:+), Class === Integer, Integer.class, Kernel.class, Comparable.class, Integer.name, Integer.to_s, Integer.ancestors.include?(Comparable), Comparable === 3, Enumerable === [], Integer <= Numeric, (Integer <=> Numeric), Float.superclass
### freeze dup clone of containers
h = { a: [1] }.freeze
d = h.dup
d[:b] = 2
p d, h, d.frozen?, h.clone.frozen?, h[:a].frozen?, [1, "s"].freeze.map(&:frozen?), "x".freeze.equal?("x".freeze) || true
### conversions with implicit methods
p [1, 2].join("-"), Array("a\nb"), String(nil), "1" + 1.to_s, "5".to_i + 5, "3.7".to_f.ceil
p Array(a: 1), Integer("10", 2), Float("1e-2"), "0x1A".hex, "12".rjust(5, "0"), 65.chr, "A".ord, [1, [2]].to_s, nil.to_s, :s.to_s, 1.5.to_s, (1..2).to_s
### comparable clamp on strings
p "b".clamp("a", "c"), "z".clamp("a", "c"), 1.0.clamp(2, 3), 5.clamp(..3)
### frozen error on constants
LIST = [1].freeze
begin; LIST << 2; rescue => e; p e.class, e.message, e.receiver.equal?(LIST); end
NAME = "abc"
NAME << "d"
p NAME
### catch-all options method
def settings(**opts, &blk)
  opts[:extra] = blk.call if blk
  opts.sort_by { |k, _| k.to_s }.map { |k, v| "#{k}:#{v}" }
end
p settings(b: 1, a: 2) { 3 }, settings
