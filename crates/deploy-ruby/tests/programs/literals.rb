### single and double quotes
p 'a\'b\\c\n', "a\tb\u00e9\x41\101\s\e[0m", 'a#{1}', "a#{1 + 1}b", "\M-a".bytes, "\C-a", "a\
b"
### percent literals
p %q(a (nested) b), %Q[x #{1} y], %(z "q"), %w[a b\ c #{1}], %W[a#{1} b\tc], %i[a b], %I[a#{1} b], %s(sym bol), %w(), %w(
  one
  two
)
### symbols
p :a, :"a b", :"a#{1}", :a?, :b!, :c=, :[], :+, :"foo-bar", :A, %s(x), :'quoted', :"9a", :@iv, :$g
### plain heredoc
a = <<EOT
one #{1 + 1}
  two\tx
EOT
p a
### dash heredoc
  b = <<-EOT
    keep
    EOT
p b
### squiggly heredoc
c = <<~EOT
  one
    two

  #{"three"}
  \tfour
EOT
p c
### raw heredoc
d = <<~'EOT'
  no #{interp} \n
EOT
p d
e = <<-"EOT"
  yes #{1}
EOT
p e
### heredoc with method and args
def m(a, b, c = nil) = p(a, b, c)
m(<<~A, <<~B.strip, 3)
  first
A
  second
B
p <<~X.lines.map(&:chomp)
  l1
  l2
X
### heredoc inside interpolation
p "#{<<~A.strip} tail"
  inner
A
### backtick heredoc
out = <<~`CMD`
  echo from heredoc
CMD
p out
### squiggly with blank and tabs
x = <<~EOT

    a
   b

EOT
p x
### squiggly with continuation
x = <<~EOT
  a \
  b
  c
EOT
p x
### numbers
p 1_000, 0x1f, 0b101, 0o17, 017, 1e3, 1.5e-3, 1_0.5, -1, +2, 0d10, 1.0, 1e20, 1e15, 1e16, 123456789.123456789, 0.1 + 0.2, 1e-5, 0.0001, -0.0
### arrays and hashes
p [1, *[2, 3], *nil, *4], [*1..3], { a: 1, "b" => 2, 3 => [4], nil => nil }, { "a b": 1 }, { **{ a: 1 }, b: 2, a: 3 }, [], {}
x = 1; y = 2
p({ x:, y: })
### ranges
p (1..3), (1...3), ("a".."c"), (1..), (..1), (1.0..2.0), (1..nil).first(2), (1..3).to_a, Range.new(1, 3, true)
### regexps
p /a/, /a\/b/i, %r{a/b}x, /a#{1 + 1}/m, /\d/.source, /x/ == /x/, /a/i.options
### file and line
p __LINE__, File.basename(__FILE__) =~ /rb\z/ ? :ok : :bad, __method__, __dir__.class, __FILE__.class
### question mark chars
p ?a, ?\n, ?é
### constants and defined
A = 1
B ||= 2
p A, B, defined?(A), defined?(Nope), defined?(x = 1), defined?(puts), defined?(@a), defined?(String.new), defined?(1), defined?(nil), defined?(self), defined?(true), defined?(yield), defined?("".upcase), defined?("".nope), defined?($nope), defined?(@@x) rescue p $!.class
### ensure semicolons and line continuation
x = 1 +
  2
y = [1,
     2,
    ].map { |v|
  v * 2
}
  .select { |v| v > 2 }
  &.first
z = x \
  + y
p x, y, z
### comments
=begin
block comment
=end
p 1 # trailing
# p 2
p 3
### __END__ stops
p 1
__END__
p 2
### global variables
$mine = 3
p $mine, $nope, $0.class, $PROGRAM_NAME.class, $,.inspect, $/.inspect, $stdout.class, $$.class
"ab" =~ /(a)(b)/
p $~.class, $1, $2, $3, $&, $`, $', $+
### numbered parameters and it
p [1, 2].map { _1 * 2 }, [[1, 2]].map { _1 + _2 }, { a: 1 }.map { [_1, _2] }
### rational and complex literals free arithmetic
p 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7.fdiv(2), 7.divmod(-2), 2**10, 2**0.5, 10.pow(3, 7), 7.remainder(-3), 1 <=> 2
### string continuation
p "a" \
  "b"
### ternaries and nested
v = 5
p v > 3 ? v > 4 ? :big : :mid : :small, (v if v > 3), (v unless v > 3), [v == 5 && :y, v == 4 || :n, (not v)]
### semicolons and one liners
if true then p 1 end; unless false then p 2 end; while false do end; p(begin; 3; end)
### magic encodings
p "\u{1F600}".length, "\u{41 42}", "caf\u00e9", "\xE2\x82\xAC"
### interpolation of ivars and globals
@a = 1; $b = 2
p "#@a #$b #{@a}"
### hash in block position
def h(x = nil, **o) = [x, o]
p h({ a: 1 }), h(a: 1), (h "x", b: 2), h("k" => 1)
### trailing commas and splats in calls
def many(*a, **k, &b) = [a, k, b&.call]
p many(1, 2, ), many(*[1, 2], 3, x: 1, **{ y: 2 }) { 5 }, many(*"a".."c"), many(&:foo.to_proc && nil)
