//! The options of the builder: what the service announces, and which options are refused.

use http::Request;
use scim_core::schema::{Projection, ResourceType};
use scim_core::{
    AuthenticationScheme, Capabilities, Context, Deleted, Error, Identity, MemoryProvider, Page,
    Precondition, Provider, Query, Resource, Result, ScimService, ScimServiceBuilder, Update, UpdateOptions,
    Updated, async_trait,
};
use serde_json::{Value, json};

/// A provider with these capabilities and without resources.
struct EmptyProvider(Capabilities);

#[async_trait]
impl Provider for EmptyProvider {
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
        Err(Error::not_found(id))
    }
    async fn delete(&self, _: &Context<'_>, id: &str, _: &Precondition) -> Result<Deleted> {
        Err(Error::not_found(id))
    }
    fn capabilities(&self, _: &ResourceType) -> Capabilities {
        self.0
    }
}

/// Builds a service and reads its ServiceProviderConfig.
fn configuration(builder: ScimServiceBuilder) -> Value {
    let service = builder.build().unwrap();
    let mut request = Request::get("https://example.com/ServiceProviderConfig").body(Vec::new()).unwrap();
    request.extensions_mut().insert(Identity::new("tests"));
    let response = pollster::block_on(service.handle(request));
    serde_json::from_slice(response.body()).unwrap()
}

fn builder() -> ScimServiceBuilder {
    ScimService::builder().base_url("https://example.com")
}

fn announced(users: Capabilities, groups: Capabilities) -> Value {
    configuration(builder().users(EmptyProvider(users)).groups(EmptyProvider(groups)))
}

#[test]
fn the_service_announces_capabilities_of_all_providers_and_password_changes_of_any() {
    let (none, page) = (Capabilities::NONE, Capabilities::QUERY);
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

#[test]
fn the_service_announces_authentication_schemes_of_any_type() {
    let mutual_tls = AuthenticationScheme::new("tlsclientcertificate", "Mutual TLS", "A client certificate")
        .spec_uri("https://www.rfc-editor.org/info/rfc8705")
        .documentation_uri("https://example.com/help")
        .challenge("Certificate realm=\"scim\"");
    let schemes = || [AuthenticationScheme::bearer().primary(), mutual_tls.clone()];
    let announced = configuration(builder().users(MemoryProvider::new()).authentication(schemes()));
    assert_eq!(
        announced["authenticationSchemes"],
        json!([
            {
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "A bearer token in the Authorization header",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": true
            },
            {
                "type": "tlsclientcertificate",
                "name": "Mutual TLS",
                "description": "A client certificate",
                "specUri": "https://www.rfc-editor.org/info/rfc8705",
                "documentationUri": "https://example.com/help"
            }
        ])
    );
    let service = builder().users(MemoryProvider::new()).authentication(schemes()).build().unwrap();
    let request = Request::get("https://example.com/Users").body(Vec::new()).unwrap();
    let response = pollster::block_on(service.handle(request));
    let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Bearer realm=\"scim\"", "Certificate realm=\"scim\""]);
}

#[test]
fn a_host_can_extend_the_configuration_under_its_own_urn() {
    const URN: &str = "urn:example:params:scim:support";
    let plain = configuration(builder().users(MemoryProvider::new()));
    let mut extended = configuration(
        builder()
            .users(MemoryProvider::new())
            .configuration_extension(URN, [("contact", json!("scim@example.com")), ("level", json!(2))]),
    );
    assert_eq!(extended[URN], json!({ "contact": "scim@example.com", "level": 2 }));
    assert_eq!(extended["schemas"], json!([plain["schemas"][0], URN]));
    extended.as_object_mut().unwrap().remove(URN);
    extended["schemas"] = plain["schemas"].clone();
    assert_eq!(extended, plain);
}

#[test]
fn the_builder_refuses_contradictory_options() {
    let users = || builder().users(MemoryProvider::new());
    let bearer = AuthenticationScheme::bearer;
    let members = [("a", json!(1))];
    let no_urn = "contact";
    let reserved = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    let repeated = "urn:example:a";
    for (builder, reason) in [
        (ScimService::builder().users(MemoryProvider::new()), "the base URL must be absolute"),
        (ScimService::builder().base_url("/scim/v2"), "it is `/scim/v2`"),
        (users().users(MemoryProvider::new()), "`/Users` is used by another resource type"),
        (users().authentication([bearer().challenge("a\nb")]), "`OAuth Bearer Token` has characters"),
        (users().authentication([bearer().primary(), bearer().primary()]), "at most one can be primary"),
        (users().configuration_extension(no_urn, members.clone()), "`contact` cannot name an extension"),
        (users().configuration_extension(reserved, members.clone()), "cannot name an extension"),
        (
            users()
                .configuration_extension(repeated, members.clone())
                .configuration_extension(repeated, members.clone()),
            "`urn:example:a` cannot name an extension",
        ),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
