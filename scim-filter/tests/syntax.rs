//! Which texts parse, how they print, and what is said of the others: the cases of
//! `testdata/filter/`, in every profile.
#![expect(clippy::unwrap_used, clippy::type_complexity, reason = "a test fails by panicking")]

use scim_filter::{Filter, FilterLimits, ParseError, PatchPath};
use scim_schema::{Quirk, ReadContext, ScimType, Tolerance};
use serde::Deserialize;
use serde::de::IgnoredAny;

const PROFILES: [(&str, fn() -> Tolerance); 3] =
    [("strict", Tolerance::strict), ("interop", Tolerance::interop), ("lenient", Tolerance::lenient)];

/// What a file of cases holds.
#[derive(Deserialize)]
struct File<T> {
    about: String,
    cases: Vec<T>,
}

fn load<T: for<'de> Deserialize<'de>>(name: &str) -> Vec<T> {
    let file: File<T> = testdata::load(format!("filter/{name}.json"));
    assert!(file.about.contains("RFC"), "{name} says where it comes from");
    file.cases
}

/// The result of reading a text, and the quirks that were met.
fn read<T>(
    read: fn(&str, &FilterLimits, &mut ReadContext<'_>) -> Result<T, ParseError>,
    text: &str,
    tolerance: &Tolerance,
) -> (Result<T, ParseError>, Vec<Quirk>) {
    let mut read_context = ReadContext::new(tolerance);
    let result = read(text, &FilterLimits::default(), &mut read_context);
    (result, read_context.tolerated().iter().map(|tolerated| tolerated.quirk).collect())
}

/// Whether serde_json was built so that numbers keep the notation in which they were written.
fn keeps_notation() -> bool {
    let printed = serde_json::from_str::<serde_json::Value>("1e1").unwrap().to_string();
    printed != "10.0"
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parses {
    filter: String,
    prints: Option<String>,
    #[serde(default)]
    quirks: Vec<String>,
    #[serde(default)]
    notation: bool,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

#[test]
fn filters_parse_and_print() {
    let cases: Vec<Parses> = load("parse");
    assert!(cases.len() > 100);
    for case in cases {
        let text = &case.filter;
        let prints = case.prints.as_ref().unwrap_or(text);
        for (profile, tolerance) in PROFILES {
            let (result, quirks) = read(Filter::parse, text, &tolerance());
            if profile != "lenient" && !case.quirks.is_empty() {
                assert!(result.is_err(), "{profile}: {text}");
                continue;
            }
            let filter = result.unwrap_or_else(|error| panic!("{profile}: {error:#}"));
            if !(case.notation && keeps_notation()) {
                assert_eq!(&filter.to_string(), prints, "{profile}: {text}");
            }
            assert_eq!(filter.to_string().parse(), Ok(filter), "{profile}: {text}");
            let quirks: Vec<_> = quirks.iter().map(|quirk| quirk.name()).collect();
            assert_eq!(quirks, case.quirks, "{profile}: {text}");
        }
    }
}

#[test]
fn each_quirk_of_the_grammar_can_be_refused_alone() {
    let cases: Vec<Parses> = load("parse");
    for case in cases {
        for quirk in Quirk::ALL.iter().filter(|quirk| case.quirks.iter().any(|name| name == quirk.name())) {
            let tolerance = Tolerance::lenient().without(*quirk);
            let (result, _) = read(Filter::parse, &case.filter, &tolerance);
            assert!(result.is_err(), "without {}: {}", quirk.name(), case.filter);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorCase {
    filter: String,
    profile: Option<String>,
    kind: String,
    span: (usize, usize),
    message: String,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let cases: Vec<ErrorCase> = load("syntax-errors");
    assert!(cases.len() > 60);
    for case in cases {
        let text = &case.filter;
        for (profile, tolerance) in PROFILES {
            let (result, _) = read(Filter::parse, text, &tolerance());
            match case.profile.as_deref() {
                Some("lenient") if profile != "lenient" => continue,
                Some("strict") if profile == "lenient" => {
                    assert!(result.is_ok(), "{text}");
                    continue;
                }
                _ => {}
            }
            let error = result.expect_err(text);
            assert_eq!(error.to_string(), case.message, "{profile}: {text}");
            assert_eq!(format!("{:?}", error.kind()), case.kind, "{profile}: {text}");
            assert_eq!(error.span(), case.span.0..case.span.1, "{profile}: {text}");
            assert_eq!((error.input(), error.scim_type()), (&**text, ScimType::InvalidFilter));
            assert!(case.message.contains(error.expected()), "{profile}: {text}");
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Path {
    path: String,
    prints: Option<String>,
    #[serde(default)]
    quirks: Vec<String>,
    error: Option<PathError>,
}

#[derive(Deserialize)]
struct PathError {
    #[serde(rename = "scimType")]
    scim_type: String,
    message: String,
}

#[test]
fn patch_paths_parse_and_print() {
    let cases: Vec<Path> = load("paths");
    assert!(cases.len() > 40);
    for case in cases {
        let text = &case.path;
        let prints = case.prints.as_ref().unwrap_or(text);
        for (profile, tolerance) in PROFILES {
            let (result, quirks) = read(PatchPath::parse, text, &tolerance());
            match &case.error {
                Some(expected) => {
                    let error = result.expect_err(text);
                    assert_eq!(error.to_string(), expected.message, "{profile}: {text}");
                    assert_eq!(error.scim_type().as_str(), expected.scim_type, "{profile}: {text}");
                }
                None if profile != "lenient" && !case.quirks.is_empty() => {
                    assert!(result.is_err(), "{profile}: {text}");
                }
                None => {
                    let path = result.unwrap_or_else(|error| panic!("{profile}: {error:#}"));
                    assert_eq!(&path.to_string(), prints, "{profile}: {text}");
                    assert_eq!(path.to_string().parse(), Ok(path), "{profile}: {text}");
                    let quirks: Vec<_> = quirks.iter().map(|quirk| quirk.name()).collect();
                    assert_eq!(quirks, case.quirks, "{profile}: {text}");
                }
            }
        }
    }
}

#[test]
fn names_compare_without_regard_to_case() {
    let path = |text: &str| text.parse::<PatchPath>().unwrap();
    assert_eq!(path(r#"emails[type eq "work"].value"#), path(r#"EMAILS[Type EQ "work"].VALUE"#));
    assert_ne!(path(r#"emails[type eq "work"].value"#), path(r#"emails[type eq "WORK"].value"#));
    assert_ne!(path(r#"emails[type eq "work"].value"#), path(r#"emails[type eq "work"]"#));
    assert_ne!(path("emails"), path("emails.value"));

    let filter = |text: &str| text.parse::<Filter>().unwrap();
    assert_eq!(filter("Title pr AND nickname PR"), filter("title pr and nickName pr"));
    assert_ne!(filter(r#"title eq "x""#), filter(r#"title eq "X""#));
}

#[test]
fn filters_are_strings_in_serde() {
    let filter: Filter = serde_json::from_str(r#""(title pr) and emails[type eq \"work\"]""#).unwrap();
    assert_eq!(serde_json::to_string(&filter).unwrap(), r#""title pr and emails[type eq \"work\"]""#);
    let error = serde_json::from_str::<Filter>(r#""title  pr""#).unwrap_err();
    assert!(error.to_string().starts_with("at character 6: expected a single blank"), "{error}");
    assert!(serde_json::from_str::<Filter>("5").is_err());
}

#[test]
fn limits_are_kept() {
    let parse = |text: &str, limits: FilterLimits| {
        Filter::parse(text, &limits, &mut ReadContext::new(&Tolerance::lenient()))
            .map_err(|error| error.to_string())
    };
    let limits = FilterLimits::default();
    let text = r#"a eq "x" or b[c pr] and not (d pr)"#;
    for (limits, refused) in [
        (limits.with_length(34), None),
        (limits.with_length(33), Some("at character 34: expected at most 33 bytes")),
        (limits.with_terms(3), None),
        (limits.with_terms(2), Some("at character 30: expected at most 2 comparisons, found `d`")),
        (limits.with_terms(1), Some("at character 15: expected at most 1 comparisons, found `c`")),
        (limits.with_nesting(1), None),
        (
            limits.with_nesting(0),
            Some("at character 14: expected at most 0 levels of parentheses and brackets, found `[`"),
        ),
    ] {
        assert_eq!(parse(text, limits).err().as_deref(), refused, "{limits:?}");
    }
    // A character is not cut in two.
    let error = Filter::parse("ä pr", &limits.with_length(1), &mut ReadContext::new(&Tolerance::lenient()));
    assert_eq!(error.unwrap_err().input(), "");
    // The brackets of a PATCH path count as well.
    let path = |limits: FilterLimits| {
        PatchPath::parse("a[(b pr)]", &limits, &mut ReadContext::new(&Tolerance::lenient()))
    };
    assert!(path(limits.with_nesting(2)).is_ok());
    assert!(path(limits.with_nesting(1)).is_err() && path(limits.with_nesting(0)).is_err());
}

#[test]
fn carets_stand_below_what_is_wrong() {
    let caret = |text: &str| text.parse::<Filter>().unwrap_err().caret();
    assert_eq!(caret("title is 1"), "title is 1\n      ^^");
    assert_eq!(caret("title"), "title\n     ^");
    assert_eq!(caret("name.größe pr"), "name.größe pr\n       ^^^");
    assert_eq!(caret("title\teq 1"), "title eq 1\n     ^^^");
    let long = format!("{} x", vec!["title pr"; 30].join(" and "));
    assert_eq!(
        caret(&long),
        "… and title pr and title pr and title pr x\n                                         ^"
    );
    let long = format!("title is {}", "x".repeat(200));
    assert_eq!(caret(&long), format!("title is {}…\n      ^^", "x".repeat(71)));
}
