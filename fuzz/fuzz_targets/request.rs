//! Up to eight complete HTTP requests, separated by lines with `%%`. None may cause a panic or an internal error.
//!
//! A request consists of a line with method and target, lines with headers, an empty line, and the body. `$0` stands for
//! the id of the first created resource, and so on. If the first line is `strict`, the service is strict.

#![no_main]

use http::Request;
use libfuzzer_sys::fuzz_target;
use scim_fuzz::{TestTenant, replace_ids};
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let (strict, mut rest) = match input.strip_prefix(b"strict\n") {
        Some(rest) => (true, rest),
        None => (false, input),
    };
    let tenant = TestTenant::new(strict);
    let mut created = Vec::new();
    for _ in 0..8 {
        let end = rest.windows(4).position(|bytes| bytes == b"\n%%\n");
        let bytes = &rest[..end.unwrap_or(rest.len())];
        if let Some(request) = parse_request(&replace_ids(bytes, &created)) {
            let response = tenant.send(request);
            if response.status() == 201
                && let Ok(resource) = serde_json::from_slice::<Value>(response.body())
                && let Some(id) = resource["id"].as_str()
            {
                created.push(id.to_owned());
            }
        }
        let Some(end) = end else { break };
        rest = &rest[end + 4..];
    }
    tenant.check_all();
});

/// Parses a request. Returns `None` if an HTTP server would refuse it.
fn parse_request(bytes: &[u8]) -> Option<Request<Vec<u8>>> {
    let mut request = Request::builder();
    let mut rest = bytes;
    let mut is_first_line = true;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        if std::mem::take(&mut is_first_line) {
            let (method, target) = line.split_at_checked(line.iter().position(|byte| *byte == b' ')?)?;
            request = request.method(method).uri(&target[1..]);
        } else {
            let colon = line.iter().position(|byte| *byte == b':')?;
            request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
        }
    }
    request.body(rest.to_vec()).ok()
}
