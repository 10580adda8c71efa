//! The parameters of a query, from a URL or from a SearchRequest (RFC 7644 sections 3.4.2 and 3.4.3).

use scim_schema::{Reading, ScimType, read_message};
use serde_json::{Map, Value};

use crate::route::decode;
use crate::{Error, Result};

/// The URI of the SearchRequest message schema.
pub(crate) const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// The parameters as the client sent them, numbers read and clamped.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Parameters {
    pub(crate) attributes: Option<String>,
    pub(crate) excluded_attributes: Option<String>,
    pub(crate) filter: Option<String>,
    pub(crate) sort_by: Option<String>,
    pub(crate) descending: bool,
    pub(crate) start_index: Option<u64>,
    pub(crate) count: Option<usize>,
    /// Whether the count was below 0, which only cursors mind (RFC 9865 section 2.1).
    pub(crate) negative_count: bool,
    /// Empty for the first page.
    pub(crate) cursor: Option<String>,
}

impl Parameters {
    /// Reads the query of a URL. Names may be in any case; unknown and empty ones are ignored.
    pub(crate) fn from_query(query: &str) -> Result<Self> {
        let mut parameters = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name, true), decode(value, true)) else {
                return Err(Error::invalid_syntax("the query is not valid UTF-8"));
            };
            parameters.set(&name, value)?;
        }
        Ok(parameters)
    }

    /// Reads a SearchRequest message.
    pub(crate) fn from_message(message: Value, reading: &mut Reading<'_>) -> Result<Self> {
        const MEMBERS: [&str; 8] = [
            "attributes",
            "excludedAttributes",
            "filter",
            "sortBy",
            "sortOrder",
            "startIndex",
            "count",
            "cursor",
        ];
        let message: Map<String, Value> = read_message(message, Some(SEARCH_REQUEST), &MEMBERS, reading)?;
        let mut parameters = Self::default();
        for (name, value) in message {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Array(names) if name.ends_with("ttributes") => {
                    let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
                    names.ok_or_else(|| wrong(&name, "must be an array of attribute names"))?.join(",")
                }
                _ => return Err(wrong(&name, "has a value of the wrong type")),
            };
            parameters.set(&name, text)?;
        }
        Ok(parameters)
    }

    /// Whether the client says which attributes the response shows.
    pub(crate) fn has_projection(&self) -> bool {
        self.attributes.is_some() || self.excluded_attributes.is_some()
    }

    fn set(&mut self, name: &str, value: String) -> Result<()> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("filter") {
            self.filter = Some(value);
        } else if is("cursor") {
            self.cursor = Some(value);
        } else if value.is_empty() {
            // An empty value of any other parameter says nothing.
        } else if is("attributes") {
            self.attributes = Some(value);
        } else if is("excludedAttributes") {
            self.excluded_attributes = Some(value);
        } else if is("sortBy") {
            self.sort_by = Some(value);
        } else if is("sortOrder") {
            self.descending = match value.to_ascii_lowercase().as_str() {
                "ascending" => false,
                "descending" => true,
                _ => return Err(wrong("sortOrder", "must be ascending or descending")),
            };
        } else if is("startIndex") {
            self.start_index = Some(whole("startIndex", &value)?.max(1));
        } else if is("count") {
            let count = whole("count", &value)?;
            self.negative_count = value.trim_start().starts_with('-');
            self.count = Some(usize::try_from(count).unwrap_or(usize::MAX));
        }
        Ok(())
    }
}

/// A whole number of any length; a negative one counts as 0 (RFC 7644 section 3.4.2.4).
fn whole(name: &str, text: &str) -> Result<u64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong(name, "must be a whole number"));
    }
    Ok(if negative { 0 } else { digits.parse().unwrap_or(u64::MAX) })
}

fn wrong(name: &str, reason: &str) -> Error {
    Error::of(ScimType::InvalidValue, format!("`{name}`: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_write() {
        let parameters =
            Parameters::from_query("&filter=userName+eq+%22a%26b%22&startindex=0&COUNT=-3&foo=1&").unwrap();
        assert_eq!(parameters.filter.as_deref(), Some("userName eq \"a&b\""));
        assert_eq!((parameters.start_index, parameters.count), (Some(1), Some(0)));
        let huge =
            Parameters::from_query("startIndex=99999999999999999999999&count=18446744073709551616").unwrap();
        assert_eq!((huge.start_index, huge.count), (Some(u64::MAX), Some(usize::MAX)));
    }

    #[test]
    fn refuses_what_is_no_number_or_order() {
        for query in ["count=ten", "startIndex=1.5", "sortOrder=up", "count=1e3", "filter=%ff"] {
            assert!(Parameters::from_query(query).is_err(), "{query}");
        }
    }
}
