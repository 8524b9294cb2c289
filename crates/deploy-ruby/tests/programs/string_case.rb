### upcase downcase capitalize swapcase
p "Hello World".upcase, "Hello World".downcase, "hELLO wORLD".capitalize, "Hello".swapcase, "".capitalize
p "ñandú".upcase, "ÉCOLE".downcase, "straße".upcase, "élan".capitalize
### bang forms return nil without change
s = "ABC"
p s.upcase!, s.downcase!, s, s.downcase!, s.capitalize!, s, s.swapcase!, s
p "Abc".capitalize!, "a".capitalize!, "1".swapcase!
### strip family
s = " \t\n x y \r\n\0"
p s.strip, s.lstrip, s.rstrip, "x".strip!, " x".strip!, " x".lstrip!, "x".lstrip!, "x ".rstrip!, "x".rstrip!
p "\u00a0x".strip, "\v\fx".lstrip
### chomp and chop
p "a\n".chomp, "a\r\n".chomp, "a\r".chomp, "a\n\n".chomp, "a\n\n".chomp(""), "hello".chomp("llo"), "hello".chomp("x"), "a\n".chomp(nil)
p "ab".chop, "a\r\n".chop, "".chop, "a".chomp!, "a\n".chomp!, "abc".chop!, "".chop!
### tr and tr_s
p "hello".tr("el", "ip"), "hello".tr("a-y", "b-z"), "hello".tr("^l", "*"), "hello".tr("elo", "1"), "he-llo".tr("-", "_"), "hello".tr("a-eo", ""), "12.5".tr(".", "")
p "aabbcc".tr_s("ab", "x"), "hello".tr_s("l", "r"), "hello".tr("l", "^"), "a\\b".tr("\\", "/")
s = "abc"; p s.tr!("a", "z"), s, s.tr!("q", "z")
### delete squeeze count
p "hello".delete("l"), "hello".delete("l", "lo"), "hello".delete("a-k", "^e"), "hello".delete("^l"), "aaa bbb".squeeze, "aaa bbb".squeeze("a"), "mississippi".squeeze("a-z"), "mississippi".squeeze("s")
p "hello world".count("lo"), "hello".count("^l"), "hello".count("a-z", "^l"), "he\\llo".count("\\"), "a-b-c".count("-")
s = "hello"; p s.delete!("l"), s.delete!("z"), s.squeeze!, "aab".squeeze!
### center ljust rjust
p "ab".center(7), "ab".center(7, "*-"), "ab".center(2), "ab".center(1), "ab".ljust(5, "12"), "ab".rjust(5, "12"), "é".rjust(3, ".")
begin; "a".center(5, ""); rescue ArgumentError => e; p e.message; end
### reverse succ next
p "abc".reverse, "née".reverse, "az".succ, "zz".succ, "a9".succ, "Zz".succ, "a-9".succ, "1.9".succ, "".succ, "-".succ, "v1.9.9".next, "9".next, "Az".next
s = "ay"; s.succ!; p s; s.next!; p s; s.reverse!; p s
### upto
p "a".upto("e").to_a, "08".upto("11").to_a, "a".upto("c", true).to_a, "9".upto("11").to_a, "25".upto("5").to_a
"x".upto("z") { |c| print c }
puts
### ord chr hex oct sum
p "a".ord, "é".ord, "1f".hex, "0x1F".hex, "zz".hex, "-0x1f".hex, "17".oct, "0b11".oct, "0x1f".oct, "789".oct, "abc".sum, "hello".sum(8)
begin; "".ord; rescue ArgumentError => e; p e.message; end
### casecmp
p "ABC".casecmp("abc"), "abc".casecmp("abd"), "b".casecmp("A"), "a".casecmp(1), "ABC".casecmp?("abc"), "é".casecmp?("É"), "a".casecmp?(:a)
### comparison operators
p "a" == "a", "a" == :a, "a" <=> "b", "b" <=> "a", "a" <=> "a", "a" <=> 1, "a" < "b", "a" >= "b", "a".eql?("a"), "a".equal?("a"), "a" === "a", "b".between?("a", "c"), "z".clamp("a", "m")
begin; "a" < 1; rescue ArgumentError => e; p e.message; end
### operators plus times percent
p "a" + "b", "ab" * 3, "ab" * 0, "%05d" % 42, "%s and %s" % ["a", "b"], "%-5s|" % "x", "%{a} %<b>05.1f" % { a: 1, b: 2.54 }
begin; "a" + 1; rescue TypeError => e; p e.message; end
begin; "a" * -1; rescue ArgumentError => e; p e.message; end
begin; "a" + nil; rescue TypeError => e; p e.message; end
### unary plus and minus
a = "lit"
b = -a
p b.frozen?, (+b).frozen?, (+a).equal?(a), b
### encode force_encoding
p "abc".encoding.to_s, "abc".force_encoding("UTF-8").encoding.to_s, "abc".encode("UTF-8"), "é".valid_encoding?, "\xff".valid_encoding?, "abc".ascii_only?, "é".ascii_only?, "é".bytesize, "é".length
p "a\xffb".scrub("?"), "a\xffb".encode("UTF-8", invalid: :replace, undef: :replace, replace: "?"), "abc".b
p "caf\u00e9".unicode_normalize(:nfc).length
### bytes
p "aé".bytes, "abc".byteslice(1, 1), "abc".byteslice(1..), "abc".getbyte(0), "abc".getbyte(9), "abc".each_byte.to_a
"ab".each_byte { |b| print b, " " }
puts
### dump and inspect
p "a\"b\\c\n\t\e\a\0\u0001", "é", "\#{x}", '#{x}', '#x', "\u200b"
puts "a\"b\n".dump, "é".dump, "x".dump.undump
puts "tab\there".inspect, 'single \n'.inspect
### crypt free conversions
p "12".to_i, "  12abc".to_i, "-0b11".to_i(0), "0x1A".to_i(16), "z".to_i(36), "1_000".to_i, "1__0".to_i, "0o17".to_i(0), "".to_i, "1.9".to_i
p "1.5".to_f, "1e5".to_f, "abc".to_f, "1_0.5".to_f, ".5".to_f, "5.".to_f, "1.5.2".to_f
p "abc".to_sym, "a b".to_sym, "abc".intern, "abc".to_s, "abc".to_str
