x = 5
puts "hi #{x + 1}"
[1,2,3].each { |i| puts i * 2 }
h = {:a => 1, b: 2, "c" => [1, 2.5, nil]}
p h
h.each do |k, v| puts "#{k}=#{v}" end
def foo(a, b = 2, *rest, k: 3, **opts, &blk)
  yield a if block_given?
  [a, b, rest, k, opts]
end
p foo(1) { |z| puts "block #{z}" }
p foo(1, 2, 3, 4, k: 5, z: 9)
puts <<-EOS
  hello
    #{x}
EOS
puts <<~EOS
  hello
    #{x}
EOS
begin
  raise ArgumentError, "bad"
rescue => e
  puts "#{e.class}: #{e.message}"
ensure
  puts "ens"
end
case "hello"
when /^h(.)l/ then puts $1
end
p (1..10).map { |i| i * i }.select(&:even?).inject(:+)
p %w[a b c].each_with_index.map { |s, i| "#{s}#{i}" }
p "a-b_c".gsub(/[-_](\w)/) { $1.upcase }
p "%05.2f|%-5s|%+d" % [3.14159, "ab", 5]
a, (b, *c), d = 1, [2, 3, 4], 5
p [a,b,c,d]
l = ->(x, y = 2) { x + y }
p l.call(1), l.(1, 5), l[3]
x ||= 9; y = nil; y ||= 7; p x, y
i = 0
while i < 3
  i += 1
  next if i == 2
  break if i == 3
end
p i
p [3,1,2].sort_by { |v| -v }, [1,2,3,4].partition(&:even?)
catch(:done) { 10.times { |n| throw :done if n == 3 }; puts "never" }
p defined?(foo), defined?(zork), defined?(String)
p "abc".respond_to?(:upcase)
puts [1, [2, [nil, 3]]].flatten.inspect
$stdout.puts "out"
p "héllo".length, "héllo".bytes.length
p 7 / -2, 7 % -3, -7 / 2, 2**10, 10.fdiv(4)
p "abc" <=> "abd", [1,2] <=> [1,3]
p 1.0, 1e20, 1e-5, 100.0, 1.23456789012345
p :sym, :"foo bar", "a\tb\e\u0001"
p "Hello World".scan(/o/), "a,b,,c,,".split(","), " a  b ".split, "abc".split("")
p "hello"[1..3], "hello"[-3, 2], "hello"[/l+/]
printf("%s-%s\n", 1, 2)
p [1,2,3].each_slice(2).to_a, [1,2,3].each_cons(2).to_a
p({a: 1}.merge({b: 2}) { |k, o, n| o + n })
p "ab".succ, "az".succ, "Zz".succ, "a9".succ
puts [1,2,3].sum { |x| x * 2 }
def fib(n) = n < 2 ? n : fib(n-1) + fib(n-2)
p fib(15)
