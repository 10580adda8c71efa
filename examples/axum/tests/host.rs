//! What the host adds to the service: its settings, its door, its limits and its end.

#![expect(clippy::unwrap_used, reason = "a test fails that way")]

use std::process::Command;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{Request, Response};
use host_common::testing::{Protocol, Running, refused};

const PROGRAM: &str = env!("CARGO_BIN_EXE_axum-host");

fn get(url: &str) -> Request<Vec<u8>> {
    Request::get(url).body(Vec::new()).unwrap()
}

fn post(url: &str, body: Vec<u8>) -> Request<Vec<u8>> {
    Request::post(url).header(CONTENT_TYPE, "application/scim+json").body(body).unwrap()
}

fn assert_error(response: &Response<Vec<u8>>, status: u16) {
    let body = String::from_utf8_lossy(response.body());
    assert_eq!(response.status(), status, "{body}");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/scim+json");
    assert!(body.contains("urn:ietf:params:scim:api:messages:2.0:Error"), "{body}");
    assert!(body.contains(&format!("\"status\":\"{status}\"")), "{body}");
}

#[test]
fn only_the_token_opens_the_door() {
    let host = Running::start(PROGRAM, &[]);
    let url = format!("{}/Users", host.base);
    assert_eq!(host.send(get(&url)).status(), 200);
    for wrong in ["", "Bearer", "Bearer wrong", "Bearer token-of-the-tests2", "Basic token-of-the-tests"] {
        let mut request = get(&url);
        request.headers_mut().insert(AUTHORIZATION, wrong.parse().unwrap());
        let response = host.send(request);
        assert_error(&response, 401);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer realm=\"scim\"");
    }
}

#[test]
fn the_line_that_is_printed_can_be_pasted() {
    let host = Running::start_with(PROGRAM, &[("SCIM_LISTEN", "127.0.0.1:0")], "curl ");
    let line = host.greeting.last().unwrap();
    let (_, token) = line.split_once("Bearer ").unwrap();
    let (token, url) = token.split_once("\" \"").unwrap();
    let url = url.strip_suffix('"').unwrap();
    let request =
        Request::get(url).header(AUTHORIZATION, format!("Bearer {token}")).body(Vec::new()).unwrap();
    assert_eq!(host.send(request).status(), 200);
    // And by curl itself where there is one.
    if let Ok(output) = Command::new("sh").args(["-c", &format!("{line} --silent --fail")]).output()
        && output.status.code() != Some(127)
    {
        assert!(output.status.success(), "{line}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("\"totalResults\":0"));
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_in_scim() {
    let host = Running::start(PROGRAM, &[]);
    let url = format!("{}/Users", host.base);
    let mut user = br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea"}"#.to_vec();
    user.resize(1024 * 1024, b' ');
    assert_eq!(host.send(post(&url, user.clone())).status(), 201, "just within the limit");
    user.push(b' ');
    assert_error(&host.send(post(&url, user)), 413);
    let large = vec![b' '; 20_000_000];
    assert_error(&host.send(post(&url, large.clone())), 413);
    assert_error(&host.send_by(Protocol::Http2, post(&url, large.clone())), 413);
    let mut stranger = post(&url, large);
    stranger.headers_mut().insert(AUTHORIZATION, "Bearer wrong".parse().unwrap());
    assert_error(&host.send(stranger), 401);
}

#[test]
fn the_service_is_below_its_mount_in_every_form() {
    let host = Running::start(PROGRAM, &[]);
    for path in ["/Users", "/Users/", "/users", "", "/"] {
        let url = format!("{}{path}", host.base);
        for protocol in [Protocol::Http1, Protocol::Http2] {
            assert_eq!(host.send_by(protocol, get(&url)).status(), 200, "{url} {protocol:?}");
        }
    }
    assert_error(&host.send(get(&format!("{}/Nothing", host.base))), 404);
    let outside = host.base.replace("/scim/v2", "/elsewhere");
    assert_eq!(host.send(get(&outside)).status(), 404);
}

#[test]
fn clients_see_the_base_url_that_is_set() {
    let host = Running::start(PROGRAM, &[("SCIM_BASE_URL", "https://id.example.com/tenant/scim/")]);
    let response = host.send(get(&format!("{}/ServiceProviderConfig", host.base)));
    let body = String::from_utf8_lossy(response.body());
    assert!(body.contains("\"https://id.example.com/tenant/scim/ServiceProviderConfig\""), "{body}");
}

#[cfg(unix)]
#[test]
fn it_stops_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let host = Running::start(PROGRAM, &[]);
        assert_eq!(host.send(get(&format!("{}/Users", host.base))).status(), 200);
        assert_eq!(host.stop(signal).code(), Some(0), "SIG{signal}");
    }
}

#[test]
fn settings_that_cannot_be_kept_end_it_with_exit_code_2() {
    let cases = [
        ("SCIM_LISTEN", "0.0.0.0:0", "SCIM_BEHIND_TLS_PROXY=1"),
        ("SCIM_LISTEN", "somewhere", "SCIM_LISTEN"),
        ("DATABASE_URL", "postgres://scim:secret@localhost/scim", "`memory:`"),
        ("SCIM_PROFILE", "loose", "lenient, strict or interop"),
        ("SCIM_BASE_URL", "example.com/scim", "base URL must be absolute"),
    ];
    for (name, value, reason) in cases {
        let (code, said) = refused(PROGRAM, &[("SCIM_LISTEN", "127.0.0.1:0"), (name, value)]);
        assert_eq!(code, Some(2), "{name}={value}: {said}");
        assert!(said.contains(reason) && !said.contains("secret@"), "{said}");
    }
}

#[test]
fn it_listens_to_others_behind_a_proxy() {
    let host = Running::start(PROGRAM, &[("SCIM_LISTEN", "0.0.0.0:0"), ("SCIM_BEHIND_TLS_PROXY", "1")]);
    assert_eq!(host.send(get(&format!("{}/Users", host.base))).status(), 200);
}
