//! Placeholders in expected values. The form of the actual value is checked, and placeholders with the same name must have
//! the same value.

use std::collections::BTreeMap;

/// The forms of values that a server generates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// A resource id; the services under test use UUIDs.
    Id,
    /// The key of a row in a table of an application, from which an id is made.
    Key,
    /// An RFC 3339 dateTime in UTC, with or without a fraction.
    Time,
    /// A weak entity tag, as in the `ETag` header and `meta.version`.
    Version,
    /// A cursor of unreserved characters (RFC 9865, section 2).
    Cursor,
}

/// One part of an expected string.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    /// A literal text.
    Text(&'t str),
    /// `{{base}}`: the base URL of the service.
    Base,
    /// `{{any-string}}`: the rest of the string, which must not be empty.
    Any,
    /// `{{version}}`, `{{version.b}}`, `{{!version.a}}` or `{{version.b!a}}`: a value that the server generates.
    Generated(Generated<'t>),
}

/// A generated value. It is bound to `name` if it has one, and must differ from the value of `differs_from`.
#[derive(Debug, PartialEq, Eq)]
struct Generated<'t> {
    form: Form,
    name: Option<&'t str>,
    differs_from: Option<&'t str>,
}

/// Splits an expected string into its parts.
fn pieces(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once("{{") {
        let (inner, after) =
            after.split_once("}}").ok_or_else(|| format!("`{template}`: a placeholder has no `}}}}`"))?;
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        pieces
            .push(placeholder(inner).ok_or_else(|| format!("`{template}`: unknown placeholder `{inner}`"))?);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

fn placeholder(inner: &str) -> Option<Piece<'_>> {
    match inner {
        "base" => return Some(Piece::Base),
        "any-string" => return Some(Piece::Any),
        _ => {}
    }
    let negated = inner.strip_prefix('!');
    let (form, names) = match negated.unwrap_or(inner).split_once('.') {
        Some((form, names)) => (form, Some(names)),
        None => (negated.unwrap_or(inner), None),
    };
    let form = match form {
        "id" => Form::Id,
        "key" => Form::Key,
        "time" => Form::Time,
        "version" => Form::Version,
        "cursor" => Form::Cursor,
        _ => return None,
    };
    let (name, differs_from) = match (names, names.and_then(|names| names.split_once('!'))) {
        // After `!` there must be exactly one name.
        (None, _) | (_, Some(_)) if negated.is_some() => return None,
        (_, Some((name, differs_from))) => (Some(name), Some(differs_from)),
        (names, None) if negated.is_some() => (None, names),
        (names, None) => (names, None),
    };
    let is_name = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let valid = name.is_none_or(is_name) && differs_from.is_none_or(is_name);
    valid.then_some(Piece::Generated(Generated { form, name, differs_from }))
}

impl Form {
    /// Returns the beginning of `text` that has this form.
    fn matching_prefix(self, text: &str) -> Option<&str> {
        let (length, valid) = match self {
            Form::Id => {
                let length = prefix_length(text, |b| b.is_ascii_alphanumeric() || b == b'-');
                (length, is_uuid(&text[..length]))
            }
            Form::Key => {
                let length = prefix_length(text, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                (length, length > 0)
            }
            Form::Time => {
                let length = text.find('Z')? + 1;
                (length, is_utc_time(&text[..length]))
            }
            Form::Version => {
                let tag = text.strip_prefix("W/\"")?;
                let opaque = tag.find('"')?;
                ("W/\"".len() + opaque + 1, opaque > 0)
            }
            Form::Cursor => {
                let length = prefix_length(text, |b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
                (length, length > 0)
            }
        };
        valid.then(|| &text[..length])
    }

    fn describe(self) -> &'static str {
        match self {
            Form::Id => "a UUID",
            Form::Key => "a key of letters, digits, `-` and `_`",
            Form::Time => "an RFC 3339 time ending in Z",
            Form::Version => "a weak entity tag",
            Form::Cursor => "a cursor in unreserved characters",
        }
    }
}

/// The number of bytes at the beginning of a text that satisfy a condition.
fn prefix_length(text: &str, is_part: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !is_part(byte)).unwrap_or(text.len())
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, with every field in its range.
fn is_utc_time(text: &str) -> bool {
    let Some((date, time)) = text.strip_suffix('Z').and_then(|text| text.split_once('T')) else {
        return false;
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    are_fields_in_range(date, "-", &[(4, 1970, 9999), (2, 1, 12), (2, 1, 31)])
        && are_fields_in_range(time, ":", &[(2, 0, 23), (2, 0, 59), (2, 0, 60)])
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text consists of numbers between separators. `expected` has the number of digits, the least and the greatest
/// value of each.
fn are_fields_in_range(text: &str, separator: &str, expected: &[(usize, u32, u32)]) -> bool {
    let fields: Vec<&str> = text.split(separator).collect();
    fields.len() == expected.len()
        && fields.iter().zip(expected).all(|(field, (digits, least, greatest))| {
            field.len() == *digits
                && field.bytes().all(|byte| byte.is_ascii_digit())
                && field.parse().is_ok_and(|number: u32| (*least..=*greatest).contains(&number))
        })
}

/// The base URL, and the values that are bound to names.
#[derive(Debug)]
pub(crate) struct Bindings {
    base: String,
    values: BTreeMap<(Form, String), String>,
}

impl Bindings {
    pub(crate) fn new(base: &str) -> Self {
        Self { base: base.to_owned(), values: BTreeMap::new() }
    }

    /// Compares a string of a response with the expected one. Binds values to names that are not bound yet.
    pub(crate) fn check(&mut self, template: &str, actual: &str) -> Result<(), String> {
        let mut rest = actual;
        for piece in pieces(template)? {
            rest = match piece {
                Piece::Text(text) => {
                    rest.strip_prefix(text).ok_or_else(|| format!("{rest:?} does not begin with {text:?}"))?
                }
                Piece::Base => {
                    rest.strip_prefix(self.base.as_str()).ok_or("does not begin with the base URL")?
                }
                Piece::Any if rest.is_empty() => return Err("is empty".to_owned()),
                Piece::Any => "",
                Piece::Generated(generated) => {
                    let value = generated
                        .form
                        .matching_prefix(rest)
                        .ok_or_else(|| format!("is not {}", generated.form.describe()))?;
                    self.bind(&generated, value)?;
                    &rest[value.len()..]
                }
            };
        }
        if rest.is_empty() { Ok(()) } else { Err(format!("{rest:?} was not expected at the end")) }
    }

    fn bind(&mut self, generated: &Generated<'_>, value: &str) -> Result<(), String> {
        if let Some(differs_from) = generated.differs_from {
            match self.get(generated.form, differs_from) {
                None => return Err(format!("no value is bound to {differs_from} yet")),
                Some(other) if other == value => return Err(format!("is the same as {differs_from}")),
                Some(_) => {}
            }
        }
        let Some(name) = generated.name else { return Ok(()) };
        let known = self.values.entry((generated.form, name.to_owned())).or_insert_with(|| value.to_owned());
        if known == value { Ok(()) } else { Err(format!("{name} is bound to {known:?}")) }
    }

    fn get(&self, form: Form, name: &str) -> Option<&str> {
        self.values.get(&(form, name.to_owned())).map(String::as_str)
    }

    /// Replaces the placeholders in a string of a request.
    pub(crate) fn fill(&self, template: &str) -> Result<String, String> {
        let mut filled = String::new();
        for piece in pieces(template)? {
            let known = match &piece {
                Piece::Text(text) => Some(*text),
                Piece::Base => Some(self.base.as_str()),
                Piece::Generated(Generated { form, name: Some(name), differs_from: None }) => {
                    self.get(*form, name)
                }
                Piece::Generated(_) | Piece::Any => None,
            };
            let unknown = || format!("`{template}`: a request can contain only names that are already bound");
            filled.push_str(known.ok_or_else(unknown)?);
        }
        Ok(filled)
    }
}

/// Makes a string that matches an expected one, so that transcripts can be tested without a server.
#[cfg(test)]
pub(crate) fn sample(template: &str, base: &str) -> String {
    let generate = |generated: Generated<'_>| {
        let number = generated
            .name
            .map_or(0, |name| name.bytes().fold(7, |n: u32, b| n.wrapping_mul(31) + u32::from(b)));
        match generated.form {
            Form::Id => format!("{number:08x}-5d1e-4f07-9a6b-c1d2e3f40516"),
            Form::Key => number.to_string(),
            Form::Time => "2025-03-04T05:06:07.089Z".to_owned(),
            Form::Version => format!("W/\"{number}\""),
            Form::Cursor => format!("{number:x}-_"),
        }
    };
    let parts = pieces(template).unwrap().into_iter().map(|piece| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Base => base.to_owned(),
        Piece::Any => "some words".to_owned(),
        Piece::Generated(generated) => generate(generated),
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "0b6f4a32-5d1e-4f07-9a6b-c1d2e3f40516";
    const BOB: &str = "ffffffff-5d1e-4f07-9a6b-c1d2e3f40516";

    fn bindings() -> Bindings {
        Bindings::new("https://scim.example.com/v2")
    }

    #[test]
    fn the_form_of_a_value_is_checked() {
        let matching = [
            ("{{id}}", ALICE),
            ("{{key}}", "42"),
            ("p{{key}}", "p42"),
            ("{{base}}/Users/{{key}}/x", "https://scim.example.com/v2/Users/a_1-b/x"),
            ("{{time}}", "2024-02-29T23:59:59Z"),
            ("{{time}}", "2024-02-29T23:59:59.123456Z"),
            ("{{version}}", "W/\"a\""),
            ("{{cursor}}", "aZ09-._~"),
            ("{{any-string}}", "whatever"),
            (
                "{{base}}/Users/{{id}}",
                "https://scim.example.com/v2/Users/0b6f4a32-5d1e-4f07-9a6b-c1d2e3f40516",
            ),
        ];
        for (template, actual) in matching {
            assert_eq!(bindings().check(template, actual), Ok(()), "{template} {actual}");
        }
        let different = [
            ("{{id}}", ""),
            ("{{id}}", "42"),
            ("{{key}}", ""),
            ("p{{key}}", "p"),
            ("p{{key}}", "t1"),
            ("{{key}}", "4 2"),
            ("{{id}}", "0b6f4a32-5d1e-4f07-9a6b-c1d2e3f40516 "),
            ("{{time}}", "2024-02-29"),
            ("{{time}}", "2024-02-29T23:59:59"),
            ("{{time}}", "2024-02-29T23:59:59+00:00"),
            ("{{time}}", "2024-13-29T23:59:59Z"),
            ("{{time}}", "2024-02-29T23:59:59.Z"),
            ("{{version}}", "\"a\""),
            ("{{version}}", "W/\"\""),
            ("{{version}}", "W/\"a"),
            ("{{cursor}}", ""),
            ("{{cursor}}", "a+b="),
            ("{{any-string}}", ""),
            ("{{base}}/Users", "https://scim.example.com/Users"),
            ("plain", "plainer"),
            ("plain", "plai"),
        ];
        for (template, actual) in different {
            assert!(bindings().check(template, actual).is_err(), "{template} {actual}");
        }
    }

    #[test]
    fn a_name_is_bound_to_a_single_value() {
        let mut bindings = bindings();
        assert_eq!(bindings.check("{{id.alice}}", ALICE), Ok(()));
        assert_eq!(bindings.check("/Users/{{id.alice}}", &format!("/Users/{ALICE}")), Ok(()));
        assert!(bindings.check("{{id.alice}}", BOB).is_err());
        assert_eq!(bindings.check("{{id.bob}}", BOB), Ok(()));
        assert_eq!(bindings.check("{{!id.alice}}", BOB), Ok(()));
        assert!(bindings.check("{{!id.alice}}", ALICE).is_err());
        assert!(bindings.check("{{!version.unseen}}", "W/\"1\"").is_err());
    }

    #[test]
    fn a_new_name_can_be_required_to_differ_from_an_old_one() {
        let mut bindings = bindings();
        assert!(bindings.check("{{version.b!a}}", "W/\"2\"").is_err(), "`a` is not bound yet");
        assert_eq!(bindings.check("{{version.a}}", "W/\"1\""), Ok(()));
        assert!(bindings.check("{{version.b!a}}", "W/\"1\"").is_err());
        assert_eq!(bindings.check("{{version.b!a}}", "W/\"2\""), Ok(()));
        assert_eq!(bindings.check("{{version.b}}", "W/\"2\""), Ok(()));
        assert!(bindings.check("{{version.b!a}}", "W/\"3\"").is_err(), "`b` is bound to another value");
    }

    #[test]
    fn placeholders_in_requests_are_replaced_by_bound_values() {
        let mut bindings = bindings();
        assert_eq!(bindings.check("{{id.alice}}", ALICE), Ok(()));
        assert_eq!(
            bindings.fill("{{base}}/{{id.alice}}!"),
            Ok(format!("https://scim.example.com/v2/{ALICE}!"))
        );
        for template in ["{{id}}", "{{id.bob}}", "{{!id.alice}}", "{{any-string}}", "{{id.alice", "{{nick}}"]
        {
            assert!(bindings.fill(template).is_err(), "{template}");
        }
    }

    #[test]
    fn misspelled_placeholders_are_refused() {
        for template in [
            "{{ id }}",
            "{{ids}}",
            "{{id.}}",
            "{{!version}}",
            "{{version",
            "{{}}",
            "{{version.b!}}",
            "{{!version.b!a}}",
            "{{version!a}}",
        ] {
            assert!(pieces(template).is_err(), "{template}");
        }
    }
}
