//! The memory provider with a resource type that is unlike the standard ones.

use scim_core::schema::{Attribute, Mutability, ResourceType, Returned, Schema, Uniqueness};
use scim_core::{MemoryProvider, ScimService};
use serde_json::{Value, json};

use crate::client::Client;

const KEY: &str = "urn:example:params:scim:schemas:core:2.0:Key";
const LOCK: &str = "urn:example:params:scim:schemas:extension:lock:2.0:Key";
const CHAIN: &str = "urn:example:params:scim:schemas:extension:chain:2.0:Key";

/// Keys, whose holders are known by their `value` and have a note that may change.
fn client() -> Client {
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
    Client::new(builder.build().unwrap())
}

fn key(serial: &str, holders: Value) -> Value {
    json!({ "schemas": [KEY, LOCK], "label": "Cellar", "holders": holders, LOCK: { "serial": serial } })
}

#[test]
fn an_element_can_change_but_for_its_key_and_immutable_values() {
    let client = client();
    let path =
        client.create("/Keys", &key("1", json!([{ "value": "ann", "since": "2020", "note": "spare" }])));
    let note = json!([{ "op": "replace", "path": "holders[value eq \"ann\"].note", "value": "lost" }]);
    let (_, first) = client.patch(&path, note.clone());
    assert_eq!(first["holders"], json!([{ "value": "ann", "since": "2020", "note": "lost" }]));
    // The same again is no change.
    assert_eq!(client.patch(&path, note).1["meta"], first["meta"]);
    assert_eq!(client.get(&path), first);

    // PUT: what is fixed stays, what may change is replaced or cleared (RFC 7644 section 3.5.1).
    let put = |holders: Value| client.call("PUT", &path, &key("1", holders)).1;
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
fn a_patch_of_one_attribute_obeys_the_rules_for_the_resource() {
    let client = client();
    client.create("/Keys", &key("1", json!([])));
    let path = client.create("/Keys", &key("2", json!([])));
    let before = client.get(&path);
    let serial = format!("{LOCK}:serial");
    for (status, scim_type, operation) in [
        (409, "uniqueness", json!({ "op": "replace", "path": serial, "value": "1" })),
        (409, "uniqueness", json!({ "op": "replace", "value": { LOCK: { "serial": "1" } } })),
        (400, "mutability", json!({ "op": "remove", "path": serial })),
        (400, "mutability", json!({ "op": "remove", "path": LOCK })),
    ] {
        // A valid operation before it must not be applied either.
        let other = json!({ "op": "add", "path": format!("{CHAIN}:link"), "value": "x" });
        let (answered, error) = client.patch(&path, json!([other, operation]));
        assert_eq!((answered, &error["scimType"]), (status, &json!(scim_type)), "{operation}");
        assert_eq!(client.get(&path), before);
    }
    let (_, now) = client.patch(&path, json!([{ "op": "replace", "path": serial, "value": "3" }]));
    assert_eq!(now["schemas"], json!([KEY, LOCK]));
    // The old one is free, and the new one is found and taken.
    let found = client.get(&format!("/Keys?filter={serial}+eq+%223%22"));
    assert_eq!(found["Resources"], json!([now]));
    client.create("/Keys", &key("2", json!([])));
    assert_eq!(client.call("POST", "/Keys", &key("3", json!([]))).0, 409);
}

#[test]
fn changing_only_a_secret_changes_the_version_and_is_never_shown() {
    let client = client();
    let path = client.create("/Keys", &key("1", json!([])));
    let before = client.get(&path);
    let (status, after) = client.patch(&path, json!([{ "op": "add", "path": "pin", "value": "1234" }]));
    assert_eq!(status, 200);
    assert_ne!(after["meta"]["version"], before["meta"]["version"]);
    for path in [path.clone(), format!("{path}?attributes=pin"), "/Keys".to_owned()] {
        let response = client.send("GET", &path, "");
        assert!(!String::from_utf8_lossy(response.body()).contains("1234"), "{path}");
    }
}
