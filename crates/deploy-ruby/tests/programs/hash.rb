### creation and access
h = { a: 1, "b" => 2, 3 => nil }
p h[:a], h["b"], h[3], h[:zz], h.fetch(:a), h.fetch(:z, 0), h.fetch(:z) { |k| k.to_s }, h.dig(:a), h.key?(3), h.has_key?(:z), h.include?(:a), h.member?("b"), h.value?(2), h.has_value?(9), h.key(2), h.key(99)
begin; h.fetch(:zz); rescue KeyError => e; p e.message, e.key, e.receiver == h; end
begin; { "a" => 1 }.fetch("b"); rescue KeyError => e; p e.message; end
### store and delete
h = {}
h[:a] = 1; h.store("k", 2)
p h, h.delete(:a), h.delete(:q), h.delete(:q) { |k| "no #{k}" }, h, h.clear, h.empty?, h.length
### keys values order
h = { b: 1, a: 2 }
h[:c] = 3; h.delete(:b); h[:b] = 4
p h, h.keys, h.values, h.to_a, h.size, h.count, h.first, h.values_at(:a, :z), h.fetch_values(:a), h.sort.to_h, h.sort_by { |k, v| -v }, h.min_by { |k, v| v }, h.sum { |k, v| v }
### default values
h = Hash.new(0); h[:x] += 1; p h, h[:nope], h.default
g = Hash.new { |hash, k| hash[k] = k.to_s * 2 }; p g[:ab], g, g.fetch(:zz, 1), g.default_proc.class
l = Hash.new { |hash, k| hash[k] = [] }; l[:a] << 1; l[:a] << 2; p l
k = Hash.new([]); k[:a] += [1]; p k
h.default = 5; p h[:q]
p Hash.new { |h, k| "no #{k}" }[:a], Hash.new(3).dig(:a), Hash.new(1).to_a
### merge update
a = { x: 1, y: 2 }
p a.merge(y: 3, z: 4), a.merge({ y: 3 }) { |k, o, n| o + n }, a.merge, a.merge({ a: 1 }, { b: 2 }), a, a.merge!(z: 1), a.update(q: 2), a, a.merge!({ x: 9 }) { |*all| all }
### select reject filter_map
h = { a: 1, b: 2, c: 3 }
p h.select { |k, v| v > 1 }, h.filter { |k, v| k == :a }, h.reject { |k, v| v > 1 }, h.filter_map { |k, v| k if v > 1 }, h.find { |k, v| v == 2 }, h.detect { |k, v| v == 9 }, h.partition { |k, v| v > 1 }, h.min_by { |k, v| v }, h.find_all { |k, v| v < 3 }, h.each_with_index.to_a, h.any? { |k, v| v > 2 }, h.all? { |k, v| v > 0 }, h.none?, h.count { |k, v| v.odd? }, h.sum { |_, v| v }, h.map { |k, v| [k, v] }.flatten, h.flat_map { |k, v| [k] * v }, h.one? { |k, v| v == 1 }
### bang select reject
h = { a: 1, b: 2, c: 3 }
p h.select! { |k, v| v > 1 }, h.select! { true }, h.reject! { |k, v| v > 2 }, h.reject! { false }, h.keep_if { true }, h.delete_if { |k, v| k == :b }, h, h.filter! { true }
### transform
h = { a: 1, b: 2 }
p h.transform_values { |v| v * 2 }, h.transform_keys(&:to_s), h.transform_keys({ a: :x }), h.transform_keys({ a: :x }) { |k| k.to_s }, h.to_h { |k, v| [v, k] }, h.invert, h.transform_values!(&:to_s), h.transform_keys!(&:to_s), h, h.map { |k, v| "#{k}=#{v}" }.join("&"), h.transform_values.with_index { |v, i| i }
### slice except compact
h = { a: 1, b: nil, c: 3 }
p h.slice(:a, :z), h.except(:a), h.compact, h.compact!, h.compact!, h, h.filter_map { |k, v| v }, h.dig(:a), h.values.compact
### group and sort
h = { "x" => 3, "y" => 1, "z" => 3 }
p h.group_by { |k, v| v }, h.sort_by { |k, v| [v, k] }, h.sort { |a, b| a[1] <=> b[1] }.first, h.max_by { |k, v| v }, h.sum { |k, v| v }, h.sort.first, h.to_a.last, h.each_with_object({}) { |(k, v), m| (m[v] ||= []) << k }, h.inject(0) { |s, (k, v)| s + v }, h.partition { |k, v| v == 3 }.map(&:to_h)
### iteration forms
h = { a: 1, b: 2 }
h.each { |k, v| print k, v }
h.each { |pair| print pair.inspect }
h.each_pair { |k, v| print k }
h.each_key { |k| print k }
h.each_value { |v| print v }
h.each_with_index { |(k, v), i| print k, v, i }
h.each.with_index(1) { |(k, v), i| print k, i }
h.map { |k, v| print k; v }
puts
p h.each { }, h.each_pair.to_a, h.each_key.to_a, h.each_with_object([]) { |(k, v), a| a << v }
### comparisons
p({ a: 1 } == { a: 1 }, { a: 1, b: 2 } == { b: 2, a: 1 }, { a: 1 }.eql?({ a: 1.0 }), { a: 1 } <= { a: 1, b: 2 }, { a: 1, b: 2 } > { a: 1 }, { a: 1 } < { a: 1 }, { a: 1 } >= { a: 1 }, { a: 1 }.hash == { a: 1 }.hash)
### inspect forms
p({ 1 => 2, nil => true, "s" => :t, [1] => { x: 1 }, 1.5 => 1..2 }, {}, { "a b": 1, a?: 2, "c" => 3, A: 1, "=": 2 })
h = { a: 1 }; h[:self] = h; p h
puts({ a: 1 }.to_s, "#{{ "k" => 1 }}")
### nested and dig
h = { db: { prod: { host: "x", ports: [1, 2] } } }
p h.dig(:db, :prod, :host), h.dig(:db, :zz, :host), h[:db][:prod][:ports].last, h.dig(:db, :prod, :ports, 0)
h[:db][:prod][:host] << "y"; p h
### string keys are copied and frozen
k = "key"
h = { k => 1 }
k << "x"
p h, h.keys.first.frozen?, h.key?("key"), k
### compare_by_identity and freeze
h = { a: 1 }.freeze
begin; h[:b] = 1; rescue FrozenError => e; p e.message; end
begin; h.delete(:a); rescue => e; p e.class; end
begin; h.merge!(x: 1); rescue => e; p e.class; end
p h.frozen?, h.merge(b: 2), h.dup.frozen?
### any all with patterns and empties
p({}.any?, {}.all? { false }, {}.none?, { a: 1 }.any?, {}.first, {}.min_by { |k, v| v }, {}.sum, {}.max, {}.keys, {}.to_a, {}.inject { })
### conversion
p Hash[[[1, 2]]], Hash[1, 2, 3, 4], Hash[{ a: 1 }], { a: 1 }.to_a, [[:a, 1]].to_h, { a: 1 }.to_h, Hash([]), Hash(nil), Hash({ a: 1 }), { a: 1 }.to_s, Hash.new.inspect
### shift sum length assoc
h = { a: 1, b: 2 }
p h.shift, h, h.assoc(:b), h.rassoc(2), h.length, h.flat_map { |k, v| [k, v] }, h.entries, h.each_entry.to_a, h.flatten, h.shift, h.shift
### key order after update
h = { a: 1, b: 2 }
h[:a] = 9
p h, h.to_a.first, h.keys.index(:b), h.find_index([:b, 2]), h.each_with_index.map { |(k, v), i| "#{i}#{k}#{v}" }
### filter with to_proc and hash as block
h = { "a" => 1, "b" => 2 }
p %w[a b c].map(&h), %w[a b c].select(&h.method(:key?)), h.to_proc.call("a"), h.any? { |pair| pair == ["a", 1] }, h.sum(&:last), h.map(&:first), h.min_by(&:last), h.each_with_index.map { |kv, i| kv.first * (i + 1) }
### double splat and keyword conversion
def kw(a: 1, **rest) = [a, rest]
opts = { a: 5, z: 1 }
p kw(**opts), kw(**opts, a: 6), kw, { **opts, y: 1 }, kw(**{}), opts.merge(kw(q: 1).last)
### deep merge by hand
def deep(a, b) = a.merge(b) { |_, x, y| x.is_a?(Hash) && y.is_a?(Hash) ? deep(x, y) : y }
p deep({ a: { b: 1, c: 2 } }, { a: { c: 3, d: 4 } })
### group counts
words = %w[apple bob apple cat bob apple]
p words.tally, words.tally.sort_by { |w, c| [-c, w] }.to_h, words.group_by(&:itself).transform_values(&:count), words.each_with_object(Hash.new(0)) { |w, h| h[w] += 1 }, words.uniq.zip([1, 2]).to_h
### delete during each copy
h = { a: 1, b: 2, c: 3 }
h.each { |k, v| h.delete(k) if v == 2 }
p h
h.keys.each { |k| h[k.to_s] = h.delete(k) }
p h
### sum of nested defaults
tree = Hash.new { |h, k| h[k] = Hash.new(&h.default_proc) }
tree[:a][:b][:c] = 1
p tree, tree[:x][:y], tree.keys
### comparing keys
p({ 1 => :a }[1.0], { 1.0 => :b }[1.0], { "a" => 1 }[:a], { [1, 2] => :c }[[1, 2]], { nil => 1 }[nil], { { a: 1 } => 2 }[{ a: 1 }], { (1..2) => 3 }[1..2])
### each_with_object and reduce to strings
p({ a: 1, b: 2 }.reduce("") { |s, (k, v)| s + "#{k}#{v}" }, { a: 1 }.each_with_object("x") { |(k, v), s| s << k.to_s })
### symbolize keys by hand
p({ "a" => 1, "b" => { "c" => 2 } }.map { |k, v| [k.to_sym, v] }.to_h, { "a" => 1 }.transform_keys(&:to_sym), { a: 1 }.each_with_object({}) { |(k, v), h| h[k.to_s] = v })
### filter_map and sum on pairs
h = { web: %w[a b], db: %w[c] }
p h.flat_map { |role, hosts| hosts.map { |x| "#{role}@#{x}" } }, h.sum { |_, v| v.size }, h.values.flatten.uniq, h.find { |_, v| v.include?("c") }&.first, h.key(["c"]), h.max_by { |_, v| v.size }.first, h.count { |_, v| v.any? }, h.sort_by { |k, _| k.to_s }.map(&:first)
### store with default proc and fetch
cache = Hash.new { |h, k| h[k] = k * k }
p cache[3], cache, cache.key?(4), cache.values_at(2, 3), cache.dig(5), cache.size, cache.fetch(9, nil)
### deconstruct style assignment
h = { a: 1, b: 2 }
a, b = h.values_at(:a, :b)
(k1, v1), (k2, v2) = *h
p a, b, k1, v1, k2, v2
### except and slice with strings
p({ "a" => 1, "b" => 2 }.slice("b"), { "a" => 1 }.except("a"), { a: 1, b: 2 }.filter_map { |k, v| [k, v] if v > 1 }.to_h, { a: nil }.compact.empty?)
