//! `scim_core::tower::Mount` in routers of axum, over sockets. Requests are written byte by byte, since HTTP clients do not
//! send all of these forms.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use scim_core::tower::Mount;
use scim_core::{BearerTokens, Identity, MemoryProvider, Refusal, ScimService, Scopes};

/// What one body may have.
const MAX_PAYLOAD: usize = 1000;

const USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea"}"#;

fn service() -> ScimService {
    ScimService::builder()
        .base_url("https://app.example.com/scim/v2")
        .users(MemoryProvider::new())
        .max_payload(MAX_PAYLOAD)
        .build()
        .unwrap()
}

fn tokens() -> BearerTokens {
    BearerTokens::new()
        .token("writer", Identity::new("entra"))
        .token("reader", Identity::new("reports").with_scopes(Scopes::read_only()))
}

/// Serves a router on a free port until the test ends.
fn serve(router: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

/// Opens a connection, and sends the head of a request on it.
fn begin(address: SocketAddr, line: &str, token: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// Sends a request. Returns the head and the body of the response.
fn send(address: SocketAddr, line: &str, token: &str, body: &str) -> (String, String) {
    let mut stream = begin(address, line, token, &format!("Content-Length: {}\r\n", body.len()));
    stream.write_all(body.as_bytes()).unwrap();
    read(stream)
}

fn read(mut stream: TcpStream) -> (String, String) {
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

fn status((head, _): &(String, String)) -> &str {
    head.split(' ').nth(1).unwrap()
}

#[test]
fn paths_work_with_and_without_the_prefix() {
    let mount = Mount::new(service(), tokens());
    let nested = Router::new().nest_service("/scim/v2", mount.clone());
    let whole = Router::new().fallback_service(mount);
    for (router, prefix) in [(nested, "/scim/v2"), (whole.clone(), "/scim/v2"), (whole, "")] {
        let address = serve(router);
        let (_, created) = send(address, &format!("POST {prefix}/Users"), "writer", USER);
        let (_, location) = created.split_once("\"location\":\"https://app.example.com/scim/v2").unwrap();
        let path = format!("{prefix}{}", location.split_once('"').unwrap().0);
        let read = send(address, &format!("GET {path}?attributes=userName"), "reader", "");
        assert!(status(&read) == "200" && read.1.contains("\"userName\":\"bea\""), "{prefix}: {read:?}");
        assert_eq!(status(&send(address, &format!("GET {prefix}/"), "reader", "")), "200");
        let head = send(address, &format!("HEAD {path}"), "reader", "");
        assert!(status(&head) == "200" && head.1.is_empty(), "{head:?}");
        assert!(!head.0.contains("content-length: 0"), "{head:?}");
        assert_eq!(status(&send(address, &format!("DELETE {path}"), "reader", "")), "403");
        let deleted = send(address, &format!("DELETE {path}"), "writer", "");
        assert_eq!((status(&deleted), deleted.1.as_str()), ("204", ""));
    }
}

#[test]
fn refusals_and_large_bodies_are_scim_errors() {
    let address = serve(Router::new().nest_service("/scim/v2", Mount::new(service(), tokens())));
    let large = " ".repeat(5_000_000);
    for (token, body, expected, header) in [
        ("guessed", "", "401", "www-authenticate: bearer realm=\"scim\", error=\"invalid_token\""),
        ("guessed", large.as_str(), "401", "content-type: application/scim+json"),
        ("writer", large.as_str(), "413", "content-type: application/scim+json"),
        ("reader", USER, "403", "www-authenticate: bearer realm=\"scim\", error=\"insufficient_scope\""),
    ] {
        let response = send(address, "POST /scim/v2/Users", token, body);
        assert_eq!(status(&response), expected);
        assert!(response.0.contains(header), "{}", response.0);
        assert!(response.1.contains(&format!("\"status\":\"{expected}\"")), "{}", response.1);
    }
    assert_eq!(status(&send(address, "GET /elsewhere", "writer", "")), "404");

    let busy = |_: &Parts| Err(Refusal::too_many_requests(9));
    let address = serve(Router::new().nest_service("/scim/v2", Mount::new(service(), busy)));
    let response = send(address, "POST /scim/v2/Users", "writer", USER);
    assert!(status(&response) == "429" && response.0.contains("retry-after: 9"), "{response:?}");
}

#[test]
fn a_client_that_waits_before_the_body_is_told_to_send_it_only_if_it_is_known() {
    let address = serve(Router::new().nest_service("/scim/v2", Mount::new(service(), tokens())));
    let headers = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", USER.len());
    let refused = read(begin(address, "POST /scim/v2/Users", "guessed", &headers));
    assert_eq!(status(&refused), "401");

    let mut stream = begin(address, "POST /scim/v2/Users", "writer", &headers);
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(USER.as_bytes()).unwrap();
    assert_eq!(status(&read(stream)), "201");
}

#[test]
fn a_body_that_ends_early_is_refused() {
    let address = serve(Router::new().nest_service("/scim/v2", Mount::new(service(), tokens())));
    let mut stream = begin(address, "POST /scim/v2/Users", "writer", "Transfer-Encoding: chunked\r\n");
    stream.write_all(b"not a length\r\n").unwrap();
    let response = read(stream);
    assert_eq!(status(&response), "400");
    assert!(response.1.contains("\"status\":\"400\""), "{}", response.1);
}
