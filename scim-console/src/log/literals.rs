//! Filters and paths of PATCH operations without the values that they compare with.

use scim_core::filter::{Filter, FilterLimits, Literal, PatchPath};
use scim_core::schema::{AttrPath, ReadContext, Tolerance};

/// What stands for a filter that cannot be read, and so may contain anything.
const UNREADABLE: &str = "(cannot be read)";
/// What stands for a value.
const HIDDEN: &str = "…";

/// A filter, or `None` if it cannot be read.
pub(super) fn parse_filter(text: &str) -> Option<Filter> {
    let tolerance = Tolerance::lenient();
    Filter::parse(text, &FilterLimits::default(), &mut ReadContext::new(&tolerance)).ok()
}

/// A filter without its values.
pub(super) fn filter_without_values(text: &str) -> String {
    parse_filter(text).map_or_else(|| UNREADABLE.to_owned(), |filter| without_values(filter).to_string())
}

/// The path of a PATCH operation without the values in its filter.
pub(super) fn path_without_values(text: &str) -> String {
    let tolerance = Tolerance::lenient();
    match PatchPath::parse(text, &FilterLimits::default(), &mut ReadContext::new(&tolerance)) {
        Ok(PatchPath::Attribute(_)) => text.to_owned(),
        Ok(PatchPath::Value { path, filter, sub }) => {
            PatchPath::Value { path, filter: without_values(filter), sub }.to_string()
        }
        // A name that is no path is what an administrator looks for. A filter behind it may contain anything.
        Err(_) => match text.find(['[', '"', '\'', '“', '”', '=']) {
            None => text.to_owned(),
            Some(at) => format!("{}{UNREADABLE}", text.get(..at).unwrap_or_default()),
        },
    }
}

/// The filter with a mark in place of each value, except those that are compared with `type`, which say what kind of value
/// it is.
fn without_values(filter: Filter) -> Filter {
    match filter {
        Filter::And(filters) => Filter::And(filters.into_iter().map(without_values).collect()),
        Filter::Or(filters) => Filter::Or(filters.into_iter().map(without_values).collect()),
        Filter::Not(filter) => Filter::Not(Box::new(without_values(*filter))),
        Filter::Complex { path, filter } => {
            Filter::Complex { path, filter: Box::new(without_values(*filter)) }
        }
        Filter::Compare { path, op, value } => {
            let is_shown = match &value {
                Literal::Null | Literal::Bool(_) => true,
                Literal::Number(_) => false,
                Literal::String(text) => is_type(&path) && text.len() <= 20,
            };
            let value = if is_shown { value } else { Literal::String(HIDDEN.into()) };
            Filter::Compare { path, op, value }
        }
        Filter::Present(path) => Filter::Present(path),
    }
}

fn is_type(path: &AttrPath) -> bool {
    path.as_str().rsplit(['.', ':']).next().is_some_and(|name| name.eq_ignore_ascii_case("type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_in_every_form() {
        for (text, expected) in [
            (r#"userName eq "bea@example.com""#, r#"userName eq "…""#),
            ("userName eq bea", r#"userName eq "…""#),
            ("userName eq 'bea'", r#"userName eq "…""#),
            ("age gt 5 and active eq true", r#"age gt "…" and active eq true"#),
            (r#"emails[type eq "work" and value sw "b"]"#, r#"emails[type eq "work" and value sw "…"]"#),
            (r#"not (a eq "x\"y" or title pr)"#, r#"not (a eq "…" or title pr)"#),
            ("userName eq “bea”", UNREADABLE),
            ("bea", UNREADABLE),
            (r#"a eq "x"#, UNREADABLE),
        ] {
            let hidden = filter_without_values(text);
            assert!(hidden == expected || hidden == UNREADABLE, "{text}: {hidden}");
            assert!(!hidden.contains("bea"), "{hidden}");
        }
        assert_eq!(filter_without_values("title pr"), "title pr");
        for (text, expected) in [
            ("name.givenName", "name.givenName"),
            (r#"emails[type eq "work"].value"#, r#"emails[type eq "work"].value"#),
            (r#"emails[value eq "b"]"#, r#"emails[value eq "…"]"#),
            ("members[value eq b]", r#"members[value eq "…"]"#),
            ("Colour of hair", "Colour of hair"),
            ("password eq \"b\"", "password eq (cannot be read)"),
            ("emails[what is b]", "emails(cannot be read)"),
        ] {
            assert_eq!(path_without_values(text), expected);
        }
    }
}
