//! What holds for every filter, every text, and every resource.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::prelude::*;
use scim_filter::{CompareOp, Filter, FilterLimits, Literal, PatchPath};
use scim_schema::{AttrPath, ReadContext, Tolerance, standard};
use serde_json::{Map, Number, Value};

fn attr_path() -> impl Strategy<Value = AttrPath> {
    let name = "[a-zA-Z][a-zA-Z0-9$_-]{0,6}";
    let sub =
        prop_oneof![Just(String::new()), name.prop_map(|name| format!(".{name}")), Just(".$ref".to_owned())];
    let uri = prop_oneof![
        4 => Just(String::new()),
        1 => Just("urn:ietf:params:scim:schemas:core:2.0:User:".to_owned()),
        1 => "urn:[a-z0-9]{2,8}:[a-zA-Z0-9._~/%+=-]{1,9}:",
    ];
    let keyword =
        prop_oneof![Just("not"), Just("and"), Just("or"), Just("pr"), Just("true")].prop_map(str::to_owned);
    (uri, prop_oneof![9 => name.prop_map(String::from), 1 => keyword], sub)
        .prop_map(|(uri, name, sub)| format!("{uri}{name}{sub}").parse().unwrap())
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        any::<i64>().prop_map(|n| Literal::Number(n.into())),
        any::<u64>().prop_map(|n| Literal::Number(n.into())),
        any::<f64>().prop_filter_map("finite", |n| Number::from_f64(n).map(Literal::Number)),
        any::<String>().prop_map(|text| Literal::String(text.into())),
        "[a-z\"\\\\ ()\\[\\]\u{0}-\u{1f}]{0,8}".prop_map(|text| Literal::String(text.into())),
    ]
}

fn term(paths: impl Strategy<Value = AttrPath> + Clone + 'static) -> BoxedStrategy<Filter> {
    let op = prop::sample::select(CompareOp::ALL);
    prop_oneof![
        paths.clone().prop_map(Filter::Present),
        (paths, op, literal()).prop_map(|(path, op, value)| Filter::Compare { path, op, value }),
    ]
    .boxed()
}

/// Any tree of the form that a parser makes, of the given terms.
fn tree(term: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    let join = |and: bool| {
        move |list: Vec<Filter>| {
            list.into_iter().reduce(|a, b| if and { a.and(b) } else { a.or(b) }).expect("it is not empty")
        }
    };
    term.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(join(true)),
            vec(inner.clone(), 2..4).prop_map(join(false)),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
    .boxed()
}

fn filter() -> BoxedStrategy<Filter> {
    let value_path = (attr_path(), tree(term(attr_path().boxed())))
        .prop_map(|(path, filter)| Filter::Complex { path, filter: Box::new(filter) });
    tree(prop_oneof![4 => term(attr_path().boxed()), 1 => value_path].boxed())
}

/// Texts that are nearly filters.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "title",
        "name.familyName",
        "emails",
        "urn:a:b:c",
        "active",
        "meta.created",
        "pr",
        "eq",
        "Co",
        "gt",
        "and",
        "or",
        "not",
        "not(",
        "(",
        ")",
        "[",
        "]",
        "\"work\"",
        "\"",
        "'",
        "\\",
        "\"\\u00",
        "true",
        "NULL",
        "1.5e3",
        "-",
        ".",
        ":",
        " ",
        "  ",
        ".value",
        "é",
        "\u{0}",
        "$ref",
        "value",
        "type",
    ]);
    prop_oneof![
        vec(piece, 0..14).prop_map(|pieces| pieces.join(" ")),
        vec(
            prop::sample::select(vec!["title", "(", ")", "[", "]", "eq", "\"x\"", " ", "pr", "not", "or"]),
            0..24
        )
        .prop_map(|pieces| pieces.concat()),
        any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec!["", "work", "Work", "2021-03-04T05:06:07Z", "User", "AAEC", "é"])
            .prop_map(Value::from),
    ];
    let member =
        prop::sample::select(vec!["value", "type", "primary", "display", "$ref", "created", "familyName"]);
    leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::Array),
            vec((member.clone().prop_map(String::from), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Resources that need not be anything like what the schema says.
fn resource() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop::sample::select(vec![
        "userName", "name", "emails", "active", "meta", "schemas", "groups", "title", "id",
    ]);
    vec((name.prop_map(String::from), value()), 0..8).prop_map(|members| members.into_iter().collect())
}

/// Filters over attributes that users have, though maybe not with operators and literals that fit.
fn user_filter() -> BoxedStrategy<Filter> {
    let names = |names: &'static [&'static str]| {
        prop::sample::select(names).prop_map(|name| name.parse::<AttrPath>().unwrap()).boxed()
    };
    let top = names(&[
        "userName",
        "title",
        "name",
        "name.familyName",
        "emails",
        "emails.value",
        "emails.primary",
        "active",
        "meta.created",
        "meta.resourceType",
        "meta.location",
        "schemas",
        "id",
        "groups.$ref",
        "x509Certificates.value",
        "manager",
        "manager.$ref",
    ]);
    let subs = names(&["value", "type", "primary", "display", "$ref", "created", "location", "familyName"]);
    let complex = names(&["emails", "groups", "name", "meta", "schemas", "manager"]);
    let fitting = prop_oneof![
        any::<bool>().prop_map(Literal::Bool),
        Just(Literal::Null),
        prop::sample::select(vec![
            "",
            "work",
            "Work",
            "2021-03-04T06:06:07+01:00",
            "User",
            "/Users/work",
            "true",
            "5"
        ])
        .prop_map(|text| Literal::String(text.into())),
    ]
    .boxed();
    let op = prop::sample::select(CompareOp::ALL).boxed();
    let term = move |paths: BoxedStrategy<AttrPath>| {
        prop_oneof![
            paths.clone().prop_map(Filter::Present),
            (paths, op.clone(), fitting.clone()).prop_map(|(path, op, value)| Filter::Compare {
                path,
                op,
                value
            }),
        ]
        .boxed()
    };
    let value_path = (complex, tree(term(subs)))
        .prop_map(|(path, filter)| Filter::Complex { path, filter: Box::new(filter) });
    tree(prop_oneof![3 => term(top), 1 => value_path].boxed())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_parses_to_the_same(filter in filter()) {
        let text = filter.to_string();
        for tolerance in [Tolerance::strict(), Tolerance::lenient()] {
            let mut read_context = ReadContext::new(&tolerance);
            let parsed = Filter::parse(&text, &FilterLimits::default().with_length(usize::MAX), &mut read_context);
            prop_assert_eq!(parsed.as_ref(), Ok(&filter), "{}", text);
            prop_assert!(read_context.tolerated().is_empty());
        }
    }

    #[test]
    fn serde_is_a_round_trip(filter in filter()) {
        let text = serde_json::to_string(&filter).unwrap();
        prop_assert_eq!(serde_json::from_str::<Filter>(&text).unwrap(), filter);
    }

    #[test]
    fn patch_paths_are_a_round_trip(path in attr_path(), filter in tree(term(attr_path().boxed())), sub in "[a-z]{1,5}") {
        let sub = Some(sub.into());
        let path = PatchPath::Value { path, filter, sub };
        prop_assert_eq!(path.to_string().parse(), Ok(path));
    }

    #[test]
    fn no_text_is_too_strange(text in nearly()) {
        for tolerance in [Tolerance::strict(), Tolerance::lenient()] {
            let mut read_context = ReadContext::new(&tolerance);
            match Filter::parse(&text, &FilterLimits::default(), &mut read_context) {
                // Whatever parses prints as something that parses to the letter.
                Ok(filter) => prop_assert_eq!(filter.to_string().parse(), Ok(filter)),
                Err(error) => {
                    prop_assert!(text.get(error.span()).is_some(), "{} {:?}", text, error);
                    let shown = format!("{error:#}");
                    prop_assert!(shown.contains('^'));
                }
            }
            let _ = PatchPath::parse(&text, &FilterLimits::default(), &mut read_context).map_err(|error| format!("{error:#}"));
        }
    }

    #[test]
    fn the_lenient_reading_agrees_with_the_strict_one(text in nearly()) {
        if let Ok(strict) = text.parse::<Filter>() {
            let tolerance = Tolerance::lenient();
            let lenient = Filter::parse(&text, &FilterLimits::default(), &mut ReadContext::new(&tolerance));
            prop_assert_eq!(lenient, Ok(strict));
        }
    }

    #[test]
    fn resolving_and_evaluating_never_panic(filter in user_filter(), resource in resource(), element in value()) {
        let (user, tolerance) = (standard::user_type(), Tolerance::lenient());
        match filter.resolve(&user, &mut ReadContext::new(&tolerance)) {
            Ok(predicate) => {
                let negated = Filter::Not(Box::new(filter)).resolve(&user, &mut ReadContext::new(&tolerance)).unwrap();
                prop_assert_eq!(negated.is_match(&resource), !predicate.is_match(&resource));
            }
            Err(error) => prop_assert!(error.input().get(error.span()).is_some_and(|part| !part.is_empty())),
        }
        let emails = user.attribute("emails").unwrap();
        let inside: Filter = r#"type eq "work" and not (value pr) or primary ne true"#.parse().unwrap();
        let predicate = inside.resolve_value_path(emails, &mut ReadContext::new(&tolerance)).unwrap();
        predicate.matches_element(&element);
    }

    #[test]
    fn no_filter_is_too_strange_to_resolve(filter in filter()) {
        let tolerance = Tolerance::lenient();
        let _ = filter.resolve(&standard::user_type(), &mut ReadContext::new(&tolerance)).map_err(|error| format!("{error:#}"));
    }
}
