### match operators
p "hello" =~ /ll/, "hello" =~ /z/, /l+/ =~ "hello", /x/ !~ "y", /a/ === "cat", /a/.match("cat").begin(0), /(?<y>\d+)-(?<m>\d+)/.match("2024-05")[:y], /a/.match?("b"), nil =~ /x/, /x/ =~ nil, /a/ === nil, /a/ === :abc
### globals after a match
"John Smith" =~ /(\w+) (\w+)/
p $~[0], $1, $2, $3, $&, $`, $', $+, Regexp.last_match(1), Regexp.last_match.class
"zzz" =~ /a/
p $~, $1
### named groups assign locals
if /(?<year>\d{4})-(?<mon>\d\d)/ =~ "on 2024-05-01"
  p year, mon
end
m = "k=v".match(/(?<key>\w)=(?<val>\w)/)
p m[:key], m["val"], m.names, m.named_captures, m.to_a, m.captures, m.pre_match, m.values_at(1, 2), m.begin(:val), m.end("key"), m.offset(:key), m.size, m.string, m.regexp, m.to_s, m.inspect, m.deconstruct_keys([:key]), m.byteoffset(0) rescue p $!.class
### modifiers
p "A" =~ /a/i, "a\nb" =~ /a.b/, "a\nb" =~ /a.b/m, "ab" =~ /a b/x, /a # comment
 b/x.match("ab")[0], "A" =~ /(?i)a/, "aB" =~ /a(?i:b)/, "AB" =~ /a(?i:b)/, /x/i.options, /x/mix.inspect, /x/mix.to_s
### anchors
s = "one\ntwo\n"
p s =~ /^two/, s =~ /one$/, s =~ /\Atwo/, s =~ /two\Z/, s =~ /two\z/, s =~ /\Aone/, "ab" =~ /\bab\b/, "a b" =~ /a\Bb/, s.scan(/^\w+$/), "x\n" =~ /x$/, "foo.bar" =~ /\.bar\z/
### classes
p "a1_ é-".scan(/\w/), "a1".scan(/\d/), " \t\nx".scan(/\s/).size, "aF9g".scan(/\h/), "é".match?(/\p{L}/), "aé1".scan(/[[:alpha:]]/), "a1 ".scan(/[[:alnum:]]/), "A-b".scan(/[[:upper:]]/), "x.y".scan(/[[:punct:]]/), "a\u00a0b".scan(/[[:space:]]/).size, "AbC".scan(/[^a-z]/), "a]b".scan(/[\]]/), "a-b".scan(/[a\-]/), "éa".scan(/\W/), "é".match?(/\p{Alpha}/), "日".match?(/\p{Han}/), "aB".scan(/\p{Lower}/), "ab12".scan(/[a-z&&[^b]]/)
### quantifiers
p "aaa"[/a+?/], "aaa"[/a{2}/], "aaa"[/a{2,}/], "aaa"[/a{,2}/], "aab"[/a*b/], "abab"[/(ab)+/], "<<a>>"[/<.+>/], "<a><b>"[/<.+?>/], "aaa"[/a++/], "a{1}"[/a\{1\}/], "x{y}"[/x{y}/], "foobar"[/(?:foo)?bar/]
### groups and backreferences
p "abab" =~ /(ab)\1/, "aa bb"[/(\w)\1 (\w)\2/], "hello"[/(?<c>l)\k<c>/], "ab"[/(a)(b)?(c)?/, 3], "ab".match(/(a)(c)?/).to_a, "foobar"[/foo(?=bar)/], "foobaz"[/foo(?!bar)/], "price: 10"[/(?<=: )\d+/], "xbar"[/(?<!foo)bar/], "aaab"[/(?>a+)b/]
### special characters
p "a.b".match?(/a\.b/), "a/b" =~ /\//, "tab\t" =~ /\t/, "\\" =~ /\\/, "a\u00e9" =~ /\u00e9/, "x" =~ /\x78/, "a+b"[/a\+b/], "[x]"[/\[x\]/], "^$"[/\^\$/], "a#b"[/a#b/], "a\#{b}"[/\#\{b\}/], "(1)"[/\((\d)\)/, 1]
### interpolation
w = "l+"; re = /e(#{w})/
p "hello"[re], "hello"[/#{Regexp.escape("l")}l/], /#{re}o/.source, "a.c"[/#{Regexp.escape("a.c")}/], /a#{1}b/o.source
### regexp class methods
p Regexp.escape("a.b*c?[x]{1}(y)^$|\\ -\n\t#"), Regexp.union("a.b", /c|d/i), Regexp.union(%w[x y]), Regexp.union, Regexp.new("a+", Regexp::IGNORECASE), Regexp.new("a", true).options, Regexp.new(/x/i), /a/ == Regexp.new("a"), Regexp.quote("+"), /(?<n>a)(?<m>b)/.names, /a/.source, /a\/b/.source, %r{a/b}.source, /(?<n>a)/.named_captures, Regexp.new("x", Regexp::EXTENDED | Regexp::MULTILINE).inspect, /a/.hash == /a/.hash, /a/.eql?(/a/), /a/.casefold?, /a/.frozen?
begin; Regexp.new("("); rescue RegexpError => e; p e.class; end
begin; Regexp.new("[a"); rescue RegexpError => e; p e.class; end
### scan variants
p "a1b22c".scan(/[a-z]\d*/), "k1=v1&k2=v2".scan(/(\w+)=(\w+)/), "aaa".scan(/aa/), "abc".scan(/(?=(..))/), "test".scan(/t/) { |m| print m }, "one two".scan(/\w+/).map(&:capitalize), "a,b;c".scan(/[^,;]+/), "".scan(/x*/), "ab".scan(//)
### split with regexps
p "a1b2c".split(/\d/), "a1b2c".split(/(\d)/), "a b  c".split(/\s+/), " a b".split(/\s+/), "abc".split(//), "a,b, c".split(/,\s*/), "2024-05-01".split("-", 2), "a||b".split("|"), "aXbxc".split(/x/i), "one1two2".split(/\d/, -1), "a\nb\r\nc".split(/\r?\n/)
### gsub with everything
p "hello world".gsub(/o(?<n>.)?/) { "[#{$~[:n]}]" }, "path/to/file".gsub(%r{/}, "::"), "CamelCaseString".gsub(/([A-Z])/) { "_" + $1.downcase }.sub(/^_/, ""), "snake_case_here".gsub(/_(\w)/) { $1.upcase }, "a b c".gsub(/\s/, " " => "_"), "x-y".gsub(/(\w)-(\w)/, '\2-\1'), "aaa".gsub(/a/).with_index { |m, i| "#{m}#{i}" }, "tel: 555-1234".gsub(/\d/, "#"), "hello".gsub(/[el]/, "e" => 3, "l" => "L"), "abc".gsub(/(?<first>a)/, '<\k<first>>'), "a.b".gsub(".") { |m| "\\#{m}" }, "quote'd".gsub("'", %q(\\\')), "x".gsub(/x/, "\\\\0"), "ab".gsub(/b/, "[\\0]"), "ab".gsub(/(a)(b)/, "\\2\\1")
### sub chains used in recipes
p "git@github.com:user/repo.git".sub(/.*:/, "").sub(/\.git$/, ""), "refs/heads/main".split("/").last, "v1.2.3-rc1"[/\d+(\.\d+)*/], "release 20240101120000"[/\d{14}/], "host:22" =~ /:(\d+)$/ && $1.to_i, "  * main\n  dev"[/\* (.*)/, 1], "ruby 3.1.2p20 (2022)"[/ruby ([\d.]+)/, 1], "abc123def"[/\d+/].to_i, "https://x.y/z?q=1".sub(%r{^https?://}, "").split(%r{[/?]})
### match with block position
p "abcabc".match(/b/, 2)&.begin(0), "abc".match(/z/) { |m| 1 }, "abc".match(/b/) { |m| m[0] * 2 }, "foo bar".match(/(?<a>\w+) (?<b>\w+)/).then { |m| m[:b] + m[:a] }
### string methods that take regexps
p "hello"[/l+/], "hello".slice(/e./), "hello".index(/l/), "hello".rindex(/l/), "hello".start_with?(/he/), "hello".partition(/l+/), "hello".rpartition(/l/), "hello".delete_suffix("lo"), "a1b2".tr("0-9", ""), "hello".sub!(/z/, ""), "hello".count("l"), "x1y2".each_char.grep(/\d/), %w[apple bob].grep(/pp/), %w[a1 b2].grep(/(\d)/) { $1 }, %w[a b].grep_v(/a/), "hello" !~ /z/
### case with regexps sets groups
case "deploy:production"
when /^deploy:(\w+)$/ then p $1, $~.post_match
end
case "x"
when /y/ then 1
else p $~
end
### multiline x flags
re = /
  (\d+)   # number
  \s*
  (px|em) # unit
/x
p "10 px".match(re).captures, re.match("5em")[2], "a b" =~ /a\ b/x, "a#b" =~ /a\#b/x
### conditional and possessive leftovers
p "2024-01-02".match(/(\d+)-(\d+)-(\d+)/).captures.map(&:to_i), "aabbcc".gsub(/(.)\1/, '\1'), "a--b".squeeze("-"), "key: value # c"[/^(\w+):\s*(.*?)\s*#/, 2], "x=1;y=2".scan(/(\w)=(\d)/).to_h.transform_values(&:to_i), "ab\ncd".lines.grep(/c/), "%d" =~ /%/
### encoding of patterns
p "日本語"[/本/], "日本語" =~ /語/, "naïve".gsub(/ï/, "i"), "ÀÉ".downcase =~ /é/, "über".match?(/\Aü/i), "Ü" =~ /ü/i
