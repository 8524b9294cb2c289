### index with integers and ranges
s = "hello"
p s[0], s[-1], s[5], s[10], s[1, 3], s[5, 2], s[6, 2], s[1..3], s[1...3], s[-3..], s[..1], s[3..1], s[7..], s[0, 0], s[-3, 2], s[1..-2]
### index with strings and regexps
s = "hello world"
p s["world"], s["nope"], s[/o w/], s[/(h)(e)/, 2], s[/(?<first>\w+)/, :first], s[/(?<first>\w+)/, "first"], s[/z/], s.slice(0, 5), s.slice(/w.*/)
### element assignment
s = "hello"
s[0] = "J"; p s
s[-1] = "y!"; p s
s[1, 3] = "E"; p s
s[1..2] = "--"; p s
s["J"] = "K"; p s
s[/-+/] = "+"; p s
s[/(K)(\+)/, 2] = "="; p s
begin; s["zzz"] = "1"; rescue IndexError => e; p e.message; end
begin; s[20] = "1"; rescue IndexError => e; p e.message; end
### slice!
s = "hello world"
p s.slice!(0), s, s.slice!(0, 3), s, s.slice!(/wor/), s, s.slice!("ld"), s, s.slice!("zz"), s.slice!(0..0), s
### insert prepend concat replace clear
s = "bc"
p s.insert(0, "a"), s.insert(-1, "d"), s.insert(2, "-"), s.insert(-2, "+"), s.prepend("1", "2"), s.concat("x", "y"), s << "z" << 33, s.replace("new"), s.clear, s.empty?
### index rindex
s = "hello hello"
p s.index("l"), s.index("l", 4), s.index(/l+/), s.index("z"), s.index("l", -2), s.rindex("l"), s.rindex("l", 5), s.rindex(/e/), s.rindex("z"), s.index("", 3), s.index("h", 99), "éa".index("a"), s.byteindex("l") rescue p $!.class
### include start_with end_with
s = "hello"
p s.include?("ell"), s.include?("z"), s.start_with?("he"), s.start_with?("x", "h"), s.start_with?(/h./), s.end_with?("lo"), s.end_with?("x", "o"), s.start_with?, s.end_with?("")
begin; s.include?(nil); rescue TypeError => e; p e.message; end
### delete_prefix delete_suffix
s = "release-1.tar.gz"
p s.delete_prefix("release-"), s.delete_suffix(".tar.gz"), s.delete_prefix("x"), s.dup.delete_prefix!("x"), s.dup.delete_suffix!(".gz")
### partition rpartition
p "a=b=c".partition("="), "a=b=c".rpartition("="), "abc".partition("="), "abc".rpartition("="), "a1b2".partition(/\d/), "a1b2".rpartition(/\d/)
### split
p "a,b,,c,,".split(","), "a,b,,c,,".split(",", -1), "a,b,c".split(",", 2), " a  b ".split, " a  b ".split(" "), " a b".split(/ /), "abc".split(""), "a1b2".split(/\d/), "a1b2".split(/(\d)/), "".split(","), "a b c".split(nil), "abc".split(/b/), "aXbXc".split("X", 1)
"a b".split { |w| print w, ";" }
puts
### lines and each_line
s = "a\nb\n\nc"
p s.lines, s.each_line.to_a, s.lines(chomp: true), "a--b--c".lines("--"), "x\n\n\ny\n".each_line("").to_a, "a\nb".each_line(chomp: true).map(&:upcase)
s.each_line.with_index(1) { |l, i| print i, l.inspect }
puts
### chars each_char graphemes codepoints
p "héy".chars, "ab".each_char.to_a, "hé".codepoints, "ab".each_char.with_index.map { |c, i| c * (i + 1) }
"ab".each_char { |c| print c, "." }
puts
p "ab".grapheme_clusters
### scan
p "a1b22".scan(/\d+/), "a1b22".scan(/([a-z])(\d)/), "hello".scan("l"), "test".scan(/x/), "k=v;k2=v2".scan(/(\w+)=(\w+)/).to_h
"a1b2".scan(/[a-z]\d/) { |m| print m, $~[0], ";" }
puts
"a1b2".scan(/([a-z])(\d)/) { |a, b| print a, b, ";" }
puts
### sub forms
p "hello".sub("l", "L"), "hello".sub(/l(l)/, '[\1]'), "hello".sub(/(?<x>l)/, '<\k<x>>'), "hello".sub(/l/) { |m| m.upcase }, "hello".sub(/[el]/, "e" => "3"), "hello".sub("z", "y"), "path".sub(/^/, "/"), "a.b".sub(".", "-")
p "hello".sub(/l/, '\\\\'), "hello".sub("l", '\0\0'), "x".sub("x", "\\\\&"), "hello".sub(/(e)(l)/, '\2\1'), "a'b".sub("'", "\\\\'")
### gsub forms
p "hello".gsub("l", "L"), "hello".gsub(/[aeiou]/) { |v| "(#{v})" }, "hello".gsub(/l/, "l" => "1"), "hello".gsub(/(l)/) { $1.upcase }, "a-b_c".gsub(/[-_]/, " "), "hello".gsub(/x*/, "-"), "abc".gsub(/b/, ""), "hello".gsub(/l/).to_a
p "John Smith".gsub(/(\w+) (\w+)/, '\2, \1'), "a.b.c".gsub(".", "/"), "été".gsub(/é/, "e"), "abc".gsub("", "."), "1234567".gsub(/(\d)(?=(\d{3})+$)/, '\1,')
### sub and gsub bang
s = "hello"
p s.sub!("l", "L"), s.sub!("z", ""), s.gsub!(/[lL]/, "r"), s.gsub!("z", ""), s, s.gsub!(/r/) { "R" }
### gsub special variables in block
"key1=a key2=b".gsub(/(\w+)=(\w)/) { |m| puts "#{$1} #{$2} #{$~.pre_match.inspect} #{m}" }
p $~ && $~[0]
### match and match?
m = "v1.2.3".match(/(\d+)\.(\d+)/)
p m[0], m[1], m.captures, m.pre_match, m.post_match, m.begin(0), m.end(1), m.offset(2), m.to_a, m.size, m.values_at(1, 2)
p "abc".match?(/b/), "abc".match?("z"), "abc".match(/z/), "abcabc".match(/b/, 2).begin(0), "foo" =~ /o/, "foo" !~ /o/
"xay".match(/a/) { |md| p md.pre_match }
### tr ranges reversed
begin; "a".tr("z-a", "x"); rescue ArgumentError => e; p e.message; end
### each_grapheme and unpack1
p "abc".unpack("C*"), "abc".unpack1("a2"), "ab".unpack("a1 a1"), ["abc"].pack("m0"), ["abc"].pack("m"), "YWJj".unpack1("m"), [97, 98].pack("C*"), [8364].pack("U*"), "€".unpack("U*"), ["616263"].pack("H*"), "abc".unpack1("H*"), [1, 2].pack("s*").bytes, [1].pack("N").bytes, [1].pack("V").bytes, ["a", "b"].pack("A3A3"), "abc  ".unpack("A*")
### ljust with multibyte and empty
p "日本".ljust(4, "*"), "日本".center(6, "ab"), "日本"[0], "日本".reverse, "日本".bytes.length
### frozen strings
s = "abc".freeze
p s.frozen?, s.dup.frozen?, s.clone.frozen?, "lit".frozen?, :a.frozen?, "a#{1}".frozen?, s.upcase.frozen?, s.clone(freeze: false).frozen?
begin; s << "x"; rescue FrozenError => e; p e.message, e.class.superclass; end
begin; s.upcase!; rescue => e; p e.message; end
begin; s[0] = "z"; rescue => e; p e.class; end
begin; s.gsub!(/a/, "b"); rescue => e; p e.class; end
### frozen_string_literal comment
# a comment that is not first does nothing
p "x".frozen?
### start of each method with a frozen literal
# frozen_string_literal: true
p "x".frozen?, "x#{1}".frozen?, 'y'.frozen?, String.new("x").frozen?, "x".dup.frozen?
begin; "x" << "y"; rescue FrozenError => e; p e.message; end
### shellescape
require "shellwords"
p "it's".shellescape, "".shellescape, "a b;c".shellescape, "plain-1.2/x".shellescape, "a\nb".shellescape, "x y 'z w'".shellsplit, Shellwords.escape("a&b"), %w[a b\ c].shelljoin, Shellwords.split("a\\ b \"c d\"")
begin; "a 'b".shellsplit; rescue ArgumentError => e; p e.message; end
### iteration over words
counts = Hash.new(0)
"the cat the dog".split.each { |w| counts[w] += 1 }
p counts, counts.max_by { |_, v| v }
### heredoc squiggly strip_heredoc by hand
text = <<-EOT.gsub(/^ {4}/, "")
    one
      two
    EOT
puts text
### ascii helper methods
p "abc".hash == "abc".hash, "a".eql?("b"), "abc".itself, "abc".respond_to?(:upcase), "abc".is_a?(Comparable), "x".instance_of?(String), String === "x", "abc".length, "abc".size, "".empty?, " ".empty?
### string new and try_convert
p String.new, String.new("x"), String("y"), String(12), String(nil), String(:a), String.try_convert("a"), String.try_convert(1), String.new("abc", capacity: 10)
### each_with_index over lines
"one\ntwo".lines.each_with_index { |l, i| puts "#{i}: #{l.chomp}" }
### squish like
p "  a   b \n c ".split.join(" "), "a\tb".expand_tabs rescue p $!.class
### multiplication table
puts (1..3).map { |i| (1..3).map { |j| (i * j).to_s.rjust(3) }.join }.join("\n")
### casting with interpolation
p "#{nil}|#{true}|#{:a}|#{[1, nil, "x"]}|#{{ a: 1 }}|#{1.0}|#{1..2}|#{/x/i}", "a" "b" 'c', "x#{"y#{"z"}"}"
### crypt-less hash of options in string
p "a=1&b=2".split("&").map { |kv| kv.split("=") }.to_h, "k: v".split(": ", 2), "A-B".downcase.tr("-", "_").to_sym
### each_cons on chars
p "abcd".each_char.each_cons(2).map(&:join), "abcdef".chars.each_slice(2).map(&:join), "abc".each_char.to_a.permutation(2).count
### between and clamp
p "m".between?("a", "z"), "b".clamp("c", "d"), "B" < "a", "10" < "9"
