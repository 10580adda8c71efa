//! The default limits of requests, and the length of error messages.

use scim_core::patch::PATCH_OP;
use scim_core::schema::standard;
use serde_json::{Value, json};

use crate::client::{BULK_REQUEST, Client, SEARCH_REQUEST, bulk_request, json_of, patch_request, user};
use crate::transcript_service;

fn client(profile: &str, switches: &Value) -> Client {
    Client::new(transcript_service::service_in_memory(profile, switches))
}

fn user_with(name: &str, attribute: &str, value: impl Into<Value>) -> Value {
    let mut user = user(name);
    user[attribute] = value.into();
    user
}

/// Creates a user with this number of e-mails. Returns its path.
fn create_user(client: &Client, name: &str, emails: usize) -> String {
    let emails: Vec<Value> =
        (0..emails).map(|i| json!({ "value": format!("{name}{i}@example.com") })).collect();
    let (status, user) = client.call("POST", "/Users", &user_with(name, "emails", emails));
    assert_eq!(status, 201);
    format!("/Users/{}", user["id"].as_str().unwrap())
}

#[test]
fn a_text_has_at_most_64_kib() {
    for profile in ["lenient", "strict", "interop"] {
        let client = client(profile, &json!({ "max_payload": 1 << 22 }));
        let path = create_user(&client, "ana", 1);
        for (length, is_accepted) in [(65_536, true), (65_537, false)] {
            let text = "t".repeat(length);
            let (add_title, replace_emails) = (
                json!({ "op": "add", "path": "title", "value": text }),
                json!({
                    "op": "replace", "path": "emails", "value": [{ "value": "a@example.com", "display": text }]
                }),
            );
            for (method, path, body, names) in [
                ("POST", "/Users", user_with(&format!("new{length}"), "title", &*text), "`title`"),
                ("PUT", &path, user_with("ana", "title", &*text), "`title`"),
                ("PUT", &path, user_with("ana", "name", json!({ "familyName": text })), "`name.familyName`"),
                ("PATCH", &path, patch_request(json!([add_title])), "`title`"),
                ("PATCH", &path, patch_request(json!([replace_emails])), "`emails.display`"),
                (
                    "POST",
                    "/Bulk",
                    bulk_request(
                        json!([{ "method": "PATCH", "path": path, "data": patch_request(json!([add_title])) }]),
                    ),
                    "`title`",
                ),
            ] {
                let (mut status, mut answer) = client.call(method, path, &body);
                if path == "/Bulk" {
                    status = answer["Operations"][0]["status"].as_str().unwrap().parse().unwrap();
                    answer = answer["Operations"][0]["response"].take();
                }
                if is_accepted {
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
        // Binary values and references are limited only by the size of the body.
        let long = "QUJD".repeat(30_000);
        for (attribute, value) in [
            ("x509Certificates", json!([{ "value": long }])),
            ("profileUrl", json!(format!("https://example.com/{long}"))),
        ] {
            assert_eq!(client.call("PUT", &path, &user_with("ana", attribute, value)).0, 200, "{attribute}");
        }
    }
}

#[test]
fn an_operand_of_co_sw_and_ew_has_at_most_1024_characters() {
    for profile in ["lenient", "strict", "interop"] {
        let client = client(profile, &json!({}));
        let path = create_user(&client, "ana", 1);
        for op in ["co", "sw", "ew"] {
            for (length, is_accepted) in [(1024, true), (1025, false)] {
                let (filter, text) = (format!("title {op} \"{}\"", "é".repeat(length)), "é".repeat(length));
                let search = json!({ "schemas": [SEARCH_REQUEST], "filter": filter });
                let remove = patch_request(json!([
                    json!({ "op": "remove", "path": format!("emails[value {op} \"{text}\"]") })
                ]));
                for (method, path, body) in [
                    ("POST", "/Users/.search", &search),
                    ("POST", "/.search", &search),
                    ("PATCH", &path, &remove),
                ] {
                    let (status, answer) = client.call(method, path, body);
                    if is_accepted {
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
        // Other operators compare complete values, so a long operand costs no more than the stored values.
        let search =
            json!({ "schemas": [SEARCH_REQUEST], "filter": format!("title eq \"{}\"", "e".repeat(1025)) });
        assert_eq!(client.call("POST", "/Users/.search", &search).0, 200);
    }
}

#[test]
fn a_query_that_exceeds_the_work_budget_is_refused_with_too_many() {
    for profile in ["lenient", "strict", "interop"] {
        let client = client(profile, &json!({ "max_work": 400 }));
        for name in ["ana", "bea", "cid", "dan", "eve"] {
            create_user(&client, name, 60);
        }
        let few = json!({ "schemas": [SEARCH_REQUEST], "filter": "emails[value co \"zz\"]", "count": 1 });
        assert_eq!(client.call("POST", "/Users/.search", &few).0, 200);
        let terms = ["emails.value co \"zz\""; 3].join(" or ");
        let many = json!({ "schemas": [SEARCH_REQUEST], "filter": terms, "count": 1 });
        for path in ["/Users/.search", "/.search"] {
            let (status, answer) = client.call("POST", path, &many);
            assert_eq!((status, &answer["scimType"]), (400, &json!("tooMany")), "{path}: {answer}");
        }
        // The next request has a new budget.
        assert_eq!(client.call("POST", "/Users/.search", &few).0, 200);
    }
}

#[test]
fn sorting_counts_toward_the_work_budget() {
    let client = client("lenient", &json!({ "max_work": 20 }));
    for name in ["ana", "bea", "cid", "dan", "eve"] {
        create_user(&client, name, 1);
    }
    let list = json!({ "schemas": [SEARCH_REQUEST], "count": 1 });
    assert_eq!(client.call("POST", "/Users/.search", &list).0, 200);
    let sorted = json!({ "schemas": [SEARCH_REQUEST], "count": 1, "sortBy": "userName" });
    let (status, answer) = client.call("POST", "/Users/.search", &sorted);
    assert_eq!((status, &answer["scimType"]), (400, &json!("tooMany")), "{answer}");
}

#[test]
fn a_body_in_another_encoding_gets_an_error_that_names_utf_8() {
    let client = client("lenient", &json!({}));
    let text = user_with("ana", "title", "Ärztin").to_string();
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
    let utf_32 =
        |to_bytes: fn(u32) -> [u8; 4]| text.chars().flat_map(|c| to_bytes(c.into())).collect::<Vec<u8>>();
    let bodies = [
        (utf_16(u16::to_le_bytes), vec![0xff, 0xfe]),
        (utf_16(u16::to_be_bytes), vec![0xfe, 0xff]),
        (utf_32(u32::to_le_bytes), vec![0xff, 0xfe, 0, 0]),
        (utf_32(u32::to_be_bytes), vec![0, 0, 0xfe, 0xff]),
    ];
    for (body, byte_order_mark) in bodies {
        for body in [[byte_order_mark, body.clone()].concat(), body] {
            for path in ["/Users", "/Bulk", "/.search"] {
                let response = client.send("POST", path, body.clone());
                let (status, answer) = (response.status(), json_of(&response));
                assert_eq!((status.as_u16(), &answer["scimType"]), (400, &json!("invalidSyntax")), "{path}");
                assert!(answer["detail"].as_str().unwrap().contains("UTF-8"), "{path}: {answer}");
            }
        }
    }
    // The beginning of a text in Latin-1 is valid UTF-8, but not all of it.
    let latin_1: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert_eq!(client.send("POST", "/Users", latin_1).status(), 400);
    assert_eq!(client.get("/Users")["totalResults"], 0);
}

/// Bodies in which `NAME` is replaced by a long text, and `USER`, `BULK`, `SEARCH` and `PATCH` by URIs.
const LONG_INPUT: [&str; 29] = [
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

#[test]
fn errors_do_not_repeat_long_input() {
    let long = "n".repeat(100_000);
    for profile in ["lenient", "strict", "interop"] {
        let client = client(profile, &json!({ "max_payload": 1 << 22 }));
        let path = create_user(&client, "ana", 1);
        let group = client.create("/Groups", &json!({ "schemas": [standard::GROUP], "displayName": "All" }));
        let mut answers = Vec::new();
        for body in LONG_INPUT {
            let body = body
                .replace("USER", standard::USER)
                .replace("BULK", BULK_REQUEST)
                .replace("SEARCH", SEARCH_REQUEST)
                .replace("\"PATCH\"", &format!("\"{PATCH_OP}\""))
                .replace("NAME", &long);
            let requests = [
                ("POST", "/Users"),
                ("PUT", &path),
                ("PATCH", &path),
                ("PATCH", &group),
                ("POST", "/Bulk"),
                ("POST", "/Users/.search"),
                ("POST", "/.search"),
            ];
            for (method, path) in requests {
                answers.push(client.send(method, path, body.clone()));
            }
            if let Ok(data) = serde_json::from_str::<Value>(&body) {
                let in_bulk =
                    bulk_request(json!([{ "method": "PUT", "path": path, "data": data }])).to_string();
                answers.push(client.send("POST", "/Bulk", in_bulk));
            }
        }
        for path in
            ["/N", "/Users/N", "/Schemas/N", "/Users?sortBy=N", "/Users?filter=N+pr", "/Users?count=N"]
        {
            let path = path.replace('N', &"n".repeat(15_000));
            answers.push(client.send("GET", &path, ""));
        }
        let refused = answers.iter().filter(|answer| answer.status().as_u16() >= 400).count();
        assert!(refused > 120, "{profile}: only {refused} requests were refused");
        for answer in answers {
            let (status, bytes) = (answer.status(), answer.body().len());
            let body = String::from_utf8_lossy(answer.body());
            assert!(bytes < 2_000, "{profile}: {status}, {bytes} bytes: {body:.200}");
        }
    }
}
