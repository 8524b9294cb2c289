### yaml load
require "yaml"
p YAML.load("a: 1\nb: [x, 2.5, true, ~, null]\nc: {d: e}\n"), YAML.load("- 1\n- two\n- :sym\n- '3'\n- \"4\\n\"\n"), YAML.load("a: |\n  x\n  y\nb: >\n  p\n  q\nc: |-\n  z\n"), YAML.load("1: one\ntrue: yes\n"), YAML.load("--- foo"), YAML.load("a: !!str 1\nb: 0x1f\nc: 1_000\nd: 1e3\ne: .inf\nf: 017\ng: 1:30\n"), YAML.load("x: 2024-01-02x\ny: 1.2.3\n"), YAML.load("a:\n  - b: 1\n    c: 2\n  - d\n"), YAML.load("a: 'it''s'\nb: \"\\u00e9\\t\"\n"), YAML.load(""), YAML.load("# only comment\n"), YAML.load("k: v # c\n"), YAML.load("a: yes\nb: no\nc: on\nd: off\n")
### yaml aliases and merges
require "yaml"
p YAML.load("base: &b\n  x: 1\nuse:\n  <<: *b\n  y: 2\nl: *b\n", aliases: true)
require "yaml"
p YAML.load("base: &b {x: 1}\nuse: {<<: *b, y: 2}\n", aliases: true)["use"]
### yaml load errors
require "yaml"
begin; YAML.load("a: [1"); rescue Psych::SyntaxError => e; p e.class; end
begin; YAML.load_file("nope.yml"); rescue Errno::ENOENT => e; p e.class; end
begin; YAML.load("--- !ruby/object:Object {}"); rescue Psych::DisallowedClass => e; p e.class; end
### yaml load options
require "yaml"
p YAML.load("a: 1", symbolize_names: true), YAML.safe_load("a: [1]"), YAML.safe_load("a: :b", permitted_classes: [Symbol]), YAML.safe_load("- x"), YAML.unsafe_load("a: :s")
### yaml dump
require "yaml"
puts({ "a" => 1, :b => [1, "two", nil, true, 2.5], "c" => { "d" => {} }, "e" => [], "f" => "multi\nline\n", "g" => "yes", "h" => "1", "i" => "", "j" => ":x", "k" => "a: b", "l" => "#c", "m" => " lead", "n" => "it's", "o" => "null", "p" => "2024-01-01", "q" => "é", "r" => "x" * 10, "s" => :sym, "t" => "- x", "u" => "a\tb", "v" => "~", "w" => "@at", "x" => "%p", "y" => "*s", "z" => "!t" }.to_yaml)
puts [1, [2, [3]], { "x" => [{ "y" => 1 }] }].to_yaml, "str".to_yaml, nil.to_yaml, YAML.dump("a" => 1), 1.5.to_yaml, :s.to_yaml, [].to_yaml, {}.to_yaml
### json generate
require "json"
puts({ a: 1, "b" => [nil, true, 2.5, "x\"y\n", :s, { c: {} }], "é" => "ü" }.to_json, [1, "a", nil].to_json, "str".to_json, nil.to_json, 1.to_json, JSON.generate({ "a" => [1] }), JSON.dump([1]), { 1 => 2, nil => 3 }.to_json, "</script>".to_json, "\u0001\t\\".to_json, [].to_json, {}.to_json)
### json pretty
require "json"
puts JSON.pretty_generate({ "a" => 1, "b" => [1, [2]], "e" => { "f" => nil } }), JSON.pretty_generate([1, { "a" => 2 }])
### json parse
require "json"
p JSON.parse('{"a": [1, 2.5, -3e2, null, true, "x\\u00e9\\n\\"/"], "b": {}}'), JSON.parse("[]"), JSON.parse('"s"'), JSON.parse("12"), JSON.parse('{"a":1}', symbolize_names: true), JSON.parse(" [1 , 2] "), JSON.parse("null"), JSON.parse('{"a":1,"a":2}'), JSON.load("[1]"), JSON.parse('{"big": 12345678901}')
begin; JSON.parse("{"); rescue JSON::ParserError => e; p e.class; end
begin; JSON.parse(""); rescue JSON::ParserError => e; p e.class; end
begin; JSON.parse("{'a': 1}"); rescue JSON::ParserError => e; p e.class; end
begin; JSON.generate(Float::NAN); rescue JSON::GeneratorError => e; p e.class; end
### erb
require "erb"
x = [1, 2]
puts ERB.new("a <%= x.size %> b<%# c %> <%% d\n").result(binding), ERB.new("<% x.each do |i| %>i=<%= i %> <% end %>\n").result(binding), ERB.new("<% x.each do |i| -%>\n<%= i %>\n<% end -%>\nend\n", trim_mode: "-").result(binding), ERB.new("<% if true %>\nyes\n<% end %>\n", trim_mode: "<>").result(binding), ERB.new("<% if true %>\nyes\n<% else %>\nno\n<% end %>\n", trim_mode: ">").result(binding), ERB.new("% x.each do |i|\n<%= i %>!\n% end\n%% lit\n", trim_mode: "%").result(binding), ERB.new("  <%- x.each do |i| -%>\n  v<%= i -%>\n  <%- end -%>\n", trim_mode: "-").result(binding), ERB.new("<%= a + b %>").result_with_hash(a: 1, b: 2)
puts ERB::Util.html_escape("<a href='x'>&\"</a>"), ERB::Util.url_encode("a b/é"), ERB.new("é <%= 'ü' %>").result, ERB.new("<%= '%>' %>").src.class
### securerandom digest base64
require "securerandom"; require "digest"; require "base64"
p SecureRandom.hex(4).size, SecureRandom.hex.size, SecureRandom.uuid =~ /\A\h{8}-\h{4}-4\h{3}-[89ab]\h{3}-\h{12}\z/, SecureRandom.random_number(5).between?(0, 4), SecureRandom.alphanumeric(6).size, SecureRandom.urlsafe_base64.class, SecureRandom.base64(3).size, SecureRandom.random_bytes(3).bytesize
p Digest::MD5.hexdigest("a"), Digest::SHA1.hexdigest("a"), Digest::SHA256.hexdigest("a"), Digest::SHA256.digest("a").bytesize, Digest::MD5.base64digest("a"), Digest::SHA256.new.update("a").hexdigest[0, 8], (Digest::MD5.new << "a" << "b").to_s, Digest::SHA512.hexdigest("a")[0, 8]
p Base64.encode64("hello" * 12), Base64.strict_encode64("hi"), Base64.decode64("aGk=\n"), Base64.urlsafe_encode64("??>>"), Base64.urlsafe_decode64("Pz8-Pg=="), Base64.strict_decode64("aGk=")
begin; Base64.strict_decode64("x!"); rescue ArgumentError => e; p e.class; end
### set
require "set"
s = Set.new([3, 1, 2, 1])
p s, s.size, s.include?(2), s.add(4), s.add?(4), s << 5, s.delete(5), s | [9], s & [1, 9], s - [1], s ^ [1, 7], s.to_a, s.map { |x| x * 2 }, s.subset?(Set[1, 2, 3, 4, 5]), s.superset?(Set[1]), s.disjoint?([8]), s == Set[1, 2, 3, 4], s.min, s.sort, s.empty?, s.first, s.group_by(&:odd?), s.partition(&:even?), s.select(&:even?), s.reject(&:even?), s.any? { |x| x > 3 }, s.sum, s.each { }.class, s.dup.merge([7, 8]), s.delete_if(&:even?), s, s.to_set.equal?(s), s.frozen?, s.join("-"), Set[[1, 2]].include?([1, 2]), s.intersect?([1]), s.length, Set[1] <= Set[1, 2], Set[1, 2] > Set[1], Set[3, 4].include?(3), s === 1, s.clear, Set[1, [2]].flatten, Set[1, nil].inspect
### ostruct
require "ostruct"
o = OpenStruct.new(a: 1, "b" => 2)
o.c = 3; o[:d] = 4
p o.a, o.b, o.c, o[:d], o["a"], o.zzz, o.respond_to?(:a), o.to_h, o, o == OpenStruct.new(a: 1, b: 2, c: 3, d: 4), o.dig(:a), o.each_pair.to_a, o.delete_field(:a), o.a, OpenStruct.new.to_h
o.list = [1]; o.list << 2
p o.list
### gem versions
p Gem::Version.new("1.10") > Gem::Version.new("1.9"), Gem::Version.new("2.0.0.rc1") < Gem::Version.new("2.0.0"), Gem::Version.new("1.2.3").segments, Gem::Version.new("1.2.3").to_s, Gem::Version.new("3.1") <=> Gem::Version.new("3.1.0"), Gem::Version.new("1.0") == Gem::Version.new("1.0.0"), Gem::Version.new("1.2.3").bump.to_s, Gem::Version.new("1.0.a").prerelease?, Gem::Requirement.new("~> 2.1").satisfied_by?(Gem::Version.new("2.9")), Gem::Requirement.new(">= 1", "< 2").satisfied_by?(Gem::Version.new("2.0")), Gem::Version.new(RUBY_VERSION) >= Gem::Version.new("2.0"), %w[1.10 1.9 1.2].map { |v| Gem::Version.new(v) }.max.to_s
begin; Gem::Version.new("x y"); rescue ArgumentError => e; p e.class; end
### uri
require "uri"
u = URI.parse("https://me:pw@example.com:8080/a/b.html?q=1&r=2#frag")
p u.scheme, u.host, u.port, u.path, u.query, u.fragment, u.user, u.password, u.userinfo, u.to_s, URI("http://x.y").port, URI("https://x.y").port, URI.join("http://a/b/", "c").to_s, URI.join("http://a/b", "/c").to_s, URI.encode_www_form(a: 1, b: "x y"), URI.encode_www_form_component("a b&é"), URI.decode_www_form_component("a+b%26"), URI.decode_www_form("a=1&b=2"), URI("http://x/a b".gsub(" ", "%20")).path, URI.parse("http://x").path, URI("git://host/x.git").host, URI.parse("http://a.b") == URI.parse("http://a.b"), URI("mailto:x@y.z").scheme
begin; URI.parse("http://a b"); rescue URI::InvalidURIError => e; p e.class; end
### logger and shellwords and misc
require "logger"; require "shellwords"; require "timeout"; require "benchmark"; require "etc"; require "socket"
p Logger::INFO, Logger::DEBUG < Logger::ERROR, Shellwords.join(["a b", "c"]), "a 'b c' d".shellsplit, %w[x y\ z].shelljoin, Timeout.timeout(5) { 3 }, Benchmark.realtime { 1 }.class, Etc.getlogin.class, Socket.gethostname.class, RUBY_VERSION.split(".").size, RUBY_PLATFORM.class, RUBY_ENGINE, __FILE__.class, Process.pid.class, Process.clock_gettime(Process::CLOCK_MONOTONIC).class, ARGV, $PROGRAM_NAME.class, GC.start
### require returns
p require("json").class, (require "set"; require "set"), (begin; require "no_such_lib_x"; rescue LoadError => e; [e.message, e.path]; end)
### pp and puts of structures
require "pp"
pp [1, { a: "x" * 10 }], "s", nil
puts [[], [nil], [[]]].inspect, [nil].to_s
puts nil.to_a.inspect, [nil], [[], []]
$stderr.puts "not seen"; warn "nor this"
STDOUT.puts "seen"; $stdout.flush; STDOUT.sync = true
p $stdout.tty?.class, $stdin.class, STDIN.fileno, $stdout == STDOUT
### dotenv like parsing
text = "A=1\n# c\nexport B='two words'\n\nC=\"x\\ny\"\n"
vars = text.lines.map(&:strip).reject { |l| l.empty? || l.start_with?("#") }.map { |l| l.sub(/^export /, "").split("=", 2) }.to_h.transform_values { |v| v.gsub(/\A['"]|['"]\z/, "") }
p vars
