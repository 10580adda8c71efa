//! What a store keeps is rendered once, and is never shown other than it is.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use http::{Request, Response};
use scim_core::schema::standard;
use scim_core::{Access, BaseUrl, Identity, MemoryProvider, Permit, Policy, Result, ScimService};
use serde_json::{Value, json};

fn service(store: &MemoryProvider) -> ScimService {
    let builder = ScimService::builder().base_url("https://one.example.com/scim");
    builder.users(store.clone()).groups(store.clone()).build().unwrap()
}

fn answer(
    service: &ScimService,
    method: &str,
    path: &str,
    body: Value,
    base: Option<&str>,
) -> Response<Vec<u8>> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let mut request =
        Request::builder().method(method).uri(path).extension(Identity::new("a")).body(body).unwrap();
    if let Some(base) = base {
        request.extensions_mut().insert(BaseUrl::new(base).unwrap());
    }
    pollster::block_on(service.handle(request))
}

fn json_of(response: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

fn get(service: &ScimService, path: &str) -> Value {
    json_of(&answer(service, "GET", path, Value::Null, None))
}

fn create(service: &ScimService, path: &str, resource: Value) -> String {
    json_of(&answer(service, "POST", path, resource, None))["id"].as_str().unwrap().to_owned()
}

#[test]
fn changes_are_seen() {
    let service = service(&MemoryProvider::new());
    let id =
        create(&service, "/Users", json!({ "schemas": [standard::USER], "userName": "ana", "title": "Dr" }));
    let path = format!("/Users/{id}");
    let first = answer(&service, "GET", &path, Value::Null, None);
    assert_eq!(answer(&service, "GET", &path, Value::Null, None).body(), first.body());
    assert_eq!(get(&service, "/Users")["Resources"], json!([json_of(&first)]));

    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "title", "value": "Prof" }],
    });
    let patched = answer(&service, "PATCH", &path, patch, None);
    let then = answer(&service, "GET", &path, Value::Null, None);
    assert_eq!(json_of(&then)["title"], "Prof");
    assert_eq!(json_of(&patched), json_of(&then));
    assert_ne!(then.headers()["etag"], first.headers()["etag"]);
    assert_eq!(then.headers()["etag"].to_str().unwrap(), json_of(&then)["meta"]["version"]);

    // Membership changes how the user is shown without a change of the user.
    let group = json!({ "schemas": [standard::GROUP], "displayName": "Crew", "members": [{ "value": id }] });
    let group = create(&service, "/Groups", group);
    assert_eq!(get(&service, &path)["groups"][0]["value"], json!(group));
    answer(&service, "DELETE", &format!("/Groups/{group}"), Value::Null, None);
    assert_eq!(get(&service, &path).get("groups"), None);
}

#[test]
fn a_projection_is_not_taken_for_another() {
    let service = service(&MemoryProvider::new());
    let id =
        create(&service, "/Users", json!({ "schemas": [standard::USER], "userName": "ana", "title": "Dr" }));
    let (whole, part) = (format!("/Users/{id}"), format!("/Users/{id}?attributes=title"));
    for _ in 0..2 {
        assert_eq!(get(&service, &whole)["userName"], "ana");
        assert_eq!(get(&service, &part).get("userName"), None);
        assert_eq!(get(&service, "/Users?excludedAttributes=title")["Resources"][0].get("title"), None);
    }
}

#[test]
fn each_base_url_and_each_service_has_its_own() {
    let store = MemoryProvider::new();
    let (one, other) = (service(&store), service(&store));
    let id = create(&one, "/Users", json!({ "schemas": [standard::USER], "userName": "ana" }));
    let path = format!("/Users/{id}");
    for base in ["https://one.example.com/scim", "https://two.example.com", "https://one.example.com/scim"] {
        for service in [&one, &other] {
            let response = answer(service, "GET", &path, Value::Null, Some(base));
            let location = json!(format!("{base}/Users/{id}"));
            assert_eq!(json_of(&response)["meta"]["location"], location);
            assert_eq!(response.headers()["location"].to_str().unwrap(), location);
            let list = json_of(&answer(service, "GET", "/Users", Value::Null, Some(base)));
            assert_eq!(list["Resources"][0]["meta"]["location"], location);
        }
    }
}

#[test]
fn what_one_caller_is_shown_is_not_what_another_is() {
    struct OwnTitles;
    impl Policy for OwnTitles {
        fn check(&self, access: &Access<'_>) -> Result<Permit> {
            let all = access.identity.is_some_and(|identity| identity.principal == "a");
            Ok(if all { Permit::all() } else { Permit::hiding(["title"]) })
        }
    }
    let builder = ScimService::builder().base_url("https://one.example.com/scim").policy(OwnTitles);
    let service = builder.users(MemoryProvider::new()).build().unwrap();
    let user = json!({ "schemas": [standard::USER], "userName": "ana", "title": "Dr" });
    let path = format!("/Users/{}", create(&service, "/Users", user));
    for _ in 0..2 {
        for (principal, title) in [("a", Some("Dr")), ("b", None)] {
            for path in [&path, "/Users"] {
                let request =
                    Request::get(path).extension(Identity::new(principal)).body(Vec::new()).unwrap();
                let shown = json_of(&pollster::block_on(service.handle(request)));
                let user = shown.get("Resources").map_or(&shown, |list| &list[0]);
                assert_eq!(user.get("title").and_then(Value::as_str), title, "{principal} {path}");
            }
        }
    }
}

#[test]
fn readers_see_each_version_whole_while_it_changes() {
    let service = service(&MemoryProvider::new());
    let user = json!({ "schemas": [standard::USER], "userName": "ana", "title": "0" });
    let path = format!("/Users/{}", create(&service, "/Users", user));
    let title = |shown: &Value| shown["title"].as_str().unwrap().parse::<u32>().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                for _ in 0..1_000 {
                    let response = answer(&service, "GET", &path, Value::Null, None);
                    let shown = json_of(&response);
                    assert_eq!(response.headers()["etag"].to_str().unwrap(), shown["meta"]["version"]);
                    assert!(title(&shown) >= last, "what was seen once is not followed by what was before");
                    last = title(&shown);
                }
            });
        }
        for number in 1..=300 {
            let patch = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "replace", "path": "title", "value": number.to_string() }],
            });
            assert_eq!(title(&json_of(&answer(&service, "PATCH", &path, patch, None))), number);
            assert_eq!(title(&get(&service, &path)), number);
        }
    });
}
