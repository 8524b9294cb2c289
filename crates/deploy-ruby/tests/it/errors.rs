//! Errors as a person sees them.

use crate::error_of;

#[test]
fn a_call_on_nil_points_at_the_method() {
    let text = "name = nil\nputs name.upcase\n";
    assert_eq!(
        error_of(text),
        "test.rb:2:11: error: nil has no method `upcase` here\n  puts name.upcase\n            ^^^^^^"
    );
}

#[test]
fn the_column_counts_characters_and_the_chain_is_told() {
    let text = "def helper(x)\n  x + nil\nend\nputs \"é\"; helper(1)\n";
    let expected = "test.rb:2:5: error: nil can't be coerced into Integer (TypeError)\n    x + nil\n      ^\nnote: in `helper`, called from test.rb:4:11";
    assert_eq!(error_of(text), expected);
}

#[test]
fn an_unknown_word_suggests_near_ones() {
    let expected = "test.rb:2:6: error: unknown variable, task or method `aplication`\n  puts aplication\n       ^^^^^^^^^^\nnote: did you mean `application`?";
    assert_eq!(error_of("application = 1\nputs aplication\n"), expected);
}

#[test]
fn an_unknown_method_suggests_near_ones_and_knows_active_support() {
    assert!(error_of("'a'.upcas").contains("note: did you mean `upcase`?"));
    assert!(error_of("'a'.titleize").contains("String has no method `titleize` here (it comes from ActiveSupport)"));
}

#[test]
fn a_syntax_error_names_the_opener_without_end() {
    let shown = error_of("task :a do\n  puts 1\n");
    assert!(shown.contains("test.rb:1:9: error:") || shown.contains("test.rb:3:1: error:"), "{shown}");
    assert!(shown.contains("end"), "{shown}");
}

#[test]
fn syntax_outside_the_language_is_an_error_only_when_reached() {
    assert_eq!(crate::value_of("if false\n 1 => x\nend\n1"), "1");
    let shown = error_of("x = 1\nundef puts\n");
    assert!(shown.starts_with("test.rb:2:1: error: `undef` is outside the language here"), "{shown}");
}

#[test]
fn every_unsupported_place_is_listed() {
    let interp = deploy_ruby::Interp::new(
        std::rc::Rc::new(deploy_ruby::NoHost),
        std::rc::Rc::new(deploy_ruby::MemoryEffects::new()),
    );
    let tree = interp
        .parse("a.rb", "undef puts\nx = 1\ncase x\nin 1 then 2\nend\nclass A\n  def b = [1].each { redo }\nend\n")
        .unwrap();
    let lines: Vec<String> =
        interp.unsupported(&tree).iter().map(|d| format!("{} {}", d.position.as_ref().unwrap(), d.message)).collect();
    let expected = [
        "a.rb:1:1 `undef` is outside the language here",
        "a.rb:3:1 pattern matching is outside the language here",
        "a.rb:7:22 `redo` is outside the language here",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn every_construct_outside_the_language_has_its_own_message() {
    for (program, message) in [
        ("class String; def shout; end; end", "a change of String, which is built in, is outside"),
        ("class A < String; end", "a class below String is outside"),
        ("class A < StandardError; def message; end; end", "a method of an exception class is outside"),
        ("Class.new(String)", "a class below String without a name is outside"),
        ("A = 1\nclass A; end", "A is not a class"),
        ("module M; end\nclass M; end", "M is not a class"),
        ("def f = super\nf", "super called outside of method"),
        ("@@x", "class variable access from toplevel"),
        ("@@x = 1", "class variable access from toplevel"),
        ("class A; def f = @@x; end\nA.new.f", "uninitialized class variable @@x in A"),
        ("$stdin.readline", "end of file reached"),
        ("class A; def f = super; end\nA.new.f", "no superclass method `f'"),
        ("class A; prepend Comparable; end", "`prepend` of a module is outside"),
        ("alias $a $b", "an alias of a global variable is outside"),
        ("undef puts", "`undef` is outside"),
        ("case 1\nin Integer then 2\nend", "pattern matching is outside"),
        ("1 => x", "pattern matching is outside"),
        ("x = (1 in Integer)", "pattern matching is outside"),
        ("(1..9).each { |x| p x if (x == 2)..(x == 4) }", "a flip-flop is outside"),
        ("BEGIN { p 1 }", "`BEGIN` is outside"),
        ("END { p 1 }", "`END` is outside"),
        ("[1].each { redo }", "`redo` is outside"),
        ("3r", "a rational number is outside"),
        ("2i", "an imaginary number is outside"),
        ("eval('1')", "`eval` of a string is outside"),
        ("instance_eval('1')", "`eval` of a string is outside"),
        ("Object.new.instance_eval('1')", "instance_eval of a string is outside"),
        ("fork { }", "`fork` is outside"),
        ("include Comparable2", "unknown constant Comparable2"),
        ("include Enumerable", "`include` of a module is outside"),
        ("extend Enumerable", "`extend` of a module is outside"),
        ("{}.compare_by_identity", "`compare_by_identity` is outside"),
        ("Thread.new { }", "`Thread` is outside"),
        ("Fiber.new { }", "`Fiber` is outside"),
        ("ObjectSpace.each_object { }", "`ObjectSpace` is outside"),
        ("Marshal.load('x')", "`Marshal` is outside"),
        ("Net::HTTP.get('x')", "run a command such as `curl`"),
        ("Rails.root", "recipes run without the application"),
        ("2 ** 64", "integer beyond 64 bits"),
    ] {
        let shown = error_of(program);
        assert!(shown.contains(message) && shown.starts_with("test.rb:"), "{program}: {shown}");
    }
}

#[test]
fn unknown_constants_and_files() {
    assert!(error_of("Rails.env").starts_with("test.rb:1:1: error: unknown constant Rails"));
    assert!(error_of("require 'nonesuch'").contains("cannot load such file -- nonesuch"));
    assert_eq!(crate::value_of("[require('json'), require('json')]"), "[true, false]");
}

#[test]
fn exit_and_abort_carry_their_status() {
    let effects = std::rc::Rc::new(deploy_ruby::MemoryEffects::new());
    let error =
        crate::eval(&effects, "begin; exit 3; rescue => e; puts 'no'; ensure; puts 'ensured'; end").unwrap_err();
    assert_eq!((error.exit_status, error.diagnostics.len(), effects.stdout().as_str()), (Some(3), 0, "ensured\n"));
    let error = crate::eval(&effects, "abort 'stop'").unwrap_err();
    assert_eq!((error.exit_status, effects.stderr().as_str()), (Some(1), "stop\n"));
}
