//! Checks what was configured before a service is made of it.

use std::fmt;

use http::HeaderValue;
use scim_schema::{AttributeRef, ResourceType, Schema, SchemaError, Uniqueness};

use super::config::{Config, Registration};
use super::discovery::{self, protocol_version};
use crate::InvalidBaseUrl;

/// What goes wrong when a service is built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no base URL, or it is not one.
    BaseUrl(InvalidBaseUrl),
    /// Two resource types have this name or endpoint, or the protocol uses the endpoint itself.
    ResourceType(String),
    /// One schema URI stands for two different schemas.
    SchemaConflict(String),
    /// A resource type cannot be adjusted to the options.
    Schema(SchemaError),
    /// A provider says that it keeps an attribute unique, but its resource type has no such attribute.
    UnknownUniqueAttribute(String),
    /// The challenge of the authentication scheme with this name cannot be put into a header.
    Challenge(String),
    /// The authentication scheme with this name is the second primary one.
    SecondPrimaryScheme(String),
    /// The name of an extension of the ServiceProviderConfig is not a URN, is a URN of the SCIM protocol, or
    /// is used twice.
    ConfigurationExtension(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BaseUrl(error) => error.fmt(f),
            Self::ResourceType(name) => write!(
                f,
                "the name or endpoint `{name}` is used by another resource type or by the protocol itself"
            ),
            Self::SchemaConflict(uri) => write!(f, "the URI `{uri}` stands for two different schemas"),
            Self::Schema(error) => error.fmt(f),
            Self::UnknownUniqueAttribute(path) => write!(
                f,
                "a provider keeps `{path}` unique, but its resource type has no attribute with this path"
            ),
            Self::Challenge(name) => write!(
                f,
                "the challenge of the authentication scheme `{name}` has characters that a header cannot hold"
            ),
            Self::SecondPrimaryScheme(name) => write!(
                f,
                "the authentication scheme `{name}` is the second primary one; at most one can be primary"
            ),
            Self::ConfigurationExtension(urn) => write!(
                f,
                "`{urn}` cannot name an extension of the ServiceProviderConfig; use a URN of your own, once"
            ),
        }
    }
}

impl std::error::Error for BuildError {}

impl From<InvalidBaseUrl> for BuildError {
    fn from(error: InvalidBaseUrl) -> Self {
        Self::BaseUrl(error)
    }
}

impl From<SchemaError> for BuildError {
    fn from(error: SchemaError) -> Self {
        Self::Schema(error)
    }
}

/// Checks the options, adjusts the resource types to them, and returns the schemas that are served.
pub(super) fn check(config: &Config, registrations: &mut [Registration]) -> Result<Vec<Schema>, BuildError> {
    check_authentication(config)?;
    check_extensions(config)?;
    for registration in &mut *registrations {
        if let Some(bytes) = config.max_text {
            registration.resource_type = registration.resource_type.to_builder().max_text(bytes).build()?;
        }
        announce_uniqueness(registration)?;
    }
    check_names(registrations)?;
    let own = discovery::schemas();
    let mut schemas: Vec<Schema> = Vec::new();
    for resource_type in registrations.iter().map(|registration| &registration.resource_type) {
        let extensions = resource_type.extensions().map(|extension| extension.schema());
        for schema in std::iter::once(resource_type.schema()).chain(extensions) {
            match schemas.iter().chain(&own).find(|known| known.has_id(schema.id())) {
                Some(known) if known != schema => {
                    return Err(BuildError::SchemaConflict(schema.id().to_owned()));
                }
                Some(_) => {}
                None => schemas.push(schema.clone()),
            }
        }
    }
    // The schemas of resources come first, for clients that look at the first ones only.
    schemas.extend(own);
    Ok(schemas)
}

/// Refuses names and endpoints that two resource types share, or that the protocol uses itself.
fn check_names(registrations: &[Registration]) -> Result<(), BuildError> {
    let mut endpoints = discovery::ENDPOINTS.map(str::to_ascii_lowercase).to_vec();
    let mut names: Vec<String> = Vec::new();
    for resource_type in registrations.iter().map(|registration| &registration.resource_type) {
        // A client may put `/v2`, the version of the protocol, in front of an endpoint.
        if protocol_version(resource_type.endpoint().trim_start_matches('/')).is_some() {
            return Err(BuildError::ResourceType(resource_type.endpoint().to_owned()));
        }
        for (taken, text) in [(&mut endpoints, resource_type.endpoint()), (&mut names, resource_type.name())]
        {
            let folded = text.to_ascii_lowercase();
            if taken.contains(&folded) {
                return Err(BuildError::ResourceType(text.to_owned()));
            }
            taken.push(folded);
        }
    }
    Ok(())
}

/// Refuses a challenge that no header can hold, and a second primary scheme (RFC 7643 section 5).
fn check_authentication(config: &Config) -> Result<(), BuildError> {
    let mut has_primary = false;
    for scheme in &config.authentication {
        if scheme.header().is_some_and(|challenge| HeaderValue::from_str(challenge).is_err()) {
            return Err(BuildError::Challenge(scheme.name().to_owned()));
        }
        if scheme.is_primary() && std::mem::replace(&mut has_primary, true) {
            return Err(BuildError::SecondPrimaryScheme(scheme.name().to_owned()));
        }
    }
    Ok(())
}

/// Refuses extensions of the ServiceProviderConfig whose name is not a URN of the host's own.
fn check_extensions(config: &Config) -> Result<(), BuildError> {
    let mut names: Vec<String> = Vec::new();
    for (urn, _) in &config.extensions {
        let folded = urn.to_ascii_lowercase();
        let is_of_the_protocol = folded.starts_with("urn:ietf:params:scim:");
        if !folded.starts_with("urn:") || is_of_the_protocol || names.contains(&folded) {
            return Err(BuildError::ConfigurationExtension(urn.clone()));
        }
        names.push(folded);
    }
    Ok(())
}

/// Makes the schemas say which values the provider keeps unique beyond them.
fn announce_uniqueness(registration: &mut Registration) -> Result<(), BuildError> {
    let resource_type = &registration.resource_type;
    let paths = registration.provider.unique(resource_type);
    if paths.is_empty() {
        return Ok(());
    }
    let mut unique: Vec<&AttributeRef> = Vec::new();
    for path in &paths {
        let found = resource_type
            .all_attribute_refs()
            .find(|target| target.path().as_str().eq_ignore_ascii_case(path));
        unique.push(found.ok_or_else(|| BuildError::UnknownUniqueAttribute(path.clone()))?);
    }
    registration.resource_type = with_unique(resource_type, &unique)?;
    Ok(())
}

fn with_unique(resource_type: &ResourceType, unique: &[&AttributeRef]) -> Result<ResourceType, SchemaError> {
    let adjusted = |schema: &Schema| {
        let own = unique.iter().filter(|target| target.schema() == schema);
        own.filter(|target| target.definition().uniqueness() == Uniqueness::None).try_fold(
            schema.clone(),
            |schema, target| {
                let attribute = target.attribute().name();
                let name =
                    target.sub().map_or(attribute.to_owned(), |sub| format!("{attribute}.{}", sub.name()));
                match schema.attribute(attribute) {
                    Some(_) => {
                        schema.adjust(&name, |attribute| attribute.with_uniqueness(Uniqueness::Server))
                    }
                    // One that every resource has, whether its schema names it or not.
                    None => {
                        schema.with_attribute(target.attribute().clone().with_uniqueness(Uniqueness::Server))
                    }
                }
            },
        )
    };
    resource_type.to_builder().try_map_schemas(adjusted)?.build()
}
