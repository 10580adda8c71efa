//! Traces contain the action and the outcome of each request, but no values that clients have sent.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use http::{Request, StatusCode};
use scim_core::{
    Context, Deleted, Error, Identity, MemoryProvider, Precondition, Provider, Result, ScimService,
    async_trait,
};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::overriding::{Overrides, Overriding};

/// Records every field of every span and event.
#[derive(Clone, Default)]
struct RecordingSubscriber(Arc<Mutex<String>>);

impl Visit for RecordingSubscriber {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl Subscriber for RecordingSubscriber {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn traces_contain_no_values_from_clients() {
    let store = MemoryProvider::new();
    let builder = ScimService::builder().base_url("https://example.com/scim/v2");
    let service = builder.users(store.clone()).groups(store).build().unwrap();
    let subscriber = RecordingSubscriber::default();
    let send = |method: &str, path: &str, body: Value| {
        let identity = Identity::new("mara-principal").in_tenant("north");
        let request = Request::builder().method(method).uri(path).extension(identity);
        let response = service.handle(request.body(body.to_string().into_bytes()).unwrap());
        let response = tracing::subscriber::with_default(subscriber.clone(), || pollster::block_on(response));
        let json: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), json)
    };
    let user = json!({
        "userName": "mara@example.com", "password": "mara-secret", "active": "True", "mara@example.com": 1,
        "name": { "mara-nick": 1 }, "schemas": ["urn:mara"],
    });
    let (status, created) = send("POST", "/Users", user.clone());
    assert_eq!(status, 201, "{created}");
    assert_eq!(send("POST", "/Users", user).0, 409);
    let path = format!("/Users/{}", created["id"].as_str().unwrap());
    let patch = json!({ "mara": 1, "Operations": [
        { "op": "Replace", "path": "emails[type eq \"mara@example.com\"].display", "value": "Mara" },
        { "op": "Add", "path": "mara[value eq \"mara@example.com\"].x", "value": "mara" },
        { "op": "Add", "value": {
            "mara.x": "mara", "title": "Mara", "emails[type eq \"mara\"].display": "home",
        } },
    ] });
    let (status, patched) = send("PATCH", &path, patch);
    assert_eq!(status, 200, "{patched}");
    assert_eq!(send("GET", "/Users?filter=userName%20eq%20mara@example.com", Value::Null).0, 200);
    assert_eq!(send("DELETE", &path, Value::Null).0, 204);

    let traced = subscriber.0.lock().unwrap();
    for field in
        ["method=POST", "tenant=\"north\"", "resource_type=\"User\"", "action=\"patch\"", "status=409"]
    {
        assert!(traced.contains(field), "{field} is missing in\n{traced}");
    }
    assert!(traced.contains("quirk=\"boolean-as-string\""), "{traced}");
    assert!(!traced.to_lowercase().contains("mara"), "{traced}");
    assert!(!traced.contains(created["id"].as_str().unwrap()), "{traced}");
}

/// A provider whose database fails.
struct Failing(MemoryProvider);

#[async_trait]
impl Overrides for Failing {
    fn inner(&self) -> &dyn Provider {
        &self.0
    }

    async fn delete(&self, _: &Context<'_>, _: &str, _: &Precondition) -> Result<Deleted> {
        let cause = std::io::Error::other("violates `orders_person_fkey`");
        Err(Error::new(StatusCode::CONFLICT, "other data refers to it").with_source(cause))
    }
}

#[test]
fn the_source_of_an_error_is_traced() {
    let service = ScimService::builder()
        .base_url("https://example.com/scim/v2")
        .users(Overriding(Failing(MemoryProvider::new())))
        .build()
        .unwrap();
    let subscriber = RecordingSubscriber::default();
    let request = Request::builder().method("DELETE").uri("/Users/7").extension(Identity::new("tests"));
    let response = service.handle(request.body(Vec::new()).unwrap());
    let response = tracing::subscriber::with_default(subscriber.clone(), || pollster::block_on(response));
    assert_eq!(response.status(), 409);
    assert!(!String::from_utf8_lossy(response.body()).contains("orders_person_fkey"));
    let traced = subscriber.0.lock().unwrap();
    assert!(traced.contains("source=\"violates `orders_person_fkey`\""), "{traced}");
}
