//! A store may return resources as JSON text. Responses must show of them what they show of other resources.

use scim_core::schema::{Projection, standard};
use scim_core::{
    Access, Context, Identity, MemoryProvider, Page, Permit, Policy, Provider, Query, Resource, Result,
    ScimService, async_trait,
};
use serde_json::{Map, Value, json};

use crate::client::{Client, json_of, user};
use crate::overriding::{Overrides, Overriding};

/// Returns what the inner provider returns, as JSON text.
#[derive(Clone)]
struct AsText {
    inner: MemoryProvider,
    /// The number of bytes that are missing at the end of the text.
    missing: usize,
}

impl AsText {
    fn resource(&self, resource: Resource) -> Resource {
        let (others, text): (Map<_, _>, Map<_, _>) = resource
            .into_map()
            .into_iter()
            .partition(|(name, _)| ["id", "meta", "groups"].contains(&name.as_str()));
        let mut text = Value::Object(text).to_string();
        text.truncate(text.len() - self.missing);
        Resource::from_stored_json(text, others)
    }
}

#[async_trait]
impl Overrides for AsText {
    fn inner(&self) -> &dyn Provider {
        &self.inner
    }

    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let mut page = self.inner.query(cx, query).await?;
        page.resources = page.resources.into_iter().map(|resource| self.resource(resource)).collect();
        Ok(page)
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        Ok(self.inner.retrieve(cx, id, projection).await?.map(|resource| self.resource(resource)))
    }
}

/// Hides a part of a complex attribute from one caller.
struct HidesStreets;

impl Policy for HidesStreets {
    fn check(&self, access: &Access<'_>) -> Result<Permit> {
        let is_guest = access.identity.is_some_and(|identity| identity.principal == "guest");
        Ok(if is_guest { Permit::hiding(["addresses.streetAddress"]) } else { Permit::all() })
    }
}

fn client(provider: impl Provider + Clone + 'static) -> Client {
    let builder = ScimService::builder().base_url("https://example.com/scim").policy(HidesStreets);
    Client::new(builder.users(provider.clone()).groups(provider).build().unwrap())
}

/// A store with a user and a group, and their paths.
fn filled() -> (MemoryProvider, [String; 2]) {
    let store = MemoryProvider::new();
    let client = client(store.clone());
    let mut bea = user("bea");
    bea["schemas"] = json!([standard::USER, standard::ENTERPRISE_USER]);
    bea["emails"] = json!([{ "value": "bea@example.com", "type": "work", "primary": true }]);
    bea["addresses"] = json!([{ "type": "home", "streetAddress": "1 \"Quay\" \\ Rd", "locality": "Ayr é" }]);
    bea[standard::ENTERPRISE_USER] = json!({ "department": "Reef", "manager": { "value": "42" } });
    let path = client.create("/Users", &bea);
    let id = path.rsplit('/').next().unwrap();
    let group = json!({ "schemas": [standard::GROUP], "displayName": "Crew", "members": [{ "value": id }] });
    let group = client.create("/Groups", &group);
    (store, [path, group])
}

#[test]
fn responses_show_of_a_text_what_they_show_of_values() {
    let (store, paths) = filled();
    let plain = client(store.clone());
    let text = client(Overriding(AsText { inner: store, missing: 0 }));
    let parameters = [
        "",
        "?attributes=userName,addresses.locality,members",
        "?excludedAttributes=emails.type,displayName",
        "?attributes=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    ];
    for identity in ["admin", "guest"] {
        let [plain, text] = [&plain, &text].map(|client| client.clone().identity(Identity::new(identity)));
        for path in paths.iter().map(String::as_str).chain(["/Users", "/Groups"]) {
            for parameters in parameters {
                let path = format!("{path}{parameters}");
                let expected = plain.send("GET", &path, "");
                let shown = text.send("GET", &path, "");
                assert_eq!(shown.headers(), expected.headers(), "{path}");
                assert_eq!(json_of(&shown), json_of(&expected), "{path}");
            }
        }
    }
    let guest = text.identity(Identity::new("guest")).get(&paths[0]);
    assert_eq!(guest["addresses"], json!([{ "type": "home", "locality": "Ayr é" }]));
}

#[test]
fn a_text_that_is_damaged_is_an_internal_error() {
    let (store, [path, _]) = filled();
    let client = client(Overriding(AsText { inner: store, missing: 3 }));
    assert_eq!(client.send("GET", &path, "").status(), 500);
    assert_eq!(client.send("GET", "/Users", "").status(), 500);
}
