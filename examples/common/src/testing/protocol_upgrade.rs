//! Requests that ask for another protocol on their connection (RFC 9110 sections 7.8 and 9.3.6), byte
//! by byte, since no client library sends them as one likes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{Method, Request, Response};
use scim_core::schema::standard;

use super::{Program, Protocol, Running, TOKEN, assert_error};

/// How long a host may take for an answer that nothing is in the way of.
const AT_ONCE: Duration = Duration::from_secs(5);

/// What asks for WebSocket, in each form that servers tell it by.
const WEBSOCKET: [&str; 3] = [
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\nContent-Length: 0\r\n",
    "Upgrade: websocket\r\n",
];

/// What asks for HTTP/2, as a client does that does not know what the server speaks.
const H2C: &str =
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";

fn authorization() -> String {
    format!("Authorization: Bearer {TOKEN}\r\n")
}

/// Sends that on a connection of its own, which the client keeps open, and gives the answer.
fn answer(host: &Running, request: &str) -> Response<Vec<u8>> {
    read_answer(&send(host, request), request)
}

fn send(host: &Running, request: &str) -> TcpStream {
    let address = host.base.strip_prefix("http://").and_then(|url| url.split('/').next()).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(AT_ONCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn read_answer(mut stream: &TcpStream, request: &str) -> Response<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut byte).unwrap_or_else(|error| panic!("{request}: no answer: {error}"));
        assert_eq!(length, 1, "{request}: the connection ended within {}", String::from_utf8_lossy(&head));
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
    let kept = response.headers().get("connection").is_none_or(|value| value != "upgrade");
    assert!(kept && response.headers().get("upgrade").is_none(), "{request}: it switches to nothing: {head}");
    response
}

/// A GET that asks for another protocol is answered like any other GET.
///
/// # Panics
///
/// If that is not so.
pub fn another_protocol_is_not_switched_to(program: &Program) {
    let host = Running::start(program, &[]);
    for asks in WEBSOCKET.into_iter().chain([H2C]) {
        let get = format!("GET /scim/v2/Users HTTP/1.1\r\nHost: localhost\r\n{asks}");
        assert_error(&answer(&host, &format!("{get}\r\n")), 401);
        let known = answer(&host, &format!("{get}{}\r\n", authorization()));
        assert_eq!(known.status(), 200, "{asks}");
        assert!(String::from_utf8_lossy(known.body()).contains("\"totalResults\":0"));
        // Outside of the mount nobody looks at the body either.
        let outside = get.replace("/scim/v2/Users", "/elsewhere");
        assert_eq!(answer(&host, &format!("{outside}\r\n")).status(), 404, "{asks}");
    }
}

/// So is a POST; and its body is as long as it says, whatever follows.
///
/// # Panics
///
/// If that is not so.
pub fn a_body_beside_a_wish_for_another_protocol_is_read(program: &Program) {
    let host = Running::start(program, &[]);
    let only_connection = "Connection: upgrade\r\n";
    for (number, asks) in WEBSOCKET.into_iter().chain([H2C, only_connection]).enumerate() {
        let asks = asks.replace("Content-Length: 0\r\n", "");
        let post = |authorization: &str, form: &str| {
            format!(
                "POST /scim/v2/Users HTTP/1.1\r\nHost: localhost\r\n{authorization}\
                 Content-Type: application/scim+json\r\n{asks}{form}"
            )
        };
        let body = |name: String| format!("{{\"schemas\":[\"{}\"],\"userName\":\"{name}\"}}", standard::USER);
        let whole = body(format!("whole{number}"));
        let length = format!("Content-Length: {}\r\n\r\n{whole}", whole.len());
        assert_error(&answer(&host, &post("", &length)), 401);
        let created = answer(&host, &post(&authorization(), &length));
        assert_eq!(created.status(), 201, "{asks}: {}", String::from_utf8_lossy(created.body()));
        // What follows is no part of it.
        let followed = body(format!("followed{number}"));
        let followed = format!("Content-Length: {}\r\n\r\n{followed}\0\0\0\0", followed.len());
        assert_eq!(answer(&host, &post(&authorization(), &followed)).status(), 201, "{asks}");
        let chunked = body(format!("chunked{number}"));
        let chunked =
            format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{chunked}\r\n0\r\n\r\n", chunked.len());
        assert_eq!(answer(&host, &post(&authorization(), &chunked)).status(), 201, "{asks}");
        // Without a length there is none (RFC 9112 section 6.3).
        assert_error(&answer(&host, &post(&authorization(), "\r\n")), 400);
        // What says to be larger than the limit is that, wherever it ends.
        let large = format!("Content-Length: 2000000\r\n\r\n{}", " ".repeat(2_000_000));
        assert_error(&answer(&host, &post(&authorization(), &large)), 413);
    }
}

/// CONNECT is refused in SCIM, whatever it names, and the connection is closed.
///
/// # Panics
///
/// If that is not so.
pub fn a_tunnel_is_refused(program: &Program) {
    let host = Running::start(program, &[]);
    let mut sent = Vec::new();
    for target in ["example.com:443", "/scim/v2/Users", "/elsewhere", "http://localhost/scim/v2"] {
        for (form, body) in [("", ""), ("Content-Length: 5\r\n", "hello")] {
            let connect = format!("CONNECT {target} HTTP/1.1\r\nHost: example.com:443\r\n{form}");
            for (status, authorization) in [(401, ""), (405, authorization().as_str())] {
                let request = format!("{connect}{authorization}\r\n{body}");
                sent.push((status, send(&host, &request), request));
            }
        }
    }
    for (status, stream, request) in &sent {
        assert_error(&read_answer(stream, request), *status);
    }
    for (_, mut stream, request) in sent {
        let end = stream.read(&mut [0]);
        assert_eq!(end.expect("the connection is closed"), 0, "{request}: more than one answer");
    }
    let authority = host.base.trim_start_matches("http://").trim_end_matches("/scim/v2");
    let connect = Request::builder().method(Method::CONNECT).uri(authority).body(Vec::new()).unwrap();
    let refused = host.send_by(Protocol::Http2, connect);
    assert_error(&refused, 405);
    assert!(refused.headers().contains_key(ALLOW));
    assert_eq!(refused.headers()[CONTENT_TYPE], "application/scim+json");
}

/// Those who ask for another protocol, and never for anything else, leave no connection open.
///
/// # Panics
///
/// If that is not so.
pub fn tunnels_that_are_refused_do_not_pile_up(program: &Program) {
    let host = Running::start(program, &[]);
    let connect = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n";
    let streams: Vec<TcpStream> = (0..200).map(|_| send(&host, connect)).collect();
    for mut stream in streams {
        let mut all = String::new();
        stream.read_to_string(&mut all).expect("it is closed");
        assert!(all.starts_with("HTTP/1.1 401 "), "{all}");
    }
}
