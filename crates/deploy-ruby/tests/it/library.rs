//! The standard library: ERB, YAML, JSON and the small ones.

use crate::{eval, value_of};
use deploy_ruby::MemoryEffects;
use std::rc::Rc;

fn shows(program: &str, expected: &str) {
    assert_eq!(value_of(program), expected, "{program}");
}

#[test]
fn erb_renders_in_the_scope_of_the_caller() {
    shows("x = 3; ERB.new('a<%= x + 1 %>b').result(binding)", "\"a4b\"");
    shows(
        "ERB.new(\"<% 2.times do |i| -%>\\n  n<%= i %>\\n<% end -%>\\nend\", trim_mode: '-').result(binding)",
        "\"  n0\\n  n1\\nend\"",
    );
    shows("ERB.new(\"<% if true %>\\nyes\\n<% end %>\\nz\", nil, '<>').result(binding)", "\"yes\\nz\"");
    shows("ERB.new('<%# note %><%% <%= \"é\" %>').result", "\"<% é\"");
    shows("@iv = 7; ERB.new('<%= @iv %>').result", "\"7\"");
    shows("ERB.new('<%= a %>-<%= b %>').result_with_hash(a: 1, b: 'x')", "\"1-x\"");
    let error = crate::error_of("ERB.new(\"one\\n<%= nonesuch %>\\n\").result(binding)");
    assert!(error.starts_with("(erb):2:"), "{error}");
    assert!(error.ends_with("note: in a template, called from test.rb:1:35"), "{error}");
}

#[test]
fn yaml_is_read_as_psych_reads_it() {
    shows(
        "YAML.load(\"a: 1\\nb: [x, 2.5, yes, ~]\\n:c: :sym\\nd: '1'\\n\")",
        "{\"a\"=>1, \"b\"=>[\"x\", 2.5, true, nil], :c=>:sym, \"d\"=>\"1\"}",
    );
    shows("YAML.load(\"base: &b\\n  x: 1\\n  y: 2\\nuse:\\n  <<: *b\\n  y: 3\\n\")['use']", "{\"x\"=>1, \"y\"=>3}");
    shows("YAML.load(\"t: |\\n  one\\n  two\\nf: >-\\n  a\\n  b\\n\")", "{\"t\"=>\"one\\ntwo\\n\", \"f\"=>\"a b\"}");
    shows("YAML.load('a: 1', symbolize_names: true)", "{:a=>1}");
    shows(
        "[YAML.load(''), YAML.load('0x1f'), YAML.load('017'), YAML.load('1_000'), YAML.load('1.5.2'), YAML.load('\"a\\tb\"')]",
        "[nil, 31, 15, 1000, \"1.5.2\", \"a\\tb\"]",
    );
    shows("begin; YAML.load('a: [1'); rescue Psych::SyntaxError => e; e.class; end", "Psych::SyntaxError");
    shows("begin; YAML.load('--- !ruby/object:Foo {}'); rescue Psych::DisallowedClass => e; 1; end", "1");
    shows(
        "{'a' => 1, :b => [1, 'yes', nil], 'c' => {'d' => \"x\\ny\\n\"}, 'e' => []}.to_yaml",
        "\"---\\na: 1\\n:b:\\n- 1\\n- 'yes'\\n-\\nc:\\n  d: |\\n    x\\n    y\\ne: []\\n\"",
    );
    shows("[{'a' => 1, 'b' => 2}, 'c'].to_yaml", "\"---\\n- a: 1\\n  b: 2\\n- c\\n\"");
    let effects = Rc::new(MemoryEffects::new());
    effects.add_file("/db.yml", "production:\n  adapter: mysql2\n");
    assert_eq!(eval(&effects, "YAML.load_file('/db.yml')['production']['adapter']").unwrap().inspect(), "\"mysql2\"");
}

#[test]
fn json_both_ways() {
    shows("JSON.parse('{\"a\": [1, 2.5, null, true, \"x\"]}')", "{\"a\"=>[1, 2.5, nil, true, \"x\"]}");
    shows("JSON.parse('{\"a\": {\"b\": 1}}', symbolize_names: true)", "{:a=>{:b=>1}}");
    shows(
        "[{a: 1, 'b' => [nil, :s]}.to_json, JSON.generate([1, 'é']), 'x'.to_json]",
        "[\"{\\\"a\\\":1,\\\"b\\\":[null,\\\"s\\\"]}\", \"[1,\\\"é\\\"]\", \"\\\"x\\\"\"]",
    );
    shows("JSON.pretty_generate(a: [1])", "\"{\\n  \\\"a\\\": [\\n    1\\n  ]\\n}\"");
    shows("begin; JSON.parse('{'); rescue JSON::ParserError; 'bad'; end", "\"bad\"");
}

#[test]
fn digests_and_encodings() {
    shows("Digest::MD5.hexdigest('abc')", "\"900150983cd24fb0d6963f7d28e17f72\"");
    shows("Digest::SHA1.hexdigest('abc')", "\"a9993e364706816aba3e25717850c26c9cd0d89d\"");
    shows("Digest::SHA256.hexdigest('abc')[0, 16]", "\"ba7816bf8f01cfea\"");
    shows("[Base64.strict_encode64('hello'), Base64.decode64('aGVsbG8=')]", "[\"aGVsbG8=\", \"hello\"]");
    shows("[SecureRandom.hex(4).size, SecureRandom.uuid.size]", "[8, 36]");
    shows(
        "[Shellwords.split(%q{a 'b c' \"d e\" f\\ g}), %w[a b\\ c].shelljoin, 'x y'.shellescape]",
        "[[\"a\", \"b c\", \"d e\", \"f g\"], \"a b\\\\ c\", \"x\\\\ y\"]",
    );
}

#[test]
fn small_classes() {
    shows(
        "require 'set'; s = Set.new([1, 2, 2]); s << 3; [s.size, s.include?(2), s.map { |x| x * 2 }, s | [9], s.subset?(Set[1, 2, 3, 4])]",
        "[3, true, [2, 4, 6], #<Set: {1, 2, 3, 9}>, true]",
    );
    shows(
        "o = OpenStruct.new(a: 1); o.b = 2; [o.a, o.b, o[:a], o.nope, o.respond_to?(:b), o.to_h]",
        "[1, 2, 1, nil, true, {:a=>1, :b=>2}]",
    );
    shows(
        "[Gem::Version.new('1.10') > Gem::Version.new('1.9'), Gem::Version.new('3.1') <=> Gem::Version.new('3.1.0'), Gem::Requirement.new('~> 2.0').satisfied_by?(Gem::Version.new('2.5'))]",
        "[true, 0, true]",
    );
    shows(
        "u = URI.parse('https://me@example.com:8080/a/b?q=1#f'); [u.host, u.port, u.path, u.query, u.user, u.scheme, u.to_s]",
        "[\"example.com\", 8080, \"/a/b\", \"q=1\", \"me\", \"https\", \"https://me@example.com:8080/a/b?q=1#f\"]",
    );
    shows(
        "[URI.join('http://a/b/c', 'd').to_s, URI.encode_www_form_component('a b&c')]",
        "[\"http://a/b/d\", \"a+b%26c\"]",
    );
    shows(
        "io = StringIO.new; io.puts 'a'; io << 'b'; io.print 1, 2; io.rewind; [io.gets, io.read, io.string]",
        "[\"a\\n\", \"b12\", \"a\\nb12\"]",
    );
    shows(
        "f = Tempfile.new('x'); f.write('hi'); f.close; r = File.read(f.path); at = f.path; f.unlink; [r, File.exist?(at)]",
        "[\"hi\", false]",
    );
    shows("[Pathname.new('/a') + 'b' / 'c', \"#{Pathname.new('/a').join('..', 'x')}\"] rescue 'no'", "\"no\"");
    shows(
        "p = Pathname.new('/a'); [(p + 'b').to_s, (p / '../c').to_s, p.join('d', 'e.rb').basename.to_s, p == Pathname.new('/a'), File.join(p, 'z')]",
        "[\"/a/b\", \"/c\", \"e.rb\", true, \"/a/z\"]",
    );
}

#[test]
fn dotenv_fills_the_environment() {
    let effects = Rc::new(MemoryEffects::new());
    effects.add_file("/.env", "A=1\nexport B=\"two words\" # c\n# no\nHOME=/x\n");
    assert_eq!(
        eval(&effects, "Dotenv.load; [ENV['A'], ENV['B'], ENV['HOME']]").unwrap().inspect(),
        "[\"1\", \"two words\", \"/home/user\"]"
    );
}
