//! A client that sends requests to a service on the tables of an application.

use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use scim_core::schema::{ResourceType, standard};
use scim_core::{Identity, Provider, ScimService};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::application::Application;
use scim_store::TableStore;

/// A client of a service. All requests are in one tenant, or in none.
pub(crate) struct Client<'a> {
    runtime: &'a Runtime,
    service: ScimService,
    tenant: Option<String>,
}

/// The response to a request.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) version: Option<String>,
}

impl<'a> Client<'a> {
    /// A client of a service on the tables, in the tenant [`TENANT`] if they have tenants.
    pub(crate) fn new(runtime: &'a Runtime, application: &Application, store: &TableStore) -> Self {
        let tenant = application.has_tenants().then_some(TENANT);
        Self::over(runtime, store.resource_types(), store, tenant)
    }

    /// A client of a service that serves resource types by a provider.
    pub(crate) fn over(
        runtime: &'a Runtime,
        resource_types: Vec<ResourceType>,
        provider: &(impl Provider + Clone + 'static),
        tenant: Option<&str>,
    ) -> Self {
        let mut builder = ScimService::builder().base_url("https://scim.example.com").page_size(100, 1_000);
        for resource_type in resource_types {
            builder = match resource_type.name() {
                "Group" => builder.large_resource(resource_type, provider.clone()),
                _ => builder.resource(resource_type, provider.clone()),
            };
        }
        Self { runtime, service: builder.build().unwrap(), tenant: tenant.map(str::to_owned) }
    }

    /// Sends a request with an If-Match header, if there is one.
    pub(crate) async fn call(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Response {
        let mut identity = Identity::new("tests");
        if let Some(tenant) = &self.tenant {
            identity = identity.in_tenant(tenant);
        }
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/scim+json")
            .extension(identity);
        if let Some(version) = if_match {
            request = request.header("if-match", version);
        }
        let request = request.body(body.map(Value::to_string).unwrap_or_default()).unwrap();
        let response = self.service.handle(request).await;
        // A response with 503 must say when to try again, and no other may.
        assert_eq!(response.headers().contains_key("retry-after"), response.status() == 503);
        let version = response.headers().get("etag").map(|etag| etag.to_str().unwrap().to_owned());
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        Response { status: response.status().as_u16(), body, version }
    }

    /// Sends a request without If-Match, and waits for the response.
    pub(crate) fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        self.runtime.block_on(self.call(&method, path, body.as_ref(), None))
    }

    /// Creates a resource, and returns its path and the response.
    pub(crate) fn create(&self, endpoint: &str, body: Value) -> (String, Response) {
        let response = self.send(Method::POST, endpoint, Some(body));
        assert_eq!(response.status, 201, "{}", response.body);
        (format!("{endpoint}/{}", response.body["id"].as_str().unwrap()), response)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, None)
    }

    /// Sends a PATCH with one operation.
    pub(crate) fn patch(&self, path: &str, operation: Value) -> Response {
        self.send(Method::PATCH, path, Some(patch([operation])))
    }

    /// Sends a search.
    pub(crate) fn search(&self, endpoint: &str, search: Value) -> Response {
        let mut message = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"] });
        message.as_object_mut().unwrap().extend(search.as_object().unwrap().clone());
        self.send(Method::POST, &format!("{endpoint}/.search"), Some(message))
    }

    /// The number of resources that a filter finds.
    pub(crate) fn count(&self, endpoint: &str, filter: &str) -> Value {
        let page = self.search(endpoint, json!({ "filter": filter }));
        assert_eq!(page.status, 200, "{filter}: {}", page.body);
        page.body["totalResults"].clone()
    }
}

/// The tenant of the requests: a UUID, as a column of that type needs.
pub(crate) const TENANT: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// The body of a PATCH.
pub(crate) fn patch(operations: impl IntoIterator<Item = Value>) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": operations.into_iter().collect::<Vec<_>>() })
}

pub(crate) fn user(name: &str) -> Value {
    json!({ "schemas": [standard::USER], "userName": name })
}

pub(crate) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|path| json!({ "value": id(path) })).collect();
    json!({ "schemas": [standard::GROUP], "displayName": name, "members": members })
}

/// The id in the path of a resource.
pub(crate) fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}
