//! Runaway programs end in errors.

use crate::{error_of, eval, on_big_stack};
use deploy_ruby::{Interp, Limits, MemoryEffects, NoHost};
use proptest::prelude::*;
use std::rc::Rc;

#[test]
fn deep_recursion_is_an_error_on_the_documented_stack() {
    for program in [
        "def f(n) = 1 + f(n + 1)\nf(0)",
        "f = ->(n) { [n].each { |x| f.call(x + 1) } }\nf.call(0)",
        "def g(n)\n  [1].map { |x| [x].map { |y| begin; case y when Integer then \"#{[*[g(n + 1)]].first}\" end; ensure; n; end } }\nend\ng(0)",
        "h = Hash.new { |hash, k| hash[k + 1] }\nh[0]",
        "class A; def f = [1].map { f }; end\nA.new.f",
        "class A; def method_missing(name, *) = other; end\nA.new.f",
        "class A; def self.f = new.g\n def g = self.class.f; end\nA.f",
        "def m(x) = x.instance_exec { m(x) }\nm(Object.new)",
    ] {
        let shown = on_big_stack(move || error_of(program));
        assert!(shown.contains("stack level too deep"), "{program}: {shown}");
    }
}

#[test]
fn objects_that_show_or_compare_themselves_without_end_do_not_crash() {
    for program in [
        "class A; def to_s = [self].join; end\n\"#{A.new}\".size",
        "class A; def inspect = [self, self].inspect; end\nA.new.inspect.size",
        "class A; def ==(o) = [self] == [o]; end\nA.new == A.new",
        "class A; def <=>(o) = [self, o].sort.size; end\n[A.new, A.new].sort.size",
        "class A; def hash = { self => 1 }.size\n def eql?(o) = o.eql?(self); end\n{ A.new => 1, A.new => 2 }.size",
        "class A; def f(n) = n > 0 ? f(n - 1) : [self].join\n def to_s = f(95); end\ndef g(n) = n > 0 ? g(n - 1) : [A.new].join.size\ng(900)",
        "module M; include self rescue nil; extend self; def f = 1; end\nclass B; include M; include M; end\nB.new.f + M.f",
    ] {
        on_big_stack(move || {
            let _ = eval(&Rc::new(MemoryEffects::new()), program);
        });
    }
}

#[test]
fn recursion_below_the_limit_works() {
    assert_eq!(on_big_stack(|| crate::value_of("def f(n) = n == 0 ? 0 : 1 + f(n - 1)\nf(900)")), "900");
}

#[test]
fn deeply_nested_text_does_not_crash() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{a: ", "}"), ("!", ""), ("-> { ", " }"), ("if 1 then ", " end"), ("\"#{", "}\"")]
    {
        let text = format!("{}1{}", open.repeat(5000), close.repeat(5000));
        on_big_stack(move || {
            let _ = eval(&Rc::new(MemoryEffects::new()), &text);
        });
    }
}

#[test]
fn values_nested_deeply_are_dropped_and_shown() {
    assert_eq!(on_big_stack(|| crate::value_of("a = []\n100_000.times { a = [a] }\na.inspect.size > 0")), "true");
    assert_eq!(crate::value_of("a = [1]; a << a; [a, a == a, a.inspect]"), "[[1, [...]], true, \"[1, [...]]\"]");
}

#[test]
fn endless_programs_run_out_of_fuel() {
    for program in [
        "loop { }",
        "while true; end",
        "1.upto(Float::MAX.to_i) { }",
        "begin; raise 'x'; rescue; retry; end",
        "[1].cycle { }",
        "(1..).each { }",
    ] {
        let interp = Interp::with_limits(
            Rc::new(NoHost),
            Rc::new(MemoryEffects::new()),
            Limits { fuel: Some(100_000), ..Limits::default() },
        );
        let cx = interp.context();
        let unwind = crate::block_on(interp.eval_file(&cx, "t.rb", program, interp.main())).unwrap_err();
        let shown = interp.error(unwind).to_string();
        assert!(shown.contains("more steps than it is allowed") || shown.contains("64 bits"), "{program}: {shown}");
    }
}

#[test]
fn huge_results_are_refused() {
    for program in [
        "'a' * 10**12",
        "[1] * 10**12",
        "(1..10**15).to_a",
        "'x'.ljust(10**12)",
        "'%099999999999d' % 1",
        "Array.new(10**12)",
        "a = []; a[10**12] = 1",
    ] {
        let shown = error_of(program);
        assert!(shown.contains("too big") || shown.contains("64 bits"), "{program}: {shown}");
    }
    assert!(error_of("9223372036854775807 + 1").contains("integer beyond 64 bits"));
    assert!(error_of("2 ** 64").contains("integer beyond 64 bits"));
}

/// Pieces of programs, so that many random ones parse.
const PIECES: &[&str] = &[
    "a",
    "b",
    " = ",
    "1",
    "2.5",
    "\"s#{",
    "}\"",
    "'t'",
    ":sym",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    " do |x| ",
    " end\n",
    "\n",
    ";",
    ".each",
    ".map",
    " + ",
    " * ",
    " << ",
    "if ",
    "unless ",
    " then ",
    " else ",
    "while false do ",
    "def f(a, *b, k: 1) ",
    "f(",
    ", ",
    "nil",
    "->(x) { ",
    "begin ",
    " rescue ",
    " ensure ",
    "case a when ",
    "%w[a b]",
    "/x(.)/",
    " =~ ",
    "puts ",
    "p ",
    "self",
    ".first",
    ".to_s",
    ".send(:",
    "*",
    "&",
    "@i",
    "||= ",
    "return ",
    "break ",
    "next ",
    "class A\n",
    "class << self\n",
    "module M\n",
    "class B < A\n",
    "include M\n",
    "extend self\n",
    "attr_accessor :a\n",
    "def a(*b, **c)\n",
    "super",
    "super()",
    "@@a",
    "A.new",
    "Struct.new(:a)",
    "private\n",
    "yield ",
    "x",
    "raise ",
    "..",
    "<<~E\n",
    "E\n",
    "é",
    "\\",
    "?",
    "!",
    "$1",
    "ENV['A']",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        run_quietly(String::from_utf8_lossy(&bytes).into_owned());
    }

    #[test]
    fn no_program_panics(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        run_quietly(pieces.concat());
    }
}

fn run_quietly(text: String) {
    on_big_stack(move || {
        let interp = Interp::with_limits(
            Rc::new(NoHost),
            Rc::new(MemoryEffects::new()),
            Limits { fuel: Some(20_000), ..Limits::default() },
        );
        let cx = interp.context();
        if let Err(unwind) = crate::block_on(interp.eval_file(&cx, "t.rb", &text, interp.main())) {
            let _ = interp.error(unwind).to_string();
        }
    });
}
