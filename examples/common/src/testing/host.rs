//! What a host adds to the service: its settings, its door, its limits and its end.

use std::process::Command;

use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use scim_core::schema::standard;
use serde_json::{Value, json};

pub use super::load::*;
pub use super::protocol_upgrade::*;
use super::{Program, Protocol, Running, assert_error, refused};

/// Makes every check of this file a test, of the program that is named, on databases of each kind.
#[macro_export]
macro_rules! host_tests {
    ($program:expr) => {
        mod in_memory {
            $crate::host_tests! { $program, $crate::testing::MEMORY }
        }
        mod in_sqlite {
            $crate::host_tests! { $program, $crate::testing::SQLITE }
        }
    };
    ($program:expr, $database:expr) => {
        $crate::host_tests! {
            $program, $database;
            only_the_token_opens_the_door
            the_line_that_is_printed_can_be_pasted
            a_body_that_is_too_large_is_refused_in_scim
            the_service_is_below_its_mount_in_every_form
            clients_see_the_base_url_that_is_set
            settings_that_cannot_be_kept_end_it_with_exit_code_2
            it_listens_to_others_behind_a_proxy
            the_profile_says_what_is_put_up_with
            names_of_groups_differ_unless_they_need_not
            a_group_is_shown_after_a_patch_if_that_is_set
            unknown_members_are_refused_unless_they_are_to_be_kept
            another_protocol_is_not_switched_to
            a_body_beside_a_wish_for_another_protocol_is_read
            a_tunnel_is_refused
            tunnels_that_are_refused_do_not_pile_up
            changes_that_look_through_much_are_limited
            searches_through_long_texts_are_limited
        }
        #[cfg(unix)]
        $crate::host_tests! { $program, $database; it_stops_when_it_is_told_to }
    };
    ($program:expr, $database:expr; $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $crate::testing::host::$check(&$crate::testing::Program::new($program, $database));
            }
        )*
    };
}

fn get(url: &str) -> Request<Vec<u8>> {
    Request::get(url).body(Vec::new()).unwrap()
}

fn post(url: &str, body: Vec<u8>) -> Request<Vec<u8>> {
    Request::post(url).header(CONTENT_TYPE, "application/scim+json").body(body).unwrap()
}

/// Whoever does not send the token is answered with 401.
///
/// # Panics
///
/// If that is not so.
pub fn only_the_token_opens_the_door(program: &Program) {
    let host = Running::start(program, &[]);
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

/// A host that makes its own token prints a `curl` line that works.
///
/// # Panics
///
/// If that is not so.
pub fn the_line_that_is_printed_can_be_pasted(program: &Program) {
    let host = Running::start_with(program, &[("SCIM_LISTEN", "127.0.0.1:0")], "curl ");
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

/// What is larger than the limit is answered with 413, and read to its end.
///
/// # Panics
///
/// If that is not so.
pub fn a_body_that_is_too_large_is_refused_in_scim(program: &Program) {
    let host = Running::start(program, &[]);
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

/// Every path below the mount is the service's, by both protocols; no other is.
///
/// # Panics
///
/// If that is not so.
pub fn the_service_is_below_its_mount_in_every_form(program: &Program) {
    let host = Running::start(program, &[]);
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

/// `SCIM_BASE_URL` is what documents and resources point to.
///
/// # Panics
///
/// If that is not so.
pub fn clients_see_the_base_url_that_is_set(program: &Program) {
    let host = Running::start(program, &[("SCIM_BASE_URL", "https://id.example.com/tenant/scim/")]);
    let response = host.send(get(&format!("{}/ServiceProviderConfig", host.base)));
    let body = String::from_utf8_lossy(response.body());
    assert!(body.contains("\"https://id.example.com/tenant/scim/ServiceProviderConfig\""), "{body}");
}

/// SIGTERM and SIGINT end it with exit code 0.
///
/// # Panics
///
/// If that is not so.
pub fn it_stops_when_it_is_told_to(program: &Program) {
    for signal in ["TERM", "INT"] {
        let host = Running::start(program, &[]);
        assert_eq!(host.send(get(&format!("{}/Users", host.base))).status(), 200);
        assert_eq!(host.stop(signal).code(), Some(0), "SIG{signal}");
    }
}

/// What cannot be done is said, without secrets.
///
/// # Panics
///
/// If that is not so.
pub fn settings_that_cannot_be_kept_end_it_with_exit_code_2(program: &Program) {
    let cases = [
        ("SCIM_LISTEN", "0.0.0.0:0", "SCIM_BEHIND_TLS_PROXY=1"),
        ("SCIM_LISTEN", "somewhere", "SCIM_LISTEN"),
        ("DATABASE_URL", "mysql://scim:secret@localhost/scim", "not `mysql:`"),
        ("SCIM_PROFILE", "loose", "lenient, strict or interop"),
        ("SCIM_UNIQUE_GROUP_NAMES", "yes", "SCIM_UNIQUE_GROUP_NAMES is 0 or 1"),
        ("SCIM_GROUP_PATCH", "202", "SCIM_GROUP_PATCH is 204 or 200, not `202`"),
        ("SCIM_UNKNOWN_MEMBERS", "drop", "SCIM_UNKNOWN_MEMBERS is refuse or keep, not `drop`"),
        ("SCIM_BASE_URL", "example.com/scim", "base URL must be absolute"),
    ];
    for (name, value, reason) in cases {
        let (code, said) = refused(program, &[("SCIM_LISTEN", "127.0.0.1:0"), (name, value)]);
        assert_eq!(code, Some(2), "{name}={value}: {said}");
        assert!(said.contains(reason) && !said.contains("secret@"), "{said}");
    }
}

/// Others than this machine may connect when a proxy speaks TLS.
///
/// # Panics
///
/// If that is not so.
pub fn it_listens_to_others_behind_a_proxy(program: &Program) {
    let host = Running::start(program, &[("SCIM_LISTEN", "0.0.0.0:0"), ("SCIM_BEHIND_TLS_PROXY", "1")]);
    assert_eq!(host.send(get(&format!("{}/Users", host.base))).status(), 200);
}

/// `SCIM_PROFILE` says what deviations are put up with.
///
/// # Panics
///
/// If that is not so.
pub fn the_profile_says_what_is_put_up_with(program: &Program) {
    // Entra ID's way of writing a boolean.
    let user =
        br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea","active":"True"}"#;
    for (profile, status) in [("", 201), ("lenient", 201), ("interop", 400), ("strict", 400)] {
        let host = Running::start(program, &[("SCIM_PROFILE", profile)]);
        let answer = host.send(post(&format!("{}/Users", host.base), user.to_vec()));
        assert_eq!(answer.status(), status, "{profile}: {}", String::from_utf8_lossy(answer.body()));
    }
}

fn group(members: Value) -> Vec<u8> {
    json!({ "schemas": [standard::GROUP], "displayName": "reef", "members": members })
        .to_string()
        .into_bytes()
}

/// Two groups have the same name only with `SCIM_UNIQUE_GROUP_NAMES=0`.
///
/// # Panics
///
/// If that is not so.
pub fn names_of_groups_differ_unless_they_need_not(program: &Program) {
    for (setting, status) in [("", 409), ("1", 409), ("0", 201)] {
        let host = Running::start(program, &[("SCIM_UNIQUE_GROUP_NAMES", setting)]);
        let url = format!("{}/Groups", host.base);
        assert_eq!(host.send(post(&url, group(json!([])))).status(), 201);
        assert_eq!(host.send(post(&url, group(json!([])))).status(), status, "{setting}");
    }
}

/// A PATCH of a group is answered with 204, or with the group if `SCIM_GROUP_PATCH` says so.
///
/// # Panics
///
/// If that is not so.
pub fn a_group_is_shown_after_a_patch_if_that_is_set(program: &Program) {
    for (setting, status) in [("", 204), ("204", 204), ("200", 200)] {
        let host = Running::start(program, &[("SCIM_GROUP_PATCH", setting)]);
        let created = host.send(post(&format!("{}/Groups", host.base), group(json!([]))));
        let created: Value = serde_json::from_slice(created.body()).unwrap();
        let url = created["meta"]["location"].as_str().unwrap();
        let patch = json!({
            "schemas": [PATCH_OP],
            "Operations": [{ "op": "replace", "path": "displayName", "value": "shoal" }],
        });
        let mut request = post(url, patch.to_string().into_bytes());
        *request.method_mut() = Method::PATCH;
        let answer = host.send(request);
        assert_eq!(answer.status(), status, "{setting}");
        let shown: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        assert_eq!(shown["displayName"] == "shoal", status == 200, "{shown}");
        assert_eq!(answer.body().is_empty(), status == 204);
    }
}

/// Members whose id is not that of a resource are kept only with `SCIM_UNKNOWN_MEMBERS=keep`.
///
/// # Panics
///
/// If that is not so.
pub fn unknown_members_are_refused_unless_they_are_to_be_kept(program: &Program) {
    for (setting, kept) in [("", false), ("refuse", false), ("keep", true)] {
        let host = Running::start(program, &[("SCIM_UNKNOWN_MEMBERS", setting)]);
        let created =
            host.send(post(&format!("{}/Groups", host.base), group(json!([{ "value": "nobody" }]))));
        if !kept {
            assert_error(&created, 400);
            continue;
        }
        assert_eq!(created.status(), 201, "{setting}");
        let created: Value = serde_json::from_slice(created.body()).unwrap();
        let read = host.send(get(created["meta"]["location"].as_str().unwrap()));
        let read: Value = serde_json::from_slice(read.body()).unwrap();
        assert_eq!(read["members"][0]["value"], "nobody", "{read}");
    }
}
