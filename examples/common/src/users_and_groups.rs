//! Users and groups in a store of their own, or in memory.

use std::error::Error;

use scim_core::schema::{Attribute, ResourceType, Schema, standard};
use scim_core::{MemoryProvider, Provider, ScimService, ScimServiceBuilder};
use scim_store::Store;

use crate::{Database, Resources, Settings};

/// Users and groups in the database of the settings. Users have the enterprise extension and a custom extension.
///
/// # Errors
///
/// If the database cannot be opened.
pub async fn users_and_groups(settings: &Settings) -> Result<Resources, Box<dyn Error>> {
    // Entra ID identifies groups by their name.
    let (type_name, attribute) = ("Group", "displayName");
    match &settings.database {
        Database::Memory => {
            let mut store = MemoryProvider::new();
            if settings.unique_group_names {
                store = store.unique(type_name, attribute);
            }
            if settings.keep_unknown_members {
                store = store.keep_unknown_members();
            }
            Ok(Resources { builder: builder(settings, store)?, database: None })
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
            let database = store.database();
            Ok(Resources {
                builder: builder(settings, store)?.cursor_key(cursor_key),
                database: Some(database),
            })
        }
    }
}

fn builder(
    settings: &Settings,
    store: impl Provider + Clone + 'static,
) -> Result<ScimServiceBuilder, Box<dyn Error>> {
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
    let builder = ScimService::builder().resource(user, store.clone());
    Ok(match settings.returns_patched_groups {
        true => builder.resource(standard::group_type(), store),
        false => builder.groups(store),
    })
}
