//! The parameters of a query, from a URL or from a SearchRequest (RFC 7644 sections 3.4.2 and 3.4.3).

use std::borrow::Cow;

use scim_schema::internal::canonicalize_message;
use scim_schema::{Quirk, ReadContext, ScimType};
use serde_json::Value;

use crate::error::shortened;
use crate::message_uri::SEARCH_REQUEST;
use crate::url::decode_query;
use crate::{Error, Result};

const NAMES: [&str; 8] =
    ["attributes", "excludedAttributes", "filter", "sortBy", "sortOrder", "startIndex", "count", "cursor"];

/// The parameters as the client sent them. Numbers and the order are parsed when they are used, so that a
/// request that ignores them does not fail because of them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parameters {
    pub(super) attributes: Option<String>,
    pub(super) excluded_attributes: Option<String>,
    pub(super) filter: Option<String>,
    pub(super) sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    /// Empty for the first page.
    pub(super) cursor: Option<String>,
}

impl Parameters {
    /// Reads the query of a URL. Unknown parameters are ignored.
    pub(super) fn from_query(query: &str, read_context: &mut ReadContext<'_>) -> Result<Self> {
        let mut parameters = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name)?;
            let name = match NAMES.iter().find(|known| known.eq_ignore_ascii_case(&name)) {
                Some(known) if **known == name || read_context.allow_quirk(Quirk::ParameterForm, known) => {
                    *known
                }
                Some(known) => {
                    return Err(Error::invalid_syntax(format!(
                        "`{}` is not a parameter; send `{known}`",
                        shortened(&name)
                    )));
                }
                None => {
                    decoded(value)?;
                    continue;
                }
            };
            let value =
                if name == "filter" { with_pluses(value, read_context) } else { Cow::Borrowed(value) };
            parameters.set(name, decoded(&value)?, read_context)?;
        }
        Ok(parameters)
    }

    /// Reads a SearchRequest message.
    pub(super) fn from_message(message: Value, read_context: &mut ReadContext<'_>) -> Result<Self> {
        if !message.is_object() {
            return Err(Error::invalid_syntax(
                "the body must be a JSON object, such as `{\"filter\": \"title pr\"}`",
            ));
        }
        let message = canonicalize_message(message, Some(SEARCH_REQUEST), &NAMES, read_context)?;
        let mut parameters = Self::default();
        for (name, value) in message {
            let number = matches!(name.as_str(), "startIndex" | "count");
            let text = match value {
                Value::Null => continue,
                Value::Number(value) if number => value.to_string(),
                Value::String(text) if !number || read_context.allow_quirk(Quirk::NumberAsString, &name) => {
                    text
                }
                Value::Array(names) if name.ends_with("ttributes") => {
                    let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
                    names
                        .ok_or_else(|| invalid_parameter(&name, "must be an array of attribute names"))?
                        .join(",")
                }
                _ => return Err(invalid_parameter(&name, "has a value of the wrong type")),
            };
            parameters.set(&name, text, read_context)?;
        }
        Ok(parameters)
    }

    /// Whether the query of a URL has a filter. Other parameters may be invalid.
    pub(super) fn has_filter(query: &str) -> bool {
        let name = |pair: &str| decode_query(pair.split_once('=').map_or(pair, |(name, _)| name));
        query.split('&').filter_map(name).any(|name| name.eq_ignore_ascii_case("filter"))
    }

    /// Whether the client chooses the attributes that the response shows.
    pub(super) fn has_projection(&self) -> bool {
        self.attributes.is_some() || self.excluded_attributes.is_some()
    }

    fn set(&mut self, name: &str, value: String, read_context: &mut ReadContext<'_>) -> Result<()> {
        // An empty value counts as absent, with two exceptions: an empty cursor asks for the first page, and
        // an empty filter is refused unless it is tolerated.
        if value.trim().is_empty() && name == "filter" {
            if read_context.allow_quirk(Quirk::EmptyFilter, name) {
                return Ok(());
            }
            let detail =
                "`filter`: is empty; send an expression such as `userName eq \"bea\"`, or leave it out";
            return Err(Error::invalid_filter(detail));
        }
        if value.is_empty() && name != "cursor" {
            return Ok(());
        }
        let slot = match name {
            "attributes" => &mut self.attributes,
            "excludedAttributes" => &mut self.excluded_attributes,
            "filter" => &mut self.filter,
            "sortBy" => &mut self.sort_by,
            "sortOrder" => &mut self.sort_order,
            "startIndex" => &mut self.start_index,
            "count" => &mut self.count,
            _ => &mut self.cursor,
        };
        match slot {
            None => *slot = Some(value),
            // Some clients repeat the parameter for each name.
            Some(names) if name.ends_with("ttributes") => {
                names.push(',');
                names.push_str(&value);
            }
            Some(_) => {
                return Err(Error::invalid_syntax(format!("duplicate parameter `{name}`; send it once")));
            }
        }
        Ok(())
    }

    /// Whether `sortOrder` is descending.
    pub(super) fn descending(&self) -> Result<bool> {
        match self.sort_order.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("ascending") => Ok(false),
            Some("descending") => Ok(true),
            Some(_) => Err(invalid_parameter("sortOrder", "must be ascending or descending")),
        }
    }

    /// The `startIndex`; less than 1 counts as 1 (RFC 7644 section 3.4.2.4).
    pub(super) fn start_index(&self) -> Result<Option<u64>> {
        let index = self.start_index.as_deref().map(|text| parse_integer("startIndex", text)).transpose()?;
        Ok(index.map(|index| index.max(1).unsigned_abs()))
    }

    /// The `count`, which may be negative.
    pub(super) fn count(&self) -> Result<Option<i64>> {
        self.count.as_deref().map(|text| parse_integer("count", text)).transpose()
    }
}

/// A name or a value of a query.
fn decoded(text: &str) -> Result<String> {
    let invalid = || Error::invalid_syntax("the query is not valid UTF-8, or contains U+0000");
    decode_query(text).filter(|text| !text.contains('\0')).ok_or_else(invalid)
}

/// Encodes each `+` that stands for itself in the filter of a URL. In a URL, `+` stands for a space, as in a form.
/// But clients that encode spaces as `%20` do not encode a plus sign in a string, as in `a+b@example.com`.
fn with_pluses<'a>(filter: &'a str, read_context: &mut ReadContext<'_>) -> Cow<'a, str> {
    if !filter.contains('+') || !(filter.contains("%20") || filter.contains(' ')) {
        return Cow::Borrowed(filter);
    }
    let (mut kept, mut quoted, mut found) = (String::with_capacity(filter.len() + 8), false, false);
    let mut rest = filter;
    while let Some(c) = rest.chars().next() {
        let encoded = |code: &str| rest.get(..3).is_some_and(|three| three.eq_ignore_ascii_case(code));
        let (is_quote, is_escape) = (c == '"' || encoded("%22"), c == '\\' || encoded("%5c"));
        let mut length = if c != '%' || rest.get(..3).is_none() { c.len_utf8() } else { 3 };
        match c {
            // The client encodes spaces as `+`.
            '+' if !quoted => return Cow::Borrowed(filter),
            '+' => {
                kept.push_str("%2B");
                found = true;
            }
            _ => {
                if quoted && is_escape {
                    // The escaped character, often a quotation mark, does not end the string.
                    let escaped = rest.get(length..).unwrap_or_default();
                    length += match escaped.chars().next() {
                        Some('%') if escaped.get(..3).is_some() => 3,
                        Some('+') | None => 0,
                        Some(next) => next.len_utf8(),
                    };
                } else if is_quote {
                    quoted = !quoted;
                }
                kept.push_str(rest.get(..length).unwrap_or_default());
            }
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    if found && read_context.allow_quirk(Quirk::RawPlus, "filter") {
        Cow::Owned(kept)
    } else {
        Cow::Borrowed(filter)
    }
}

/// Parses an integer. One that is too large becomes the largest `i64`, or the smallest.
fn parse_integer(name: &str, text: &str) -> Result<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid_parameter(name, "must be an integer"));
    }
    let saturated = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(text.parse().unwrap_or(saturated))
}

fn invalid_parameter(name: &str, reason: &str) -> Error {
    Error::from_scim_type(ScimType::InvalidValue, format!("`{name}`: {reason}"))
}

#[cfg(test)]
mod tests {
    use scim_schema::Tolerance;
    use serde_json::json;

    use super::*;

    fn query(text: &str) -> Result<Parameters> {
        Parameters::from_query(text, &mut ReadContext::new(&Tolerance::lenient()))
    }

    #[test]
    fn reads_the_forms_that_clients_send() {
        let parameters = query("&filter=userName+eq+%22a%26b%22&startindex=0&COUNT=-3&foo=1&").unwrap();
        assert_eq!(parameters.filter.as_deref(), Some("userName eq \"a&b\""));
        assert_eq!((parameters.start_index().unwrap(), parameters.count().unwrap()), (Some(1), Some(-3)));
        let huge = query("startIndex=99999999999999999999999&count=18446744073709551616").unwrap();
        assert_eq!(huge.start_index().unwrap(), Some(i64::MAX.unsigned_abs()));
        assert_eq!(huge.count().unwrap(), Some(i64::MAX));
        let list = query("attributes=userName&attributes=title&excludedAttributes=").unwrap();
        assert_eq!((list.attributes.as_deref(), list.excluded_attributes), (Some("userName,title"), None));
    }

    #[test]
    fn refuses_malformed_numbers_and_orders() {
        for text in ["count=ten", "count=1e3", "count=--1"] {
            assert!(query(text).unwrap().count().is_err(), "{text}");
        }
        for text in ["startIndex=1.5", "startIndex=+", "startIndex=%20"] {
            assert!(query(text).unwrap().start_index().is_err(), "{text}");
        }
        assert!(query("sortOrder=up").unwrap().descending().is_err());
        for text in ["filter=%ff", "a=%00", "filter=a&filter=b"] {
            assert!(query(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tolerance_is_asked_for_names_in_other_case_and_numbers_in_strings() {
        let (strict, lenient) = (Tolerance::strict(), Tolerance::lenient());
        assert!(Parameters::from_query("Filter=x", &mut ReadContext::new(&strict)).is_err());
        let mut read_context = ReadContext::new(&lenient);
        assert!(Parameters::from_query("Filter=x&filter2=y", &mut read_context).is_ok());
        assert_eq!(read_context.tolerated().len(), 1);
        let message = json!({ "schemas": [SEARCH_REQUEST], "count": "5" });
        assert!(Parameters::from_message(message.clone(), &mut ReadContext::new(&strict)).is_err());
        let parameters = Parameters::from_message(message, &mut ReadContext::new(&lenient)).unwrap();
        assert_eq!(parameters.count().unwrap(), Some(5));
    }

    #[test]
    fn finds_a_filter_among_other_parameters() {
        for text in ["filter=", "count=x&FILTER=a", "f%69lter=a"] {
            assert!(Parameters::has_filter(text), "{text}");
        }
        assert!(!Parameters::has_filter("count=filter&filters=x"));
    }
}
