//! Filters that are as long, as wide and as deep as an attacker likes, on a small stack.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use scim_filter::{Filter, FilterLimits, ParseErrorKind, PatchPath, Predicate};
use scim_schema::{ReadContext, Tolerance, standard};

/// Runs on a stack of 512 KiB, a quarter of what a thread gets otherwise.
fn on_a_small_stack(run: fn()) {
    on_a_stack(512, run);
}

fn on_a_stack(kib: usize, run: fn()) {
    std::thread::Builder::new().stack_size(kib * 1024).spawn(run).unwrap().join().unwrap();
}

fn parse(text: &str, limits: FilterLimits) -> Result<Filter, scim_filter::ParseError> {
    Filter::parse(text, &limits, &mut ReadContext::new(&Tolerance::lenient()))
}

fn resolve(filter: &Filter) -> Predicate {
    filter.resolve(&standard::user_type(), &mut ReadContext::new(&Tolerance::lenient())).unwrap()
}

#[test]
fn a_million_terms_on_one_level() {
    on_a_small_stack(|| {
        let term = |n: usize| format!("userName eq \"u{n}\"");
        let text = (0..1_000_000).map(term).collect::<Vec<_>>().join(" or ");
        assert_eq!(parse(&text, FilterLimits::default()).unwrap_err().kind(), ParseErrorKind::Length);
        let long = FilterLimits::default().with_length(usize::MAX);
        assert_eq!(parse(&text, long).unwrap_err().kind(), ParseErrorKind::Terms);

        let filter = parse(&text, long.with_terms(1_000_000)).unwrap();
        assert!(filter.to_string() == text);
        assert!(filter.clone() == filter);
        let predicate = resolve(&filter);
        let user = |name: &str| serde_json::json!({ "userName": name });
        assert!(predicate.is_match(user("u999999").as_object().unwrap()));
        assert!(!predicate.is_match(user("u1000000").as_object().unwrap()));
        assert_eq!(predicate.targets().count(), 1_000_000);
        drop((filter, predicate));
    });
}

#[test]
fn a_hundred_thousand_brackets() {
    on_a_small_stack(|| {
        let many = 100_000;
        for text in [
            "(".repeat(many) + "title pr" + &")".repeat(many),
            "(".repeat(many),
            "not(".repeat(many) + "title pr" + &")".repeat(many),
            "title pr and (".repeat(many),
            "emails[".to_owned() + &"(".repeat(many),
            "emails[".repeat(many),
        ] {
            let wide = FilterLimits::default().with_length(usize::MAX).with_terms(usize::MAX);
            // No limit can be set so high that the stack overflows.
            for limits in [wide, wide.with_nesting(usize::MAX)] {
                let error = parse(&text, limits).unwrap_err();
                let expected = match text.starts_with("emails[emails[") {
                    true => ParseErrorKind::NestedValuePath,
                    false => ParseErrorKind::Nesting,
                };
                assert_eq!(error.kind(), expected);
                assert!(format!("{error:#}").len() < 500);
                assert!(
                    PatchPath::parse(&text, &limits, &mut ReadContext::new(&Tolerance::lenient())).is_err()
                );
            }
        }
    });
}

#[test]
fn the_deepest_filter_that_any_limit_allows() {
    // Twice as much, for what is built without optimisation.
    on_a_stack(1024, || {
        let levels = FilterLimits::MAX_NESTING;
        let limits =
            FilterLimits::default().with_nesting(usize::MAX).with_length(usize::MAX).with_terms(usize::MAX);
        let deep = |open: &str| open.repeat(levels) + "title pr" + &")".repeat(levels);
        for text in
            [deep("("), deep("not ("), deep("title pr and not (id pr or "), deep("title pr or (id pr and ")]
        {
            let filter = parse(&text, limits).unwrap();
            let printed = filter.to_string();
            assert_eq!(parse(&printed, limits).as_ref(), Ok(&filter));
            assert!(!format!("{:?}", filter.clone()).is_empty());
            let predicate = resolve(&filter);
            predicate.is_match(&serde_json::Map::new());
            assert!(predicate.targets().count() > 0);
        }
        assert!(parse(&deep("not ("), limits).is_ok());
        assert!(parse(&format!("({})", deep("not (")), limits).is_err());
    });
}

#[test]
fn the_default_nesting_is_64() {
    let deep =
        |levels| parse(&("(".repeat(levels) + "title pr" + &")".repeat(levels)), FilterLimits::default());
    assert!(deep(64).is_ok());
    assert_eq!(deep(65).unwrap_err().kind(), ParseErrorKind::Nesting);
}

#[test]
fn a_value_that_is_very_long() {
    let text = format!("title eq \"{}\"", "ü\\n".repeat(200_000));
    let long = FilterLimits::default().with_length(usize::MAX);
    let filter = parse(&text, long).unwrap();
    assert_eq!(filter.to_string(), text);
    let error = parse(text.trim_end_matches('"'), long).unwrap_err();
    assert!(format!("{error:#}").len() < 500, "{error:#}");
}

#[test]
fn what_is_looked_for_in_texts_is_limited() {
    let tolerance = Tolerance::lenient();
    let limits = FilterLimits::default();
    let parse = |text: &str| Filter::parse(text, &limits, &mut ReadContext::new(&tolerance));
    let (longest, longer) = ("ü".repeat(1_024), "ü".repeat(1_025));
    for op in ["co", "sw", "ew"] {
        assert!(parse(&format!("title {op} \"{longest}\"")).is_ok(), "{op}");
        let error = parse(&format!("title {op} \"{longer}\"")).unwrap_err();
        let expected = format!("at character 10: expected at most 1024 characters after `{op}`");
        assert_eq!(error.to_string(), expected);
        assert!(parse(&format!("title {op} {longer}")).is_err(), "{op} without quotes");
        let (wide, mut read_context) = (limits.with_operand(1_025), ReadContext::new(&tolerance));
        assert!(Filter::parse(&format!("title {op} \"{longer}\""), &wide, &mut read_context).is_ok(), "{op}");
    }
    assert!(
        parse(&format!("title eq \"{longer}\"")).is_ok(),
        "what is compared costs no more than it is long"
    );
}
