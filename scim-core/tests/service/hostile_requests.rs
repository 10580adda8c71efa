//! Invalid, oversized and hostile requests get an error response in the form of RFC 7644 section 3.12.

use http::Response;
use scim_core::{MemoryProvider, ScimService};
use serde_json::{Value, json};

use crate::client::Client;

fn client() -> Client {
    let store = MemoryProvider::new().keep_unknown_members();
    let builder = ScimService::builder().base_url("https://example.com/scim/v2");
    Client::new(builder.users(store.clone()).groups(store).build().unwrap())
}

/// Asserts that a response is an error with this status. Returns its `scimType`.
fn assert_error(response: &Response<Vec<u8>>, status: u16, what: &str) -> Value {
    assert_eq!(response.status().as_u16(), status, "{what}");
    assert_eq!(response.headers()["content-type"], "application/scim+json", "{what}");
    let mut error: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{what}");
    assert_eq!(error["status"], status.to_string(), "{what}");
    assert!(response.body().len() < 1_000, "{what}: the error repeats the request");
    error["scimType"].take()
}

#[test]
fn bodies_that_are_not_json_are_invalid_syntax() {
    let client = client();
    let created: Value =
        serde_json::from_slice(client.send("POST", "/Users", br#"{"userName":"ann"}"#.to_vec()).body())
            .unwrap();
    let user = format!("/Users/{}", created["id"].as_str().unwrap());
    let deep = |open: &str, close: &str| {
        format!("{{\"userName\":{}1{}}}", open.repeat(100_000), close.repeat(100_000)).into_bytes()
    };
    let bodies: [(&str, Vec<u8>); 11] = [
        ("an empty body", Vec::new()),
        ("an unterminated string", b"{\"userName\":\"a".to_vec()),
        ("two documents", b"{}{}".to_vec()),
        ("bytes that are not UTF-8", b"{\"userName\":\"\xff\xfe\"}".to_vec()),
        ("an encoded surrogate", b"{\"userName\":\"\xed\xa0\x80\"}".to_vec()),
        ("an escaped surrogate without its pair", br#"{"userName":"\ud83d"}"#.to_vec()),
        ("a surrogate pair in the wrong order", br#"{"userName":"\ude00\ud83d"}"#.to_vec()),
        ("U+0000", br#"{"userName":"a\u0000"}"#.to_vec()),
        ("a duplicate name", br#"{"userName":"a","userName":"b"}"#.to_vec()),
        ("deeply nested arrays", deep("[", "]")),
        ("deeply nested objects", deep("{\"a\":", "}")),
    ];
    for (what, body) in bodies {
        for (method, path) in [
            ("POST", "/Users"),
            ("PUT", &user),
            ("PATCH", &user),
            ("POST", "/Users/.search"),
            ("POST", "/.search"),
            ("POST", "/Bulk"),
        ] {
            let response = client.send(method, path, body.clone());
            assert_eq!(assert_error(&response, 400, what), "invalidSyntax", "{what}: {method} {path}");
        }
    }
    let list: Value = serde_json::from_slice(client.send("GET", "/Users", Vec::new()).body()).unwrap();
    let found = (&list["totalResults"], &list["Resources"][0]);
    assert_eq!(found, (&json!(1), &created), "a refused request has changed something");
}

#[test]
fn huge_numbers_are_accepted_or_refused() {
    let client = client();
    for number in ["1e400", "-1e400", "123456789012345678901234567890", "1e-400", "-0"] {
        for body in [
            format!(r#"{{"userName":"n","active":{number}}}"#),
            format!(r#"{{"userName":"n","emails":[{{"value":{number},"primary":{number}}}]}}"#),
        ] {
            assert_error(&client.send("POST", "/Users", body.into_bytes()), 400, number);
        }
        let search = format!(r#"{{"count":{number},"startIndex":{number}}}"#);
        let status = client.send("POST", "/Users/.search", search.into_bytes()).status();
        assert!(status == 200 || status == 400, "{number}: {status}");
    }
}

#[test]
fn long_urls_get_an_error_or_an_answer() {
    let client = client();
    let long = "a".repeat(60_000);
    assert_error(&client.send("GET", &format!("/Users/{long}"), Vec::new()), 404, "a long id");
    assert_error(
        &client.send("GET", &format!("/{}", "Users/".repeat(9_000)), Vec::new()),
        404,
        "a long path",
    );
    for filter in [
        long.clone(),
        format!("{long}+pr"),
        "(".repeat(60_000),
        "not(".repeat(15_000),
        "a.".repeat(30_000),
        "userName+eq+%22".to_owned() + &long,
        "emails%5B".repeat(6_000),
    ] {
        let response = client.send("GET", &format!("/Users?filter={filter}"), Vec::new());
        let what = format!("{filter:.12}");
        assert_eq!(assert_error(&response, 400, &what), "invalidFilter", "{what}");
    }
    let found = client.send("GET", &format!("/Users?attributes={}", "a,".repeat(30_000)), Vec::new());
    assert_eq!(found.status(), 200);
    let cursor = client.send("GET", &format!("/Users?cursor={long}"), Vec::new());
    assert_eq!(assert_error(&cursor, 400, "a long cursor"), "invalidCursor");
}

/// With quadratic time this test would take minutes.
#[test]
fn large_requests_take_linear_time() {
    let client = client();
    let huge = client.send("POST", "/Users", vec![b' '; 20_000_000]);
    assert_error(&huge, 413, "20 MB");

    let many = |element: fn(usize) -> Value| (0..12_000).map(element).collect::<Value>();
    let emails = many(|n| json!({ "value": format!("{n}@example.com"), "type": "work" }));
    let created = client.send(
        "POST",
        "/Users",
        json!({ "userName": "ann", "emails": emails }).to_string().into_bytes(),
    );
    assert_eq!(created.status(), 201, "emails");

    let members = many(|n| json!({ "value": format!("m{}", n % 6_000) }));
    let group = json!({ "displayName": "Crew", "members": members });
    let created = client.send("POST", "/Groups", group.to_string().into_bytes());
    let group: Value = serde_json::from_slice(created.body()).unwrap();
    assert_eq!(group["members"].as_array().map(Vec::len), Some(6_000), "each member is stored once");

    let unknown: serde_json::Map<String, Value> = (0..40_000)
        .map(|n| (format!("attribute{n}"), json!(n)))
        .chain([("userName".into(), "bob".into())])
        .collect();
    let created = client.send("POST", "/Users", Value::Object(unknown).to_string().into_bytes());
    assert_eq!(created.status(), 201, "unknown attributes are ignored");
}
