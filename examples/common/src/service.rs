//! What the hosts serve.

use scim_core::schema::{Attribute, ResourceType, Schema, standard};
use scim_core::{MemoryProvider, ScimService};

use crate::{InvalidSettings, Settings};

/// The largest body in bytes; what is larger is answered with 413.
pub const MAX_BODY: usize = 1024 * 1024;

/// Users, with the enterprise extension and one of our own, and groups, kept in memory.
///
/// # Errors
///
/// If the base URL is not one.
pub fn service(settings: &Settings, base_url: &str) -> Result<ScimService, InvalidSettings> {
    #[cfg(feature = "testing")]
    if let Some(service) = crate::testing::service() {
        return Ok(service);
    }
    let mut store = MemoryProvider::new();
    if settings.unique_group_names {
        // Entra ID finds groups by their name.
        store = store.unique("Group", "displayName");
    }
    build(settings, base_url, store).map_err(|error| InvalidSettings(error.to_string()))
}

fn build(
    settings: &Settings,
    base_url: &str,
    store: MemoryProvider,
) -> Result<ScimService, Box<dyn std::error::Error>> {
    // What an application knows of its users that no standard does, it adds as an extension.
    let custom = Schema::new(
        "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User",
        "CustomExtensionName",
        [Attribute::string("tag").with_description("A tag.")],
    )?
    .with_description("Custom attributes of users");
    let user = ResourceType::builder("User", "/Users", standard::user())
        .description("User account")
        .extension(standard::enterprise_user())
        .extension(custom)
        .build()?;
    let service = ScimService::builder()
        .base_url(base_url)
        .tolerance(settings.tolerance)
        .max_payload(MAX_BODY)
        .resource(user, store.clone())
        .groups(store)
        .build()?;
    Ok(service)
}
