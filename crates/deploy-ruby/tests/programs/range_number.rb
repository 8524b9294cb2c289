### range basics
r = (1..5)
p r.to_a, r.first, r.last, r.first(2), r.last(2), r.min, r.max, r.size, r.count, r.sum, r.include?(3), r.member?(6), r === 2.5, r.cover?(1..2), r.begin, r.end, r.exclude_end?, (1...5).last, (1...5).max, (1...5).size, (1..0).to_a, (1..0).max, r.step(2).to_a, (r % 2).to_a, r.eql?(1..5), r == (1..5), r.hash == (1..5).hash, r.to_s, r.inspect, r.minmax, r.entries.size
### range of strings
p ("a".."e").to_a, ("a"..."e").to_a, ("a".."e").include?("c"), ("a".."e").cover?("cc"), ("a".."e") === "bb", ("aa".."ad").to_a, ("08".."11").to_a, ("a".."zz").count, ("a".."e").step(2).to_a, ("A".."C").map(&:downcase)
### endless and beginless
p (1..).first(3), (1..).include?(99), (..5).include?(3), (1..nil).size, (..5) === 6, [1, 2, 3][1..], (1..).step(5).first(2), (1..).inspect, (..1).inspect, (nil..nil).inspect
begin; (1..).to_a; rescue RangeError => e; p e.message; end
begin; (..1).each { }; rescue TypeError => e; p e.message; end
begin; (..1).first; rescue RangeError => e; p e.message; end
begin; (1..).last; rescue RangeError => e; p e.message; end
### range errors
begin; (1.."a"); rescue ArgumentError => e; p e.message; end
begin; (1.5..2.5).to_a; rescue TypeError => e; p e.message; end
### range each and reverse
(1..3).each { |x| print x }
(1..3).reverse_each { |x| print x }
(1..10).step(3) { |x| print x }
1.step(2, 0.5) { |x| print x }
puts
p (1..3).each { }, ((1..3).each_slice(2).to_a), (1..3).reduce(:+), (1.0..2.0).include?(1.5), (1..3.5).to_a, (0.5..2).include?(1)
### float ranges and clamp
p 5.clamp(1, 3), 5.clamp(..3), 0.clamp(1..), 2.clamp(1, 3), 1.5.clamp(1, 2), (1.0..3.0).step(1).to_a, (0.0..1.0).step(0.25).to_a, 1.between?(0, 2)
### integer methods
p 5.even?, 5.odd?, 0.zero?, 5.positive?, -5.negative?, 5.succ, 5.next, 5.pred, -5.abs, 5.magnitude, 10.gcd(4), 10.lcm(4), 10.digits, 255.to_s(2), 255.to_s(16), 65.chr, 5.ord, 10.bit_length, 5.to_f, 5.to_i, 5.to_s, 5.inspect, 5.size, 7.pow(2), 6.0.to_i, 3.nonzero?, 0.nonzero?, 5.integer?, 5.finite?, 10.pred, 3.7.to_i
### integer arithmetic
p 7 + 3, 7 - 3, 7 * 3, 7 / 3, 7 % 3, 7 ** 3, -7 / 3, -7 % 3, 7.div(3), 7.modulo(-3), 7.remainder(-3), 7.fdiv(3).round(3), 7.divmod(3), (-7).divmod(3), 5 & 3, 5 | 3, 5 ^ 3, ~5, 1 << 4, 16 >> 2, -5 >> 1, 5[0], 5[1], 7 + 0.5, 7 / 2.0, 0 ** 0, 4 ** 0.5, 1 <=> 1.5, 1 == 1.0, 1.eql?(1.0), 1.equal?(1)
begin; 1 / 0; rescue ZeroDivisionError => e; p e.message; end
begin; 1 % 0; rescue ZeroDivisionError => e; p e.message; end
begin; 1 + nil; rescue TypeError => e; p e.message; end
begin; 1 + "2"; rescue TypeError => e; p e.message; end
begin; 1 < "a"; rescue ArgumentError => e; p e.message; end
begin; 1 < nil; rescue ArgumentError => e; p e.message; end
begin; Integer("abc"); rescue ArgumentError => e; p e.message; end
### integer rounding
p 15.round(-1), 25.round(-1), 14.floor(-1), 14.ceil(-1), 15.truncate(-1), 5.round(2), 1234.round(-2), -15.round(-1), 25.round(-1, half: :even), 15.floor, 15.ceil
### float methods
p 3.7.floor, 3.2.ceil, 3.5.round, 4.5.round, -3.5.round, 3.14159.round(2), 3.7.truncate, 3.0.to_i, 1234.567.round(-2), 0.1 + 0.2, 1e3.to_i, 1.5.to_s, 1e100.to_s, 1.0.nan?, (0.0 / 0).nan?, (1.0 / 0).infinite?, 1.0.finite?, 5.0 == 5, 5.0.eql?(5), 3.99.to_i, 1.5.floor(1), 1.55.ceil(1), 2.5.round(half: :even), 2.5.round(half: :down), 2.5.round(half: :up), -1.5.abs, 1.1.divmod(0.5), 7.5 % 2, -7.5 % 2, 2.0 ** 3, 1.0.zero?, 1.0.next_float > 1, 10.0.to_s, 1e2.inspect, 100.0.to_s, 1e15.to_s, 1e16.to_s, 123456789012345.0, 1.23e-7
begin; (0.0 / 0).to_i; rescue FloatDomainError => e; p e.message; end
begin; (1.0 / 0).round; rescue FloatDomainError => e; p e.message; end
### iteration
3.times { |i| print i }
1.upto(3) { |i| print i }
3.downto(1) { |i| print i }
1.step(7, 3) { |i| print i }
10.step(1, -4) { |i| print i }
puts
p 3.times { }, 1.upto(2) { }, 3.times.map { |i| i * 2 }, 1.step(10, 3).to_a, 5.downto(3).to_a, 3.times.to_a, 0.times.to_a
### conversion functions
p Integer("12"), Integer("0x1f", 16), Integer("0b11"), Integer("0o17"), Integer("1_000"), Integer(" 12 "), Integer("ff", 16), Integer(3.9), Integer("12", exception: false), Integer("zz", exception: false), Integer(nil, exception: false), Float("1.5"), Float("1e3"), Float("x", exception: false), Float(3), Float(" 2.5 ")
begin; Integer(nil); rescue TypeError => e; p e.message; end
begin; Integer("1.5"); rescue ArgumentError => e; p e.message; end
begin; Integer(""); rescue ArgumentError => e; p e.message; end
begin; Float("abc"); rescue ArgumentError => e; p e.message; end
begin; Float(nil); rescue TypeError => e; p e.message; end
begin; Integer([1]); rescue TypeError => e; p e.message; end
### math
p Math.sqrt(16), Math::PI.round(5), Math.log(Math::E), Math.log2(8), Math.log10(100), Math.sin(0), Math.hypot(3, 4), Math.cbrt(27), Integer.sqrt(17), Math.atan2(1, 1).round(4), Math.log(8, 2), 10.0.floor, Math.exp(0)
begin; Math.sqrt(-1); rescue Math::DomainError => e; p e.message; end
### coercion and comparisons
p 1 == "1", 1.to_s == "1", "5".to_i + 1, "5" * 2, 1 <=> "a", nil.to_i, nil.to_a, nil.to_s, nil.inspect, nil & true, nil | 1, true & false, true | false, true ^ true, !true, !nil, true.to_s, nil.to_h, NilClass, true.class, nil == false, false.nil?, nil.nil?
### number formatting by hand
n = 1234567
p n.to_s.reverse.scan(/\d{1,3}/).join(",").reverse, n.to_s.gsub(/(\d)(?=(\d\d\d)+$)/, "\\1,"), n.digits.each_slice(3).map(&:join).join(",").reverse, "%.1fM" % (n / 1e6), n.to_s.rjust(10, "0"), n.to_s(36)
### bits and flags
flags = 0
flags |= 1 << 2
flags |= 0b1
p flags, flags & 4 != 0, flags[2], flags.to_s(2).rjust(8, "0"), flags.anybits?(2), flags.allbits?(5), flags.nobits?(2), 0o755.to_s(8), 0644 & 0o777
### random in bounds
x = rand; y = rand(10); z = rand(1..6); w = Random.rand(3); v = Random.new(42).rand(5)
p x >= 0 && x < 1, (0...10).include?(y), (1..6).include?(z), (0...3).include?(w), (0...5) === v, [1, 2, 3].sample.between?(1, 3), Kernel.rand(2) < 2
### time arithmetic like numbers
p 5.minutes rescue p $!.class
p 60 * 60 * 24, 1_000_000.to_s.length, 3.14.to_s, 3.14.to_i, 10.fdiv(4), 10.0 / 4, 10 / 4, 10 % 4.5, -5.abs, 5.-@, +5, -(-3)
### big loops
total = 0
1000.times { |i| total += i if i % 7 == 0 }
p total, (1..100).select { |n| (2..Math.sqrt(n)).none? { |d| (n % d).zero? } }.last(3), (1..10).inject(:*), 20.downto(1).inject(:lcm)
### symbol methods
p :abc.to_s, :abc.to_sym, :abc.length, :abc.size, :abc.upcase, :Abc.downcase, :abc.capitalize, :aBc.swapcase, :a <=> :b, :a == :a, :a == "a", :abc[1], :abc[0, 2], :a.succ, :abc.to_proc.call("x") rescue p $!.class
p :abc.inspect, :"a b".inspect, :a.id2name, :a.name, :abc.start_with?("a"), :abc.end_with?("c"), :abc =~ /b/, :abc.match(/b/)[0], :abc.match?(/z/), :b.between?(:a, :c), %i[b a].sort, :a.empty?, :"".empty?, :a.hash == :a.hash, :a.frozen?, :a.object_id == :a.object_id, %w[a b].map(&:to_sym), :upcase.to_proc.call("x"), :+.to_proc.call(1, 2)
