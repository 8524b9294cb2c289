//! Whole programs beside the outputs that Ruby gives them.

use crate::{eval, on_big_stack};
use deploy_ruby::MemoryEffects;
use std::path::Path;
use std::rc::Rc;

fn check(name: &'static str) {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let text = std::fs::read_to_string(base.join(format!("{name}.rb"))).unwrap();
    let expected = std::fs::read_to_string(base.join(format!("{name}.out"))).unwrap();
    let printed = on_big_stack(move || {
        let effects = Rc::new(MemoryEffects::new());
        eval(&effects, &text).unwrap_or_else(|error| panic!("{error}"));
        effects.stdout()
    });
    for (number, (ours, theirs)) in printed.lines().zip(expected.lines()).enumerate() {
        assert_eq!(ours, theirs, "{name}.out:{}", number + 1);
    }
    assert_eq!(printed.lines().count(), expected.lines().count());
}

#[test]
fn tour_of_the_language() {
    check("tour");
}

#[test]
fn control_flow_and_definitions() {
    check("language");
}

#[test]
fn strings() {
    check("strings");
}

#[test]
fn collections() {
    check("collections");
}

#[test]
fn idioms_of_recipes() {
    check("idioms");
}
