//! Who asks matters: what one caller is given is of no use to another, and nobody finds out by trying
//! what the policy hides.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Mutex;

use http::Request;
use scim_core::{
    Access, Action, BaseUrl, Error, Identity, MemoryProvider, Permit, Policy, Result, ScimService,
};
use serde_json::{Value, json};

/// A clerk neither sees nor writes nick names, and of names, which it must leave alone, only a part. What
/// it reads is noted down; whoever is suspended may do nothing.
struct Desk(&'static Mutex<Vec<String>>);

/// What a host's middleware puts into the requests of a caller that has lost its rights.
#[derive(Clone)]
struct Suspended;

static READ: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Policy for Desk {
    fn check(&self, access: &Access<'_>) -> Result<Permit> {
        if access.extensions.get::<Suspended>().is_some() {
            return Err(Error::forbidden("the caller is suspended"));
        }
        match access.identity.map(|identity| identity.principal.as_str()) {
            Some("clerk") => {
                if access.action == Action::Patch {
                    self.0.lock().unwrap().extend(access.reads().map(ToString::to_string));
                }
                Ok(Permit::hiding(["nickName", "name.familyName"]).protecting(["nickName", "name"]))
            }
            _ => Ok(Permit::all()),
        }
    }
}

fn service() -> ScimService {
    let store = MemoryProvider::new();
    let builder = ScimService::builder().base_url("https://example.com").policy(Desk(&READ));
    builder.users(store.clone()).groups(store).build().unwrap()
}

fn send(service: &ScimService, who: &Identity, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let mut request = Request::builder().method(method).uri(path).extension(who.clone());
    if let Some(tenant) = &who.tenant {
        request = request.extension(BaseUrl::new(format!("https://example.com/{tenant}/scim/v2")).unwrap());
    }
    let response = pollster::block_on(service.handle(request.body(body).unwrap()));
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}

fn user(name: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name })
}

/// The id of a new user.
fn create(service: &ScimService, who: &Identity, user: &Value) -> String {
    send(service, who, "POST", "/Users", user).1["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_cursor_is_good_for_its_caller_and_tenant_only() {
    let service = service();
    let red = Identity::new("app").in_tenant("red");
    for who in [&red, &Identity::new("app").in_tenant("blue"), &Identity::new("app")] {
        for name in ["ann", "bob", "cat"] {
            create(&service, who, &user(name));
        }
    }
    for target in ["/Users?count=1&sortBy=userName", "/?count=1"] {
        let (_, page) = send(&service, &red, "GET", &format!("{target}&cursor="), &Value::Null);
        let next = format!("{target}&cursor={}", page["nextCursor"].as_str().unwrap());
        for other in [
            Identity::new("app"),
            Identity::new("app").in_tenant("blue"),
            Identity::new("other").in_tenant("red"),
            // What is told apart must not depend on how the parts are joined.
            Identity::new("app\", tenant: Some(\"red\")"),
        ] {
            let (status, error) = send(&service, &other, "GET", &next, &Value::Null);
            assert_eq!((status, &error["scimType"]), (400, &json!("invalidCursor")), "{other:?}");
        }
        // The policy is asked for each page (RFC 9865 section 5.2).
        let request = Request::get(&next).extension(red.clone()).extension(Suspended);
        let refused = pollster::block_on(service.handle(request.body(Vec::new()).unwrap()));
        assert_eq!(refused.status(), 403);
        let (status, page) = send(&service, &red, "GET", &next, &Value::Null);
        assert_eq!((status, page["Resources"].as_array().map(Vec::len)), (200, Some(1)));
    }
}

#[test]
fn whoever_asks_too_often_is_told_when_to_come_back() {
    struct Busy;
    impl Policy for Busy {
        fn check(&self, _: &Access<'_>) -> Result<Permit> {
            Err(Error::too_many_requests(30))
        }
    }
    let builder = ScimService::builder().base_url("https://example.com").policy(Busy);
    let service = builder.users(MemoryProvider::new()).build().unwrap();
    let request = Request::get("/Users").extension(Identity::new("app")).body(Vec::new()).unwrap();
    let response = pollster::block_on(service.handle(request));
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"30".parse().unwrap())
    );
    let error: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!((&error["status"], error.get("scimType")), (&json!("429"), None));
}

#[test]
fn nothing_of_a_tenant_is_seen_from_another() {
    let service = service();
    let [red, blue] = ["red", "blue"].map(|tenant| Identity::new("app").in_tenant(tenant));
    let id = create(&service, &red, &user("ann"));
    let (path, gone) = (format!("/red/scim/v2/Users/{id}"), format!("/blue/scim/v2/Users/{id}"));
    let (_, ann) = send(&service, &red, "GET", &path, &Value::Null);
    assert_eq!(ann["meta"]["location"], json!(format!("https://example.com{path}")));

    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "add", "path": "title", "value": "Dr" }] });
    for (method, body) in
        [("GET", Value::Null), ("PUT", user("x")), ("PATCH", patch), ("DELETE", Value::Null)]
    {
        assert_eq!(send(&service, &blue, method, &gone, &body).0, 404, "{method}");
    }
    let operations = json!([
        { "method": "DELETE", "path": format!("/Users/{id}") },
        { "method": "POST", "path": "/Users", "bulkId": "b", "data": user("ann") },
    ]);
    let bulk =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
    let (_, done) = send(&service, &blue, "POST", "/blue/scim/v2/Bulk", &bulk);
    assert_eq!(done["Operations"][0]["status"], "404");
    // The name is free in the other tenant, and what has it is there.
    let location = done["Operations"][1]["location"].as_str().unwrap();
    assert!(location.starts_with("https://example.com/blue/scim/v2/Users/"), "{location}");
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew",
        "members": [{ "value": id }] });
    assert_eq!(send(&service, &blue, "POST", "/blue/scim/v2/Groups", &group).0, 400);
    assert_eq!(send(&service, &red, "GET", &path, &Value::Null), (200, ann));
}

#[test]
fn what_is_hidden_and_protected_is_not_found_out_by_trying() {
    let service = service();
    let (admin, clerk) = (Identity::new("admin"), Identity::new("clerk"));
    let mut ann = user("ann");
    ann["nickName"] = "Annie".into();
    ann["name"] = json!({ "givenName": "Ann", "familyName": "Reed" });
    let path = format!("/Users/{}", create(&service, &admin, &ann));
    let (_, before) = send(&service, &admin, "GET", &path, &Value::Null);

    for nick in ["Annie", "Nan", ""] {
        let mut guess = user("ann");
        guess["nickName"] = nick.into();
        assert_eq!(send(&service, &clerk, "PUT", &path, &guess).0, 403, "{nick}");
    }
    for family in ["Reed", "Read"] {
        let mut guess = user("ann");
        guess["name"] = json!({ "givenName": "Ann", "familyName": family });
        assert_eq!(send(&service, &clerk, "PUT", &path, &guess).0, 403, "{family}");
    }
    // What it sees it may send back, and nothing is lost by that, nor by leaving it out.
    let (_, mut seen) = send(&service, &clerk, "GET", &path, &Value::Null);
    assert_eq!((&seen["name"], seen.get("nickName")), (&json!({ "givenName": "Ann" }), None));
    for _ in 0..2 {
        assert_eq!(send(&service, &clerk, "PUT", &path, &seen).0, 200);
        assert_eq!(send(&service, &admin, "GET", &path, &Value::Null), (200, before.clone()));
        // In another form, too.
        seen["name"]["givenName"] = "ANN".into();
    }
    assert_eq!(send(&service, &clerk, "PUT", &path, &user("ann")).0, 200);
    assert_eq!(send(&service, &admin, "GET", &path, &Value::Null), (200, before));
}

#[test]
fn the_policy_knows_what_a_patch_selects_by() {
    let service = service();
    let path = format!("/Users/{}", create(&service, &Identity::new("admin"), &user("ann")));
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "add", "path": "ims[type eq \"aim\"].value", "value": "ann" }] });
    let path = format!("{path}?attributes=id");
    assert_eq!(send(&service, &Identity::new("clerk"), "PATCH", &path, &patch).0, 200);
    let read = READ.lock().unwrap();
    assert!(["ims", "ims.type"].iter().all(|name| read.iter().any(|read| read == name)), "{read:?}");
}
