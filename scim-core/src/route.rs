//! From a path to an endpoint (RFC 7644 section 3.2).

use crate::discovery::Documents;
use crate::{Error, Result, ScimService};

/// An endpoint; a resource type is given by the index of its registration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Root,
    Search(Option<usize>),
    Collection(usize),
    Resource(usize, String),
    Discovery(Documents),
    Bulk,
    Me,
}

impl Route {
    /// The resource type of a collection or of its search; `None` for the root.
    pub(crate) fn resource_type(&self) -> Option<usize> {
        match self {
            Self::Collection(on) | Self::Search(Some(on)) | Self::Resource(on, _) => Some(*on),
            _ => None,
        }
    }

    /// Finds the endpoint of a path, which may or may not begin with the path of the base URL.
    pub(crate) fn find(service: &ScimService, base: &str, path: &str) -> Result<Self> {
        let below = below_base(base, path);
        let mut segments = below
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| {
                decode(segment, false).ok_or_else(|| Error::invalid_syntax("the path is not valid UTF-8"))
            })
            .collect::<Result<Vec<String>>>()?;
        if let Some(version) = segments.first().and_then(|segment| version_of(segment)) {
            // RFC 7644 section 3.13; this is version 2.
            if version != "2" {
                return Err(Error::of(scim_schema::ScimType::InvalidVers, "the service speaks version v2"));
            }
            segments.remove(0);
        }
        let mut segments = segments.into_iter();
        let route = Self::of(service, segments.next(), segments.next());
        match (route, segments.next()) {
            // Not every store can even look up U+0000, and none has an id with it.
            (Some(Self::Resource(_, id)), None) if id.contains('\0') => Err(Error::not_found(&id)),
            (Some(route), None) => Ok(route),
            _ => Err(Error::new(http::StatusCode::NOT_FOUND, "there is no such endpoint")),
        }
    }

    fn of(service: &ScimService, first: Option<String>, second: Option<String>) -> Option<Self> {
        let Some(first) = first else { return Some(Self::Root) };
        // Clients write endpoints in their own case, and no two differ by case only.
        let is = |name: &str| first.eq_ignore_ascii_case(name);
        if is(".search") {
            return second.is_none().then_some(Self::Search(None));
        }
        if is("Bulk") {
            return second.is_none().then_some(Self::Bulk);
        }
        if is("Me") {
            return second.is_none().then_some(Self::Me);
        }
        if is("ServiceProviderConfig") {
            return second.is_none().then_some(Self::Discovery(Documents::Configuration));
        }
        let discovery = service.discovery();
        if is("Schemas") {
            let Some(id) = second else { return Some(Self::Discovery(Documents::Schemas(None))) };
            let place = discovery.schemas.iter().position(|schema| schema.is(&id))?;
            return Some(Self::Discovery(Documents::Schemas(Some(place))));
        }
        if is("ResourceTypes") {
            let Some(id) = second else { return Some(Self::Discovery(Documents::ResourceTypes(None))) };
            let place = discovery.resource_types.iter().position(|resource_type| resource_type.is(&id))?;
            return Some(Self::Discovery(Documents::ResourceTypes(Some(place))));
        }
        let on = service
            .registrations()
            .iter()
            .position(|r| r.resource_type.endpoint().trim_start_matches('/').eq_ignore_ascii_case(&first))?;
        Some(match second {
            None => Self::Collection(on),
            Some(second) if second.eq_ignore_ascii_case(".search") => Self::Search(Some(on)),
            Some(id) => Self::Resource(on, id),
        })
    }
}

/// The path below the base URL's, whose last segment may be a protocol version: then another version
/// in its place is below it too.
fn below_base<'a>(base: &str, path: &'a str) -> &'a str {
    let after_scheme = base.split_once("://").map_or(base, |(_, rest)| rest);
    let base_path = after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or_default();
    let unversioned = base_path.rsplit_once('/').filter(|(_, last)| version_of(last).is_some());
    let bases = [Some(base_path), unversioned.map(|(above, _)| above)];
    let below = |base: &str| path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    bases.into_iter().flatten().find_map(below).unwrap_or(path)
}

/// The number of a path segment such as `v2` (RFC 7644 section 3.13).
pub(crate) fn version_of(segment: &str) -> Option<&str> {
    let version = segment.strip_prefix(['v', 'V'])?;
    (!version.is_empty() && version.bytes().all(|b| b.is_ascii_digit())).then_some(version)
}

/// Undoes percent-encoding, and `+` for a blank in queries; `None` if the result is not UTF-8.
pub(crate) fn decode(text: &str, plus: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' if plus => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                match (hex(ahead.next()), hex(ahead.next())) {
                    (Some(high), Some(low)) => {
                        bytes.push(high * 16 + low);
                        rest = ahead;
                    }
                    // A lone percent sign stands for itself.
                    _ => bytes.push(b'%'),
                }
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(byte: Option<u8>) -> Option<u8> {
    byte.and_then(|byte| char::from(byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_the_base_path_only_whole() {
        for (base, path, below) in [
            ("https://example.com/scim/v2", "/scim/v2/Users/1", "/Users/1"),
            ("https://example.com/scim/v2", "/Users/1", "/Users/1"),
            ("https://example.com/scim/v2", "/scimx/v2/Users", "/scimx/v2/Users"),
            ("https://example.com/scim/v2", "/scim/v2", ""),
            ("https://example.com", "/Users", "/Users"),
            ("https://example.com/scim/v2", "/scim/v1/Users", "/v1/Users"),
            ("https://example.com/scim/v2", "/scim/Users", "/Users"),
            ("https://example.com/v2", "/v1/Users", "/v1/Users"),
        ] {
            assert_eq!(below_base(base, path), below);
        }
    }

    #[test]
    fn decodes_either_case_and_keeps_lone_percent_signs() {
        assert_eq!(decode("a%2Fb%2fc+d", true).as_deref(), Some("a/b/c d"));
        assert_eq!(decode("a+b", false).as_deref(), Some("a+b"));
        assert_eq!(decode("100%", true).as_deref(), Some("100%"));
        assert_eq!(decode("%zz%4", true).as_deref(), Some("%zz%4"));
        assert_eq!(decode("%ff", true), None);
    }
}
