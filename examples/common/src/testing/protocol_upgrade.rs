//! Checks requests that ask for another protocol on their connection, with `Upgrade` or CONNECT (RFC 9110 sections 7.8
//! and 9.3.6). They are written byte by byte, since HTTP clients do not send all of these forms.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{Method, Request, Response};
use scim_core::schema::standard;

use super::{HostProgram, Protocol, RunningHost, TOKEN, assert_error};

/// The maximum time for a response, if nothing delays the host.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Headers that ask for WebSocket, in the forms that servers recognize.
const WEBSOCKET: [&str; 3] = [
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\nContent-Length: 0\r\n",
    "Upgrade: websocket\r\n",
];

/// Headers that ask for HTTP/2, as a client without prior knowledge sends them.
const H2C: &str =
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";

fn authorization() -> String {
    format!("Authorization: Bearer {TOKEN}\r\n")
}

/// Sends a request on a new connection, which stays open, and returns the response.
fn exchange(host: &RunningHost, request: &str) -> Response<Vec<u8>> {
    read_response(&send(host, request), request)
}

fn send(host: &RunningHost, request: &str) -> TcpStream {
    let address = host.base.strip_prefix("http://").and_then(|url| url.split('/').next()).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn read_response(mut stream: &TcpStream, request: &str) -> Response<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut byte).unwrap_or_else(|error| panic!("{request}: no response: {error}"));
        assert_eq!(length, 1, "{request}: the connection ended after {}", String::from_utf8_lossy(&head));
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap();
    let mut response = Response::builder().status(status);
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        response = response.header(name, value);
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap_or_else(|error| panic!("{request}: {head}: {error}"));
    let response = response.body(body).unwrap();
    let switches = response.headers().get("connection").is_some_and(|value| value == "upgrade");
    let has_upgrade = response.headers().contains_key("upgrade");
    assert!(!switches && !has_upgrade, "{request}: the host must not switch protocols: {head}");
    response
}

/// Checks that a GET that asks for another protocol is answered like any other GET.
///
/// # Panics
///
/// If the check fails.
pub fn a_protocol_upgrade_is_ignored(program: &HostProgram) {
    let host = RunningHost::start(program, &[]);
    for upgrade in WEBSOCKET.into_iter().chain([H2C]) {
        let get = format!("GET /scim/v2/Users HTTP/1.1\r\nHost: localhost\r\n{upgrade}");
        assert_error(&exchange(&host, &format!("{get}\r\n")), 401);
        let authorized = exchange(&host, &format!("{get}{}\r\n", authorization()));
        assert_eq!(authorized.status(), 200, "{upgrade}");
        assert!(String::from_utf8_lossy(authorized.body()).contains("\"totalResults\":0"));
        // Outside of the mount path too, the host must not wait for a body.
        let not_mounted = get.replace("/scim/v2/Users", "/elsewhere");
        assert_eq!(exchange(&host, &format!("{not_mounted}\r\n")).status(), 404, "{upgrade}");
    }
}

/// Checks that a POST that asks for another protocol is answered like any other POST, and that its body has the length
/// that it declares, whatever follows.
///
/// # Panics
///
/// If the check fails.
pub fn the_body_of_a_request_with_an_upgrade_is_read(program: &HostProgram) {
    let host = RunningHost::start(program, &[]);
    let only_connection = "Connection: upgrade\r\n";
    for (number, upgrade) in WEBSOCKET.into_iter().chain([H2C, only_connection]).enumerate() {
        let upgrade = upgrade.replace("Content-Length: 0\r\n", "");
        let post = |authorization: &str, framing: &str| {
            format!(
                "POST /scim/v2/Users HTTP/1.1\r\nHost: localhost\r\n{authorization}\
                 Content-Type: application/scim+json\r\n{upgrade}{framing}"
            )
        };
        let body = |name: String| format!("{{\"schemas\":[\"{}\"],\"userName\":\"{name}\"}}", standard::USER);
        let sized = body(format!("sized{number}"));
        let sized = format!("Content-Length: {}\r\n\r\n{sized}", sized.len());
        assert_error(&exchange(&host, &post("", &sized)), 401);
        let created = exchange(&host, &post(&authorization(), &sized));
        assert_eq!(created.status(), 201, "{upgrade}: {}", String::from_utf8_lossy(created.body()));
        // Bytes after the body are not part of it.
        let followed = body(format!("followed{number}"));
        let followed = format!("Content-Length: {}\r\n\r\n{followed}\0\0\0\0", followed.len());
        assert_eq!(exchange(&host, &post(&authorization(), &followed)).status(), 201, "{upgrade}");
        let chunked = body(format!("chunked{number}"));
        let chunked =
            format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{chunked}\r\n0\r\n\r\n", chunked.len());
        assert_eq!(exchange(&host, &post(&authorization(), &chunked)).status(), 201, "{upgrade}");
        // Without a length there is no body (RFC 9112 section 6.3).
        assert_error(&exchange(&host, &post(&authorization(), "\r\n")), 400);
        // A declared length beyond the limit is refused.
        let large = format!("Content-Length: 2000000\r\n\r\n{}", " ".repeat(2_000_000));
        assert_error(&exchange(&host, &post(&authorization(), &large)), 413);
    }
}

/// Checks that CONNECT is answered with a SCIM error, whatever its target is, and that the connection is closed.
///
/// # Panics
///
/// If the check fails.
pub fn connect_is_refused(program: &HostProgram) {
    let host = RunningHost::start(program, &[]);
    let mut requests = Vec::new();
    for target in ["example.com:443", "/scim/v2/Users", "/elsewhere", "http://localhost/scim/v2"] {
        for (framing, body) in [("", ""), ("Content-Length: 5\r\n", "hello")] {
            let connect = format!("CONNECT {target} HTTP/1.1\r\nHost: example.com:443\r\n{framing}");
            for (status, authorization) in [(401, ""), (405, authorization().as_str())] {
                let request = format!("{connect}{authorization}\r\n{body}");
                requests.push((status, send(&host, &request), request));
            }
        }
    }
    for (status, stream, request) in &requests {
        assert_error(&read_response(stream, request), *status);
    }
    for (_, mut stream, request) in requests {
        let end = stream.read(&mut [0]);
        assert_eq!(end.expect("the connection is closed"), 0, "{request}: more than one response");
    }
    let authority = host.base.trim_start_matches("http://").trim_end_matches("/scim/v2");
    let connect = Request::builder().method(Method::CONNECT).uri(authority).body(Vec::new()).unwrap();
    let refused = host.send_with(Protocol::Http2, connect);
    assert_error(&refused, 405);
    assert!(refused.headers().contains_key(ALLOW));
    assert_eq!(refused.headers()[CONTENT_TYPE], "application/scim+json");
}

/// Checks that clients that only send CONNECT leave no connections open.
///
/// # Panics
///
/// If the check fails.
pub fn refused_connect_requests_leave_no_open_connections(program: &HostProgram) {
    let host = RunningHost::start(program, &[]);
    let connect = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n";
    let streams: Vec<TcpStream> = (0..200).map(|_| send(&host, connect)).collect();
    for mut stream in streams {
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("the connection is closed");
        assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    }
}
