//! One table entry per rule of selection, and what holds for all selections.

use proptest::prelude::*;

use super::*;
use crate::FilterProblem;

fn yes() -> Property {
    Property::Bool(true)
}

fn with(name: &str, value: Property) -> Properties {
    Properties::from_iter([(name.to_owned(), value)])
}

/// web: web1 web2; app: app1 app2 (no_release) web2; db: db1 (primary) db2; empty: none.
fn fleet() -> Inventory {
    let mut inventory = Inventory::new();
    let none = Properties::new();
    inventory.role("web", ["web1", "web2"], &none).unwrap();
    inventory.role("app", ["app1"], &none).unwrap();
    inventory.role("app", ["app2"], &with("no_release", yes())).unwrap();
    inventory.role("app", ["web2"], &with("slow", yes())).unwrap();
    inventory.role("db", ["deploy@db1:2222"], &with("primary", yes())).unwrap();
    inventory.role("db", ["db2"], &none).unwrap();
    inventory.role("empty", [""; 0], &none).unwrap();
    inventory
}

fn filters(text: &str) -> Filters {
    let pairs: Vec<(&str, &str)> = text.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
    let mut filters = Filters::from_variables(|name| {
        pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    });
    filters.preserve_roles = text.contains("-r");
    filters
}

fn chosen(selection: &Selection, filter: &str) -> String {
    let selected = fleet().select(selection, &filters(filter)).unwrap();
    selected.hosts.iter().map(|h| h.id.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn rules_without_filters() {
    let roles = |names: &[&str]| Selection::roles(names.iter().copied());
    let hosts = |names: &[&str]| Selection::hosts(names.iter().copied());
    let db1 = "deploy@db1:2222";
    for (selection, wanted) in [
        (Selection::all(), "web1 web2 app1 app2 deploy@db1:2222 db2"),
        (roles(&["app", "web"]), "app1 app2 web2 web1"),
        (roles(&[]), ""),
        (hosts(&[]), ""),
        (Selection { hosts: Some(vec![]), ..roles(&["app"]) }, ""),
        (Selection { roles: Some(vec![]), ..hosts(&["web1"]) }, ""),
        (roles(&["nope"]), ""),
        (roles(&["nope", "web"]), "web1 web2"),
        (roles(&["empty"]), ""),
        (roles(&["db"]).only("primary", yes()), db1),
        (roles(&["db"]).except("primary", yes()), "db2"),
        (roles(&["app"]).except("no_release", yes()), "app1 web2"),
        (roles(&["app"]).only("no_release", Property::Nil), "app1 web2"),
        (roles(&["db"]).only("primary", yes()).only("x", yes()), ""),
        (roles(&["db"]).only("primary", Property::Str("true".into())), ""),
        (Selection::all().except("slow", yes()), "web1 web2 app1 app2 deploy@db1:2222 db2"),
        (hosts(&["db2", "web1", "db2"]).only("primary", yes()), "db2 web1"),
        (hosts(&["stranger:22"]), "stranger:22"),
        (hosts(&["db1"]), db1),
        (hosts(&["other@db1"]), "other@db1"),
    ] {
        assert_eq!(chosen(&selection, ""), wanted, "{selection}");
    }
}

#[test]
fn rules_of_filters() {
    let app = Selection::roles(["app"]);
    for (selection, filter, wanted) in [
        (&app, "ROLES=db", "deploy@db1:2222 db2"),
        (&app, "ROLES=db,web -r", ""),
        (&app, "ROLES=db,app -r", "app1 app2 web2"),
        (&Selection::all(), "ROLES=db -r", "deploy@db1:2222 db2"),
        (&app, "ROLES=nope", ""),
        (&app, "HOSTS=web1,new.example.com", "web1 new.example.com"),
        (&app.clone().only("no_release", yes()), "HOSTS=web1", "web1"),
        (&app, "HOSTS=web1 ROLES=db", "web1"),
        (&Selection::hosts(["db2"]), "HOSTS=web1", "web1"),
        (&Selection::hosts(["db2"]), "ROLES=web", "db2"),
        (&Selection::roles([""; 0]), "HOSTS=web1", ""),
        (&app, "HOSTFILTER=web2,app1", "app1 web2"),
        (&app, "HOSTFILTER=db1", ""),
        (&Selection::all(), "HOSTFILTER=db1", "deploy@db1:2222"),
        (&Selection::all(), "HOSTFILTER=deploy@db1:2222", "deploy@db1:2222"),
        (&app, "HOSTROLEFILTER=web", "web2"),
        (&app, "HOSTROLEFILTER=nope", ""),
        (&app, "HOSTFILTER=app1 HOSTROLEFILTER=web", "app1"),
        (&Selection::hosts(["web1", "app1"]), "HOSTFILTER=app1", "app1"),
        (&app, "HOSTS=web1,db2 HOSTROLEFILTER=db", "db2"),
        (&Selection { skip_host_filter: true, ..app.clone() }, "HOSTFILTER=web2", "app1 app2 web2"),
    ] {
        assert_eq!(chosen(selection, filter), wanted, "{selection} {filter}");
    }
}

#[test]
fn properties_are_those_of_the_first_selected_role() {
    let fleet = fleet();
    let of = |roles: [&str; 2]| {
        let selected = fleet.select(&Selection::roles(roles), &Filters::default()).unwrap();
        selected.hosts.into_iter().find(|h| h.name == "web2").unwrap().properties
    };
    assert!(of(["web", "app"]).is_empty());
    assert_eq!(of(["app", "web"]), with("slow", yes()));
}

#[test]
fn what_the_last_line_says() {
    let fleet = fleet();
    let line = |filter: &str| fleet.select(&Selection::all(), &filters(filter)).unwrap();
    assert_eq!(line("HOSTS=web1,web2").to_string(), "2 of 6 hosts (HOSTS=web1,web2)");
    assert!(line("HOSTS=web1,web2").is_narrowed());
    assert_eq!(line("").to_string(), "6 hosts");
    assert!(!line("").is_narrowed());
}

#[test]
fn reasons_for_nothing() {
    let why = |selection: &Selection, filter: &str| {
        fleet().why_none(selection, &filters(filter)).unwrap().map(|no| no.to_string()).unwrap_or_default()
    };
    for (selection, filter, wanted) in [
        (Selection::roles(["wbe"]), "", "no host matches roles [wbe]: there is no role \"wbe\"; did you mean web?"),
        (Selection::roles(["zzzzz"]), "", "no host matches roles [zzzzz]: there is no role \"zzzzz\""),
        (Selection::roles(["empty"]), "", "no host matches roles [empty]: the role \"empty\" has no servers"),
        (Selection::roles([""; 0]), "", "no host matches roles []: :roles is nil or empty"),
        (
            Selection::roles(["db"]).only("primary", Property::Sym("x".into())),
            "",
            "no host matches roles [db]; only primary = :x: the conditions exclude all 2 hosts",
        ),
        (
            Selection::roles(["web"]),
            "HOSTFILTER=app1",
            "no host matches roles [web] with HOSTFILTER=app1: the filter excludes all 2 hosts",
        ),
        (
            Selection::roles(["web"]),
            "ROLES=app -r",
            "no host matches roles [web] with ROLES=app: ROLES names no role that the task is for",
        ),
        (Selection::roles(["web"]), "", ""),
    ] {
        assert_eq!(why(&selection, filter), wanted);
    }
    let none = Inventory::new().why_none(&Selection::all(), &Filters::default()).unwrap().unwrap();
    assert_eq!(none.to_string(), "no host matches all hosts: the recipe declares no host");
}

#[test]
fn names_in_filters_are_checked() {
    let problems = |text: &str| filters(text).problems(&fleet());
    assert_eq!(problems("HOSTS=web1,db1 ROLES=app HOSTFILTER=app1 HOSTROLEFILTER=empty"), []);
    let shown: Vec<String> = problems("HOSTS=wbe1,deploy@db1 ROLES=ap,db HOSTFILTER= HOSTROLEFILTER=x")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        shown,
        [
            "ROLES names the role \"ap\", which the recipe does not declare; did you mean app?",
            "HOSTS names the host \"wbe1\", which is in no role; did you mean web1?",
            "HOSTFILTER is given but names nothing",
            "HOSTROLEFILTER names the role \"x\", which the recipe does not declare",
        ]
    );
    assert!(matches!(problems("HOSTS=-oX")[..], [FilterProblem::Address { filter: "HOSTS", .. }]));
    assert!(fleet().select(&Selection::all(), &filters("HOSTS=a;b")).is_err());
}

fn some_inventory() -> impl Strategy<Value = Inventory> {
    let member = (0..4usize, 0..5usize, any::<bool>());
    proptest::collection::vec(member, 0..12).prop_map(|members| {
        let mut inventory = Inventory::new();
        for (role, host, flag) in members {
            let role = ["web", "app", "db", "job"][role];
            let properties = if flag { with("flag", yes()) } else { Properties::new() };
            inventory.role(role, [["a", "b", "u@a", "a:22", "c"][host]], &properties).unwrap();
        }
        inventory
    })
}

fn some_selection() -> impl Strategy<Value = Selection> {
    let roles =
        proptest::option::of(proptest::sample::subsequence(vec!["web", "app", "db", "nope"], 0..=4).prop_shuffle());
    (roles, any::<bool>(), any::<bool>()).prop_map(|(roles, only, except)| {
        let mut selection = Selection::all();
        selection.roles = roles.map(|roles| roles.into_iter().map(str::to_owned).collect());
        if only {
            selection = selection.only("flag", yes());
        }
        if except {
            selection = selection.except("flag", yes());
        }
        selection
    })
}

proptest! {
    #[test]
    fn a_selection_is_a_stable_subset(inventory in some_inventory(), selection in some_selection()) {
        let first = inventory.select(&selection, &Filters::default()).unwrap();
        prop_assert_eq!(&first, &inventory.select(&selection, &Filters::default()).unwrap());
        prop_assert_eq!(first.of, first.hosts.len());
        let all: Vec<_> = inventory.hosts().into_iter().map(|h| h.id).collect();
        let mut ids: Vec<_> = first.hosts.iter().map(|h| h.id.clone()).collect();
        prop_assert!(ids.iter().all(|id| all.contains(id)));
        let count = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(count, ids.len(), "no host twice");
        prop_assert_eq!(first.hosts.is_empty(), inventory.why_none(&selection, &Filters::default()).unwrap().is_some());
    }

    #[test]
    fn host_filters_only_narrow_and_keep_order(
        inventory in some_inventory(),
        selection in some_selection(),
        names in proptest::sample::subsequence(vec!["a", "b", "c", "zz"], 0..=4),
        roles in proptest::sample::subsequence(vec!["web", "db", "nope"], 0..=3),
        by_name: bool,
    ) {
        let list = |names: &[&str]| Some(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        let filters = if by_name {
            Filters { host_filter: list(&names), ..Filters::default() }
        } else {
            Filters { host_role_filter: list(&roles), ..Filters::default() }
        };
        let all = inventory.select(&selection, &Filters::default()).unwrap();
        let narrowed = inventory.select(&selection, &filters).unwrap();
        prop_assert_eq!(narrowed.of, all.hosts.len());
        let mut rest = all.hosts.iter();
        prop_assert!(narrowed.hosts.iter().all(|host| rest.any(|other| other == host)), "a subsequence");
        prop_assert_eq!(narrowed.hosts.is_empty(), inventory.why_none(&selection, &filters).unwrap().is_some());
    }
}
