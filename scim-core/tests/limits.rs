//! How much a request may ask for, at the sizes that hold unless a host says otherwise; and that what
//! answers say stays short whatever is sent.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

/// The services that transcripts ask for.
mod host;

use http::Request;
use scim_core::{Identity, ScimService};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

fn send_bytes(service: &ScimService, method: &str, path: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let request = Request::builder().method(method).uri(path).extension(Identity::new("a"));
    let response = pollster::block_on(service.handle(request.body(body).unwrap()));
    (response.status().as_u16(), response.into_body())
}

fn send(service: &ScimService, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let (status, body) = send_bytes(service, method, path, body);
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn user(name: &str, attribute: &str, value: impl Into<Value>) -> Value {
    let mut user = json!({ "schemas": [USER], "userName": name });
    user[attribute] = value.into();
    user
}

fn patch(operation: Value) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": [operation] })
}

fn bulk(operation: Value) -> Value {
    json!({ "schemas": [BULK], "Operations": [operation] })
}

/// The path of a new user with so many e-mails.
fn create(service: &ScimService, name: &str, emails: usize) -> String {
    let emails: Vec<Value> =
        (0..emails).map(|i| json!({ "value": format!("{name}{i}@example.com") })).collect();
    let (status, user) = send(service, "POST", "/Users", &user(name, "emails", emails));
    assert_eq!(status, 201);
    format!("/Users/{}", user["id"].as_str().unwrap())
}

#[test]
fn a_text_is_64_kib_long_at_most() {
    for profile in ["lenient", "strict", "interop"] {
        let service = host::service(profile, &json!({ "max_payload": 1 << 22 }));
        let path = create(&service, "ana", 1);
        for (length, good) in [(65_536, true), (65_537, false)] {
            let text = "t".repeat(length);
            let (in_path, of_element) = (
                json!({ "op": "add", "path": "title", "value": text }),
                json!({
                    "op": "replace", "path": "emails", "value": [{ "value": "a@example.com", "display": text }]
                }),
            );
            for (method, path, body, names) in [
                ("POST", "/Users", user(&format!("new{length}"), "title", &*text), "`title`"),
                ("PUT", &path, user("ana", "title", &*text), "`title`"),
                ("PUT", &path, user("ana", "name", json!({ "familyName": text })), "`name.familyName`"),
                ("PATCH", &path, patch(in_path.clone()), "`title`"),
                ("PATCH", &path, patch(of_element), "`emails.display`"),
                (
                    "POST",
                    "/Bulk",
                    bulk(json!({ "method": "PATCH", "path": path, "data": patch(in_path) })),
                    "`title`",
                ),
            ] {
                let (mut status, mut answer) = send(&service, method, path, &body);
                if path == "/Bulk" {
                    status = answer["Operations"][0]["status"].as_str().unwrap().parse().unwrap();
                    answer = answer["Operations"][0]["response"].take();
                }
                if good {
                    assert!(status < 300, "{method} {path}: {status}");
                    continue;
                }
                assert_eq!((status, &answer["scimType"]), (400, &json!("invalidValue")), "{method} {path}");
                let detail = answer["detail"].as_str().unwrap();
                assert!(
                    detail.contains(names) && detail.contains("65536 bytes"),
                    "{method} {path}: {detail}"
                );
            }
        }
        // What is binary, or a reference, is as long as the body may be.
        let long = "QUJD".repeat(30_000);
        for (attribute, value) in [
            ("x509Certificates", json!([{ "value": long }])),
            ("profileUrl", json!(format!("https://example.com/{long}"))),
        ] {
            assert_eq!(send(&service, "PUT", &path, &user("ana", attribute, value)).0, 200, "{attribute}");
        }
    }
}

#[test]
fn an_operand_has_1024_characters_at_most() {
    for profile in ["lenient", "strict", "interop"] {
        let service = host::service(profile, &json!({}));
        let path = create(&service, "ana", 1);
        for op in ["co", "sw", "ew"] {
            for (length, good) in [(1024, true), (1025, false)] {
                let (filter, text) = (format!("title {op} \"{}\"", "é".repeat(length)), "é".repeat(length));
                let search = json!({ "schemas": [SEARCH], "filter": filter });
                let remove =
                    patch(json!({ "op": "remove", "path": format!("emails[value {op} \"{text}\"]") }));
                for (method, path, body) in [
                    ("POST", "/Users/.search", &search),
                    ("POST", "/.search", &search),
                    ("PATCH", &path, &remove),
                ] {
                    let (status, answer) = send(&service, method, path, body);
                    if good {
                        assert!(status < 300, "{method} {path}: {answer}");
                        continue;
                    }
                    assert_eq!(
                        (status, &answer["scimType"]),
                        (400, &json!("invalidFilter")),
                        "{method} {path}"
                    );
                    assert!(answer["detail"].as_str().unwrap().contains("1024"), "{answer}");
                }
            }
        }
        // Others are compared as a whole, and cost no more than what is stored.
        let search = json!({ "schemas": [SEARCH], "filter": format!("title eq \"{}\"", "e".repeat(1025)) });
        assert_eq!(send(&service, "POST", "/Users/.search", &search).0, 200);
    }
}

#[test]
fn a_query_beyond_the_budget_is_too_many() {
    for profile in ["lenient", "strict", "interop"] {
        let service = host::service(profile, &json!({ "max_work": 400 }));
        for name in ["ana", "bea", "cid", "dan", "eve"] {
            create(&service, name, 60);
        }
        let few = json!({ "schemas": [SEARCH], "filter": "emails[value co \"zz\"]", "count": 1 });
        assert_eq!(send(&service, "POST", "/Users/.search", &few).0, 200);
        let terms = ["emails.value co \"zz\""; 3].join(" or ");
        let many = json!({ "schemas": [SEARCH], "filter": terms, "count": 1 });
        for path in ["/Users/.search", "/.search"] {
            let (status, answer) = send(&service, "POST", path, &many);
            assert_eq!((status, &answer["scimType"]), (400, &json!("tooMany")), "{path}: {answer}");
        }
        // The next request has a budget of its own.
        assert_eq!(send(&service, "POST", "/Users/.search", &few).0, 200);
    }
}

#[test]
fn sorting_takes_from_the_budget() {
    let service = host::service("lenient", &json!({ "max_work": 20 }));
    for name in ["ana", "bea", "cid", "dan", "eve"] {
        create(&service, name, 1);
    }
    let list = json!({ "schemas": [SEARCH], "count": 1 });
    assert_eq!(send(&service, "POST", "/Users/.search", &list).0, 200);
    let sorted = json!({ "schemas": [SEARCH], "count": 1, "sortBy": "userName" });
    let (status, answer) = send(&service, "POST", "/Users/.search", &sorted);
    assert_eq!((status, &answer["scimType"]), (400, &json!("tooMany")), "{answer}");
}

#[test]
fn text_in_another_encoding_is_called_so() {
    let service = host::service("lenient", &json!({}));
    let text = user("ana", "title", "Ärztin").to_string();
    let two = |of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(of).collect::<Vec<u8>>();
    let four = |of: fn(u32) -> [u8; 4]| text.chars().flat_map(|c| of(c.into())).collect::<Vec<u8>>();
    let bodies = [
        (two(u16::to_le_bytes), vec![0xff, 0xfe]),
        (two(u16::to_be_bytes), vec![0xfe, 0xff]),
        (four(u32::to_le_bytes), vec![0xff, 0xfe, 0, 0]),
        (four(u32::to_be_bytes), vec![0, 0, 0xfe, 0xff]),
    ];
    for (body, mark) in bodies {
        for body in [[mark, body.clone()].concat(), body] {
            for path in ["/Users", "/Bulk", "/.search"] {
                let (status, answer) = send_bytes(&service, "POST", path, body.clone());
                let answer: Value = serde_json::from_slice(&answer).unwrap();
                assert_eq!((status, &answer["scimType"]), (400, &json!("invalidSyntax")), "{path}");
                assert!(answer["detail"].as_str().unwrap().contains("UTF-8"), "{path}: {answer}");
            }
        }
    }
    // What begins as UTF-8 and is not is told, too.
    let latin = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert_eq!(send_bytes(&service, "POST", "/Users", latin).0, 400);
    assert_eq!(send(&service, "GET", "/Users", &Value::Null).1["totalResults"], 0);
}

#[test]
fn what_is_refused_is_not_repeated_at_length() {
    let long = "n".repeat(100_000);
    let text = |pattern: &str| pattern.replace("NAME", &long);
    for profile in ["lenient", "strict", "interop"] {
        let service = host::service(profile, &json!({ "max_payload": 1 << 22 }));
        let path = create(&service, "ana", 1);
        let (_, group) = send(
            &service,
            "POST",
            "/Groups",
            &json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "All"
            }),
        );
        let group = format!("/Groups/{}", group["id"].as_str().unwrap());
        let bodies = [
            r#""NAME""#,
            r#"{"NAME": 1}"#,
            r#"{"NAME": 1, "NAME": 2}"#,
            r#"{"schemas": ["NAME"], "Operations": "NAME"}"#,
            r#"{"schemas": "NAME", "Operations": {"NAME": 1}}"#,
            r#"{"schemas": ["SEARCH"], "NAME": 1}"#,
            r#"{"schemas": ["BULK"], "NAME": 1, "Operations": []}"#,
            r#"{"schemas": ["BULK"], "Operations": ["NAME"]}"#,
            r#"{"schemas": ["BULK"], "Operations": [{"NAME": 1, "method": "NAME", "path": "NAME"}]}"#,
            r#"{"schemas": ["BULK"], "Operations": [{"method": "POST", "path": "/NAME", "bulkId": "b", "data": {}}]}"#,
            r#"{"schemas": ["USER"], "userName": "bea", "NAME": 1}"#,
            r#"{"schemas": ["USER"], "userName": "bea", "name": {"NAME": 1}}"#,
            r#"{"schemas": ["USER"], "userName": "bea", "emails": [{"NAME": 1}]}"#,
            r#"{"schemas": ["USER"], "userName": "bea", "emails": "NAME", "active": "NAME"}"#,
            r#"{"schemas": ["USER"], "userName": "bea", "USER:NAME": 1}"#,
            r#"{"schemas": ["PATCH"], "Operations": [{"op": "NAME", "path": "title", "value": "x"}]}"#,
            r#"{"schemas": ["PATCH"], "Operations": [{"op": "add", "path": "NAME", "value": "x"}]}"#,
            r#"{"schemas": ["PATCH"], "Operations": [{"op": "add", "path": "name.NAME", "value": "x"}]}"#,
            r#"{"schemas": ["PATCH"], "Operations": [{"op": "add", "path": "USER:NAME", "value": "x"}]}"#,
            r#"{"schemas": ["PATCH"], "Operations": [{"op": "add", "path": "emails[NAME eq 1].value", "value": "x"}]}"#,
            r#"{"schemas": ["PATCH"], "Operations": [{"op": "add", "path": "active", "value": "NAME"}]}"#,
            r#"{"schemas": ["PATCH"], "Operations": [{"op": "add", "value": {"NAME": 1, "name": {"NAME": 1}}}]}"#,
            r#"{"schemas": ["PATCH"], "Operations": [{"op": "add", "path": "members", "value": [{"value": "NAME"}]}]}"#,
            r#"{"schemas": ["SEARCH"], "filter": "NAME eq 1"}"#,
            r#"{"schemas": ["SEARCH"], "filter": "userName NAME 1"}"#,
            r#"{"schemas": ["SEARCH"], "sortBy": "NAME"}"#,
            r#"{"schemas": ["SEARCH"], "sortBy": "urn:NAME:x"}"#,
            r#"{"schemas": ["SEARCH"], "sortOrder": "NAME", "count": "NAME"}"#,
            r#"{"schemas": ["SEARCH"], "cursor": "NAME"}"#,
        ];
        let mut answers = Vec::new();
        for body in bodies {
            let body = body.replace("USER", USER).replace("BULK", BULK).replace("SEARCH", SEARCH);
            let body = text(&body.replace("\"PATCH\"", &format!("\"{PATCH_OP}\"")));
            let ways = [
                ("POST", "/Users"),
                ("PUT", &path),
                ("PATCH", &path),
                ("PATCH", &group),
                ("POST", "/Bulk"),
                ("POST", "/Users/.search"),
                ("POST", "/.search"),
            ];
            for (method, path) in ways {
                answers.push(send_bytes(&service, method, path, body.clone().into_bytes()));
            }
            if let Ok(data) = serde_json::from_str::<Value>(&body) {
                let in_bulk = bulk(json!({ "method": "PUT", "path": path, "data": data })).to_string();
                answers.push(send_bytes(&service, "POST", "/Bulk", in_bulk.into_bytes()));
            }
        }
        for path in
            ["/N", "/Users/N", "/Schemas/N", "/Users?sortBy=N", "/Users?filter=N+pr", "/Users?count=N"]
        {
            let path = path.replace('N', &"n".repeat(15_000));
            answers.push(send_bytes(&service, "GET", &path, Vec::new()));
        }
        let refused = answers.iter().filter(|(status, _)| *status >= 400).count();
        assert!(refused > 120, "{profile}: {refused}");
        for (status, answer) in answers {
            let shown = String::from_utf8_lossy(&answer);
            assert!(answer.len() < 2_000, "{profile}: {status}, {} bytes: {shown:.200}", answer.len());
        }
    }
}
