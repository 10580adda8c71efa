//! The discovery documents (RFC 7644 section 4), computed once from what the service really does.

use std::hash::{DefaultHasher, Hasher};

use scim_schema::{ResourceType, Schema, standard};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use crate::config::{Config, Registration};
use crate::{Capabilities, ETag, ScimService};

/// The protocol's own endpoints, which no resource type can take.
pub(crate) const ENDPOINTS: [&str; 6] =
    ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Bulk", "/Me", "/.search"];

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
            configuration: Document::new(configuration(config, capabilities), "ServiceProviderConfig", None),
            resource_types: registrations
                .iter()
                .map(|r| {
                    Document::new(resource_type(&r.resource_type), "ResourceType", Some("ResourceTypes"))
                })
                .collect(),
            schemas: schemas.iter().map(|s| Document::new(schema(s), "Schema", Some("Schemas"))).collect(),
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
    pub(crate) fn of(self, service: &ScimService) -> &[Document] {
        let discovery = service.discovery();
        let (all, one) = match self {
            Self::Configuration => return std::slice::from_ref(&discovery.configuration),
            Self::Schemas(one) => (&discovery.schemas, one),
            Self::ResourceTypes(one) => (&discovery.resource_types, one),
        };
        match one {
            None => all,
            Some(one) => all.get(one..=one).unwrap_or_default(),
        }
    }

    /// The version of the document, or of the list.
    pub(crate) fn version(self, service: &ScimService) -> ETag {
        match self.of(service) {
            [one] if !self.is_list() => one.version.clone(),
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
    members: Map<String, Value>,
    resource_type: &'static str,
    /// Below the base URL.
    location: String,
    version: ETag,
}

impl Document {
    fn new(members: Map<String, Value>, resource_type: &'static str, collection: Option<&str>) -> Self {
        let member = |name: &str| members.get(name).and_then(Value::as_str);
        let id = member("id").unwrap_or(resource_type).to_owned();
        let location = match collection {
            Some(collection) => format!("/{collection}/{id}"),
            None => format!("/{resource_type}"),
        };
        let version = version_of([Value::Object(members.clone()).to_string().as_str()]);
        Self { id, members, resource_type, location, version }
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
        for (name, value) in &self.document.members {
            out.serialize_entry(name, value)?;
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

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// RFC 7643 section 5, with the pagination of RFC 9865 section 4.
fn configuration(config: &Config, capabilities: Capabilities) -> Map<String, Value> {
    let schemes: Vec<&Value> = config.authentication.iter().map(|scheme| scheme.announced()).collect();
    let mut document = object(json!({
        "schemas": [standard::SERVICE_PROVIDER_CONFIG],
        "patch": { "supported": true },
        "bulk": {
            "supported": config.bulk_operations > 0,
            // Clients take it for the size of their chunks even where bulk is not supported.
            "maxOperations": config.bulk_operations.max(1),
            "maxPayloadSize": config.max_payload,
        },
        "filter": { "supported": capabilities.filter(), "maxResults": config.max_page_size },
        "changePassword": { "supported": capabilities.change_password() },
        "sort": { "supported": capabilities.sort() },
        "etag": { "supported": true },
        "pagination": {
            "cursor": capabilities.cursor(),
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": config.default_page_size,
            "maxPageSize": config.max_page_size,
        },
        "authenticationSchemes": schemes,
    }));
    if let Some(Value::Object(pagination)) = document.get_mut("pagination")
        && capabilities.cursor()
    {
        pagination.insert("cursorTimeout".to_owned(), config.sealer.timeout.as_secs().into());
    }
    if let Some(uri) = &config.documentation_uri {
        document.insert("documentationUri".to_owned(), Value::from(uri.as_str()));
    }
    document
}

/// RFC 7643 section 6.
fn resource_type(on: &ResourceType) -> Map<String, Value> {
    let mut document = object(json!({
        "schemas": [standard::RESOURCE_TYPE],
        "id": on.name(),
        "name": on.name(),
        "endpoint": on.endpoint(),
        "schema": on.schema().id(),
    }));
    if !on.description().is_empty() {
        document.insert("description".to_owned(), Value::from(on.description()));
    }
    let extensions: Vec<Value> =
        on.extensions().map(|e| json!({ "schema": e.schema().id(), "required": e.is_required() })).collect();
    if !extensions.is_empty() {
        document.insert("schemaExtensions".to_owned(), Value::Array(extensions));
    }
    document
}

/// RFC 7643 section 7.
fn schema(schema: &Schema) -> Map<String, Value> {
    let mut document = object(serde_json::to_value(schema).unwrap_or_default());
    document.insert("schemas".to_owned(), json!([standard::SCHEMA]));
    document
}
