//! The service of the example hosts.

use std::error::Error;

use scim_core::schema::{Attribute, ResourceType, Schema, standard};
use scim_core::{MemoryProvider, Provider, ScimService};
use scim_store::Store;

use crate::{Database, InvalidSettings, Settings};

/// Builds a service for users and groups in the database of the settings. Users have the enterprise extension and a
/// custom extension.
///
/// # Errors
///
/// [`InvalidSettings`] if the base URL is invalid; another error if the database cannot be opened.
pub async fn service(settings: &Settings, base_url: &str) -> Result<ScimService, Box<dyn Error>> {
    #[cfg(feature = "testing")]
    if let Some(service) = crate::testing::service(&settings.database).await {
        return Ok(service);
    }
    // Entra ID identifies groups by their name.
    let (type_name, attribute) = ("Group", "displayName");
    let service = match &settings.database {
        Database::Memory => {
            let mut store = MemoryProvider::new();
            if settings.unique_group_names {
                store = store.unique(type_name, attribute);
            }
            if settings.keep_unknown_members {
                store = store.keep_unknown_members();
            }
            build(settings, base_url, store, None)
        }
        Database::Url(url) => {
            let mut store = Store::open(url).await?;
            if settings.unique_group_names {
                store = store.unique(type_name, attribute);
            }
            if settings.keep_unknown_members {
                store = store.keep_unknown_members();
            }
            // With a shared key, another process on the same database can serve the next page.
            let cursor_key = store.cursor_key().await?;
            build(settings, base_url, store, Some(cursor_key))
        }
    };
    // Everything else in the service is fixed, so only the base URL can be invalid.
    service.map_err(|error| InvalidSettings::new(format!("SCIM_BASE_URL cannot be used: {error}")).into())
}

fn build(
    settings: &Settings,
    base_url: &str,
    store: impl Provider + Clone + 'static,
    cursor_key: Option<String>,
) -> Result<ScimService, Box<dyn Error>> {
    // An application adds its own attributes of users as an extension.
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
    let mut builder = ScimService::builder();
    if let Some(key) = cursor_key {
        builder = builder.cursor_key(key);
    }
    let builder = builder.base_url(base_url).tolerance(settings.tolerance).resource(user, store.clone());
    let builder = match settings.returns_patched_groups {
        true => builder.resource(standard::group_type(), store),
        false => builder.groups(store),
    };
    Ok(builder.build()?)
}
