//! What filters mean on resource types and resources: the cases of `testdata/filter/`.
#![expect(clippy::unwrap_used, clippy::panic, clippy::type_complexity, reason = "a test fails by panicking")]

use std::collections::HashMap;

use scim_filter::{CompareOp, Filter, FilterLimits, Predicate, ResolveError};
use scim_schema::{Quirk, ReadContext, ResourceType, Schema, ScimType, Tolerance, standard};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

const PROFILES: [(&str, fn() -> Tolerance); 3] =
    [("strict", Tolerance::strict), ("interop", Tolerance::interop), ("lenient", Tolerance::lenient)];

/// A resource type that the cases bring with them.
#[derive(Deserialize)]
struct Type {
    name: String,
    endpoint: String,
    schema: Value,
}

/// The standard types, and those that a file brings with it.
fn types(own: &[Type]) -> HashMap<String, ResourceType> {
    let mut types = vec![standard::user_type(), standard::group_type()];
    for own in own {
        let schema = Schema::from_value(&own.schema).unwrap();
        types.push(ResourceType::builder(&own.name, &own.endpoint, schema).build().unwrap());
    }
    types.into_iter().map(|on| (on.name().to_owned(), on)).collect()
}

fn resolve(text: &str, on: &ResourceType, tolerance: &Tolerance) -> Result<Predicate, ResolveError> {
    let mut read_context = ReadContext::new(tolerance);
    let filter =
        Filter::parse(text, &FilterLimits::default(), &mut read_context).unwrap_or_else(|e| panic!("{e:#}"));
    filter.resolve(on, &mut read_context)
}

#[derive(Deserialize)]
struct Evaluations {
    types: Vec<Type>,
    resources: HashMap<String, Stored>,
    cases: Vec<Evaluation>,
}

#[derive(Deserialize)]
struct Stored {
    #[serde(rename = "type")]
    on: String,
    value: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evaluation {
    rule: String,
    resource: String,
    profile: Option<String>,
    matches: Vec<String>,
    fails: Vec<String>,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

#[test]
fn resources_match_or_fail() {
    let file: Evaluations = testdata::load("filter/evaluate.json");
    let types = types(&file.types);
    let mut ran = 0;
    for case in &file.cases {
        let stored = &file.resources[&case.resource];
        let (on, resource) = (&types[&stored.on], stored.value.as_object().unwrap());
        for (profile, tolerance) in PROFILES {
            if profile != "lenient" && case.profile.as_deref() == Some("lenient") {
                continue;
            }
            let tolerance = tolerance();
            let expected = case.matches.iter().map(|text| (text, true));
            for (text, expected) in expected.chain(case.fails.iter().map(|text| (text, false))) {
                let holds =
                    |text: &str| resolve(text, on, &tolerance).map(|predicate| predicate.is_match(resource));
                assert_eq!(holds(text), Ok(expected), "{}: {text} ({profile})", case.rule);
                assert_eq!(
                    holds(&format!("not ({text})")),
                    Ok(!expected),
                    "{}: {text} ({profile})",
                    case.rule
                );
                ran += 1;
            }
        }
    }
    assert!(ran > 800, "{ran}");
}

#[derive(Deserialize)]
struct Errors {
    types: Vec<Type>,
    cases: Vec<Error>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Error {
    filter: String,
    on: String,
    profile: Option<String>,
    kind: String,
    shown: Option<String>,
    span: (usize, usize),
    message: String,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

#[test]
fn errors_say_what_does_not_fit() {
    let file: Errors = testdata::load("filter/resolve-errors.json");
    let types = types(&file.types);
    for case in &file.cases {
        let on: Vec<&ResourceType> = case.on.split(',').map(|name| &types[name]).collect();
        for (profile, tolerance) in PROFILES {
            let tolerance = tolerance();
            let mut read_context = ReadContext::new(&tolerance);
            let filter = Filter::parse(&case.filter, &FilterLimits::default(), &mut read_context).unwrap();
            let result = match *on {
                [one] => filter.resolve(one, &mut read_context).map(|predicate| vec![predicate]),
                _ => filter.resolve_among(&on, &mut read_context),
            };
            if profile == "lenient" && case.profile.as_deref() == Some("strict") {
                assert!(result.is_ok(), "{}: {:?}", case.filter, result.err());
                continue;
            }
            let error = result.expect_err(&case.filter);
            assert_eq!(error.to_string(), case.message, "{profile}: {}", case.filter);
            assert_eq!(format!("{:?}", error.kind()), case.kind, "{profile}: {}", case.filter);
            assert_eq!(error.span(), case.span.0..case.span.1, "{profile}: {}", case.filter);
            assert_eq!(error.input(), case.shown.as_ref().unwrap_or(&case.filter), "{profile}");
            let sensitive = case.kind == "Sensitive";
            let scim_type = if sensitive { ScimType::Sensitive } else { ScimType::InvalidFilter };
            assert_eq!(error.scim_type(), scim_type, "{profile}: {}", case.filter);
        }
    }
}

#[test]
fn tolerated_literals_are_reported_by_attribute() {
    let user = standard::user_type();
    for (text, quirk, path) in [
        (r#"ACTIVE eq "True""#, Quirk::BooleanAsString, "active"),
        ("emails.value eq 5", Quirk::NumberForString, "emails.value"),
        (r#"roles[primary eq "false"]"#, Quirk::BooleanAsString, "roles.primary"),
    ] {
        let tolerance = Tolerance::lenient();
        let mut read_context = ReadContext::new(&tolerance);
        let filter: Filter = text.parse().unwrap();
        filter.resolve(&user, &mut read_context).unwrap();
        let tolerated: Vec<_> =
            read_context.tolerated().iter().map(|tolerated| (tolerated.quirk, &*tolerated.path)).collect();
        assert_eq!(tolerated, [(quirk, path)], "{text}");
        let strict = Tolerance::lenient().without(quirk);
        assert!(filter.resolve(&user, &mut ReadContext::new(&strict)).is_err(), "{text}");
    }
}

#[test]
fn an_attribute_of_other_types_is_absent() {
    let (user, group) = (standard::user_type(), standard::group_type());
    let tolerance = Tolerance::strict();
    let among = |text: &str| {
        let filter: Filter = text.parse().unwrap();
        filter.resolve_among(&[&user, &group], &mut ReadContext::new(&tolerance)).unwrap()
    };
    let on_group = |text: &str| match among(text).remove(1) {
        Predicate::Const(holds) => holds,
        other => panic!("{text}: {other:?}"),
    };
    for text in [
        r#"userName ne "x""#,
        r#"not (userName eq "x")"#,
        "userName eq null",
        "not (title pr)",
        r#"not (emails[type eq "work"])"#,
        r#"title pr or meta.resourceType eq "Group""#,
    ] {
        assert!(on_group(text), "{text}");
    }
    for text in [
        r#"userName eq "x""#,
        "userName pr",
        "userName ne null",
        r#"not (userName ne "x")"#,
        "emails[type pr]",
        r#"displayName pr and userName sw "x""#,
        r#"meta.resourceType eq "User""#,
    ] {
        assert!(!on_group(text), "{text}");
    }
    assert_eq!(among(r#"meta.resourceType eq "User""#)[0], Predicate::Const(true));
    assert!(among("displayName pr").iter().all(|predicate| matches!(predicate, Predicate::Present(_))));
}

#[test]
fn an_unknown_sub_attribute_of_other_types_is_absent() {
    let badge = |subs: &str| {
        let text = format!(
            r#"{{ "id": "urn:example:Badge", "name": "B", "attributes": [
                {{ "name": "doors", "type": "complex", "multiValued": true, "subAttributes": [{subs}] }}] }}"#
        );
        ResourceType::builder("Badge", "/Badges", Schema::from_json(&text).unwrap()).build().unwrap()
    };
    let (a, b) = (
        badge(r#"{ "name": "floor", "type": "integer" }"#),
        badge(r#"{ "name": "hall", "type": "string" }"#),
    );
    let filter: Filter = r#"doors[not (hall eq "x")]"#.parse().unwrap();
    let tolerance = Tolerance::strict();
    let among = filter.resolve_among(&[&a, &b], &mut ReadContext::new(&tolerance)).unwrap();
    let resource = serde_json::json!({ "doors": [{ "floor": 1 }] });
    assert!(among[0].is_match(resource.as_object().unwrap()));
    let none = serde_json::json!({});
    assert!(!among[0].is_match(none.as_object().unwrap()));
}

#[test]
fn constants_are_worked_in() {
    let user = standard::user_type();
    let tolerance = Tolerance::strict();
    for (text, same) in [
        (r#"meta.resourceType eq "User" and (title pr or active eq true)"#, "title pr or active eq true"),
        (r#"meta.resourceType eq "User" and title pr"#, "title pr"),
        (r#"meta.resourceType eq "Group" or title pr or active eq true"#, "title pr or active eq true"),
        (
            r#"active eq true or (meta.location pr and (title pr or id pr))"#,
            "active eq true or title pr or id pr",
        ),
        (r#"not (meta.resourceType eq "Group") and id pr"#, "id pr"),
    ] {
        assert_eq!(resolve(text, &user, &tolerance), resolve(same, &user, &tolerance), "{text}");
    }
    for (text, holds) in [
        (r#"meta.resourceType eq "User" or title pr"#, true),
        (r#"meta.resourceType eq "Group" and title pr"#, false),
        (r#"meta[resourceType eq "Group"]"#, false),
    ] {
        assert_eq!(resolve(text, &user, &tolerance), Ok(Predicate::Const(holds)), "{text}");
    }
    // What cannot be is refused even where it would not matter.
    assert!(resolve(r#"meta.resourceType eq "Group" and shoe pr"#, &user, &tolerance).is_err());
}

#[test]
fn equalities_are_found() {
    let user = standard::user_type();
    let tolerance = Tolerance::strict();
    let count = |text: &str| resolve(text, &user, &tolerance).unwrap().equalities().map(|list| list.len());
    assert_eq!(count(r#"userName eq "a""#), Some(1));
    assert_eq!(count(r#"userName eq "a" and title eq "b" and active eq true"#), Some(3));
    for text in ["title pr", r#"userName eq "a" or title eq "b""#, r#"userName eq "a" and title sw "b""#] {
        assert_eq!(count(text), None, "{text}");
    }
    assert_eq!(count(r#"not (userName eq "a")"#), None);

    let single = |text: &str| resolve(text, &user, &tolerance).unwrap().single_equality().is_some();
    assert!(
        single(r#"id eq "7""#) && single(r#"(emails eq "a")"#) && single(r#"meta.location eq "/Users/7""#)
    );
    assert!(
        !single(r#"id ne "7""#) && !single(r#"id eq "7" and title pr"#) && !single(r#"emails[value eq "a"]"#)
    );
}

#[test]
fn value_paths_resolve_on_their_own() {
    let (user, group) = (standard::user_type(), standard::group_type());
    let tolerance = Tolerance::strict();
    let within = |text: &str, on: &ResourceType, attribute: &str| {
        let filter: Filter = text.parse().unwrap();
        let target = on.resolve(&attribute.parse().unwrap(), &mut ReadContext::new(&tolerance)).unwrap();
        filter.resolve_value_path(&target, &mut ReadContext::new(&tolerance))
    };
    let member = within(r#"$ref eq "https://example.com/Users/7""#, &group, "members").unwrap();
    assert!(
        matches!(&member, Predicate::Compare { target, op: CompareOp::Eq, .. } if target.path().as_str() == "members.value")
    );
    assert!(member.matches_element(&serde_json::json!({ "value": "7" })));

    let schema = within(r#"value ew ":user""#, &user, "schemas").unwrap();
    assert!(schema.matches_element(&serde_json::json!("urn:example:User")));

    let kind = |result: Result<Predicate, ResolveError>| result.unwrap_err().kind();
    use scim_filter::ResolveErrorKind as Kind;
    assert_eq!(kind(within("value pr", &user, "userName")), Kind::ValuePath);
    assert_eq!(kind(within("value pr", &user, "emails.value")), Kind::ValuePath);
    assert_eq!(kind(within("value pr or value eq null", &user, "password")), Kind::Sensitive);
    assert_eq!(kind(within("emails[type pr]", &user, "emails")), Kind::UnknownAttribute);
    assert_eq!(kind(within("formatted gt null", &user, "name")), Kind::Literal);
}

#[test]
fn targets_are_listed_in_order() {
    let user = standard::user_type();
    let text = r#"(title pr or emails[type eq "work" and not (value pr)]) and not (userName eq "x") and manager eq "y""#;
    let predicate = resolve(text, &user, &Tolerance::strict()).unwrap();
    let paths: Vec<_> = predicate.targets().map(|target| target.path().as_str()).collect();
    let manager = format!("{}:manager.value", standard::ENTERPRISE_USER);
    assert_eq!(paths, ["title", "emails", "emails.type", "emails.value", "userName", &manager]);
}
