//! The service caches the rendered JSON of resources. A response must never contain JSON that was rendered for another
//! version, projection, base URL or caller.

use scim_core::schema::standard;
use scim_core::{Access, Identity, MemoryProvider, Permit, Policy, Result, ScimService};
use serde_json::{Value, json};

use crate::client::{Client, json_of, user};

fn client(store: &MemoryProvider) -> Client {
    let builder = ScimService::builder().base_url("https://one.example.com/scim");
    Client::new(builder.users(store.clone()).groups(store.clone()).build().unwrap())
}

fn titled_user(title: &str) -> Value {
    let mut user = user("ana");
    user["title"] = title.into();
    user
}

#[test]
fn a_response_shows_the_latest_change() {
    let client = client(&MemoryProvider::new());
    let path = client.create("/Users", &titled_user("Dr"));
    let first = client.send("GET", &path, "");
    assert_eq!(client.send("GET", &path, "").body(), first.body());
    assert_eq!(client.get("/Users")["Resources"], json!([json_of(&first)]));

    let operations = json!([{ "op": "replace", "path": "title", "value": "Prof" }]);
    let (_, patched) = client.patch(&path, operations);
    let second = client.send("GET", &path, "");
    assert_eq!(json_of(&second)["title"], "Prof");
    assert_eq!(patched, json_of(&second));
    assert_ne!(second.headers()["etag"], first.headers()["etag"]);
    assert_eq!(second.headers()["etag"].to_str().unwrap(), json_of(&second)["meta"]["version"]);

    // A membership changes the JSON of the user, but not its version.
    let id = json_of(&second)["id"].take();
    let group = json!({ "schemas": [standard::GROUP], "displayName": "Crew", "members": [{ "value": id }] });
    let group = client.create("/Groups", &group);
    let body = client.get(&path)["groups"][0]["value"].take();
    assert_eq!(group, format!("/Groups/{}", body.as_str().unwrap()));
    client.send("DELETE", &group, "");
    assert_eq!(client.get(&path).get("groups"), None);
}

#[test]
fn each_projection_is_rendered_separately() {
    let client = client(&MemoryProvider::new());
    let path = client.create("/Users", &titled_user("Dr"));
    let projected = format!("{path}?attributes=title");
    for _ in 0..2 {
        assert_eq!(client.get(&path)["userName"], "ana");
        assert_eq!(client.get(&projected).get("userName"), None);
        assert_eq!(client.get("/Users?excludedAttributes=title")["Resources"][0].get("title"), None);
    }
}

#[test]
fn each_base_url_and_each_service_is_rendered_separately() {
    let store = MemoryProvider::new();
    let clients = [client(&store), client(&store)];
    let path = clients[0].create("/Users", &user("ana"));
    for base in ["https://one.example.com/scim", "https://two.example.com", "https://one.example.com/scim"] {
        for client in &clients {
            let client = client.clone().base_url(base);
            let response = client.send("GET", &path, "");
            let location = json!(format!("{base}{path}"));
            assert_eq!(json_of(&response)["meta"]["location"], location);
            assert_eq!(response.headers()["location"].to_str().unwrap(), location);
            let list = client.get("/Users");
            assert_eq!(list["Resources"][0]["meta"]["location"], location);
        }
    }
}

#[test]
fn each_caller_is_shown_only_what_it_may_read() {
    struct TitlesForAdmin;
    impl Policy for TitlesForAdmin {
        fn check(&self, access: &Access<'_>) -> Result<Permit> {
            let is_admin = access.identity.is_some_and(|identity| identity.principal == "admin");
            Ok(if is_admin { Permit::all() } else { Permit::hiding(["title"]) })
        }
    }
    let builder = ScimService::builder().base_url("https://one.example.com/scim").policy(TitlesForAdmin);
    let client = Client::new(builder.users(MemoryProvider::new()).build().unwrap());
    let admin = client.clone().identity(Identity::new("admin"));
    let path = admin.create("/Users", &titled_user("Dr"));
    for _ in 0..2 {
        for (principal, title) in [("admin", Some("Dr")), ("clerk", None)] {
            for path in [&path, "/Users"] {
                let body = client.clone().identity(Identity::new(principal)).get(path);
                let user = body.get("Resources").map_or(&body, |list| &list[0]);
                assert_eq!(user.get("title").and_then(Value::as_str), title, "{principal} {path}");
            }
        }
    }
}

#[test]
fn readers_see_only_complete_versions_while_a_resource_changes() {
    let client = client(&MemoryProvider::new());
    let path = client.create("/Users", &titled_user("0"));
    let title = |body: &Value| body["title"].as_str().unwrap().parse::<u32>().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                for _ in 0..1_000 {
                    let response = client.send("GET", &path, "");
                    let body = json_of(&response);
                    assert_eq!(response.headers()["etag"].to_str().unwrap(), body["meta"]["version"]);
                    assert!(title(&body) >= last, "an older version after a newer one");
                    last = title(&body);
                }
            });
        }
        for number in 1..=300 {
            let operations = json!([{ "op": "replace", "path": "title", "value": number.to_string() }]);
            assert_eq!(title(&client.patch(&path, operations).1), number);
            assert_eq!(title(&client.get(&path)), number);
        }
    });
}
