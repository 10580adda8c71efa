//! A client that sends requests to a service on a store.

use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use scim_core::schema::{Attribute, ResourceType, Schema, standard};
use scim_core::{Event, Identity, Monitor, Provider, ScimService, ScimServiceBuilder};
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

/// Keeps the members that came and went with each change.
#[derive(Clone, Default)]
pub(crate) struct MembersMonitor(std::sync::Arc<std::sync::Mutex<Vec<Value>>>);

impl Monitor for MembersMonitor {
    fn changed(&self, event: &Event<'_>) {
        assert!(event.resource().is_some() || event.after().is_none());
        self.0.lock().unwrap().push(json!([event.added_members(), event.removed_members()]));
    }
}

/// Sends requests that change a group with the first member to a service, and checks what its monitor is told.
pub(crate) fn check_monitored_members(
    runtime: &Runtime,
    builder: ScimServiceBuilder,
    identity: &Identity,
    (group, members): (&str, [&str; 3]),
) {
    let monitor = MembersMonitor::default();
    let service = builder.base_url("https://scim.example.com").monitor(monitor.clone()).build().unwrap();
    let [one, two, three] = members;
    let element = |id: &str| json!({ "value": id });
    for (op, ids, expected) in [
        ("add", vec![one, two], json!([[two], []])),
        ("replace", vec![two, three], json!([[three], [one]])),
        ("remove", vec![one, two], json!([[], [two]])),
    ] {
        let value: Vec<Value> = ids.into_iter().map(element).collect();
        let operation = json!({ "op": op, "path": "members", "value": value });
        let request = Request::patch(group)
            .header("content-type", "application/scim+json")
            .extension(identity.clone())
            .body(patch(operation).unwrap_or_default().to_string());
        let response = runtime.block_on(service.handle(request.unwrap()));
        assert!(response.status().is_success(), "{}", String::from_utf8_lossy(response.body()));
        assert_eq!(monitor.0.lock().unwrap().pop(), Some(expected), "{op}");
    }
}
