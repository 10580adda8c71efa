//! Scopes: what a caller may do that may only read, or only write.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Method, Request};
use scim_core::{
    Access, Identity, Me, MemoryProvider, Permit, Policy, Result, ScimService, ScimServiceBuilder, Scopes,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::client::{BULK_REQUEST, Client, bulk_request, json_of, patch_request, user};

/// A request, the scope that it needs, and its status if the caller has that scope.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    method: String,
    path: String,
    /// JSON, or a string that is sent unchanged.
    #[serde(default)]
    body: Value,
    needs: Option<String>,
    status: u16,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

/// Counts how often it is asked.
#[derive(Clone, Default)]
struct CountingPolicy(Arc<AtomicUsize>);

impl Policy for CountingPolicy {
    fn check(&self, _: &Access<'_>) -> Result<Permit> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Permit::all())
    }
}

fn builder() -> ScimServiceBuilder {
    let store = MemoryProvider::new();
    ScimService::builder().base_url("https://example.com/scim/v2").users(store.clone()).groups(store)
}

fn caller(scopes: Option<&[&str]>) -> Identity {
    let identity = Identity::new("tests");
    match scopes {
        Some(names) => identity.with_scopes(Scopes::new(names.iter().copied())),
        None => identity,
    }
}

/// All scopes that callers have in these tests.
const SCOPES: [Option<&[&str]>; 6] =
    [None, Some(&["read", "write"]), Some(&["read"]), Some(&["write"]), Some(&["Read", "write "]), Some(&[])];

#[test]
fn each_request_needs_its_scope() {
    let cases: Vec<Case> = testdata::load("authenticate/scopes.json");
    assert!(cases.len() >= 20);
    for case in &cases {
        for scopes in SCOPES {
            check_case(case, scopes);
        }
    }
}

/// Sends the request of a case to a new service with one user, who is the caller's own resource.
fn check_case(case: &Case, scopes: Option<&[&str]>) {
    let policy = CountingPolicy::default();
    let own_id = Arc::new(std::sync::Mutex::new(String::new()));
    let id_of_me = Arc::clone(&own_id);
    let me = Me::new(move |_, _| Some(("User".to_owned(), id_of_me.lock().unwrap().clone())));
    let me = me.allow_creating("User").allow_writing("userName");
    let service = builder().policy(policy.clone()).me(me).build().unwrap();
    let admin = Client::new(service.clone());
    let ann = admin.create("/Users", &user("ann"));
    let id = ann.trim_start_matches("/Users/");
    id.clone_into(&mut own_id.lock().unwrap());
    let before = admin.get("/?sortBy=id");
    policy.0.store(0, Ordering::Relaxed);

    let client = Client::new(service).identity(caller(scopes));
    let body = match &case.body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let response = client.send(&case.method, &case.path.replace("{ann}", id), body);
    let asked = policy.0.load(Ordering::Relaxed);
    let needed = case.needs.as_deref();
    let is_granted = needed.is_none_or(|needed| scopes.is_none_or(|scopes| scopes.contains(&needed)));
    let described = format!("{} with {scopes:?}", case.name);
    if is_granted {
        assert_eq!(response.status(), case.status, "{described}");
        return;
    }
    assert_eq!((response.status().as_u16(), asked), (403, 0), "{described}");
    let challenge = "Bearer realm=\"scim\", error=\"insufficient_scope\"";
    assert_eq!(response.headers()["www-authenticate"], challenge, "{described}");
    if case.method != "HEAD" {
        let detail = format!("the token of the caller lacks the scope `{}`", needed.unwrap());
        assert_eq!(json_of(&response)["detail"], detail, "{described}");
    }
    assert_eq!(admin.get("/?sortBy=id"), before, "{described}");
}

#[test]
fn each_operation_of_a_bulk_request_needs_the_scope_write() {
    let service = builder().build().unwrap();
    let admin = Client::new(service.clone());
    let path = admin.create("/Users", &user("ann"));
    let patch = patch_request(json!([{ "op": "add", "path": "title", "value": "Dr" }]));
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "b", "data": user("bob") },
        { "method": "PATCH", "path": "/Users/bulkId:b", "data": patch },
        { "method": "POST", "path": "/Groups", "bulkId": "g", "data": {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew",
            "members": [{ "value": "bulkId:b" }] } },
        { "method": "PATCH", "path": path, "data": patch },
        { "method": "PUT", "path": path, "data": user("ann") },
        { "method": "DELETE", "path": path },
    ]);
    let statuses = |answer: &Value| -> Vec<String> {
        let results = answer["Operations"].as_array().unwrap().iter();
        results.map(|result| result["status"].as_str().unwrap().to_owned()).collect()
    };
    let reader = Client::new(service.clone()).identity(caller(Some(&["read"])));
    let (status, answer) = reader.call("POST", "/Bulk", &bulk_request(operations.clone()));
    assert_eq!((status, statuses(&answer)), (200, vec!["403".to_owned(); 6]), "{answer}");
    let last = &answer["Operations"][5];
    assert_eq!(last["response"]["detail"], "the token of the caller lacks the scope `write`");
    assert_eq!(last["location"], format!("https://example.com/scim/v2{path}"));
    assert_eq!(admin.get("/")["totalResults"], 1);

    let stopping = json!({ "schemas": [BULK_REQUEST], "failOnErrors": 2, "Operations": operations.clone() });
    assert_eq!(statuses(&reader.call("POST", "/Bulk", &stopping).1), ["403", "403"]);

    let writer = Client::new(service).identity(caller(Some(&["write"])));
    let (_, answer) = writer.call("POST", "/Bulk", &bulk_request(operations));
    assert_eq!(statuses(&answer), ["201", "200", "201", "200", "200", "204"], "{answer}");
}

#[test]
fn a_caller_that_may_only_write_sees_only_what_is_always_returned() {
    let service = builder().build().unwrap();
    let admin = Client::new(service.clone());
    let mut ann = user("ann");
    ann["nickName"] = "Annie".into();
    let path = admin.create("/Users", &ann);
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew",
        "members": [{ "value": path.trim_start_matches("/Users/") }] });
    let group = admin.create("/Groups", &group);

    let writer = Client::new(service).identity(caller(Some(&["write"])));
    let patch = patch_request(json!([{ "op": "add", "path": "title", "value": "Dr" }]));
    let unchanged = patch_request(json!([{ "op": "add", "path": "userName", "value": "ann" }]));
    for (method, path, body) in [
        ("POST", "/Users", &user("bob")),
        ("POST", "/Users?attributes=userName", &user("cat")),
        ("PATCH", &path, &patch),
        ("PATCH", &path, &unchanged),
        ("PATCH", &format!("{path}?attributes=nickName,emails"), &patch),
        (
            "PATCH",
            &format!("{group}?excludedAttributes=displayName"),
            &patch_request(json!([
                { "op": "replace", "path": "displayName", "value": "Staff" }
            ])),
        ),
        ("PUT", &path, &ann),
    ] {
        let response = writer.send(method, path, body.to_string());
        assert!(response.status().is_success() && response.headers().contains_key("etag"), "{method} {path}");
        let shown = json_of(&response);
        let names: Vec<&String> = shown.as_object().unwrap().keys().collect();
        assert!(
            names.iter().all(|name| ["schemas", "id"].contains(&name.as_str())),
            "{method} {path}: {shown}"
        );
        assert!(names.len() == 2, "{method} {path}: {shown}");
    }
    assert_eq!(admin.get(&path)["nickName"], "Annie");
}

#[test]
fn a_caller_that_may_only_write_cannot_select_by_values() {
    let service = builder().build().unwrap();
    let admin = Client::new(service.clone());
    let mut ann = user("ann");
    ann["emails"] = json!([{ "value": "ann@example.com", "type": "work" }]);
    let path = admin.create("/Users", &ann);
    let writer = Client::new(service).identity(caller(Some(&["write"])));
    for guess in ["ann@example.com", "bob@example.com"] {
        let target = format!("emails[value eq \"{guess}\"].display");
        let guess = patch_request(json!([{ "op": "replace", "path": target, "value": "x" }]));
        let (status, answer) = writer.call("PATCH", &path, &guess);
        assert_eq!((status, &answer["scimType"]), (403, &json!("sensitive")), "{answer}");
    }
    let whole = patch_request(json!([{ "op": "remove", "path": "emails" }]));
    assert_eq!(writer.call("PATCH", &path, &whole).0, 200);
}

#[test]
fn an_operation_is_refused_when_it_is_executed_without_the_scope() {
    let service = builder().build().unwrap();
    let (parts, _) = Request::delete("/Users/1").extension(caller(None)).body(()).unwrap().into_parts();
    let operation = service.parse(&parts, b"").unwrap();
    let mut extensions = http::Extensions::new();
    extensions.insert(caller(Some(&["read"])));
    let refused = pollster::block_on(service.execute(operation, &extensions)).unwrap_err();
    assert_eq!(refused.to_string(), "403: the token of the caller lacks the scope `write`");
}

#[test]
fn only_announced_bearer_tokens_are_challenged_for_a_scope() {
    let basic = scim_core::AuthenticationScheme::basic();
    let service = builder().authentication([basic]).build().unwrap();
    let reader = Client::new(service).identity(caller(Some(&["read"])));
    let refused = reader.send(Method::DELETE.as_str(), "/Users/1", "");
    assert_eq!(refused.status(), 403);
    assert!(!refused.headers().contains_key("www-authenticate"));
}

#[test]
fn a_redirect_to_the_caller_needs_the_scope_too() {
    let me = Me::new(|_, _| Some(("User".to_owned(), "1".to_owned()))).redirect();
    let service = builder().me(me).build().unwrap();
    for (scopes, read, changed) in [(&["read"], 308, 403), (&["write"], 403, 308)] {
        let client = Client::new(service.clone()).identity(caller(Some(scopes)));
        assert_eq!(client.send("GET", "/Me", "").status(), read);
        assert_eq!(client.send("DELETE", "/Me", "").status(), changed);
    }
}

#[test]
fn a_cursor_is_valid_for_another_token_of_the_same_caller() {
    let service = builder().build().unwrap();
    let admin = Client::new(service.clone());
    for name in ["ann", "bob"] {
        admin.create("/Users", &user(name));
    }
    let page = admin.get("/Users?count=1&cursor=");
    let next = format!("/Users?count=1&cursor={}", page["nextCursor"].as_str().unwrap());
    let reader = Client::new(service).identity(caller(Some(&["read"])));
    assert_eq!(reader.get(&next)["Resources"].as_array().map(Vec::len), Some(1));
}
