//! The attributes that every resource has (RFC 7643 section 3.1).

use crate::{Attribute, Mutability, Returned, Schema, Uniqueness};

/// Returns the definition of `externalId`, the identifier that the client uses (RFC 7643 section 3.1).
pub fn external_id() -> Attribute {
    Attribute::string("externalId")
        .case_exact(true)
        .with_description("An identifier for the resource as the provisioning client defines it.")
}

/// Returns the attributes of a core schema together with the common attributes (RFC 7643 section 3.1).
///
/// A schema can contain its own definition of `externalId`, which then replaces the common one. Without
/// `has_external_id` the result contains no `externalId`.
pub(crate) fn with_common_attributes(schema: &Schema, has_external_id: bool) -> Vec<Attribute> {
    let read_only = Mutability::ReadOnly;
    let schemas = Attribute::string("schemas").multi_valued().required().with_returned(Returned::Always);
    let id = Attribute::string("id")
        .case_exact(true)
        .with_mutability(read_only)
        .with_returned(Returned::Always)
        .with_uniqueness(Uniqueness::Server);
    let external_id =
        has_external_id.then(|| schema.attribute("externalId").cloned().unwrap_or_else(external_id));
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
    let specific =
        schema.attributes().iter().filter(|a| !common.iter().any(|name| a.name().eq_ignore_ascii_case(name)));
    [schemas, id].into_iter().chain(external_id).chain(specific.cloned()).chain([meta]).collect()
}
