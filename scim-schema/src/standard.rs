//! The schemas and resource types that RFC 7643 defines.

use crate::{ResourceType, Schema};

pub use crate::resource_type::external_id;

/// The URI of the core User schema.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The URI of the core Group schema.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The URI of the enterprise User extension.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The URI of the service provider configuration schema.
pub const SERVICE_PROVIDER_CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// The URI of the schema of resource types.
pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// The URI of the schema of schemas.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

#[expect(clippy::expect_used, reason = "the files ship with the crate and a test loads each")]
fn load(text: &str) -> Schema {
    Schema::from_json(text).expect("a standard schema is well formed")
}

/// The User schema (RFC 7643 section 4.1).
#[expect(clippy::expect_used, reason = "the files ship with the crate and a test loads each")]
pub fn user() -> Schema {
    // Schemas have no keyword for the preparation of user names (RFC 7644 section 5) nor for default values.
    load(include_str!("../schemas/User.json"))
        .adjust("userName", |a| a.compared_as_user_name())
        .and_then(|user| user.adjust("active", |a| a.with_default_value(true)))
        .expect("the User schema has userName and active")
}

/// The Group schema (RFC 7643 section 4.2).
pub fn group() -> Schema {
    load(include_str!("../schemas/Group.json"))
}

/// The enterprise extension of the User schema (RFC 7643 section 4.3).
pub fn enterprise_user() -> Schema {
    load(include_str!("../schemas/EnterpriseUser.json"))
}

/// The schema of the service provider configuration (RFC 7643 section 5, RFC 9865 section 4).
pub fn service_provider_config() -> Schema {
    load(include_str!("../schemas/ServiceProviderConfig.json"))
}

/// The schema of resource types (RFC 7643 section 6).
pub fn resource_type() -> Schema {
    load(include_str!("../schemas/ResourceType.json"))
}

/// The schema of schemas (RFC 7643 section 7).
pub fn schema() -> Schema {
    load(include_str!("../schemas/Schema.json"))
}

/// The resource type `User` at `/Users`, with the enterprise extension.
///
/// ```
/// let user = scim_schema::standard::user_type();
/// assert_eq!((user.name(), user.endpoint()), ("User", "/Users"));
/// ```
#[expect(clippy::expect_used, reason = "the schemas ship with the crate and a test builds the type")]
pub fn user_type() -> ResourceType {
    ResourceType::builder("User", "/Users", user())
        .description("User Account")
        .extension(enterprise_user())
        .build()
        .expect("the User resource type is well formed")
}

/// The resource type `Group` at `/Groups`.
#[expect(clippy::expect_used, reason = "the schemas ship with the crate and a test builds the type")]
pub fn group_type() -> ResourceType {
    ResourceType::builder("Group", "/Groups", group())
        .description("Group of users and of other groups")
        .build()
        .expect("the Group resource type is well formed")
}
