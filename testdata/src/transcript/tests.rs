//! Tests of the code that runs transcripts, and of the files themselves, with responses that are made from the expected ones.

use http::header::{ETAG, LOCATION};
use serde_json::json;

use super::*;
use crate::placeholder::sample;

const BASE: &str = "https://scim.example.com/v2";
const ID: &str = "0b6f4a32-5d1e-4f07-9a6b-c1d2e3f40516";

fn transcript(steps: Value) -> Transcript {
    let mut transcript: Transcript = serde_json::from_value(json!({
        "name": "n", "about": "a", "profile": "lenient", "steps": steps
    }))
    .unwrap();
    transcript.file = "http/test.json".to_owned();
    transcript
}

fn single_step(request: Value, response: Value) -> Transcript {
    transcript(json!([{ "name": "only", "request": request, "response": response }]))
}

/// The response of a service to POST.
fn created_response() -> Response<Vec<u8>> {
    Response::builder()
        .status(201)
        .header(CONTENT_TYPE, MEDIA_TYPE)
        .header(ETAG, "W/\"7\"")
        .header(LOCATION, format!("{BASE}/Users/{ID}"))
        .body(json!({ "id": ID, "meta": { "version": "W/\"7\"" } }).to_string().into_bytes())
        .unwrap()
}

fn run_single_step(response: Value) -> Result<usize, String> {
    single_step(json!({ "method": "POST", "path": "/Users" }), response)
        .run(BASE, &mut |_| created_response())
}

#[test]
fn an_expected_response_passes() {
    let headers = json!({ "Location": "{{base}}/Users/{{id.a}}", "etag": "{{version.a}}", "x-none": null });
    let body = json!({ "id": "{{id.a}}", "meta": { "version": "{{version.a}}" } });
    assert_eq!(run_single_step(json!({ "status": 201, "headers": headers, "body": body })), Ok(1));
    assert_eq!(run_single_step(json!({ "status": 201 })), Ok(1));
}

#[test]
fn every_difference_fails_and_is_explained() {
    let whole = json!({ "id": "{{id}}", "meta": { "version": "{{version}}" } });
    let cases = [
        (json!({ "status": 200, "body": whole }), "status: expected 200, got 201"),
        (
            json!({ "status": 201, "headers": { "etag": null } }),
            "etag: expected none, got Ok(\"W/\\\"7\\\"\")",
        ),
        (json!({ "status": 201, "headers": { "allow": "GET" } }), "allow: expected \"GET\", got None"),
        (json!({ "status": 201, "headers": { "etag": "W/\"8\"" } }), "etag: expected \"W/\\\"8\\\"\""),
        (json!({ "status": 201, "body": null }), "the body: expected an empty one"),
        (json!({ "status": 201, "body": { "id": "{{id}}" } }), "/meta: nothing was expected here"),
        (
            json!({ "status": 201, "body": { "id": "{{id}}", "meta": {}, "x": 1 } }),
            "/x: expected 1, but it is",
        ),
        (json!({ "status": 201, "body": { "id": "7", "meta": whole["meta"] } }), "/id: expected \"7\", got"),
        (json!({ "status": 201, "body": { "id": "{{version}}" } }), "is not a weak entity tag"),
    ];
    for (response, message) in cases {
        let error = run_single_step(response).unwrap_err();
        assert!(error.starts_with("http/test.json, step `only`: POST "), "{error}");
        assert!(error.contains(message), "{error}\ndoes not contain\n{message}");
    }
}

#[test]
fn a_body_must_have_the_media_type_of_scim_and_be_json() {
    let expected =
        single_step(json!({ "method": "GET", "path": "/Users" }), json!({ "status": 200, "body": {} }));
    let answer = |media: &str, body: &str| {
        let response = Response::builder().header(CONTENT_TYPE, media);
        let response = response.body(body.as_bytes().to_vec()).unwrap();
        expected.run(BASE, &mut |_| response.clone())
    };
    assert_eq!(answer(MEDIA_TYPE, "{}"), Ok(1));
    assert!(answer("application/json", "{}").unwrap_err().contains("content-type"));
    assert!(answer(MEDIA_TYPE, "{").unwrap_err().contains("expected JSON"));
    assert!(answer(MEDIA_TYPE, "").unwrap_err().contains("expected JSON"));
}

#[test]
fn a_name_bound_by_one_step_is_used_by_the_next() {
    let steps = json!([
        {
            "name": "create",
            "request": { "method": "POST", "path": "/Users" },
            "response": { "status": 201, "headers": { "etag": "{{version.a}}" }, "body": {
                "id": "{{id.a}}", "meta": { "version": "{{version.a}}" }
            } }
        },
        {
            "name": "update",
            "request": {
                "method": "PUT", "path": "/Users/{{id.a}}", "headers": { "If-Match": "{{version.a}}" },
                "body": { "list": ["{{base}}/{{id.a}}"] }
            },
            "response": { "status": 201 }
        },
    ]);
    let mut requests = Vec::new();
    let mut send = |request| {
        requests.push(request);
        created_response()
    };
    assert_eq!(transcript(steps).run(BASE, &mut send), Ok(2));
    let update = requests.pop().unwrap();
    assert_eq!(update.uri().to_string(), format!("{BASE}/Users/{ID}"));
    assert_eq!(update.headers()["if-match"], "W/\"7\"");
    assert_eq!(update.body(), &json!({ "list": [format!("{BASE}/{ID}")] }).to_string().into_bytes());
}

#[test]
fn a_request_with_an_unbound_name_is_not_sent() {
    let step = single_step(json!({ "method": "GET", "path": "/Users/{{id.b}}" }), json!({ "status": 200 }));
    assert!(step.run(BASE, &mut |_| panic!("sent")).unwrap_err().contains("already bound"));
}

#[test]
fn a_request_body_has_the_media_type_of_scim_unless_the_step_has_another() {
    let sent = |request: Value| {
        let mut sent = None;
        let mut send = |request| {
            sent = Some(request);
            Response::new(Vec::new())
        };
        single_step(request, json!({ "status": 200, "body": null })).run(BASE, &mut send).unwrap();
        sent.unwrap()
    };
    let media = |request: Request<Vec<u8>>| {
        request.headers().get(CONTENT_TYPE).map(|media| media.to_str().unwrap().to_owned())
    };
    let post = |headers: Value| {
        sent(json!({ "method": "POST", "path": "/Users", "headers": headers, "body": "{ not json" }))
    };
    assert_eq!(post(json!({})).body(), b"{ not json");
    assert_eq!(media(post(json!({}))).as_deref(), Some(MEDIA_TYPE));
    assert_eq!(
        media(post(json!({ "content-type": "application/json" }))).as_deref(),
        Some("application/json")
    );
    assert_eq!(media(post(json!({ "Content-Type": null }))), None);
    assert_eq!(media(sent(json!({ "method": "GET", "path": "/Users" }))), None);
    let anonymous = sent(json!({ "method": "GET", "path": "/Users", "anonymous": true }));
    assert!(anonymous.extensions().get::<Anonymous>().is_some());
}

#[test]
fn only_characters_that_a_url_cannot_contain_are_encoded() {
    let cases = [
        ("/Users?filter=userName eq \"a\"", "/Users?filter=userName%20eq%20%22a%22"),
        ("/Users/?filter=a+eq+%22b%22&", "/Users/?filter=a+eq+%22b%22&"),
        ("emails[type eq work].value", "emails[type%20eq%20work].value"),
        ("müller|<x>{y}^`\\#", "m%C3%BCller%7C%3Cx%3E%7By%7D%5E%60%5C%23"),
        ("100%, 5%2, %zz, %41", "100%25,%205%252,%20%25zz,%20%41"),
    ];
    for (text, encoded) in cases {
        assert_eq!(encode(text), encoded);
    }
}

/// Makes the expected response, with invented values for the placeholders.
fn ideal_response(expected: &ExpectedResponse) -> Response<Vec<u8>> {
    let mut response = Response::builder().status(expected.status);
    for (name, value) in &expected.headers {
        if let Some(value) = value {
            response = response.header(name, sample(value, BASE));
        }
    }
    let body = match &expected.body {
        None | Some(Value::Null) => Vec::new(),
        Some(body) => ideal_json(body).to_string().into_bytes(),
    };
    if !body.is_empty() && !expected.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
        response = response.header(CONTENT_TYPE, MEDIA_TYPE);
    }
    response.body(body).unwrap()
}

fn ideal_json(expected: &Value) -> Value {
    match expected {
        Value::String(text) => Value::String(sample(text, BASE)),
        Value::Array(elements) => elements.iter().map(ideal_json).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), ideal_json(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn rows_are_compared_with_the_values_of_the_steps() {
    let transcript: Transcript = serde_json::from_value(json!({
        "name": "n", "about": "a", "profile": "lenient",
        "steps": [{
            "name": "only",
            "request": { "method": "POST", "path": "/Users" },
            "response": { "status": 201, "body": { "id": "{{key.a}}", "meta": { "version": "{{version}}" } } },
        }],
        "tables": { "people": [{ "person_id": "{{key.a}}" }] },
    }))
    .unwrap();
    let run = |rows: Value| {
        let read_table = &mut |table: &str| {
            assert_eq!(table, "people");
            rows.clone()
        };
        transcript.run_and_read_tables(BASE, &mut |_| created_response(), read_table)
    };
    assert_eq!(run(json!([{ "person_id": ID }])), Ok(1));
    for (rows, difference) in [
        (json!([]), "people/0: expected"),
        (json!([{ "person_id": "another" }]), "people/0/person_id: expected"),
        (json!([{ "person_id": ID, "login": "a" }]), "people/0/login: nothing was expected here"),
        (json!([{ "person_id": ID }, { "person_id": ID }]), "people/1: nothing was expected here"),
    ] {
        assert!(run(rows).unwrap_err().contains(difference), "{difference}");
    }
}

/// All transcripts, also those for one application.
fn all_transcripts() -> Vec<Transcript> {
    Transcript::load_all().into_iter().chain(Transcript::load_folder("people")).collect()
}

/// Finds misspelled placeholders, names that a request uses before a response has bound them, and contradictions such as
/// versions that must be both equal and different.
#[test]
fn every_transcript_is_consistent() {
    for transcript in all_transcripts() {
        let mut responses = transcript.steps.iter().map(|step| ideal_response(&step.response));
        let mut send = |_| responses.next().unwrap();
        let mut rows = |table: &str| ideal_json(&transcript.tables[table]);
        let outcome = transcript.run_and_read_tables(BASE, &mut send, &mut rows);
        assert_eq!(outcome, Ok(transcript.steps.len()));
    }
}

#[test]
fn every_transcript_is_well_formed() {
    for transcript in all_transcripts() {
        let file = &transcript.file;
        assert!(!transcript.steps.is_empty(), "{file} has no steps");
        assert!(["lenient", "strict", "interop"].contains(&transcript.profile.as_str()), "{file}");
        assert!(transcript.about.contains("RFC"), "`about` in {file} names no section of an RFC");
        let mut names: Vec<&str> = transcript.steps.iter().map(|step| step.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), transcript.steps.len(), "{file} has two steps with the same name");
    }
}
