//! Versions and conditional requests (RFC 7644 section 3.14, RFC 9110 section 13).

use std::fmt;

use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

use crate::{Error, Result};

/// The version of a resource: an opaque, weak entity tag.
///
/// Two tags are equal if their opaque parts are equal, with or without `W/`: SCIM compares weak tags in `If-Match`
/// too (RFC 7644 section 3.14).
///
/// ```
/// use scim_core::ETag;
///
/// let tag = ETag::new("a1");
/// assert_eq!(tag.to_string(), "W/\"a1\"");
/// assert_eq!(tag, ETag::from_stored("\"a1\""));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ETag(Box<str>);

impl ETag {
    /// A tag with this opaque part. Quotation marks and control characters are removed from it.
    pub fn new(opaque: &str) -> Self {
        Self(opaque.chars().filter(|c| *c != '"' && !c.is_control()).collect())
    }

    /// A random tag, which no resource has had.
    pub fn fresh() -> Self {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Self(format!("{:016x}", high ^ low).into())
    }

    /// A tag from the form that `meta.version` has, such as `W/"a1"`.
    pub fn from_stored(text: &str) -> Self {
        Self::new(text.strip_prefix("W/").unwrap_or(text))
    }

    /// The opaque part.
    pub fn opaque(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W/\"{}\"", self.0)
    }
}

/// The versions on which a client wants a request to be executed: its `If-Match` and `If-None-Match`.
///
/// A provider calls [`check`](Self::check) inside the atomic step that makes the change, so that no other change
/// can come between.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Precondition {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

#[derive(Clone, Debug, PartialEq)]
enum Tags {
    Any,
    List(Vec<ETag>),
}

impl Tags {
    fn contain(&self, version: &ETag) -> bool {
        match self {
            Self::Any => true,
            Self::List(tags) => tags.contains(version),
        }
    }
}

impl Precondition {
    /// Any version, or none.
    pub const NONE: Self = Self { if_match: None, if_none_match: None };

    /// Exactly this version.
    pub fn if_match(version: ETag) -> Self {
        Self { if_match: Some(Tags::List(vec![version])), if_none_match: None }
    }

    /// Reads `If-Match` and `If-None-Match`.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self> {
        Ok(Self { if_match: tags(headers, &IF_MATCH)?, if_none_match: tags(headers, &IF_NONE_MATCH)? })
    }

    /// Whether the client set no condition.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Any version of an existing resource (`If-Match: *`).
    pub(crate) const ANY: Self = Self { if_match: Some(Tags::Any), if_none_match: None };

    pub(crate) fn has_if_match(&self) -> bool {
        self.if_match.is_some()
    }

    /// Checks the version of a resource that is about to be changed.
    ///
    /// # Errors
    ///
    /// 412 if the client expects another version.
    pub fn check(&self, version: &ETag) -> Result<()> {
        self.check_match(version)?;
        if self.is_known(version) { Err(Error::precondition_failed()) } else { Ok(()) }
    }

    /// Checks `If-Match` alone: a read is not refused because of `If-None-Match`.
    pub(crate) fn check_match(&self, version: &ETag) -> Result<()> {
        let matches = self.if_match.as_ref().is_none_or(|tags| tags.contain(version));
        if matches { Ok(()) } else { Err(Error::precondition_failed()) }
    }

    /// Whether `If-None-Match` lists this version: the client has it already, and a read is answered with 304.
    pub fn is_known(&self, version: &ETag) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.contain(version))
    }
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>> {
    let mut list: Option<Vec<ETag>> = None;
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| invalid_header(name))?.trim();
        if text.is_empty() {
            return Err(invalid_header(name));
        }
        if text == "*" {
            return Ok(Some(Tags::Any));
        }
        let list = list.get_or_insert_default();
        let mut rest = text;
        while !rest.is_empty() {
            let after = rest.strip_prefix("W/").unwrap_or(rest);
            let (opaque, tail) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(|| invalid_header(name))?,
                // Some clients send the opaque part of `meta.version` without quotation marks.
                None => after.split_once(',').map_or((after.trim(), ""), |(tag, _)| {
                    (tag.trim(), after.get(tag.len()..).unwrap_or_default())
                }),
            };
            list.push(ETag::new(opaque));
            let tail = tail.trim_start();
            rest = match tail.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if tail.is_empty() => tail,
                None => return Err(invalid_header(name)),
            };
        }
    }
    Ok(list.map(Tags::List))
}

fn invalid_header(name: &HeaderName) -> Error {
    Error::invalid_syntax(format!(
        "the header `{name}` must be `*` or a list of entity tags, such as `W/\"a1\"`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precondition(name: HeaderName, values: &[&str]) -> Result<Precondition> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, value.parse().unwrap());
        }
        Precondition::from_headers(&headers)
    }

    #[test]
    fn lists_weak_tags_and_the_asterisk_match() {
        let version = ETag::new("v2");
        for good in ["W/\"v2\"", "\"v2\"", "*", "\"v1\", W/\"v2\"", "W/\"a,b\",\"v2\"", "v2", "v1,v2"] {
            assert!(precondition(IF_MATCH, &[good]).unwrap().check(&version).is_ok(), "{good}");
            assert!(precondition(IF_NONE_MATCH, &[good]).unwrap().check(&version).is_err(), "{good}");
        }
        assert!(precondition(IF_MATCH, &["\"v1\"", "\"v2\""]).unwrap().check(&version).is_ok());
        assert!(precondition(IF_MATCH, &["W/\"v1\""]).unwrap().check(&version).is_err());
        assert!(precondition(IF_MATCH, &[]).unwrap().is_none());
    }

    #[test]
    fn refuses_a_malformed_list_of_tags() {
        for bad in ["\"v1", "\"v1\" \"v2\"", "W/\"v1\"x"] {
            assert!(precondition(IF_MATCH, &[bad]).is_err(), "{bad}");
        }
    }
}
