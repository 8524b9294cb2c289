a = [5, 3, 8, 1]
p a.sort, a.sort { |x, y| y <=> x }, a.max, a.min, a.sum, a.minmax, a.first(2), a.last(2), a.take_while { |x| x > 2 }, a.drop(1), a.drop_while { |x| x > 4 }
p a.map { |x| x * 2 }, a.select(&:odd?), a.reject(&:odd?), a.partition { |x| x > 3 }, a.group_by(&:odd?), a.each_with_index.to_a, a.each_with_object([]) { |x, acc| acc << x }
p a.inject { |s, x| s + x }, a.reduce(:*), a.reduce(10) { |s, x| s + x }, a.find { |x| x > 5 }, a.find_index(8), a.index { |x| x == 3 }, a.count, a.count(3), a.count(&:even?)
p a.include?(3), a.any? { |x| x > 7 }, a.all?(Integer), a.none?, a.one? { |x| x == 1 }, [].any?, [nil].any?, [].all?, [].sum, [].max
p a.zip([1,2,3,4], %w[a b c d]), a.rotate, a.rotate(-1), a.reverse, a.each_slice(3).to_a, a.each_cons(2).map { |x, y| y - x }
p [1, [2, [3, [4]]]].flatten, [1, [2, [3]]].flatten(1), [1, nil, 2].compact, [1, 1, 2].uniq, [1,2,3,4].uniq { |x| x % 2 }, [1,2] + [3], [1,2,3] - [2], [1,2] & [2,3], [1,2] | [2,3], [1,2] * 2, [1,2] * ","
p a.push(9), a.pop, a.shift, a.unshift(7), a.insert(1, :x), a.delete(:x), a.delete_at(0), a, a << 4, a.concat([1, 2]), a.delete_if { |x| x == 1 }, a.clear
b = (1..10).to_a
p b[2..4], b[-3..], b[2, 3], b[20], b[10], b[10, 1], b.values_at(0, 2, -1), b.each_slice(4).map(&:sum), b.step rescue p :nostep
p b.fetch(0), b.fetch(99, :d), (b.fetch(99) rescue $!.message), b.dig(0), [[1, [2]]].dig(0, 1, 0), b.sample.class, b.shuffle.size
b[0] = 100; b[12] = 5; p b; b[1..3] = [:a]; p b; b[0, 2] = []; p b
p [3,1,2].sort!, [3,1,2].sort_by! { |x| -x }, [1,2,3].map! { |x| x + 1 }, [1,2,3].select! { |x| x > 1 }, [1,2,3].reject! { |x| x > 5 }, [1,nil].compact!, [1].compact!, [1,1].uniq!, [1].uniq!
p [[1, :a], [2, :b]].to_h, [1,2].to_h { |x| [x, x * 2] }, [1,2,3].each_entry.to_a, [1,2,2,3].tally, %w[a b c].each_with_index.to_h
p [1,2,3,4].each_slice(2).to_h { |x, y| [x, y] }, [[1,2],[3,4]].transpose, [1,2].product([3,4]), [1,2,3].combination(2).to_a, [1,2,3].permutation(2).count
p [1,2,3].cycle.first(5) rescue p :nocycle
p [1,2,3].lazy.map { |x| x * 2 }.to_a, [4,5].each_with_index.map { |x, i| x * i }, %w[x y].each.with_index(1).to_a, %w[x y].map.with_index(1) { |x, i| "#{i}#{x}" }
p (1..3).each_with_object([]) { |i, m| m << i }, (1...10).step(3).to_a, 1.step(10, 4).to_a, 10.downto(7).to_a
p [1,2,3].inspect, [1,2,3].to_s, [nil, true].to_s, [[]].empty?, [1,2] == [1,2], [1,2].eql?([1.0,2.0]), [1,2] == [1.0,2.0], [1,2] <=> [1,3]
p [1, "a", :b, 2.0, nil, true].map(&:class), [3, 5].minmax, %w[aa b ccc].max_by(&:size), %w[aa b ccc].min_by(&:size), %w[aa b ccc].sort_by { |s| [-s.size, s] }
p ["a", "b"].join("-"), [1, [2, [3]]].join(","), [nil, "x"].join(","), [].join, ["a"].join("x")
p [1,2,3,4,5].chunk_while { |x, y| y == x + 1 }.to_a, [1,2,4,5].slice_when { |x, y| y != x + 1 }.to_a, [1,2,3].filter_map { |x| x * 2 if x.odd? }, [[1,2],[3]].flat_map { |x| x }
p [1,2,3].first, [].first, [].last, [1,2,3].min(2), [1,2,3].max(2), [0.1, 0.2, 0.3].sum, ["a", "b"].sum("")
x, *y = [1, 2, 3]; p x, y
*x, y = [1, 2, 3]; p x, y
(a, b), c = [1, 2], 3; p a, b, c
a, b = b, a; p a, b
h = {b: 1, a: 2}
p h.map { |k, v| [k, v * 2] }.to_h, h.sort.to_h, h.sort_by { |k, v| v }, h.min_by { |k, v| v }, h.sum { |k, v| v }, h.find { |k, v| v == 2 }, h.each_with_index.map { |(k, v), i| [k, v, i] }
p h.select { |k, v| v > 1 }, h.reject { |k, v| v > 1 }, h.partition { |k, v| v > 1 }, h.group_by { |k, v| v.odd? }, h.to_a, h.invert, h.key(2), h.keys, h.values, h.any? { |k, v| v > 1 }, h.all? { |k, v| v > 0 }, h.count { |k, v| v > 1 }
p h.transform_values { |v| v + 1 }, h.transform_keys(&:to_s), h.merge({c: 3}), h.merge({a: 9}) { |k, o, n| o + n }, h.fetch(:a), h.fetch(:z, 0), h.fetch(:z) { |k| k }, (h.fetch(:z) rescue $!.message), h.dig(:a), h.key?(:a), h.value?(1)
p h.delete(:a), h.delete(:zz), h, h.store(:q, 1), h.to_a.flatten, h.reduce(0) { |s, (k, v)| s + v }, h.each_with_object({}) { |(k, v), acc| acc[v] = k }, h.length, h.empty?, {}.empty?
d = Hash.new(0); "hello".each_char { |c| d[c] += 1 }; p d; e = Hash.new { |hash, k| hash[k] = k * 2 }; p e[2], e, e.fetch(2), e.key?(5), Hash.new { |h, k| "no #{k}" }[:x]
p h.each { |k, v| print k, v }, h.each_pair.to_a, h.compact, h.slice(:b), h.except(:b), h.filter_map { |k, v| k if v }, h.sum { |k, v| v }, h.entries, h.flat_map { |k, v| [k] * v }
p([{"a" => 1, :b => 2, 3 => [4], nil => nil, 1.5 => {x: 1}}, {a: 1} == {a: 1}, {a: 1}.eql?({a: 1}), {a: 1, b: 2} == {b: 2, a: 1}, {a: 1}.to_s, {"x y": 1}])
p h.update(z: 26), h.delete_if { |k, v| v == 26 }, h.reject! { |k, v| false }, h.select! { |k, v| true }, h.keep_if { true }, h.merge!(k: 5), h.first, h.first(1), h.min_by { |k, v| v }, h.sort_by { |k, v| -v }.first, h.max_by { |k, v| v }
def kw(a:, b: 2, **r) = [a, b, r]
p kw(a: 1), kw(**{a: 1, c: 3}), kw(a: 1, "x": 2)
p [{a: 1, **{b: 2}}], [*1..3, *[4]], [*nil], [*"a"]
a = 1; b = 2; p({a:, b:})
p h.each_slice(1).to_a, h.zip([1]), h.each_cons(1).first, h.inject { |a, b| a + b }, h.uniq, h.tally, h.dup.clear, h.frozen?, h.sum { 1 }, h.none?, h.find_all { |k, v| v }
p [1,2,3].freeze.map { |x| x }, ([1].freeze << 2 rescue $!.class), (begin; {}.freeze[:a] = 1; rescue => e; e.message; end), ("a".freeze << "b" rescue $!.message)
p (1..10) === 5, (1..10).include?(11), (1..10).sum, (1..10).step(3).to_a, (1...10).size, ('a'..'e').to_a, (1..10).each_slice(3).to_a, (1..3).reverse_each.to_a, (1..3).inject(:+), 1..nil, (1..), (..5).include?(3), (1..10).first(3), (1..3).to_a.reverse, (1.0..2.0).include?(1.5), (0...3).map { |i| i }
