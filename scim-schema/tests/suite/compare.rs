//! `schema/compare.json`: the values that are equal by each rule, and their order.

use std::cmp::Ordering;

use scim_schema::Comparison;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    rule: String,
    #[serde(default)]
    about: String,
    same: Vec<(Value, Value)>,
    different: Vec<(Value, Value)>,
    /// Values in ascending order.
    #[serde(default)]
    ordered: Vec<Value>,
    #[serde(default)]
    contains: Vec<(String, String)>,
    #[serde(default)]
    lacks: Vec<(String, String)>,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

fn comparison(name: &str) -> Comparison {
    match name {
        "exact" => Comparison::Exact,
        "folded" => Comparison::Folded,
        "user-name" => Comparison::UserName,
        "reference" => Comparison::Reference,
        "instant" => Comparison::Instant,
        "number" => Comparison::Number,
        "boolean" => Comparison::Boolean,
        "binary" => Comparison::Binary,
        _ => panic!("no rule {name}"),
    }
}

#[test]
fn cases_compare_as_expected() {
    let rules: Vec<Rule> = testdata::load("schema/compare.json");
    for case in &rules {
        let rule = comparison(&case.rule);
        let at = |a: &dyn std::fmt::Debug, b: &dyn std::fmt::Debug| {
            format!("{} {}: {a:?} {b:?}", case.rule, case.about)
        };
        let pairs = |pairs: &[(Value, Value)], same: bool| {
            for (a, b) in
                pairs.iter().chain(&pairs.iter().map(|(a, b)| (b.clone(), a.clone())).collect::<Vec<_>>())
            {
                assert_eq!(rule.values_equal(a, b), same, "{}", at(a, b));
                assert_eq!(rule.equality_key(a) == rule.equality_key(b), same, "key {}", at(a, b));
                if let Some(operand) = rule.prepare(b) {
                    assert_eq!(rule.equals(a, &operand), same, "equals {}", at(a, b));
                    assert_eq!(operand.to_value(), *b);
                }
            }
        };
        pairs(&case.same, true);
        pairs(&case.different, false);
        for (i, a) in case.ordered.iter().enumerate() {
            for (j, b) in case.ordered.iter().enumerate() {
                assert_eq!(rule.order_values(a, b), i.cmp(&j), "{}", at(a, b));
                assert_eq!(rule.compare(a, &rule.prepare(b).unwrap()), Some(i.cmp(&j)), "{}", at(a, b));
            }
        }
        for (text, part) in &case.contains {
            assert!(rule.contains(text, &rule.fold(part)), "{}", at(text, part));
        }
        for (text, part) in &case.lacks {
            let part = rule.fold(part);
            let found =
                rule.contains(text, &part) || rule.starts_with(text, &part) || rule.ends_with(text, &part);
            assert!(!found, "{}", at(text, &part));
        }
    }
}

/// The order is antisymmetric and transitive for all values, even if a store contains malformed ones.
#[test]
fn values_of_the_wrong_type_come_last() {
    let values =
        [json!("x"), json!(2), json!(null), json!(true), json!([1]), json!("2020-01-01T00:00:00Z"), json!(1)];
    for rule in [
        Comparison::Number,
        Comparison::Instant,
        Comparison::Folded,
        Comparison::Boolean,
        Comparison::Complex,
    ] {
        for a in &values {
            for b in &values {
                assert_eq!(rule.order_values(a, b), rule.order_values(b, a).reverse(), "{a} {b}");
                for c in &values {
                    if rule.order_values(a, b) != Ordering::Greater
                        && rule.order_values(b, c) != Ordering::Greater
                    {
                        assert_ne!(rule.order_values(a, c), Ordering::Greater, "{rule:?}: {a} {b} {c}");
                    }
                }
            }
        }
    }
    assert_eq!(Comparison::Number.order_values(&json!(1), &json!("0")), Ordering::Less);
    assert_eq!(
        Comparison::Instant.order_values(&json!("never"), &json!("2020-01-01T00:00:00Z")),
        Ordering::Greater
    );
}

#[test]
fn each_type_of_attribute_has_the_right_rule() {
    use scim_schema::{Attribute, standard};

    let user = standard::user_type();
    let group = standard::group_type();
    let rule = |resource_type: &scim_schema::ResourceType, name: &str| {
        let (attribute, sub) = name.split_once('.').map_or((name, None), |(a, b)| (a, Some(b)));
        let target = resource_type.attribute(attribute).unwrap();
        sub.map_or(target, |sub| target.sub_attribute(sub).unwrap()).comparison()
    };
    assert_eq!(rule(&user, "userName"), Comparison::UserName);
    assert_eq!(rule(&user, "displayName"), Comparison::Folded);
    assert_eq!(rule(&user, "externalId"), Comparison::Exact);
    assert_eq!(rule(&user, "id"), Comparison::Exact);
    assert_eq!(rule(&user, "schemas"), Comparison::Folded);
    assert_eq!(rule(&user, "active"), Comparison::Boolean);
    assert_eq!(rule(&user, "name"), Comparison::Complex);
    assert_eq!(rule(&user, "profileUrl"), Comparison::Exact);
    assert_eq!(rule(&user, "x509Certificates.value"), Comparison::Binary);
    assert_eq!(rule(&user, "meta.created"), Comparison::Instant);
    assert_eq!(rule(&user, "meta.location"), Comparison::Exact);
    assert_eq!(rule(&user, "groups.$ref"), Comparison::Reference);
    // The schema in the RFC says case-insensitive, but ids are case-exact.
    assert_eq!(rule(&group, "members.value"), Comparison::Exact);
    assert_eq!(Comparison::for_attribute(&Attribute::reference("owner", ["User"])), Comparison::Reference);
    assert_eq!(
        Comparison::for_attribute(&Attribute::reference("page", ["external", "User"])),
        Comparison::Exact
    );
    assert_eq!(Comparison::for_attribute(&Attribute::decimal("weight")), Comparison::Number);
}

/// Complex values are compared by the rules of their sub-attributes, and lists in any order.
#[test]
fn values_of_an_attribute_are_compared_by_its_rules() {
    let types = crate::support::Types::load();
    let same = |name: &str, a: Value, b: Value| {
        let target = types.get("Vehicle").attribute(name).unwrap();
        assert_eq!(target.values_equal(&a, &b), target.values_equal(&b, &a));
        target.values_equal(&a, &b)
    };
    assert!(same("engine", json!({ "model": "T4", "power": 9 }), json!({ "power": 9.0, "model": "t4" })));
    assert!(!same("engine", json!({ "model": "T4" }), json!({ "model": "T4", "power": 9 })));
    assert!(same("keeper", json!({ "value": "u1", "$ref": "x" }), json!({ "value": "u1" })));
    assert!(!same("keeper", json!({ "value": "u1" }), json!({ "value": "U1" })));
    assert!(same("colors", json!(["a", "B", "b"]), json!(["b", "A", "B"])));
    assert!(!same("colors", json!(["a", "a", "b"]), json!(["a", "b", "b"])));
    assert!(!same("colors", json!(["a"]), json!(["a", "a"])));
    assert!(same("readings", json!([1, 2]), json!([2.0, 1])));
    assert!(!same("readings", json!([1]), json!(["1"])));
    assert!(same(
        "seats",
        json!([{ "value": "a" }, { "type": "x" }]),
        json!([{ "type": "X" }, { "value": "A" }])
    ));
    assert!(!same("seats", json!([{ "value": "a", "type": "b" }]), json!([{ "value": "b", "type": "a" }])));
    assert!(same("engine", json!({ "codes": ["a", "b"] }), json!({ "codes": ["B", "A"] })));
    // Comparing a long list in the opposite order must not take quadratic time.
    let numbers =
        |range: &mut dyn Iterator<Item = u32>| Value::from(range.map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(same("colors", numbers(&mut (0..50_000)), numbers(&mut (0..50_000).rev())));
}
