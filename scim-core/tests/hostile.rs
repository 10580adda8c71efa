//! Whatever comes in is answered: refused with an error that says why.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use http::{Request, Response};
use scim_core::{Identity, MemoryProvider, ScimService};
use serde_json::{Value, json};

fn service() -> ScimService {
    let store = MemoryProvider::new().keep_unknown_members();
    let builder = ScimService::builder().base_url("https://example.com/scim/v2");
    builder.users(store.clone()).groups(store).build().unwrap()
}

fn send(service: &ScimService, method: &str, path: &str, body: Vec<u8>) -> Response<Vec<u8>> {
    let request = Request::builder().method(method).uri(path).extension(Identity::new("a"));
    pollster::block_on(service.handle(request.body(body).unwrap()))
}

/// The `scimType` of an error in the form that every error has (RFC 7644 section 3.12).
fn refused(response: &Response<Vec<u8>>, status: u16, what: &str) -> Value {
    assert_eq!(response.status().as_u16(), status, "{what}");
    assert_eq!(response.headers()["content-type"], "application/scim+json", "{what}");
    let mut error: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{what}");
    assert_eq!(error["status"], status.to_string(), "{what}");
    assert!(response.body().len() < 1_000, "{what}: an error does not repeat the request");
    error["scimType"].take()
}

#[test]
fn bodies_that_are_no_json_are_invalid_syntax() {
    let service = service();
    let id: Value =
        serde_json::from_slice(send(&service, "POST", "/Users", br#"{"userName":"ann"}"#.to_vec()).body())
            .unwrap();
    let user = format!("/Users/{}", id["id"].as_str().unwrap());
    let deep = |open: &str, close: &str| {
        format!("{{\"userName\":{}1{}}}", open.repeat(100_000), close.repeat(100_000)).into_bytes()
    };
    let bodies: [(&str, Vec<u8>); 11] = [
        ("nothing", Vec::new()),
        ("half of a text", b"{\"userName\":\"a".to_vec()),
        ("two documents", b"{}{}".to_vec()),
        ("bytes that are not UTF-8", b"{\"userName\":\"\xff\xfe\"}".to_vec()),
        ("a surrogate in UTF-8", b"{\"userName\":\"\xed\xa0\x80\"}".to_vec()),
        ("half of a surrogate pair", br#"{"userName":"\ud83d"}"#.to_vec()),
        ("the halves in the wrong order", br#"{"userName":"\ude00\ud83d"}"#.to_vec()),
        ("U+0000", br#"{"userName":"a\u0000"}"#.to_vec()),
        ("a name twice", br#"{"userName":"a","userName":"b"}"#.to_vec()),
        ("deep lists", deep("[", "]")),
        ("deep objects", deep("{\"a\":", "}")),
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
            let response = send(&service, method, path, body.clone());
            assert_eq!(refused(&response, 400, what), "invalidSyntax", "{what}: {method} {path}");
        }
    }
    let one: Value = serde_json::from_slice(send(&service, "GET", "/Users", Vec::new()).body()).unwrap();
    assert_eq!((&one["totalResults"], &one["Resources"][0]), (&json!(1), &id), "nothing came of it");
}

#[test]
fn numbers_beyond_all_bounds_are_values_or_refused() {
    let service = service();
    for number in ["1e400", "-1e400", "123456789012345678901234567890", "1e-400", "-0"] {
        for body in [
            format!(r#"{{"userName":"n","active":{number}}}"#),
            format!(r#"{{"userName":"n","emails":[{{"value":{number},"primary":{number}}}]}}"#),
        ] {
            refused(&send(&service, "POST", "/Users", body.into_bytes()), 400, number);
        }
        let search = format!(r#"{{"count":{number},"startIndex":{number}}}"#);
        let status = send(&service, "POST", "/Users/.search", search.into_bytes()).status();
        assert!(status == 200 || status == 400, "{number}: {status}");
    }
}

#[test]
fn long_addresses_are_read_to_their_end() {
    let service = service();
    let long = "a".repeat(60_000);
    refused(&send(&service, "GET", &format!("/Users/{long}"), Vec::new()), 404, "a long id");
    refused(&send(&service, "GET", &format!("/{}", "Users/".repeat(9_000)), Vec::new()), 404, "a long path");
    for filter in [
        long.clone(),
        format!("{long}+pr"),
        "(".repeat(60_000),
        "not(".repeat(15_000),
        "a.".repeat(30_000),
        "userName+eq+%22".to_owned() + &long,
        "emails%5B".repeat(6_000),
    ] {
        let response = send(&service, "GET", &format!("/Users?filter={filter}"), Vec::new());
        let what = format!("{filter:.12}");
        assert_eq!(refused(&response, 400, &what), "invalidFilter", "{what}");
    }
    let found = send(&service, "GET", &format!("/Users?attributes={}", "a,".repeat(30_000)), Vec::new());
    assert_eq!(found.status(), 200);
    let cursor = send(&service, "GET", &format!("/Users?cursor={long}"), Vec::new());
    assert_eq!(refused(&cursor, 400, "a long cursor"), "invalidCursor");
}

/// Were any of this quadratic, the test would not end.
#[test]
fn much_in_one_request_is_no_trouble() {
    let service = service();
    let huge = send(&service, "POST", "/Users", vec![b' '; 20_000_000]);
    refused(&huge, 413, "20 MB");

    let many = |one: fn(usize) -> Value| (0..12_000).map(one).collect::<Value>();
    let emails = many(|n| json!({ "value": format!("{n}@example.com"), "type": "work" }));
    let created =
        send(&service, "POST", "/Users", json!({ "userName": "ann", "emails": emails }).to_string().into());
    assert_eq!(created.status(), 201, "emails");

    let members = many(|n| json!({ "value": format!("m{}", n % 6_000) }));
    let group = json!({ "displayName": "Crew", "members": members });
    let created = send(&service, "POST", "/Groups", group.to_string().into());
    let group: Value = serde_json::from_slice(created.body()).unwrap();
    assert_eq!(group["members"].as_array().map(Vec::len), Some(6_000), "each once");

    let unknown: serde_json::Map<String, Value> = (0..40_000)
        .map(|n| (format!("attribute{n}"), json!(n)))
        .chain([("userName".into(), "bob".into())])
        .collect();
    let created = send(&service, "POST", "/Users", Value::Object(unknown).to_string().into());
    assert_eq!(created.status(), 201, "what is unknown is ignored");
}
