### deep recursion is rescued
def down(n) = down(n + 1)
begin; down(0); rescue SystemStackError => e; p e.class, e.message; end
### array changes while it is iterated
a = [1, 2, 3]
a.each { |x| a << x + 10 if a.size < 5 }
p a
b = [1, 2, 3, 4]
b.each { |x| b.delete(x) if x == 2 }
p b
### deleting from a hash while it is iterated
h = { a: 1, b: 2, c: 3 }
h.each_key { |k| h.delete(k) if k == :b }
p h
### implicit string conversion fails well
begin; "a" + :b; rescue TypeError => e; p e.message; end
begin; [1] + nil; rescue TypeError => e; p e.message; end
begin; Integer([]); rescue TypeError => e; p e.message; end
begin; "x" * "y"; rescue TypeError => e; p e.message; end
begin; [1, 2].first("x"); rescue TypeError => e; p e.message; end
begin; { a: 1 }.merge(1); rescue TypeError => e; p e.message; end
begin; "abc".index(1); rescue TypeError => e; p e.message; end
begin; File.join(1); rescue TypeError => e; p e.message; end
begin; [3, "a"].max; rescue ArgumentError => e; p e.message; end
### nil errors are NoMethodError
begin; nil.upcase; rescue NoMethodError => e; p e.class, e.name, e.receiver; end
begin; undefined_thing; rescue NameError => e; p e.class, e.name; end
begin; undefined_call(); rescue NoMethodError => e; p e.class, e.name; end
begin; UnknownConst; rescue NameError => e; p e.class, e.name; end
### and does not evaluate what follows
def t(x) = (print x; true)
def f(x) = (print x; false)
t(1) && f(2) && t(3)
f(4) || t(5) || f(6)
(f(7) and t(8)) or t(9)
puts
### evaluation order of arguments and hashes
def e(x) = (print x; x)
p [e(1), e(2)], { e(3) => e(4) }, e(5) + e(6) * e(7)
### string mutation is shared, assignment is not
a = "x"; b = a; b << "y"; c = a.dup; c << "z"
a += "!"
p a, b, c
def change(s) = s << "?"
d = "q"; change(d); p d
### default arguments are fresh
def acc(x, list = []) = list << x
p acc(1), acc(2)
### hash default object is shared
h = Hash.new([])
h[:a] << 1
p h, h[:b], h.size
### symbols and strings as keys differ
h = { "a" => 1, a: 2 }
p h["a"], h[:a], h.size, h.keys.map(&:class)
### nested string interpolation with quotes
x = { "k" => "v" }
puts "#{x["k"]} #{"#{x['k']}!"} #{x.map { |k, v| "#{k}=#{v}" }.join(", ")}"
### heredoc in a hash and an array
h = { a: <<~A, b: [<<~B] }
  first
A
  second
B
p h
### heredoc with interpolated heredoc-like text
name = "n"
puts <<~"EOT".gsub("n", "N")
  #{name} <<~X
    deep
EOT
### percent strings with odd delimiters
p %q{a {b} c}, %Q<x <y> z>, %w(a (b c) d), %(it's "q"), %|p|, %w[#{1} \n], %q'a"b'
### numbered captures reset on failure
"ab" =~ /(a)/
p $1
"ab" =~ /(z)/
p $1
### case with strings lists and fallthrough
def os(x)
  case x.to_s
  when "debian", "ubuntu" then :apt
  when /\A(rhel|centos)/ then :yum
  when "" then nil
  else raise ArgumentError, "unknown os #{x}"
  end
end
p os(:debian), os("centos7"), os(nil), (os(1) rescue $!.message)
### retry counter with backoff list
tries = 0
begin
  tries += 1
  raise IOError, "x" unless tries == 3
  p tries
rescue IOError
  retry if tries < 3
end
### ensure value is dropped
def v
  1
ensure
  2
end
p v
### explicit return in ensure wins
def w
  return 1
ensure
  return 2
end
p w
### break out of nested each with value
r = [[1, 2], [3, 4]].each { |a| a.each { |x| break } }
p r
r = [[1, 2], [3, 4]].each do |a|
  found = a.find { |x| x > 2 }
  break found if found
end
p r
### next in map and inject
p [1, 2, 3].map { |x| next if x == 2; x }, (1..4).inject(0) { |s, x| next s if x.odd?; s + x }
### proc return value is the last expression
p proc { }.call, proc { if false then 1 end }.call, -> { 5 if true }.()
### lambda in a hash called by key
ops = { add: ->(a, b) { a + b }, neg: :-@.to_proc }
p ops[:add].(1, 2), ops[:neg].call(3), ops.fetch(:add).curry[1][2]
### method reference as a block with index
def show(x, i) = "#{i}:#{x}"
p %w[a b].each_with_index.map { |x, i| show(x, i) }, %w[1 2].map(&method(:Integer))
### sort by several keys with minus and reverse
l = [["b", 2], ["a", 2], ["c", 1]]
p l.sort_by { |n, c| [-c, n] }, l.sort { |x, y| [y[1], x[0]] <=> [x[1], y[0]] }, l.max_by { |n, c| [c, n] }, l.sort_by(&:first).reverse
### group partition and tally on strings
words = "the cat and the dog and the bird".split
p words.tally.select { |_, n| n > 1 }, words.group_by(&:size).keys.sort, words.partition { |w| w.size > 3 }, words.chunk_while { |a, b| a.size == b.size }.to_a.size, words.each_slice(3).map(&:first), words.uniq.size, words.index("and"), words.rindex("and")
### integer parsing of versions
v = "2.10.3".split(".").map(&:to_i)
p v, (v <=> [2, 9, 9]), v.first(2).join("."), "v%d.%02d" % v, v.zip([1, 1, 1]).map(&:sum)
### flags to options
args = %w[--force -n 3 --name=x file]
opts = {}
rest = []
until args.empty?
  case a = args.shift
  when "-n" then opts[:n] = args.shift.to_i
  when /\A--(\w+)=(.*)/ then opts[$1.to_sym] = $2
  when /\A--(\w+)/ then opts[$1.to_sym] = true
  else rest << a
  end
end
p opts, rest
### comparable clamps and between on times and strings
p "b".between?("a", "c"), 5.clamp(1, 3), Time.at(5).between?(Time.at(1), Time.at(9)), "m".clamp("n", "z")
### frozen copies of constants
ROLES = %i[app web db].freeze
copy = ROLES.dup << :x
p copy, ROLES, ROLES.frozen?, copy.frozen?, (ROLES + [:y]).size
### conditional chains with unless else and statement modifiers
def grade(n) = n >= 90 ? "A" : n >= 80 ? "B" : "C"
p grade(95), grade(85), grade(1), (:x unless nil), (:y if 0)
