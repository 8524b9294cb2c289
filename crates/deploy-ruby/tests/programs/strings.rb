# strings
p "hello world".capitalize, "HELLO".swapcase, "a,b;c".split(/[,;]/), "a,b;c".split(/([,;])/), "abc".tr('a-b', 'x'), "hello".delete("l"), "aaabbb".squeeze, "hello".count("lo")
p "hello" * 3, "abc".center(9, '*'), "abc".ljust(5) + "|", "abc".rjust(5, "0")
p "hello world".index("o"), "hello world".index("o", 5), "hello world".rindex("o"), "hello"[10], "hello"[5], "hello"[5,1], "hello"[1..], "hello"[..2], "hello"[1...-1]
p "a-b".partition("-"), "a-b-c".rpartition("-"), "abc".partition("x"), "abc".rpartition("x")
p "12abc".to_i, "0x1f".hex, "077".oct, "3.7xyz".to_f, "1_000".to_i, "ff".to_i(16), "abc".to_i, "1e3".to_f, ".5".to_f
p "Hello" !~ /z/, "Hello" =~ /l/, $~[0], $`, $'
p "foo bar baz".sub("bar", "X"), "foo".sub(/(o)/, '<\1>'), "foo".gsub(/o/, "o" => "0"), "John Smith".sub(/(?<f>\w+) (?<l>\w+)/, '\k<l> \k<f>')
s = "abc"; s << "def"; s.insert(3, "X"); s[0] = "Z"; p s; s.upcase!; p s; p s.upcase!; s.concat("1", "2"); p s; s.replace("new"); p s; s.prepend("a "); p s
p "line1\nline2\n".lines, "line1\nline2".each_line.to_a, "a b".chars, "ab".bytes, "line\n".chomp, "line".chomp("ne"), "abc".chop, "x".ord, 120.chr
p "abc".start_with?("ab", "x"), "abc".end_with?("c"), "abc".include?("b"), "abc".match?(/b/), "abc".match(/b(.)/)[1]
p "abc".succ, "a".upto("e").to_a, "abc".between?("abb", "abd"), "abc".eql?("abc"), "abc".equal?("abc"), "abc".hash == "abc".hash
p "%s and %p" % ["a", "a"], "%x %o %b %e %g" % [255, 8, 5, 12345.678, 0.00001], "%08.3f" % 3.14159, "%+05d" % 42, "%-10s|" % "hi", "%%", "%c" % 65, "%<a>d %{b}" % {a: 1, b: 2}
p "abc".unpack("C*"), ["abc"].pack("m0"), "snake_case_word".split("_").map(&:capitalize).join, "ab\\n", 'a\nb', "tab\there", "\u00e9", "\x41"
p "title case here".split.map(&:capitalize).join(" "), "x=1&y=2".split("&").map { |kv| kv.split("=") }.to_h
p "hello %s you are %d" % ["Bob", 30], "abc".each_char.with_index.map { |c, i| c * i }
p "ab cd".scan(/\w+/) { |m| print m, ";" }
p "hello world foo".slice(0, 5), "abc".slice(1), "test".freeze.frozen?, "abc".dup.frozen?
p "%d" % 3.99, "%s" % nil, "%s" % :sym, "%5s|%-5s|" % %w[a b], "%03d" % 7
p "a\nb\nc".each_line.map(&:chomp), "CamelCaseString".gsub(/([A-Z])/) { "_" + $1.downcase }.sub(/^_/, "")
p "abc" == :abc, "abc" === "abc", "a".."e", ("a".."e").to_a, ("a".."e").include?("c"), "abc".casecmp("ABC"), "abc".casecmp?("ABC")
p "ab12cd".tr("a-z", "A-Z"), "hello".tr('el', 'ip'), "hello".tr('^l', '*'), "hello world".delete("lo"), "mississippi".squeeze("sp")
p "hello"*0, "".empty?, " ".strip.empty?, "\n\t x \n".strip, "xxhixx".delete_prefix("xx").delete_suffix("xx"), "abc".reverse, "été".upcase
puts "a".."c", [nil, true, [1]], :x, 1.5, nil
puts [], [[]], ""
print "no newline", 1, nil, "\n"
p
p 1, 2
x = p(3)
pp({a: {b: [1,2]}})
p "abc".then { |s| s + "d" }, 5.tap { |x| puts x }.succ
p "foo.bar(baz)".gsub(/[.()]/, "." => "-", "(" => "<", ")" => ">"), "path/to/file".gsub("/", "::")
p "äöü".chars, "äöü".bytes.size, "äöü"[1], "日本語".reverse, "日本語".index("語")
p "a%b" % [], "100%" rescue p $!.class, $!.message
p "abc" "def", 'it''s', "a#{1}b#{"c#{2}"}"
p %q(single 'quoted'), %Q(double "quoted" #{1+1}), %w(a b#{1}), %W(a b#{1}), %i(a b)
p "abc".sum
p "hello world".each_char.select { |c| "aeiou".include?(c) }.tally
p "Hello".sub(/l/) { |m| m.upcase }, "hello".gsub(/l/) { $&.upcase }, "hello".gsub("l") { |m| m.ord.to_s }
p "one two".split.each_with_object({}) { |w, h| h[w] = w.size }
p "abc".encoding.to_s, "abc".force_encoding("UTF-8"), "abc".valid_encoding?, "abc".b.length
p "1,2,3".split(",").map(&:to_i).sum, "a:b:c".split(":", 2), "abc".split(""), "".split(","), "a,b,,".split(",", -1), " x y ".split(" "), "aXbXc".split("X")
p "hello world"[/w(.)r/, 1], "hello"[/(?<q>l+)/, "q"], "key: val"[/(\w+): (\w+)/, 2], "foo"[/z/]
h = "x"; h += "y"; h *= 2; p h
p :a.object_id == :a.object_id, nil.to_s, nil.to_a, nil.inspect
p "abc" <=> "b", "b" <=> "a", "a" <=> 1, "a".ord <=> "b".ord
p "Zz".next, "zz99".succ, "a-9".succ, "1.9".succ, "".succ, "-".succ
