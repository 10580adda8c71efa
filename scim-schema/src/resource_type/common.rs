//! The attributes that every resource has (RFC 7643 section 3.1).

use crate::{Attribute, Mutability, Returned, Schema, Uniqueness};

/// The attribute `externalId`, which every resource has: the client's own identifier (RFC 7643 section 3.1).
pub fn external_id() -> Attribute {
    Attribute::string("externalId")
        .case_exact(true)
        .with_description("An identifier for the resource as the provisioning client defines it.")
}

/// The attributes of a core schema with the common ones around them (RFC 7643 section 3.1).
///
/// A schema may define `externalId` itself, to tighten it.
pub(crate) fn with_common_attributes(schema: &Schema) -> Vec<Attribute> {
    let read_only = Mutability::ReadOnly;
    let schemas = Attribute::string("schemas").multi_valued().required().with_returned(Returned::Always);
    let id = Attribute::string("id")
        .case_exact(true)
        .with_mutability(read_only)
        .with_returned(Returned::Always)
        .with_uniqueness(Uniqueness::Server);
    let external_id = schema.attribute("externalId").cloned().unwrap_or_else(external_id);
    let meta = Attribute::complex(
        "meta",
        [
            Attribute::string("resourceType").case_exact(true),
            Attribute::date_time("created"),
            Attribute::date_time("lastModified"),
            Attribute::reference("location", ["uri"]),
            Attribute::string("version").case_exact(true),
        ],
    )
    .with_mutability(read_only);

    let common = ["schemas", "id", "externalId", "meta"];
    let own =
        schema.attributes().iter().filter(|a| !common.iter().any(|name| a.name().eq_ignore_ascii_case(name)));
    [schemas, id, external_id].into_iter().chain(own.cloned()).chain([meta]).collect()
}
