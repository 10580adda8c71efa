//! A client that sends requests to a service on a store.

use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use scim_core::schema::{Attribute, ResourceType, Schema, standard};
use scim_core::{Identity, Provider, ScimService, ScimServiceBuilder};
use scim_store::Store;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The URI of an extension that has attributes of every type.
pub(crate) const EXTENSION: &str = "urn:example:params:scim:schemas:extension:more:2.0:User";

/// The resource type of users, with that extension.
pub(crate) fn users() -> ResourceType {
    let extension = Schema::new(
        EXTENSION,
        "More",
        [
            Attribute::integer("level"),
            Attribute::decimal("score"),
            Attribute::date_time("hired"),
            Attribute::boolean("remote"),
            Attribute::binary("badge"),
            Attribute::string("tags").multi_valued(),
            Attribute::string("code").case_exact(true),
            Attribute::complex("desks", [Attribute::string("value"), Attribute::integer("floor")])
                .multi_valued(),
        ],
    );
    ResourceType::builder("User", "/Users", standard::user())
        .extension(standard::enterprise_user())
        .extension(extension.unwrap())
        .build()
        .unwrap()
}

/// A client of a service. All requests are in one tenant.
pub(crate) struct Client<'a> {
    runtime: &'a Runtime,
    service: ScimService,
    pub(crate) tenant: String,
}

impl<'a> Client<'a> {
    /// A client of a new service on a store, in a new tenant.
    pub(crate) fn new(runtime: &'a Runtime, store: &Store) -> Self {
        Self::in_tenant(runtime, store.clone(), &super::tenant())
    }

    /// A client of a new service in this tenant.
    pub(crate) fn in_tenant(
        runtime: &'a Runtime,
        store: impl Provider + Clone + 'static,
        tenant: &str,
    ) -> Self {
        Self { runtime, service: builder(store).build().unwrap(), tenant: tenant.to_owned() }
    }

    /// A client, in a new tenant, of a service that has another resource type besides users and groups.
    pub(crate) fn with_type(
        runtime: &'a Runtime,
        store: &(impl Provider + Clone + 'static),
        resource_type: ResourceType,
    ) -> Self {
        let service = builder(store.clone()).resource(resource_type, store.clone()).build().unwrap();
        Self { runtime, service, tenant: super::tenant() }
    }

    /// Sends a request, and returns the status and the body of the response.
    pub(crate) fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        self.runtime.block_on(self.call(method, path, body))
    }

    /// Like [`send`](Self::send), as a future.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/scim+json")
            .extension(Identity::new("tests").in_tenant(&self.tenant))
            .body(body.map(|body| body.to_string()).unwrap_or_default());
        let response = self.service.handle(request.unwrap()).await;
        // A response with 503 must say when to try again, and no other may.
        assert_eq!(response.headers().contains_key("retry-after"), response.status() == 503);
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), body)
    }

    /// Creates a resource and returns it.
    pub(crate) fn create(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.send(Method::POST, path, Some(body));
        assert_eq!(status, 201, "{body}");
        body
    }

    /// Sends a request to `.search`.
    pub(crate) fn search(&self, path: &str, search: Value) -> (u16, Value) {
        let mut message = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"] });
        message.as_object_mut().unwrap().extend(search.as_object().unwrap().clone());
        self.send(Method::POST, &format!("{path}/.search"), Some(message))
    }
}

fn builder(store: impl Provider + Clone + 'static) -> ScimServiceBuilder {
    ScimService::builder()
        .base_url("https://scim.example.com")
        .page_size(100, 1_000)
        .resource(users(), store.clone())
        .groups(store)
}

pub(crate) fn user(name: &str) -> Value {
    json!({ "schemas": [standard::USER], "userName": name })
}

/// The body of a PATCH with one operation.
pub(crate) fn patch(operation: Value) -> Option<Value> {
    Some(json!({ "schemas": [PATCH_OP], "Operations": [operation] }))
}

/// The ids of the resources on a page.
pub(crate) fn ids(page: &Value) -> Vec<&str> {
    page["Resources"].as_array().unwrap().iter().map(|resource| resource["id"].as_str().unwrap()).collect()
}
