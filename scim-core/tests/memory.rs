//! The memory store with a resource type that nothing standard is like.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use http::{Request, Response};
use scim_core::schema::{Attribute, Mutability, ResourceType, Returned, Schema, Uniqueness};
use scim_core::{Identity, MemoryProvider, ScimService};
use serde_json::{Value, json};

const KEY: &str = "urn:example:params:scim:schemas:core:2.0:Key";
const LOCK: &str = "urn:example:params:scim:schemas:extension:lock:2.0:Key";
const CHAIN: &str = "urn:example:params:scim:schemas:extension:chain:2.0:Key";

/// Keys, whose holders are known by their `value` and have a note that may change.
fn service() -> ScimService {
    let fixed = |name: &str| Attribute::string(name).with_mutability(Mutability::Immutable);
    let reference = Attribute::reference("$ref", ["Person"]);
    let holders =
        Attribute::complex("holders", [fixed("value"), reference, fixed("since"), Attribute::string("note")]);
    let pin = Attribute::string("pin").with_mutability(Mutability::WriteOnly).with_returned(Returned::Never);
    let key = Schema::new(KEY, "Key", [Attribute::string("label"), pin, holders.multi_valued()]).unwrap();
    let serial = Attribute::string("serial").required().with_uniqueness(Uniqueness::Server);
    let lock = Schema::new(LOCK, "Lock", [serial, Attribute::string("door")]).unwrap();
    let chain = Schema::new(CHAIN, "Chain", [Attribute::string("link")]).unwrap();
    let on = ResourceType::builder("Key", "/Keys", key).required_extension(lock).extension(chain);
    let store = MemoryProvider::new().keep_unknown_members();
    let builder = ScimService::builder().base_url("https://example.com").resource(on.build().unwrap(), store);
    builder.build().unwrap()
}

fn send(service: &ScimService, method: &str, path: &str, body: &Value) -> (Response<Vec<u8>>, Value) {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(path).extension(Identity::new("a"));
    let response = pollster::block_on(service.handle(request.body(body).unwrap()));
    let json = serde_json::from_slice(response.body()).unwrap_or_default();
    (response, json)
}

fn key(serial: &str, holders: Value) -> Value {
    json!({ "schemas": [KEY, LOCK], "label": "Cellar", "holders": holders, LOCK: { "serial": serial } })
}

/// The path of a new resource.
fn create(service: &ScimService, resource: &Value) -> String {
    format!("/Keys/{}", send(service, "POST", "/Keys", resource).1["id"].as_str().unwrap())
}

fn patch(service: &ScimService, path: &str, operations: Value) -> (u16, Value) {
    let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]);
    let body = json!({ "schemas": schemas, "Operations": operations });
    let (response, json) = send(service, "PATCH", path, &body);
    (response.status().as_u16(), json)
}

#[test]
fn what_an_element_says_can_change_and_its_key_stays() {
    let service = service();
    let path = create(&service, &key("1", json!([{ "value": "ann", "since": "2020", "note": "spare" }])));
    let note = json!([{ "op": "replace", "path": "holders[value eq \"ann\"].note", "value": "lost" }]);
    let (_, first) = patch(&service, &path, note.clone());
    assert_eq!(first["holders"], json!([{ "value": "ann", "since": "2020", "note": "lost" }]));
    // The same again is no change.
    assert_eq!(patch(&service, &path, note).1["meta"], first["meta"]);
    assert_eq!(send(&service, "GET", &path, &Value::Null).1, first);

    // PUT: what is fixed stays, what may change is replaced or cleared (RFC 7644 section 3.5.1).
    let put = |holders: Value| send(&service, "PUT", &path, &key("1", holders)).1;
    let two = json!([{ "value": "ann", "note": "found" }, { "value": "bob" }]);
    let now = put(two.clone());
    let ann = json!({ "value": "ann", "since": "2020", "note": "found" });
    assert_eq!(now["holders"], json!([ann, { "value": "bob" }]));
    assert_eq!(put(two)["meta"], now["meta"]);
    let cleared = put(json!([{ "value": "ann" }, { "value": "bob" }]));
    assert_eq!(cleared["holders"][0], json!({ "value": "ann", "since": "2020" }));
    assert_ne!(cleared["meta"]["version"], now["meta"]["version"]);
}

#[test]
fn a_change_of_a_part_minds_what_the_whole_must_be() {
    let service = service();
    create(&service, &key("1", json!([])));
    let path = create(&service, &key("2", json!([])));
    let before = send(&service, "GET", &path, &Value::Null).1;
    let serial = format!("{LOCK}:serial");
    for (status, scim_type, operation) in [
        (409, "uniqueness", json!({ "op": "replace", "path": serial, "value": "1" })),
        (409, "uniqueness", json!({ "op": "replace", "value": { LOCK: { "serial": "1" } } })),
        (400, "mutability", json!({ "op": "remove", "path": serial })),
        (400, "mutability", json!({ "op": "remove", "path": LOCK })),
    ] {
        // What goes well beside it must not stay either.
        let other = json!({ "op": "add", "path": format!("{CHAIN}:link"), "value": "x" });
        let (answered, error) = patch(&service, &path, json!([other, operation]));
        assert_eq!((answered, &error["scimType"]), (status, &json!(scim_type)), "{operation}");
        assert_eq!(send(&service, "GET", &path, &Value::Null).1, before);
    }
    let (_, now) = patch(&service, &path, json!([{ "op": "replace", "path": serial, "value": "3" }]));
    assert_eq!(now["schemas"], json!([KEY, LOCK]));
    // The old one is free, and the new one is found and taken.
    let (_, found) = send(&service, "GET", &format!("/Keys?filter={serial}+eq+%223%22"), &Value::Null);
    assert_eq!(found["Resources"], json!([now]));
    create(&service, &key("2", json!([])));
    assert_eq!(send(&service, "POST", "/Keys", &key("3", json!([]))).0.status(), 409);
}

#[test]
fn a_secret_alone_is_a_change_and_is_in_no_answer() {
    let service = service();
    let path = create(&service, &key("1", json!([])));
    let before = send(&service, "GET", &path, &Value::Null).1;
    let (status, after) = patch(&service, &path, json!([{ "op": "add", "path": "pin", "value": "1234" }]));
    assert_eq!(status, 200);
    assert_ne!(after["meta"]["version"], before["meta"]["version"]);
    for path in [path.clone(), format!("{path}?attributes=pin"), "/Keys".to_owned()] {
        let (response, _) = send(&service, "GET", &path, &Value::Null);
        assert!(!String::from_utf8_lossy(response.body()).contains("1234"), "{path}");
    }
}
