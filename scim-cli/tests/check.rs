//! `scim check` against an endpoint that is right, and against endpoints with one fault each.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails that way")]

use std::net::SocketAddr;
use std::process::{Output, Stdio};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_MATCH, LOCATION};
use http::{Method, StatusCode, Uri};
use scim_core::tower::Mount;
use scim_core::{BearerTokens, Identity, MemoryProvider, ScimService};
use serde_json::{Value, json};
use tokio::process::Command;

const TOKEN: &str = "check-token";

/// What an endpoint does wrong, and a check that must name it.
const FAULTS: [(&str, &str); 22] = [
    ("filters are ignored", "filters.user-name"),
    ("a filter that finds nobody is 404", "filters.nobody"),
    ("userName is compared with case", "filters.user-name-case"),
    ("duplicates are accepted", "users.duplicate"),
    ("capitals in op are refused", "entra.update"),
    ("a path is required", "patch.no-path"),
    ("texts are no Booleans", "entra.disable"),
    ("excludedAttributes is ignored", "users.excluded"),
    ("attributes is ignored", "users.attributes"),
    ("passwords are returned", "users.password"),
    ("DELETE is 200", "users.delete"),
    ("errors are plain JSON", "users.unknown"),
    ("there are no ETags", "versions.etag"),
    ("If-Match is ignored", "versions.match"),
    ("startIndex is ignored", "paging.count"),
    ("sortOrder is ignored", "paging.sort"),
    ("there is no Location", "users.location"),
    ("everybody may read", "discovery.no-token"),
    ("members cannot be removed", "groups.remove"),
    ("failOnErrors is ignored", "bulk.fail-on-errors"),
    ("Schemas is 404", "discovery.schemas"),
    ("a broken filter is 500", "filters.invalid"),
];

async fn start(fault: &'static str) -> (SocketAddr, ScimService) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = MemoryProvider::new();
    let service = ScimService::builder()
        .base_url(format!("http://{address}/scim/v2"))
        .users(store.clone())
        .groups(store)
        .build()
        .unwrap();
    let tokens = BearerTokens::new().token(TOKEN, Identity::new("check"));
    let app = Router::new()
        .nest_service("/scim/v2", Mount::new(service.clone(), tokens))
        .layer(from_fn_with_state(fault, wrong));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, service)
}

/// Changes a request and its answer as a faulty endpoint would.
async fn wrong(State(fault): State<&'static str>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let text = json.to_string();
    let has = |parameter: &str| query.split('&').any(|part| part.starts_with(parameter));
    let without = |parameter: &str| {
        let kept: Vec<_> = query.split('&').filter(|part| !part.starts_with(parameter)).collect();
        format!("{path}?{}", kept.join("&")).parse::<Uri>().unwrap()
    };
    let refused =
        || error(400, json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "400" }));
    match fault {
        "filters are ignored" => parts.uri = without("filter="),
        "groups are not created and filters are ignored"
            if method == Method::POST && path.ends_with("/Groups") =>
        {
            return refused();
        }
        "groups are not created and filters are ignored" => parts.uri = without("filter="),
        "userName is compared with case" if query.contains("FAY") => {
            parts.uri =
                without("filter=").to_string().replace('?', "?filter=id%20eq%20%22x%22&").parse().unwrap();
        }
        "capitals in op are refused" if text.contains("\"Replace\"") || text.contains("\"Add\"") => {
            return refused();
        }
        "a path is required" if method == Method::PATCH && !text.contains("\"path\"") => return refused(),
        "texts are no Booleans" if text.contains("\"False\"") => return refused(),
        "excludedAttributes is ignored" => parts.uri = without("excludedAttributes="),
        "attributes is ignored" => parts.uri = without("attributes="),
        "If-Match is ignored" => {
            parts.headers.remove(IF_MATCH);
        }
        "startIndex is ignored" => parts.uri = without("startIndex="),
        "sortOrder is ignored" => parts.uri = without("sortOrder="),
        "everybody may read" => {
            parts.headers.insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
        }
        "members cannot be removed" if text.contains("members[value eq") => {
            return StatusCode::NO_CONTENT.into_response();
        }
        "failOnErrors is ignored" if path.ends_with("/Bulk") => {
            json.as_object_mut().unwrap().remove("failOnErrors");
        }
        "Schemas is 404" if path.ends_with("/Schemas") => return error(404, json!({})),
        "a broken filter is 500" if query.contains("is%20%22x") => return error(500, json!({})),
        _ => {}
    }
    let body = if json.is_null() { Body::from(body) } else { Body::from(json.to_string()) };
    parts.headers.remove("content-length");
    let is_search = has("filter=");
    let mut response = next.run(Request::from_parts(parts, body)).await;
    match fault {
        "there are no ETags" => {
            response.headers_mut().remove(ETAG);
        }
        "there is no Location" => {
            response.headers_mut().remove(LOCATION);
        }
        "DELETE is 200" if method == Method::DELETE && response.status() == 204 => {
            *response.status_mut() = StatusCode::OK;
        }
        _ => {}
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    match fault {
        "a filter that finds nobody is 404" if is_search && answer["totalResults"] == 0 => {
            return error(404, json!({}));
        }
        "duplicates are accepted" if parts.status == 409 => {
            parts.status = StatusCode::CREATED;
            json["id"] = json!("duplicate");
            answer = json;
        }
        "passwords are returned" if method == Method::POST && json.get("password").is_some() => {
            answer["password"] = json["password"].clone();
        }
        "errors are plain JSON" if parts.status.is_client_error() => answer = json!({ "message": "no" }),
        _ => return Response::from_parts(parts, Body::from(body)),
    }
    parts.headers.remove("content-length");
    Response::from_parts(parts, Body::from(answer.to_string()))
}

fn error(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

async fn scim(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scim"));
    command.args(arguments).env("SCIM_TOKEN", TOKEN).stdin(Stdio::null());
    command.output().await.unwrap()
}

async fn check(fault: &'static str, arguments: &[&str]) -> (i32, Value, usize) {
    let (address, service) = start(fault).await;
    let url = format!("http://{address}/scim/v2");
    let output = scim(&[&["check", &url, "--json"], arguments].concat()).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (output.status.code().unwrap(), report, left(&service).await)
}

/// How many users and groups are left.
async fn left(service: &ScimService) -> usize {
    let mut left = 0;
    for path in ["/Users", "/Groups"] {
        let mut request = http::Request::get(path).body(Vec::new()).unwrap();
        request.extensions_mut().insert(Identity::new("check"));
        let page: Value = serde_json::from_slice(service.handle(request).await.body()).unwrap();
        left += usize::try_from(page["totalResults"].as_u64().unwrap()).unwrap();
    }
    left
}

fn failed(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["verdict"] == "failed").map(|check| check["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_endpoint_that_is_right_passes_and_nothing_is_left() {
    let (code, report, left) = check("none", &[]).await;
    assert_eq!(failed(&report), Vec::<&str>::new(), "{report:#}");
    assert_eq!((code, left, report["leftBehind"].clone()), (0, 0, json!([])));
    assert!(report["passed"].as_u64() > Some(80), "{}", report["passed"]);
    assert_eq!(report["skipped"], 0, "{report:#}");
}

#[tokio::test]
async fn each_fault_is_named() {
    for (fault, expected) in FAULTS {
        let (code, report, _) = check(fault, &[]).await;
        let failed = failed(&report);
        assert!(failed.contains(&expected), "{fault}: {failed:?}");
        assert_eq!(code, 1, "{fault}");
        // What has nothing to do with it passes.
        assert!(failed.len() < 30, "{fault}: {failed:?}");
    }
}

#[tokio::test]
async fn a_part_of_the_checks_can_be_run_and_the_findings_written_as_a_table_and_for_junit() {
    let (address, _) = start("passwords are returned").await;
    let url = format!("http://{address}/scim/v2");
    let file = std::env::temp_dir().join(format!("scim-check-{}.xml", scim_core::new_id()));
    let output = scim(&["check", &url, "--only", "users.password", "--junit", file.to_str().unwrap()]).await;
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("  FAILED  users.password"), "{table}");
    assert!(
        table.contains("password is there, and must not be") && table.contains("needed by Okta"),
        "{table}"
    );
    assert!(!table.contains("patch."), "{table}");
    let junit = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    assert!(junit.contains("failures=\"1\""), "{junit}");

    let output = scim(&["check", &url, "--only", "nothing"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "scim: no check has `nothing` in its name\n");
}

#[tokio::test]
async fn a_wrong_token_and_a_wrong_url_are_said_at_once() {
    let (address, _) = start("none").await;
    let url = format!("http://{address}/scim/v2");
    let output = scim(&["check", &url, "--token", "wrong"]).await;
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("others can see the token") && text.contains("scim: 401"), "{text}");
    let output = scim(&["check", "http://127.0.0.1:1/scim/v2"]).await;
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .starts_with("scim: http://127.0.0.1:1/scim/v2 does not answer: ")
    );
    let output = scim(&["check", "http://app.example.com/scim/v2"]).await;
    assert!(String::from_utf8(output.stderr).unwrap().contains("a token is sent only with TLS"));
}

#[tokio::test]
async fn what_was_created_is_deleted_after_an_interruption() {
    let (address, service) = start("none").await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_scim"));
    command.args(["check", &format!("http://{address}/scim/v2")]).env("SCIM_TOKEN", TOKEN);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().unwrap().to_string();
    while left(&service).await < 3 && child.try_wait().unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    Command::new("kill").args(["-INT", &id]).status().await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(left(&service).await, 0, "{output:?}");
}

/// The endpoint creates no groups, and does not look at filters. The groups that it has are left alone.
#[tokio::test]
async fn what_others_have_created_is_never_changed() {
    let (address, service) = start("groups are not created and filters are ignored").await;
    let group =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "A real group" });
    let request = http::Request::post("/Groups").header("content-type", "application/scim+json");
    let mut request = request.body(group.to_string().into_bytes()).unwrap();
    request.extensions_mut().insert(Identity::new("customer"));
    assert_eq!(service.handle(request).await.status(), 201);
    let output = scim(&["check", &format!("http://{address}/scim/v2"), "--json"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(failed(&report).contains(&"groups.create"));
    let mut request = http::Request::get("/Groups").body(Vec::new()).unwrap();
    request.extensions_mut().insert(Identity::new("customer"));
    let page: Value = serde_json::from_slice(service.handle(request).await.body()).unwrap();
    assert_eq!(
        (&page["totalResults"], &page["Resources"][0]["displayName"]),
        (&json!(1), &json!("A real group"))
    );
}

#[tokio::test]
async fn a_file_is_replayed() {
    let (address, service) = start("none").await;
    let url = format!("http://{address}/scim/v2");
    let file = std::env::temp_dir().join(format!("scim-replay-{}.json", scim_core::new_id()));
    let conversation = json!({ "name": "Ours", "checks": [{ "id": "ours.create", "title": "a user is created", "steps": [{
        "request": { "method": "POST", "path": "/Users", "body": {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "{{prefix}}-replayed" } },
        "response": { "status": 201, "body": { "id": "{{id}}", "title": "wanted" } }
    }] }] });
    std::fs::write(&file, conversation.to_string()).unwrap();
    let output = scim(&["replay", &url, file.to_str().unwrap()]).await;
    std::fs::remove_file(file).unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        table.contains("FAILED  ours.create") && table.contains("POST /Users: title is missing"),
        "{table}"
    );
    assert_eq!((output.status.code(), left(&service).await), (Some(1), 0));
}

#[tokio::test]
async fn the_conversation_in_the_readme_passes() {
    let (address, _) = start("none").await;
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("```json\n").unwrap();
    let (json, _) = rest.split_once("```").unwrap();
    let file = std::env::temp_dir().join(format!("scim-readme-{}.json", scim_core::new_id()));
    std::fs::write(&file, json).unwrap();
    let output = scim(&["replay", &format!("http://{address}/scim/v2"), file.to_str().unwrap()]).await;
    std::fs::remove_file(file).unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
