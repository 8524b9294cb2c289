//! Every form of the setting, and every slip of the pen.

use super::*;

fn hash(pairs: Vec<(&str, Value)>) -> Value {
    Value::hash(pairs.into_iter().map(|(key, value)| (Value::sym(key), value)))
}

fn shown(value: &Value) -> String {
    match checks(value) {
        Ok(given) => given.iter().map(|given| given.check.to_string()).collect::<Vec<_>>().join("; "),
        Err(wrong) => format!("{} | {}", wrong.why, wrong.next),
    }
}

#[test]
fn forms_of_a_check() {
    for nothing in [Value::Nil, Value::Bool(false), Value::str(""), Value::sym("off"), Value::array(Vec::new())] {
        assert_eq!(checks(&nothing), Ok(Vec::new()));
    }
    let patience = "(30 × every 1 s, 60 s at most)";
    for (value, words) in [
        (Value::str("http://127.0.0.1:3000/up"), "GET http://127.0.0.1:3000/up is 200-299"),
        (Value::str("http://shop.example?deep=1"), "GET http://shop.example:80/?deep=1 is 200-299"),
        (Value::str("http://[::1]:81"), "GET http://[::1]:81/ is 200-299"),
        (Value::str("http://$CAPISTRANO:HOST$:81/"), "GET http://$CAPISTRANO:HOST$:81/ is 200-299"),
        (hash(vec![("tcp", Value::Int(8080))]), "127.0.0.1:8080 is open"),
        (hash(vec![("tcp", Value::str("10.0.0.1:80"))]), "10.0.0.1:80 is open"),
        (hash(vec![("command", Value::str("bin/check"))]), "`bin/check` ends with 0"),
        (hash(vec![("unit", Value::str("puma@1.service"))]), "the unit puma@1.service is active"),
    ] {
        assert_eq!(shown(&value), format!("{words} {patience}"));
    }
}

#[test]
fn everything_that_can_be_said() {
    let value = hash(vec![
        ("http", Value::str("http://127.0.0.1/up")),
        ("status", Value::array(vec![Value::Int(200), Value::str("401")])),
        ("body", Value::str("fine")),
        ("release", Value::str("X-Release")),
        ("host", Value::str("shop.example.com")),
        ("from", Value::sym("deployer")),
        ("attempts", Value::Int(3)),
        ("interval", Value::Float(0.5)),
        ("timeout", Value::Int(2)),
        ("deadline", Value::str("10")),
        ("roles", Value::array(vec![Value::sym("web"), Value::str("app")])),
    ]);
    let given = checks(&value).unwrap();
    assert_eq!(given[0].roles, Some(vec!["web".to_owned(), "app".to_owned()]));
    assert_eq!(given[0].check.timeout, Duration::from_secs(2));
    let Probe::Http(http) = &given[0].check.probe else { panic!("{given:?}") };
    assert_eq!(http.host_header, "shop.example.com");
    assert_eq!(
        shown(&value),
        "GET http://127.0.0.1:80/up is 200, 401 with \"fine\", the release in X-Release, asked from here (3 × every \
         0.5 s, 10 s at most)"
    );
}

#[test]
fn what_is_wrong_is_said_with_what_would_be_right() {
    let with = |key: &str, value: Value| hash(vec![("http", Value::str("http://a/")), (key, value)]);
    for (value, words) in [
        (Value::Int(7), "it is 7 and can be the address of a page"),
        (Value::str("127.0.0.1:3000/up"), "its http is \"127.0.0.1:3000/up\" and can be the address of a page"),
        (Value::str("http://a b/"), "its http is"),
        (Value::str("http://a:99999/"), "its http is"),
        (Value::str("http://user:pw@a/"), "its http is"),
        (Value::str("https://shop.example/up"), "which health checks do not speak | ask the application's own port"),
        (hash(vec![]), "it has nothing to ask | give it exactly one of"),
        (hash(vec![("tcp", Value::Int(1)), ("unit", Value::str("x"))]), "it has tcp and unit at once"),
        (hash(vec![("tcp", Value::Int(0))]), "its tcp is 0 and can be a port"),
        (hash(vec![("unit", Value::str("a b"))]), "its unit is \"a b\""),
        (hash(vec![("command", Value::str(" "))]), "its command is \" \""),
        (hash(vec![("command", Value::str("x")), ("status", Value::Int(200))]), "a check of command knows no :status"),
        (with("atempts", Value::Int(3)), "knows no :atempts | did you mean `attempts`?"),
        (with("attempts", Value::Int(0)), "its attempts is 0 and can be a number from 1"),
        (with("interval", Value::str("soon")), "its interval is \"soon\" and can be seconds"),
        (with("deadline", Value::Int(0)), "its deadline is 0 and can be seconds, from 0.1"),
        (with("status", Value::str("ok")), "its status is \"ok\" and can be a code (200)"),
        (with("status", Value::array(Vec::new())), "its status is []"),
        (with("body", Value::Int(1)), "its body is 1"),
        (with("host", Value::str("a\r\nX: y")), "its host is"),
        (with("release", Value::str("X Release")), "its release is \"X Release\" and can be :body or"),
        (with("from", Value::sym("afar")), "its from is :afar and can be :host or :deployer"),
        (with("roles", Value::Int(1)), "its roles is 1"),
    ] {
        let said = shown(&value);
        assert!(said.contains(words), "{} said {said}", value.inspect());
    }
}
