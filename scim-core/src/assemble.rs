//! From a builder to a service: whatever cannot be kept is refused here.

use scim_schema::{ResourceType, Schema, SchemaError, Target, Uniqueness};

use crate::config::{Config, Registration};
use crate::route::version_of;
use crate::{BuildError, Builder, Capabilities, ScimService, discovery};

impl Builder {
    /// Makes the service; its discovery documents are computed here, once.
    ///
    /// # Errors
    ///
    /// If what was configured cannot be kept; see [`BuildError`].
    pub fn build(self) -> Result<ScimService, BuildError> {
        let Self { config, mut registrations } = self;
        check_base_url(&config)?;
        let mut endpoints = discovery::ENDPOINTS.map(str::to_ascii_lowercase).to_vec();
        let mut names: Vec<String> = Vec::new();
        let own = discovery::schemas();
        let mut schemas: Vec<Schema> = Vec::new();
        for registration in &mut registrations {
            if let Some(bytes) = config.max_text {
                let adjusted = registration.resource_type.to_builder().max_text(bytes).build()?;
                registration.resource_type = adjusted;
            }
            announce_uniqueness(registration)?;
            let on = &registration.resource_type;
            // `/v2` in front of an endpoint is the protocol's version.
            if version_of(on.endpoint().trim_start_matches('/')).is_some() {
                return Err(BuildError::ResourceType(on.endpoint().to_owned()));
            }
            for (taken, text) in [(&mut endpoints, on.endpoint()), (&mut names, on.name())] {
                let folded = text.to_ascii_lowercase();
                if taken.contains(&folded) {
                    return Err(BuildError::ResourceType(text.to_owned()));
                }
                taken.push(folded);
            }
            for schema in std::iter::once(on.schema()).chain(on.extensions().map(|e| e.schema())) {
                match schemas.iter().chain(&own).find(|known| known.is(schema.id())) {
                    Some(known) if known != schema => return Err(BuildError::Schema(schema.id().to_owned())),
                    Some(_) => {}
                    None => schemas.push(schema.clone()),
                }
            }
        }
        // Clients that look at the first ones only are after the resources'.
        schemas.extend(own);
        Ok(ScimService::new(config, registrations, schemas))
    }
}

fn check_base_url(config: &Config) -> Result<(), BuildError> {
    let url = &config.base_url;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/') || rest.contains(['?', '#', ' '])) {
        return Err(BuildError::BaseUrl(url.clone()));
    }
    Ok(())
}

/// Makes the schemas say which values the provider keeps unique beyond them.
fn announce_uniqueness(registration: &mut Registration) -> Result<(), BuildError> {
    let on = &registration.resource_type;
    let paths = registration.provider.unique(on);
    if paths.is_empty() {
        return Ok(());
    }
    let mut unique: Vec<&Target> = Vec::new();
    for path in &paths {
        let all =
            on.all_attributes().flat_map(|target| std::iter::once(target).chain(target.sub_attributes()));
        let found = all.into_iter().find(|target| target.path().as_str().eq_ignore_ascii_case(path));
        unique.push(found.ok_or_else(|| BuildError::Schema(path.clone()))?);
    }
    registration.resource_type = with_unique(on, &unique)?;
    Ok(())
}

fn with_unique(on: &ResourceType, unique: &[&Target]) -> Result<ResourceType, SchemaError> {
    let adjusted = |schema: &Schema| {
        let own = unique.iter().filter(|target| target.schema() == schema);
        own.filter(|target| target.definition().uniqueness() == Uniqueness::None).try_fold(
            schema.clone(),
            |schema, target| {
                let attribute = target.attribute().name();
                let name =
                    target.sub().map_or(attribute.to_owned(), |sub| format!("{attribute}.{}", sub.name()));
                match schema.attribute(attribute) {
                    Some(_) => schema.adjust(&name, |one| one.with_uniqueness(Uniqueness::Server)),
                    // One that every resource has, whether its schema names it or not.
                    None => {
                        schema.with_attribute(target.attribute().clone().with_uniqueness(Uniqueness::Server))
                    }
                }
            },
        )
    };
    on.to_builder().try_map_schemas(adjusted)?.build()
}

/// What the providers can do together.
pub(crate) fn capabilities(registrations: &[Registration]) -> Capabilities {
    registrations
        .iter()
        .map(|r| r.provider.capabilities(&r.resource_type))
        .reduce(Capabilities::together)
        .unwrap_or(Capabilities::NONE)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use http::Request;
    use scim_schema::Projection;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        Context, Deleted, Identity, Page, Precondition, Provider, Query, Resource, Result, Update,
        UpdateOptions, Updated,
    };

    /// A store that can do what it is told to, as far as anybody asks.
    struct Able(Capabilities);

    #[async_trait]
    impl Provider for Able {
        async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
            query.page(cx, [])
        }
        async fn create(&self, _: &Context<'_>, resource: Resource) -> Result<Resource> {
            Ok(resource)
        }
        async fn retrieve(&self, _: &Context<'_>, _: &str, _: &Projection) -> Result<Option<Resource>> {
            Ok(None)
        }
        async fn update(&self, _: &Context<'_>, id: &str, _: &Update, _: &UpdateOptions) -> Result<Updated> {
            Err(crate::Error::not_found(id))
        }
        async fn delete(&self, _: &Context<'_>, id: &str, _: &Precondition) -> Result<Deleted> {
            Err(crate::Error::not_found(id))
        }
        fn capabilities(&self, _: &ResourceType) -> Capabilities {
            self.0
        }
    }

    /// What the service provider configuration says of users and groups that can do this.
    fn announced(users: Capabilities, groups: Capabilities) -> Value {
        let service = ScimService::builder()
            .base_url("https://example.com")
            .users(Able(users))
            .groups(Able(groups))
            .build()
            .unwrap();
        let mut request = Request::get("https://example.com/ServiceProviderConfig").body(Vec::new()).unwrap();
        request.extensions_mut().insert(Identity::new("tests"));
        let response = pollster::block_on(service.handle(request));
        serde_json::from_slice(response.body()).unwrap()
    }

    #[test]
    fn what_all_can_do_is_announced_and_passwords_if_users_have_them() {
        let (none, page) = (Capabilities::NONE, Capabilities::PAGE);
        let passwords = none.with_change_password();
        let supported = |configuration: &Value| {
            ["changePassword", "filter", "sort"].map(|name| configuration[name]["supported"].clone())
        };
        for (users, groups, expected) in [
            (passwords, none, [true, false, false]),
            (none, passwords, [true, false, false]),
            (none, none, [false, false, false]),
            (page.with_change_password(), page, [true, true, true]),
            (page, page, [false, true, true]),
            (page, none.with_filter(), [false, true, false]),
            (none.with_sort(), page, [false, false, true]),
        ] {
            let configuration = announced(users, groups);
            assert_eq!(json!(supported(&configuration)), json!(expected), "{users:?} and {groups:?}");
        }
        for (other, expected) in [(page, true), (none, false)] {
            assert_eq!(announced(page, other)["pagination"]["cursor"], json!(expected));
        }
    }
}
