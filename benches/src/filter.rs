//! Cases of filters: parsing, resolving and evaluating.

use scim_core::filter::{Filter, FilterLimits, Predicate};
use scim_core::schema::{ReadContext, Tolerance, standard};

use crate::Case;

/// One filter of each shape that figure 2 of RFC 7644 shows.
const FILTERS: [&str; 17] = [
    r#"userName eq "ilse.brandstetter@example.com""#,
    r#"name.familyName co "D'Arcy""#,
    r#"userName sw "ilse""#,
    r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ilse""#,
    r#"title pr"#,
    r#"meta.lastModified gt "2024-03-01T09:30:00Z""#,
    r#"meta.lastModified ge "2024-03-01T09:30:00Z""#,
    r#"meta.lastModified lt "2024-03-01T09:30:00Z""#,
    r#"meta.lastModified le "2024-03-01T09:30:00Z""#,
    r#"title pr and userType eq "Employee""#,
    r#"title pr or userType eq "Contractor""#,
    r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
    r#"userType eq "Employee" and (emails co "example.net" or emails.value co "example.com")"#,
    r#"userType ne "Employee" and not (emails co "example.net" or emails.value co "example.com")"#,
    r#"userType eq "Employee" and (emails.type eq "work")"#,
    r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
    r#"emails[type eq "work" and value co "@example.org"] or ims[type eq "xmpp" and value co "@example.org"]"#,
];

fn parse(text: &str, tolerance: &Tolerance) -> Filter {
    Filter::parse(text, &FilterLimits::default(), &mut ReadContext::new(tolerance)).expect("a filter")
}

fn parsed() -> Vec<Filter> {
    FILTERS.iter().map(|text| parse(text, &Tolerance::lenient())).collect()
}

pub(crate) fn cases() -> Vec<Case> {
    let parse_one = |name, bar, text: String| {
        let (tolerance, limits) = (Tolerance::lenient(), FilterLimits::default());
        Case::repeated(name, bar, move || Filter::parse(&text, &limits, &mut ReadContext::new(&tolerance)))
    };
    let or: Vec<String> = (0..100).map(|n| format!("userName eq \"user{n}@example.com\"")).collect();
    let nested = format!("{}userName eq \"ilse\"{}", "(".repeat(20), ")".repeat(20));

    let (lenient, limits) = (Tolerance::lenient(), FilterLimits::default());
    let parse_17 = move |text: &&'static str| {
        Filter::parse(text, &limits, &mut ReadContext::new(&lenient)).expect("a filter")
    };

    let (user, lenient) = (standard::user_type(), Tolerance::lenient());
    let resolve = move |filter: &Filter| {
        filter.resolve(&user, &mut ReadContext::new(&lenient)).expect("attributes of users")
    };

    let (user, lenient) = (standard::user_type(), Tolerance::lenient());
    let predicates: Vec<Predicate> = parsed()
        .iter()
        .map(|filter| filter.resolve(&user, &mut ReadContext::new(&lenient)).expect("attributes of users"))
        .collect();
    let resource = crate::user();
    let evaluate = move |predicate: &Predicate| predicate.is_match(&resource);

    vec![
        parse_one("filter/parse-one", None, r#"userName eq "ilse.brandstetter@example.com""#.to_owned()),
        Case::mean("filter/parse", 0.020, FILTERS.to_vec(), parse_17),
        parse_one("filter/parse-or-100", Some(0.8), or.join(" or ")),
        parse_one("filter/parse-nested-20", Some(0.04), nested),
        Case::mean("filter/resolve", 0.020, parsed(), resolve),
        Case::mean("filter/evaluate", 0.012, predicates, evaluate),
    ]
}
