//! Policies and tenants: a cursor is valid only for the caller that got it, and a caller cannot guess values that a policy
//! hides.

use std::sync::Mutex;

use http::Request;
use scim_core::{Access, Action, Error, Identity, MemoryProvider, Permit, Policy, Result, ScimService};
use serde_json::{Value, json};

use crate::client::{Client, bulk_request, patch_request, user};

/// Hides `nickName` and `name.familyName` from the clerk, and protects `nickName` and `name` from it. Records which
/// attributes its PATCH requests read. Refuses all requests of suspended callers.
struct HelpDesk(&'static Mutex<Vec<String>>);

/// Marks the requests of a caller that is suspended; a host's middleware would add it.
#[derive(Clone)]
struct Suspended;

static READ_ATTRIBUTES: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Policy for HelpDesk {
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
    let builder = ScimService::builder().base_url("https://example.com").policy(HelpDesk(&READ_ATTRIBUTES));
    builder.users(store.clone()).groups(store).build().unwrap()
}

/// A client with this identity, which uses the base URL of its tenant.
fn client(service: &ScimService, identity: &Identity) -> Client {
    let client = Client::new(service.clone()).identity(identity.clone());
    match &identity.tenant {
        Some(tenant) => client.base_url(format!("https://example.com/{tenant}/scim/v2")),
        None => client,
    }
}

#[test]
fn a_cursor_is_valid_only_for_its_caller_and_tenant() {
    let service = service();
    let red = Identity::new("app").in_tenant("red");
    for identity in [&red, &Identity::new("app").in_tenant("blue"), &Identity::new("app")] {
        for name in ["ann", "bob", "cat"] {
            client(&service, identity).create("/Users", &user(name));
        }
    }
    for target in ["/Users?count=1&sortBy=userName", "/?count=1"] {
        let (_, page) = client(&service, &red).call_empty("GET", &format!("{target}&cursor="));
        let next = format!("{target}&cursor={}", page["nextCursor"].as_str().unwrap());
        for other in [
            Identity::new("app"),
            Identity::new("app").in_tenant("blue"),
            Identity::new("other").in_tenant("red"),
            // The parts of an identity must not be joined so that two identities look the same.
            Identity::new("app\", tenant: Some(\"red\")"),
        ] {
            let (status, error) = client(&service, &other).call_empty("GET", &next);
            assert_eq!((status, &error["scimType"]), (400, &json!("invalidCursor")), "{other:?}");
        }
        // The policy is checked for each page (RFC 9865 section 5.2).
        let request = Request::get(&next).extension(red.clone()).extension(Suspended);
        let refused = pollster::block_on(service.handle(request.body(Vec::new()).unwrap()));
        assert_eq!(refused.status(), 403);
        let (status, page) = client(&service, &red).call_empty("GET", &next);
        assert_eq!((status, page["Resources"].as_array().map(Vec::len)), (200, Some(1)));
    }
}

#[test]
fn a_policy_can_refuse_with_429_and_retry_after() {
    struct AlwaysBusy;
    impl Policy for AlwaysBusy {
        fn check(&self, _: &Access<'_>) -> Result<Permit> {
            Err(Error::too_many_requests(30))
        }
    }
    let builder = ScimService::builder().base_url("https://example.com").policy(AlwaysBusy);
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
fn a_tenant_cannot_see_or_change_resources_of_another() {
    let service = service();
    let [red, blue] = ["red", "blue"].map(|tenant| Identity::new("app").in_tenant(tenant));
    let created = client(&service, &red).create("/Users", &user("ann"));
    let (path, foreign) = (format!("/red/scim/v2{created}"), format!("/blue/scim/v2{created}"));
    let ann = client(&service, &red).get(&path);
    assert_eq!(ann["meta"]["location"], json!(format!("https://example.com{path}")));

    let patch = patch_request(json!([{ "op": "add", "path": "title", "value": "Dr" }]));
    for (method, body) in
        [("GET", Value::Null), ("PUT", user("x")), ("PATCH", patch), ("DELETE", Value::Null)]
    {
        assert_eq!(client(&service, &blue).call(method, &foreign, &body).0, 404, "{method}");
    }
    let operations = json!([
        { "method": "DELETE", "path": created },
        { "method": "POST", "path": "/Users", "bulkId": "b", "data": user("ann") },
    ]);
    let bulk = bulk_request(operations);
    let (_, done) = client(&service, &blue).call("POST", "/blue/scim/v2/Bulk", &bulk);
    assert_eq!(done["Operations"][0]["status"], "404");
    // The name is free in the other tenant, and the new user belongs to that tenant.
    let location = done["Operations"][1]["location"].as_str().unwrap();
    assert!(location.starts_with("https://example.com/blue/scim/v2/Users/"), "{location}");
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew",
        "members": [{ "value": ann["id"] }] });
    assert_eq!(client(&service, &blue).call("POST", "/blue/scim/v2/Groups", &group).0, 400);
    assert_eq!(client(&service, &red).call_empty("GET", &path), (200, ann));
}

#[test]
fn hidden_and_protected_values_cannot_be_guessed_by_trying() {
    let service = service();
    let (admin, clerk) = (Identity::new("admin"), Identity::new("clerk"));
    let mut ann = user("ann");
    ann["nickName"] = "Annie".into();
    ann["name"] = json!({ "givenName": "Ann", "familyName": "Reed" });
    let path = client(&service, &admin).create("/Users", &ann);
    let (_, before) = client(&service, &admin).call_empty("GET", &path);

    for nick in ["Annie", "Nan", ""] {
        let mut guess = user("ann");
        guess["nickName"] = nick.into();
        assert_eq!(client(&service, &clerk).call("PUT", &path, &guess).0, 403, "{nick}");
    }
    for family in ["Reed", "Read"] {
        let mut guess = user("ann");
        guess["name"] = json!({ "givenName": "Ann", "familyName": family });
        assert_eq!(client(&service, &clerk).call("PUT", &path, &guess).0, 403, "{family}");
    }
    // The clerk can PUT what it sees. Hidden and protected attributes stay, whether the body has them or not.
    let (_, mut visible) = client(&service, &clerk).call_empty("GET", &path);
    assert_eq!((&visible["name"], visible.get("nickName")), (&json!({ "givenName": "Ann" }), None));
    for _ in 0..2 {
        assert_eq!(client(&service, &clerk).call("PUT", &path, &visible).0, 200);
        assert_eq!(client(&service, &admin).call_empty("GET", &path), (200, before.clone()));
        // A value that differs only in case is no change either.
        visible["name"]["givenName"] = "ANN".into();
    }
    assert_eq!(client(&service, &clerk).call("PUT", &path, &user("ann")).0, 200);
    assert_eq!(client(&service, &admin).call_empty("GET", &path), (200, before));
}

#[test]
fn the_policy_knows_which_attributes_a_patch_filters_by() {
    let service = service();
    let path = client(&service, &Identity::new("admin")).create("/Users", &user("ann"));
    let patch = patch_request(json!([{ "op": "add", "path": "ims[type eq \"aim\"].value", "value": "ann" }]));
    let path = format!("{path}?attributes=id");
    assert_eq!(client(&service, &Identity::new("clerk")).call("PATCH", &path, &patch).0, 200);
    let read = READ_ATTRIBUTES.lock().unwrap();
    assert!(["ims", "ims.type"].iter().all(|name| read.iter().any(|read| read == name)), "{read:?}");
}
