//! The discovery documents (RFC 7644 section 4), computed once from what the service really does.

use std::hash::{DefaultHasher, Hasher};

use scim_schema::{ResourceType, Schema, standard};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::config::{Config, Registration};
use crate::{Capabilities, ETag};

/// The protocol's own endpoints, which no resource type can take.
pub(crate) const ENDPOINTS: [&str; 6] =
    ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Bulk", "/Me", "/.search"];

/// The number of a path segment such as `v2`, which names the version of the protocol (RFC 7644 section 3.13).
pub(crate) fn protocol_version(segment: &str) -> Option<&str> {
    let version = segment.strip_prefix(['v', 'V'])?;
    (!version.is_empty() && version.bytes().all(|b| b.is_ascii_digit())).then_some(version)
}

/// The schemas of the discovery documents themselves.
pub(crate) fn schemas() -> Vec<Schema> {
    vec![standard::service_provider_config(), standard::resource_type(), standard::schema()]
}

/// Everything that discovery shows.
pub(crate) struct Discovery {
    pub(crate) configuration: Document,
    pub(crate) resource_types: Vec<Document>,
    pub(crate) schemas: Vec<Document>,
}

impl Discovery {
    pub(crate) fn new(
        config: &Config,
        capabilities: Capabilities,
        registrations: &[Registration],
        schemas: &[Schema],
    ) -> Self {
        Self {
            configuration: configuration_document(config, capabilities),
            resource_types: registrations
                .iter()
                .map(|registration| resource_type_document(&registration.resource_type))
                .collect(),
            schemas: schemas
                .iter()
                .map(|schema| schema_document(schema, has_external_id(schema, registrations)))
                .collect(),
        }
    }
}

/// Which discovery documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Documents {
    Configuration,
    Schemas(Option<usize>),
    ResourceTypes(Option<usize>),
}

impl Documents {
    /// The documents that are meant, of all there are.
    pub(crate) fn select(self, discovery: &Discovery) -> &[Document] {
        let (all, selected) = match self {
            Self::Configuration => return std::slice::from_ref(&discovery.configuration),
            Self::Schemas(index) => (&discovery.schemas, index),
            Self::ResourceTypes(index) => (&discovery.resource_types, index),
        };
        match selected {
            None => all,
            Some(index) => all.get(index..=index).unwrap_or_default(),
        }
    }

    /// The version of the document, or of the list.
    pub(crate) fn version(self, discovery: &Discovery) -> ETag {
        match self.select(discovery) {
            [document] if !self.is_list() => document.version.clone(),
            all => version_of(all.iter().map(|document| document.version.opaque())),
        }
    }

    /// Whether the answer is a list (RFC 7644 section 4).
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Schemas(None) | Self::ResourceTypes(None))
    }
}

/// A discovery document; its location is known only when the base URL is.
#[derive(Debug)]
pub(crate) struct Document {
    id: String,
    /// In the order in which they are served, written already.
    members: Vec<(String, Box<RawValue>)>,
    resource_type: &'static str,
    /// Below the base URL.
    location: String,
    version: ETag,
}

impl Document {
    /// A document at a place below the base URL.
    fn new(id: &str, resource_type: &'static str, location: String) -> Self {
        let version = ETag::new("");
        Self { id: id.to_owned(), members: Vec::new(), resource_type, location, version }
    }

    fn with(mut self, name: &str, value: &impl Serialize) -> Self {
        if let Ok(written) = to_raw_value(value) {
            self.members.push((name.to_owned(), written));
        }
        self.version =
            version_of(self.members.iter().flat_map(|(name, written)| [name.as_str(), written.get()]));
        self
    }

    fn with_text(self, name: &str, text: &str) -> Self {
        if text.is_empty() { self } else { self.with(name, &text) }
    }

    /// Whether this is the document of that id; schema URIs have no case (RFC 7644 section 3.10).
    pub(crate) fn is(&self, id: &str) -> bool {
        self.id.eq_ignore_ascii_case(id)
    }

    pub(crate) fn location(&self, base: &str) -> String {
        format!("{base}{}", self.location)
    }

    /// The document as it is served below a base URL.
    pub(crate) fn at<'a>(&'a self, base: &'a str) -> impl Serialize + 'a {
        Located { document: self, base }
    }
}

struct Located<'a> {
    document: &'a Document,
    base: &'a str,
}

impl Serialize for Located<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        for (name, written) in &self.document.members {
            out.serialize_entry(name, written)?;
        }
        let location = self.document.location(self.base);
        out.serialize_entry(
            "meta",
            &json!({ "resourceType": self.document.resource_type, "location": location }),
        )?;
        out.end()
    }
}

/// The same configuration has the same version in every process of a host.
fn version_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> ETag {
    let mut hasher = DefaultHasher::new();
    texts.into_iter().for_each(|text| hasher.write(text.as_bytes()));
    ETag::new(&format!("{:016x}", hasher.finish()))
}

/// RFC 7643 section 5, with the pagination of RFC 9865 section 4.
fn configuration_document(config: &Config, capabilities: Capabilities) -> Document {
    let supported = |supported: bool| json!({ "supported": supported });
    let urns = config.extensions.iter().map(|(urn, _)| urn.as_str());
    let schemas: Vec<&str> = std::iter::once(standard::SERVICE_PROVIDER_CONFIG).chain(urns).collect();
    let document =
        Document::new("ServiceProviderConfig", "ServiceProviderConfig", "/ServiceProviderConfig".to_owned())
            .with("schemas", &schemas)
            .with_text("documentationUri", config.documentation_uri.as_deref().unwrap_or_default())
            .with("patch", &supported(true))
            .with(
                "bulk",
                &json!({
                    "supported": config.max_bulk_operations > 0,
                    // Clients take it for the size of their chunks even where bulk is not supported.
                    "maxOperations": config.max_bulk_operations.max(1),
                    "maxPayloadSize": config.max_payload,
                }),
            )
            .with(
                "filter",
                &json!({ "supported": capabilities.filter(), "maxResults": config.max_page_size }),
            )
            .with("changePassword", &supported(capabilities.change_password()))
            .with("sort", &supported(capabilities.sort()))
            .with("etag", &supported(true))
            .with("pagination", &pagination(config, capabilities))
            .with("authenticationSchemes", &config.authentication);
    config.extensions.iter().fold(document, |document, (urn, members)| document.with(urn, members))
}

/// RFC 9865 section 4.
fn pagination(config: &Config, capabilities: Capabilities) -> Value {
    let mut pagination = json!({
        "cursor": capabilities.cursor(),
        "index": true,
        "defaultPaginationMethod": "index",
        "defaultPageSize": config.default_page_size,
        "maxPageSize": config.max_page_size,
    });
    if let (Some(members), true) = (pagination.as_object_mut(), capabilities.cursor()) {
        members.insert("cursorTimeout".to_owned(), config.sealer.timeout.as_secs().into());
    }
    pagination
}

/// A document of `/ResourceTypes` (RFC 7643 section 6).
fn resource_type_document(resource_type: &ResourceType) -> Document {
    let extensions: Vec<Value> = resource_type
        .extensions()
        .map(|extension| json!({ "schema": extension.schema().id(), "required": extension.is_required() }))
        .collect();
    let document = Document::new(
        resource_type.name(),
        "ResourceType",
        format!("/ResourceTypes/{}", resource_type.name()),
    )
    .with("schemas", &[standard::RESOURCE_TYPE])
    .with("id", &resource_type.name())
    .with("name", &resource_type.name())
    .with_text("description", resource_type.description())
    .with("endpoint", &resource_type.endpoint())
    .with("schema", &resource_type.schema().id());
    if extensions.is_empty() { document } else { document.with("schemaExtensions", &extensions) }
}

/// Whether a schema is the core schema of a resource type whose resources can have an `externalId`.
fn has_external_id(schema: &Schema, registrations: &[Registration]) -> bool {
    registrations.iter().any(|registration| {
        let resource_type = &registration.resource_type;
        resource_type.schema() == schema && resource_type.attribute("externalId").is_some()
    })
}

/// A document of `/Schemas` (RFC 7643 section 7). Core schemas list `externalId`, the only common attribute that a
/// client writes.
fn schema_document(schema: &Schema, has_external_id: bool) -> Document {
    let mut attributes = schema.attributes().to_vec();
    if has_external_id && schema.attribute("externalId").is_none() {
        attributes.push(standard::external_id());
    }
    Document::new(schema.id(), "Schema", format!("/Schemas/{}", schema.id()))
        .with("schemas", &[standard::SCHEMA])
        .with("id", &schema.id())
        .with("name", &schema.name())
        .with_text("description", schema.description())
        .with("attributes", &attributes)
}
