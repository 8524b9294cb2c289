### index forms
a = [1, 2, 3, 4, 5]
p a[0], a[-1], a[9], a[1, 2], a[5, 1], a[6, 1], a[1..3], a[1...-1], a[..1], a[3..], a[-2..], a[9..], a.slice(1, 2), a.at(-2), a.dig(0), [[1, [2]]].dig(0, 1, 0), a.fetch(1), a.fetch(9, :d), a.fetch(9) { |i| i * 2 }, a.values_at(0, 2, -1, 9)
begin; a.fetch(9); rescue IndexError => e; p e.message; end
begin; a["x"]; rescue TypeError => e; p e.message; end
### first last take drop
a = [1, 2, 3, 4]
p a.first, a.first(2), a.last, a.last(2), a.take(2), a.drop(2), a.take_while { |x| x < 3 }, a.drop_while { |x| x < 3 }, [].first, [].last(2), a.first(0)
begin; a.first(-1); rescue ArgumentError => e; p e.message; end
### element assignment
a = [1, 2, 3]
a[5] = 6; p a
a[0] = :x; a[-1] = :y; p a
a[1, 2] = [9]; p a
a[0..1] = []; p a
a[1...1] = [7, 8]; p a
a[0, 0] = 5; p a
begin; a[-9] = 1; rescue IndexError => e; p e.message; end
### push pop shift unshift
a = [2]
p a.push(3, 4), a << 5, a.append(6), a.unshift(1), a.prepend(0), a.pop, a.pop(2), a.shift, a.shift(2), a, [].pop, [].shift, [].pop(1)
### insert concat replace clear fill
a = [1, 2]
p a.insert(1, :a, :b), a.insert(-2, :z), a.insert(8, 1), a.concat([9], [8]), a.replace([1]), a.clear, [1, 2, 3].fill(0), [1, 2, 3].fill(0, 1), [1, 2, 3].fill(0, 1, 1), [1, 2, 3].fill { |i| i * i }, Array.new(3), Array.new(2, 0), Array.new(3) { |i| i * 2 }, Array.new([1])
### delete forms
a = [1, 2, 3, 2, nil]
p a.delete(2), a, a.delete(99), a.delete(99) { :none }, a.delete_at(0), a.delete_at(9), a, a.compact, a.compact!, a.compact!, [1, 2, 3, 4].delete_if(&:even?), [1, 2].reject!(&:zero?), [1, 2].select!(&:even?), [1, 2].keep_if { true }, [1, 2].filter! { true }
### slice!
a = [1, 2, 3, 4, 5]
p a.slice!(1), a.slice!(0, 2), a.slice!(-1..), a, a.slice!(9)
### set operations
p [1, 2] + [3], [1, 2, 2, 3] - [2], [1, 2, 2] & [2, 1], [1, 2] | [2, 3], [1, 2] * 2, [1, 2] * ",", [1].union([2], [3]), [1, 2].intersection([2]), [1, 2].difference([1]), [1, 2].intersect?([2])
begin; [1] + 2; rescue TypeError => e; p e.message; end
### comparison
p [1, 2] == [1, 2], [1, 2] <=> [1, 3], [1] <=> [1, 2], [1, 2].eql?([1.0, 2.0]), [1, 2] == [1.0, 2.0], [1] <=> ["a"], [].hash == [].hash, [[1, 2], [1, 1]].sort, [1] <=> 1
### flatten
p [1, [2, [3, [4]]]].flatten, [1, [2, [3]]].flatten(1), [[1]].flatten!, [1].flatten!, [nil, [nil]].flatten
### compact uniq
p [1, nil, 2, nil].compact, [1, 1, 2, 1.0].uniq, %w[a B b].uniq(&:downcase), [1, 1].uniq!, [1].uniq!, [[1], [1]].uniq
### reverse rotate
a = [1, 2, 3]
p a.reverse, a.rotate, a.rotate(-1), a.rotate(5), a.reverse!, a.rotate!, a.rotate!(2), [].rotate
### join
p [1, nil, "a", :b, [2, [3]]].join("-"), [].join, [1, 2].join, [[1, 2], 3].join(","), [1, 2].join(nil), ["é", "x"].join(" ")
### inspect nested and recursive
a = [1, "x", :y, nil, 2.0, [3], { a: 1 }]
p a, a.to_s, a.inspect == a.to_s
a = [1]; a << a; p a
### sort
p [3, 1, 2].sort, %w[b A c].sort, [3, 1, 2].sort { |a, b| b <=> a }, %w[bb a ccc].sort_by(&:size), [3, 1].sort!, [[2, "b"], [1, "a"]].sort, %w[a b].sort_by { |x| [-x.size, x] }, [1, 2].sort_by! { |x| -x }, [0.5, 1, -1].sort, [:b, :a].sort
begin; [1, "a"].sort; rescue ArgumentError => e; p e.message; end
begin; [nil, 1].sort; rescue ArgumentError => e; p e.message; end
begin; [1, nil].max; rescue ArgumentError, NoMethodError => e; p e.class; end
### min max sum minmax
p [3, 1, 2].min, [3, 1, 2].max, [3, 1, 2].min(2), [3, 1, 2].max(2), [].min, [].sum, [1, 2.5].sum, [1, 2].sum(10), %w[a b].sum(""), [[1], [2]].sum([]), [3, 1].minmax, %w[aa b].min_by(&:size), %w[aa b].max_by(&:size), %w[aa b].minmax_by(&:size), [1, 2, 3].sum { |x| x * 2 }, [0.1] * 3 == [0.1, 0.1, 0.1], [0.1, 0.2, 0.3].sum, %w[a bb c].max_by(2, &:size), %w[x yy].max { |a, b| a.size <=> b.size }
begin; ["a"].sum; rescue TypeError => e; p e.message; end
### product combination permutation transpose
p [1, 2].product([3, 4]), [1, 2].product([3], [4, 5]), [1, 2, 3].combination(2).to_a, [1, 2, 3].permutation(2).to_a.size, [[1, 2], [3, 4]].transpose, [1, 2].repeated_combination(2).to_a, [1, 2].repeated_permutation(2).to_a, [1, 2, 3].each_entry.to_a, [].transpose
begin; [[1], [1, 2]].transpose; rescue IndexError => e; p e.message; end
### zip
p [1, 2].zip([3, 4]), [1, 2].zip([3]), [1].zip([2], [3]), [1, 2].zip(1..2), %w[a b].zip([1, 2]).to_h
[1, 2].zip([3, 4]) { |a, b| print a + b, " " }
puts
### assoc rassoc bsearch
a = [[1, :a], [2, :b]]
p a.assoc(2), a.rassoc(:a), a.assoc(9), [1, 3, 5].bsearch { |x| x >= 3 }, [1, 3, 5].bsearch { |x| x > 9 }, [1, 2, 3].bsearch_index { |x| x >= 2 }
### index rindex find_index
a = [1, 2, 3, 2]
p a.index(2), a.rindex(2), a.index { |x| x > 1 }, a.rindex { |x| x < 3 }, a.find_index(3), a.index(9), a.find_index { |x| x == 9 }
### include count any all none one
a = [1, 2, nil]
p a.include?(nil), a.member?(2), a.count, a.count(2), a.count(&:nil?), a.any?, a.all?, a.none?, a.one?, [].any?, [].all?, [].none?, [nil, 1].one?, [1, 2].any?(Integer), %w[ab cd].all?(/b|d/), [1, 2].none?(3..4), [1, 2].one? { |x| x > 1 }, a.empty?, [nil].any?, a.length, a.size
### dig and values
a = [{ a: [1, { b: 2 }] }]
p a.dig(0, :a, 1, :b), a.dig(1, :a), a.dig(0, :z, 1)
begin; [1].dig(0, 1); rescue TypeError => e; p e.message; end
### pack free conversions
p [[1, 2], [3, 4]].to_h, [1, 2].to_h { |x| [x, x * 2] }, [1, 2].to_a, [1].to_ary, Array({ a: 1 }), Array(nil), Array([1]), Array("a"), Array(1..2), [1, 2].entries, [3].first.to_s
begin; [1].to_h; rescue TypeError => e; p e.message; end
begin; [[1]].to_h; rescue ArgumentError => e; p e.message; end
### frozen array
a = [1, 2].freeze
begin; a << 3; rescue FrozenError => e; p e.message; end
begin; a.map! { 1 }; rescue => e; p e.class; end
begin; a.concat([1]); rescue => e; p e.class; end
begin; a.sort!; rescue => e; p e.class; end
p a.frozen?, a.dup.frozen?, (a + [3]).frozen?, a.first
### each variants
[1, 2].each { |x| print x }
[1, 2].each_with_index { |x, i| print x, i }
[1, 2].each_index { |i| print i }
[1, 2].reverse_each { |x| print x }
[[1, 2], [3, 4]].each { |a, b| print a + b }
[1, 2, 3].each_slice(2) { |s| print s.inspect }
[1, 2, 3].each_cons(2) { |s| print s.inspect }
[1, 2].cycle(2) { |x| print x }
[1, 2].each_with_object([]) { |x, memo| memo << x }.then { |m| print m }
puts
p [1, 2].each { }, [1, 2].each_with_index { }, [1, 2].each_index { }, [1].cycle(1) { }, [1, 2, 3].each_slice(2) { }, [1, 2, 3].each_slice(2).to_a, [1, 2, 3].each_cons(2).to_a
### map forms
p [1, 2].map { |x| x * 2 }, [1, 2].collect(&:to_s), [1, 2].map.with_index(1) { |x, i| [x, i] }, [1, 2].each_with_index.map { |x, i| x * i }, [[1, 2]].map { |a, b| b }, [1, 2].flat_map { |x| [x] * x }, [1, [2]].flat_map { |x| x }, [1, nil, 2].filter_map { |x| x && x + 1 }, %w[a b].each_with_index.to_h, [1, 2].map!(&:succ), [1, 2].collect! { 0 }
### select reject partition group
a = (1..6).to_a
p a.select(&:even?), a.filter(&:odd?), a.reject(&:even?), a.partition { |x| x > 2 }, a.group_by { |x| x % 3 }, a.chunk_while { |x, y| y == x + 1 }.to_a, a.slice_when { |x, y| y.odd? }.to_a, a.find { |x| x > 2 }, a.detect { |x| x > 9 }, a.find_all { |x| x > 4 }, a.tally, %w[a b a].tally, a.each_with_object({}) { |x, h| h[x] = 1 }.size, a.sum { |x| x.to_f }, a.chunk(&:even?).to_a, a.grep(2..3), %w[ab cd].grep(/a/), %w[ab cd].grep(/(.)b/) { $1 }, %w[ab cd].grep_v(/a/), a.each_entry.to_a.size
### inject reduce
p [1, 2, 3].inject(:+), [1, 2, 3].reduce(10) { |s, x| s + x }, [1, 2, 3].inject { |a, b| a * b }, [].inject(:+), [].inject(1) { }, [1, 2].inject(2, :*), %w[a b].reduce(:+), [[1, 2], [3]].inject(:concat), [1].reduce { raise }
### sample shuffle
p [1].sample, [].sample, [1, 2, 3].shuffle.sort, [1, 2].sample(5).sort, [1, 1].shuffle!
### array multiplication and destructuring
a, (b, *c), d = 1, [2, 3, 4], 5
p a, b, c, d
first, *rest = [1, 2, 3]; *init, last = [1, 2, 3]; x, = [9, 8]
p first, rest, init, last, x
### step through with index methods
p %w[a b c].each_with_index.select { |x, i| i > 0 }, %w[a b c].each.with_index(1).to_a, %w[a b].each.with_object([]).to_a, %w[a b c].each_slice(2).map(&:first), %w[a b].cycle.first(5), %w[a b c].each_cons(2).to_a.length
### take and drop enumerators
p [1, 2, 3, 4].lazy.map { |x| x * 2 }.select(&:even?).first(2), [4, 5].each_with_index.max_by { |x, i| -i }, [3, 4].lazy.to_a
### dup and aliasing
a = [[1], "s"]
b = a.dup
b << 2; b[0] << 9; b[1] << "!"
p a, b, a.equal?(a), a.clone == a
### filter_map with index and none
p %w[a b c].each_with_index.filter_map { |x, i| x if i.even? }, (1..3).each_with_object([]).to_a.size, [1, 2, 3].sum.fdiv(3).round(2)
### array pattern of options
def opts(*args)
  options = args.last.is_a?(Hash) ? args.pop : {}
  [args, options]
end
p opts(1, 2), opts(1, a: 2), opts(:a => 1), opts
### delete while select
a = %w[x y z]
p a.delete_if { |v| v == "y" }, a, a.reject! { |v| v == "q" }, a.select! { |v| v }, a.keep_if { |v| v == "x" }, a
### sum of strings and floats precision
p [0.1] * 10 == [0.1] * 10, ([0.1] * 10).sum, ([0.1] * 10).inject(:+), [1, 2.0, 3].sum, [3.0, 5].sum, [1e100, 1.0, -1e100].sum
### freeze constants
LIST = %w[a b].freeze
p LIST.map(&:upcase), LIST.frozen?, LIST.first.frozen?, LIST.include?("a")
### none? with blocks and patterns
p [1, 2, 3].none? { |x| x > 3 }, [nil, false].none?, %w[a b].one?("a"), [1, "a"].all?(Integer), [].one?, [1, 2, 4].any? { |x| x == 4 }
### min and max with several
p %w[aaa b cc].min_by(2, &:size), [5, 3, 9].minmax, [5, 3, 9].max(2) { |a, b| b <=> a }, %w[b a].min, %w[b a].max { |x, y| x <=> y }, [[2, 1], [1, 2]].min
### array slices do not alias
a = [1, 2, 3]
b = a[0, 2]
b << 9
p a, b
### step ranges into arrays
p (0..10).step(5).to_a, 1.step(10, 4).to_a, 10.downto(7).to_a, 1.upto(3).map { |x| x }, 3.times.to_a, (1.0..2.0).step(0.5).to_a, ("a".."e").step(2).to_a, 1.step(by: 2, to: 5).to_a, 1.step(by: 3).first(2)
### sort stability and mixed keys
people = [["bob", 30], ["al", 25], ["cy", 30]]
p people.sort_by { |n, a| [-a, n] }, people.group_by(&:last).transform_values { |v| v.map(&:first) }, people.max_by(&:last), people.sum { |_, a| a }, people.to_h.invert
### each_with_index break value
r = [1, 2, 3].each_with_index { |x, i| break "found #{i}" if x == 2 }
p r
### compare_by and sum floats
p [1, 2, 3].each_cons(2).map { |a, b| b - a }, [3, 1, 2].sort.reverse, [3, 1, 2].max(5), [1, 2, 3, 4].each_slice(2).to_h, [1, 2, 3].cycle.take(4)
### first arguments on enumerables
h = { a: 1, b: 2, c: 3 }
p h.first, h.first(2), h.take(1), h.drop(2), h.min_by { |k, v| -v }, h.sum { |k, v| v }, h.each_slice(2).to_a, h.zip([1]), h.each_with_index.map { |(k, v), i| [k, v, i] }, h.reduce(0) { |s, (k, v)| s + v }, h.to_a.transpose
