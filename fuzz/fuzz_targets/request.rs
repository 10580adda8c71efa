//! Whole requests, up to eight of them with `%%` lines between, as bytes: none makes the service panic or fail.
//!
//! A request is a line with method and target, lines with headers, an empty line, and the body. `$0` stands for the id
//! of the first resource that was created, and so on. An input that begins with the line `strict` is for a strict
//! service.

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
        let one = &rest[..end.unwrap_or(rest.len())];
        if let Some(request) = read(&replace_ids(one, &created)) {
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

/// The request that these bytes are, if an HTTP stack would let it through.
fn read(bytes: &[u8]) -> Option<Request<Vec<u8>>> {
    let mut request = Request::builder();
    let mut rest = bytes;
    let mut first = true;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        if std::mem::take(&mut first) {
            let (method, target) = line.split_at_checked(line.iter().position(|byte| *byte == b' ')?)?;
            request = request.method(method).uri(&target[1..]);
        } else {
            let colon = line.iter().position(|byte| *byte == b':')?;
            request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
        }
    }
    request.body(rest.to_vec()).ok()
}
