//! From a path to an endpoint (RFC 7644 section 3.2).

use http::Method;
use scim_schema::ResourceType;

use crate::setup::{Documents, Setup, protocol_version};
use crate::type_index::TypeIndex;
use crate::url::decode_segment;
use crate::{Action, Error, Result};

/// An endpoint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Root,
    Search(Option<TypeIndex>),
    Collection(TypeIndex),
    Resource(TypeIndex, String),
    Discovery(Documents),
    Bulk,
    Me,
    /// `/Users` or `/Groups` of a service that has none.
    AbsentCollection(&'static str),
}

impl Route {
    /// The resource type of a collection, of its search, or of a resource; `None` for other endpoints.
    pub(crate) fn type_index(&self) -> Option<TypeIndex> {
        match self {
            Self::Collection(index) | Self::Search(Some(index)) | Self::Resource(index, _) => Some(*index),
            _ => None,
        }
    }

    /// What a request with this method does here; `None` if it is about no resource, or if the method is not allowed.
    pub(crate) fn action(&self, method: &Method) -> Option<Action> {
        match (self, method) {
            (Self::Root | Self::Collection(_) | Self::AbsentCollection(_), &Method::GET | &Method::HEAD) => {
                Some(Action::Query)
            }
            (Self::Search(_), &Method::POST) => Some(Action::Query),
            (Self::Collection(_) | Self::Me, &Method::POST) => Some(Action::Create),
            (Self::Resource(..) | Self::Me, &Method::GET | &Method::HEAD) => Some(Action::Retrieve),
            (Self::Resource(..) | Self::Me, &Method::PUT) => Some(Action::Replace),
            (Self::Resource(..) | Self::Me, &Method::PATCH) => Some(Action::Patch),
            (Self::Resource(..) | Self::Me, &Method::DELETE) => Some(Action::Delete),
            _ => None,
        }
    }

    /// Finds the endpoint of a path, which may or may not begin with the path of the base URL.
    pub(crate) fn find(setup: &Setup, base_url: &str, path: &str) -> Result<Self> {
        let below = below_base(base_url, path);
        let mut segments = below
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| {
                decode_segment(segment).ok_or_else(|| Error::invalid_syntax("the path is not valid UTF-8"))
            })
            .collect::<Result<Vec<String>>>()?;
        if let Some(version) = segments.first().and_then(|segment| protocol_version(segment)) {
            // RFC 7644 section 3.13: the service supports version 2.
            if version != "2" {
                return Err(Error::from_scim_type(
                    scim_schema::ScimType::InvalidVers,
                    "the service supports version v2 of the protocol only",
                ));
            }
            segments.remove(0);
        }
        let mut segments = segments.into_iter();
        let route = Self::from_segments(setup, segments.next(), segments.next());
        match (route, segments.next()) {
            // No id contains U+0000, and some databases refuse to look for it.
            (Some(Self::Resource(_, id)), None) if id.contains('\0') => Err(Error::not_found(&id)),
            (Some(route), None) => Ok(route),
            _ => Err(Self::not_found()),
        }
    }

    /// The error for a path without an endpoint.
    pub(super) fn not_found() -> Error {
        Error::new(http::StatusCode::NOT_FOUND, "there is no such endpoint")
    }

    fn from_segments(setup: &Setup, first: Option<String>, second: Option<String>) -> Option<Self> {
        let Some(first) = first else { return Some(Self::Root) };
        // Clients write endpoints in any case, and no two endpoints differ by case only.
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
        let discovery = &setup.discovery;
        if is("Schemas") {
            let Some(id) = second else { return Some(Self::Discovery(Documents::Schemas(None))) };
            let index = discovery.schemas.iter().position(|schema| schema.is(&id))?;
            return Some(Self::Discovery(Documents::Schemas(Some(index))));
        }
        if is("ResourceTypes") {
            let Some(id) = second else { return Some(Self::Discovery(Documents::ResourceTypes(None))) };
            let index = discovery.resource_types.iter().position(|resource_type| resource_type.is(&id))?;
            return Some(Self::Discovery(Documents::ResourceTypes(Some(index))));
        }
        let has_endpoint = |resource_type: &ResourceType| {
            resource_type.endpoint().trim_start_matches('/').eq_ignore_ascii_case(&first)
        };
        let Some(type_index) = setup.find(|registration| has_endpoint(&registration.resource_type)) else {
            let standard = ["Users", "Groups"].into_iter().find(|name| is(name) && second.is_none());
            return standard.map(Self::AbsentCollection);
        };
        Some(match second {
            None => Self::Collection(type_index),
            Some(second) if second.eq_ignore_ascii_case(".search") => Self::Search(Some(type_index)),
            Some(id) => Self::Resource(type_index, id),
        })
    }
}

/// The path without the path of the base URL. If the base URL ends in a protocol version, the path may have
/// another version there, which stays in what is returned.
fn below_base<'a>(base: &str, path: &'a str) -> &'a str {
    let after_scheme = base.split_once("://").map_or(base, |(_, rest)| rest);
    let base_path = after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or_default();
    let unversioned = base_path.rsplit_once('/').filter(|(_, last)| protocol_version(last).is_some());
    let bases = [Some(base_path), unversioned.map(|(above, _)| above)];
    let below = |base: &str| path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    bases.into_iter().flatten().find_map(below).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_the_path_of_the_base_url_at_a_slash_only() {
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
}
