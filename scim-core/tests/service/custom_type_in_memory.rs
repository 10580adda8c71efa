//! The memory provider with a resource type whose attributes differ from those of the standard ones.

use scim_core::schema::{Attribute, Mutability, ResourceType, Returned, Schema, Uniqueness};
use scim_core::{MemoryProvider, ScimService};
use serde_json::{Value, json};

use crate::client::Client;

const KEY: &str = "urn:example:params:scim:schemas:core:2.0:Key";
const LOCK: &str = "urn:example:params:scim:schemas:extension:lock:2.0:Key";
const CHAIN: &str = "urn:example:params:scim:schemas:extension:chain:2.0:Key";

/// A client of a service with keys. A key has holders, each with an immutable `value` and a `note` that can change.
fn client() -> Client {
    let immutable = |name: &str| Attribute::string(name).with_mutability(Mutability::Immutable);
    let reference = Attribute::reference("$ref", ["Person"]);
    let holders = Attribute::complex(
        "holders",
        [immutable("value"), reference, immutable("since"), Attribute::string("note")],
    );
    let pin = Attribute::string("pin").with_mutability(Mutability::WriteOnly).with_returned(Returned::Never);
    let key = Schema::new(KEY, "Key", [Attribute::string("label"), pin, holders.multi_valued()]).unwrap();
    let serial = Attribute::string("serial").required().with_uniqueness(Uniqueness::Server);
    let lock = Schema::new(LOCK, "Lock", [serial, Attribute::string("door")]).unwrap();
    let chain = Schema::new(CHAIN, "Chain", [Attribute::string("link")]).unwrap();
    let keys = ResourceType::builder("Key", "/Keys", key).required_extension(lock).extension(chain);
    let store = MemoryProvider::new().keep_unknown_members();
    let builder =
        ScimService::builder().base_url("https://example.com").resource(keys.build().unwrap(), store);
    Client::new(builder.build().unwrap())
}

fn key_resource(serial: &str, holders: Value) -> Value {
    json!({ "schemas": [KEY, LOCK], "label": "Cellar", "holders": holders, LOCK: { "serial": serial } })
}

#[test]
fn an_element_can_change_except_for_its_value_and_immutable_sub_attributes() {
    let client = client();
    let path = client
        .create("/Keys", &key_resource("1", json!([{ "value": "ann", "since": "2020", "note": "spare" }])));
    let note = json!([{ "op": "replace", "path": "holders[value eq \"ann\"].note", "value": "lost" }]);
    let (_, first) = client.patch(&path, note.clone());
    assert_eq!(first["holders"], json!([{ "value": "ann", "since": "2020", "note": "lost" }]));
    // Setting the same value again is no change.
    assert_eq!(client.patch(&path, note).1["meta"], first["meta"]);
    assert_eq!(client.get(&path), first);

    // PUT keeps immutable values, and replaces or clears the others (RFC 7644 section 3.5.1).
    let put = |holders: Value| client.call("PUT", &path, &key_resource("1", holders)).1;
    let two_holders = json!([{ "value": "ann", "note": "found" }, { "value": "bob" }]);
    let replaced = put(two_holders.clone());
    let ann = json!({ "value": "ann", "since": "2020", "note": "found" });
    assert_eq!(replaced["holders"], json!([ann, { "value": "bob" }]));
    assert_eq!(put(two_holders)["meta"], replaced["meta"]);
    let cleared = put(json!([{ "value": "ann" }, { "value": "bob" }]));
    assert_eq!(cleared["holders"][0], json!({ "value": "ann", "since": "2020" }));
    assert_ne!(cleared["meta"]["version"], replaced["meta"]["version"]);
}

#[test]
fn a_patch_of_one_attribute_must_keep_the_resource_valid_and_unique() {
    let client = client();
    client.create("/Keys", &key_resource("1", json!([])));
    let path = client.create("/Keys", &key_resource("2", json!([])));
    let before = client.get(&path);
    let serial = format!("{LOCK}:serial");
    for (status, scim_type, operation) in [
        (409, "uniqueness", json!({ "op": "replace", "path": serial, "value": "1" })),
        (409, "uniqueness", json!({ "op": "replace", "value": { LOCK: { "serial": "1" } } })),
        (400, "mutability", json!({ "op": "remove", "path": serial })),
        (400, "mutability", json!({ "op": "remove", "path": LOCK })),
    ] {
        // The valid operation before it must not be applied either.
        let valid = json!({ "op": "add", "path": format!("{CHAIN}:link"), "value": "x" });
        let (actual_status, error) = client.patch(&path, json!([valid, operation]));
        assert_eq!((actual_status, &error["scimType"]), (status, &json!(scim_type)), "{operation}");
        assert_eq!(client.get(&path), before);
    }
    let (_, patched) = client.patch(&path, json!([{ "op": "replace", "path": serial, "value": "3" }]));
    assert_eq!(patched["schemas"], json!([KEY, LOCK]));
    // The old serial is free, and the new one is found and is taken.
    let found = client.get(&format!("/Keys?filter={serial}+eq+%223%22"));
    assert_eq!(found["Resources"], json!([patched]));
    client.create("/Keys", &key_resource("2", json!([])));
    assert_eq!(client.call("POST", "/Keys", &key_resource("3", json!([]))).0, 409);
}

#[test]
fn a_patch_of_a_secret_changes_the_version_and_the_secret_is_never_returned() {
    let client = client();
    let path = client.create("/Keys", &key_resource("1", json!([])));
    let before = client.get(&path);
    let (status, after) = client.patch(&path, json!([{ "op": "add", "path": "pin", "value": "1234" }]));
    assert_eq!(status, 200);
    assert_ne!(after["meta"]["version"], before["meta"]["version"]);
    for path in [path.clone(), format!("{path}?attributes=pin"), "/Keys".to_owned()] {
        let response = client.send("GET", &path, "");
        assert!(!String::from_utf8_lossy(response.body()).contains("1234"), "{path}");
    }
}
