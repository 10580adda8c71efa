//! A service on the store that measures the time of the store alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{Method, Request};
use scim_core::schema::{Projection, ResourceType};
use scim_core::{
    Capabilities, Context, Deleted, Identity, Page, Precondition, Provider, Query, Resource, Result,
    ScimService, Update, UpdateOptions, Updated, async_trait,
};
use scim_store::Store;
use serde_json::{Value, json};

/// A provider that measures the time of the last operation of the store.
#[derive(Clone)]
struct Timed {
    store: Store,
    nanos: Arc<AtomicU64>,
}

impl Timed {
    async fn measure<T>(&self, call: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let result = call.await;
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.store(nanos, Ordering::Relaxed);
        result
    }
}

#[async_trait]
impl Provider for Timed {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        self.measure(self.store.query(cx, query)).await
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        self.measure(self.store.create(cx, resource)).await
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        self.measure(self.store.retrieve(cx, id, projection)).await
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        self.measure(self.store.update(cx, id, update, options)).await
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        self.measure(self.store.delete(cx, id, precondition)).await
    }

    fn capabilities(&self, resource_type: &ResourceType) -> Capabilities {
        self.store.capabilities(resource_type)
    }
}

/// A client of the service.
#[derive(Clone)]
pub(crate) struct Client {
    service: ScimService,
    nanos: Arc<AtomicU64>,
}

impl Client {
    pub(crate) async fn open(url: &str) -> Self {
        let nanos = Arc::new(AtomicU64::new(0));
        let store = Store::open(url).await.expect("a database");
        let store = Timed { store, nanos: nanos.clone() };
        let service = ScimService::builder()
            .base_url("https://scim.example.com")
            .page_size(100, 1_000)
            .users(store.clone())
            .groups(store)
            .build();
        Self { service: service.expect("a service"), nanos }
    }

    /// Sends a request. Returns the time of the store, the status and the body.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (Duration, u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/scim+json")
            .extension(Identity::new("bench"))
            .body(body.map(|body| body.to_string()).unwrap_or_default());
        let response = self.service.handle(request.expect("a request")).await;
        let time = Duration::from_nanos(self.nanos.load(Ordering::Relaxed));
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (time, response.status().as_u16(), body)
    }

    pub(crate) async fn get(&self, id: &str) -> (Duration, Value) {
        let (time, status, body) = self.send(Method::GET, &format!("/Users/{id}"), None).await;
        assert_eq!(status, 200, "{body}");
        (time, body)
    }

    async fn find(&self, path: &str, mut search: Value) -> (Duration, Value) {
        search["schemas"] = json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]);
        let (time, status, body) = self.send(Method::POST, path, Some(search)).await;
        assert_eq!(status, 200, "{body}");
        (time, body)
    }

    pub(crate) async fn search(&self, search: Value) -> (Duration, Value) {
        self.find("/Users/.search", search).await
    }

    pub(crate) async fn groups(&self, search: Value) -> (Duration, Value) {
        self.find("/Groups/.search", search).await
    }
}
