### enumerator basics
e = [1, 2, 3].each
p e.next, e.next, e.peek, e.next
begin; e.next; rescue StopIteration => x; p x.class, x.message; end
e.rewind; p e.next, e.size
### loop ends with stop iteration
e = [1, 2].each
r = loop { p e.next }
p r
### enumerator new
fib = Enumerator.new { |y| a, b = 0, 1; loop { y << a; a, b = b, a + b } }
p fib.take(8), fib.first(3), fib.lazy.select(&:even?).first(4), fib.each_with_index.first(2), fib.next, fib.next, fib.peek
### enumerator yielder forms
e = Enumerator.new { |y| y.yield 1, 2; y << 3 << 4; y.yield }
p e.to_a, e.next, e.size
### lazy
p (1..Float::INFINITY).lazy.map { |x| x * 2 }.select { |x| x % 3 == 0 }.first(3), (1..).lazy.reject(&:odd?).take(2).to_a, (1..20).lazy.take_while { |x| x < 4 }.to_a, (1..5).lazy.drop(2).to_a, (1..5).lazy.drop_while { |x| x < 3 }.force, (1..3).lazy.flat_map { |x| [x, x] }.to_a, (1..3).lazy.zip(4..6).to_a, (1..4).lazy.filter_map { |x| x * 2 if x.even? }.to_a, (1..3).lazy.with_index.map { |x, i| x * i }.to_a, (1..3).lazy.uniq { |x| x % 2 }.to_a, (1..3).lazy.eager.class, (1..3).lazy.map { |x| x }.include?(2), (1..).lazy.map { |x| x * x }.find { |x| x > 50 }
### lazy is lazy
seen = []
r = (1..10).lazy.map { |x| seen << x; x * 2 }.select { |x| x > 4 }.first(2)
p r, seen
puts (1..3).lazy.inspect, (1..3).lazy.map { }.class
### each_slice each_cons each_with_index chains
p (1..7).each_slice(3).to_a, (1..4).each_cons(2).to_a, (1..3).each_with_index.to_a, %w[a b c].each.with_index(1).map { |x, i| "#{i}#{x}" }, (1..6).each_slice(2).map(&:sum), (1..3).each_entry.to_a, %w[a b].each_with_index.to_h, (1..3).each_with_object([]).map { |x, a| x }
### chunk slice
p [1, 1, 2, 3, 3].chunk { |x| x.odd? }.to_a, [1, 2, 4, 5, 7].slice_when { |a, b| b != a + 1 }.to_a, [1, 2, 4, 5].chunk_while { |a, b| b == a + 1 }.map(&:size), %w[a b -- c].slice_before("--").to_a, %w[a -- b].slice_after("--").to_a, (1..4).slice_before(&:even?).to_a, [1, 2, 3].slice_after(&:even?).to_a
### zip cycle
p (1..3).zip(4..6, 7..9), (1..2).cycle.first(5), [1, 2].cycle(2).to_a, [].cycle.to_a
### inject
p (1..4).inject(:*), (1..4).inject { |a, b| a - b }, (1..4).reduce(2, :+), (1..4).sum { |x| x * x }, ("a".."c").inject(:+), (1..4).each_with_object([]) { |x, a| a.unshift(x) }
### min max by
require "set"
w = %w[pear fig apple]
p w.min_by(&:size), w.max_by(&:size), w.minmax_by(&:size), w.sort_by(&:size), w.min(2), w.max_by { |x| [x.size, x] }, w.min { |a, b| a.size <=> b.size }, w.minmax, w.minmax { |a, b| a.size <=> b.size }, w.sum(&:size), w.to_set.size, w.each_entry.to_a == w
### reverse_each find_index first
require "set"
p (1..3).reverse_each.to_a, (1..5).find_index(3), (1..5).find_index { |x| x > 2 }, (1..5).first, (1..5).first(2), (1..5).include?(3), (1..5).entries, (1..5).to_set.include?(2), (1..5).each_slice(2).include?([1, 2])
### with_index with_object
p %w[a b].map.with_index { |x, i| x * i }, %w[a b].each.with_object("z").map { |x, z| x + z }, %w[a b].select.with_index { |x, i| i == 1 }, %w[a b].reject.with_index { |x, i| i == 1 }, %w[b a].sort_by.with_index { |x, i| -i }, %w[a b].group_by.with_index { |x, i| i }, %w[a b].each_with_index.with_index(5).to_a, %w[a b].map.with_index(1).to_a, %w[x y].flat_map.with_index { |x, i| [x] * i }
### enumerator inspect and size
p [1, 2].each.inspect, [1].map.inspect, (1..3).each_slice(2).inspect, 5.times.inspect, "ab".each_char.inspect, [1, 2].each_with_index.inspect, 3.times.size, [1, 2, 3].each_slice(2).size, loop.size, [1].each.with_index(1).inspect
### enum_for and to_enum
p "abc".to_enum(:each_char).to_a, [1, 2].to_enum.next, [4, 5].enum_for(:each_with_index).to_a, 3.to_enum(:times).map { |x| x }
def numbers
  return to_enum(:numbers) unless block_given?
  yield 1
  yield 2
end
p numbers.to_a, numbers.map { |x| x * 2 }, numbers.next
### chain plus
p ([1].each + [2, 3]).to_a, [1].chain([2], 3..4).to_a, ([1].each + [2]).inspect, [1].chain([2]).size
### produce
p Enumerator.produce(1) { |x| x * 2 }.take(5), Enumerator.produce([0, 1]) { |a, b| [b, a + b] }.lazy.map(&:first).first(6)
### tally group partition on ranges
p (1..6).tally.size, (1..6).group_by { |x| x % 3 }, (1..6).partition(&:even?), (1..6).each_cons(5).to_a, (1..3).flat_map { |x| [x] * x }, (1..3).zip, (1..6).filter_map { |x| x * 2 if x > 4 }, (1..6).reject(&:odd?), (1..4).sum, (1..4).minmax, (1..4).to_h { |x| [x, x] }, (1..3).each_with_index.map { |x, i| x * i }, (1..3).count(&:odd?), (1..3).reduce(:lcm), (1..6).step(2).map { |x| x }
### external enumerators in step
a = [1, 2, 3].each
b = %w[a b c].each
r = []
loop { r << [a.next, b.next] }
p r
### next_values and with string enumerators
e = "a\nb".each_line
p e.next, e.next, (e.next rescue :done)
### uniq and to_set
require "set"
p (1..3).to_set, [1, 1].to_set.size, [3, 1].to_set.sort, %w[a b a].each.uniq, (1..4).uniq { |x| x % 2 }
### sum and average
nums = [1, 2, 3, 4]
p nums.sum / nums.size.to_f, nums.sum.to_f / nums.size, nums.minmax.sum, nums.each_cons(2).map { |a, b| b - a }.uniq, nums.inject { |m, x| m > x ? m : x }
### any all none one on hash and range
p (1..3).any? { |x| x > 2 }, (1..3).all?(Integer), (1..3).none?(4), (1..3).one?(3), ("a".."c").any?("b"), (1..3).include?(2.5), (1..3).member?(3), (1...3).cover?(3)
