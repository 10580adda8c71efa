//! Checks what a host adds to the service: settings, authentication, limits and shutdown.

use std::process::Command;

use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use scim_core::schema::standard;
use serde_json::{Value, json};

pub use super::load::*;
pub use super::protocol_upgrade::*;
use super::{HostProgram, Protocol, RunningHost, assert_error, run_until_refused};

/// Defines a test for each check of this module, of the program with this path, on the memory provider and on SQLite.
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
            requests_without_the_token_get_401
            the_printed_curl_line_works
            a_body_that_is_too_large_gets_413
            all_paths_below_the_mount_path_reach_the_service
            responses_use_the_configured_base_url
            invalid_settings_end_the_host_with_exit_code_2
            invalid_settings_of_groups_end_the_host_with_exit_code_2
            other_machines_can_connect_behind_a_proxy
            the_profile_sets_the_tolerated_deviations
            group_names_are_unique_unless_configured_otherwise
            a_patch_of_a_group_returns_the_group_if_configured
            unknown_members_are_refused_unless_configured_otherwise
            a_protocol_upgrade_is_ignored
            the_body_of_a_request_with_an_upgrade_is_read
            connect_is_refused
            refused_connect_requests_leave_no_open_connections
            expensive_patches_are_limited
            expensive_searches_are_limited
        }
        #[cfg(unix)]
        $crate::host_tests! { $program, $database; signals_stop_the_host }
    };
    ($program:expr, $database:expr; $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $crate::testing::host::$check(&$crate::testing::HostProgram::new($program, $database));
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

/// Checks that requests without the token are answered with 401.
///
/// # Panics
///
/// If the check fails.
pub fn requests_without_the_token_get_401(program: &HostProgram) {
    let host = RunningHost::start(program, &[]);
    let url = format!("{}/Users", host.base);
    assert_eq!(host.send(get(&url)).status(), 200);
    let metadata = host.base.replace("/scim/v2", "/.well-known/oauth-protected-resource/scim/v2");
    let missing = format!("Bearer realm=\"scim\", resource_metadata=\"{metadata}\"");
    let reason = "the bearer token is not known here; it may have been revoked";
    let invalid = format!("{missing}, error=\"invalid_token\", error_description=\"{reason}\"");
    let (missing, invalid) = (missing.as_str(), invalid.as_str());
    for (header, challenge) in [
        ("", missing),
        ("Bearer", missing),
        ("Basic token-of-the-tests", missing),
        ("Bearer wrong", invalid),
        ("Bearer token-of-the-tests2", invalid),
    ] {
        let mut request = get(&url);
        request.headers_mut().insert(AUTHORIZATION, header.parse().unwrap());
        let response = host.send(request);
        assert_error(&response, 401);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], challenge, "{header}");
    }
}

/// Checks that a host without a configured token prints a `curl` line that works.
///
/// # Panics
///
/// If the check fails.
pub fn the_printed_curl_line_works(program: &HostProgram) {
    let host = RunningHost::start_with(program, &[("SCIM_LISTEN", "127.0.0.1:0")], "curl ");
    let line = host.greeting.last().unwrap();
    let (_, token) = line.split_once("Bearer ").unwrap();
    let (token, url) = token.split_once("\" \"").unwrap();
    let url = url.strip_suffix('"').unwrap();
    let request =
        Request::get(url).header(AUTHORIZATION, format!("Bearer {token}")).body(Vec::new()).unwrap();
    assert_eq!(host.send(request).status(), 200);
    // Also run curl, if it is installed.
    if let Ok(output) = Command::new("sh").args(["-c", &format!("{line} --silent --fail")]).output()
        && output.status.code() != Some(127)
    {
        assert!(output.status.success(), "{line}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("\"totalResults\":0"));
    }
}

/// Checks that a body beyond the limit is answered with 413, and read to its end.
///
/// # Panics
///
/// If the check fails.
pub fn a_body_that_is_too_large_gets_413(program: &HostProgram) {
    let host = RunningHost::start(program, &[]);
    let url = format!("{}/Users", host.base);
    let mut user = br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea"}"#.to_vec();
    user.resize(1024 * 1024, b' ');
    assert_eq!(host.send(post(&url, user.clone())).status(), 201, "a body of exactly the maximum size");
    user.push(b' ');
    assert_error(&host.send(post(&url, user)), 413);
    let large = vec![b' '; 20_000_000];
    assert_error(&host.send(post(&url, large.clone())), 413);
    assert_error(&host.send_with(Protocol::Http2, post(&url, large.clone())), 413);
    let mut unauthorized = post(&url, large);
    unauthorized.headers_mut().insert(AUTHORIZATION, "Bearer wrong".parse().unwrap());
    assert_error(&host.send(unauthorized), 401);
}

/// Checks that the service answers all paths below the mount path with both protocols, and no other paths.
///
/// # Panics
///
/// If the check fails.
pub fn all_paths_below_the_mount_path_reach_the_service(program: &HostProgram) {
    let host = RunningHost::start(program, &[]);
    for path in ["/Users", "/Users/", "/users", "", "/"] {
        let url = format!("{}{path}", host.base);
        for protocol in [Protocol::Http1, Protocol::Http2] {
            assert_eq!(host.send_with(protocol, get(&url)).status(), 200, "{url} {protocol:?}");
        }
    }
    assert_error(&host.send(get(&format!("{}/Nothing", host.base))), 404);
    let not_mounted = host.base.replace("/scim/v2", "/elsewhere");
    assert_eq!(host.send(get(&not_mounted)).status(), 404);
}

/// Checks that URLs in responses begin with `SCIM_BASE_URL`.
///
/// # Panics
///
/// If the check fails.
pub fn responses_use_the_configured_base_url(program: &HostProgram) {
    let host = RunningHost::start(program, &[("SCIM_BASE_URL", "https://id.example.com/tenant/scim/")]);
    let response = host.send(get(&format!("{}/ServiceProviderConfig", host.base)));
    let body = String::from_utf8_lossy(response.body());
    assert!(body.contains("\"https://id.example.com/tenant/scim/ServiceProviderConfig\""), "{body}");
}

/// Checks that SIGTERM and SIGINT end the host with exit code 0.
///
/// # Panics
///
/// If the check fails.
pub fn signals_stop_the_host(program: &HostProgram) {
    for signal in ["TERM", "INT"] {
        let host = RunningHost::start(program, &[]);
        assert_eq!(host.send(get(&format!("{}/Users", host.base))).status(), 200);
        assert_eq!(host.stop(signal).code(), Some(0), "SIG{signal}");
    }
}

/// Checks that a host with an invalid setting ends and prints why, without secrets.
///
/// # Panics
///
/// If the check fails.
pub fn invalid_settings_end_the_host_with_exit_code_2(program: &HostProgram) {
    let cases = [
        ("SCIM_LISTEN", "0.0.0.0:0", "SCIM_BEHIND_TLS_PROXY=1"),
        ("SCIM_LISTEN", "somewhere", "SCIM_LISTEN"),
        ("DATABASE_URL", "mysql://scim:secret@localhost/scim", "not `mysql:`"),
        ("SCIM_PROFILE", "loose", "lenient, interop or strict"),
        ("SCIM_BASE_URL", "example.com/scim", "base URL must be absolute"),
    ];
    assert_refused(program, &cases);
}

/// Checks that a host with an invalid setting of groups ends and prints why.
///
/// # Panics
///
/// If the check fails.
pub fn invalid_settings_of_groups_end_the_host_with_exit_code_2(program: &HostProgram) {
    let cases = [
        ("SCIM_UNIQUE_GROUP_NAMES", "yes", "SCIM_UNIQUE_GROUP_NAMES must be 0 or 1"),
        ("SCIM_GROUP_PATCH", "202", "SCIM_GROUP_PATCH must be 204 or 200, not `202`"),
        ("SCIM_UNKNOWN_MEMBERS", "drop", "SCIM_UNKNOWN_MEMBERS must be refuse or keep, not `drop`"),
    ];
    assert_refused(program, &cases);
}

/// Checks that a host ends with code 2 if a variable has a value, and prints a reason without secrets.
fn assert_refused(program: &HostProgram, cases: &[(&str, &str, &str)]) {
    for &(name, value, reason) in cases {
        let (code, error) = run_until_refused(program, &[("SCIM_LISTEN", "127.0.0.1:0"), (name, value)]);
        assert_eq!(code, Some(2), "{name}={value}: {error}");
        assert!(error.contains(reason) && !error.contains("secret@"), "{error}");
    }
}

/// Checks that a host listens on a public address with `SCIM_BEHIND_TLS_PROXY=1`.
///
/// # Panics
///
/// If the check fails.
pub fn other_machines_can_connect_behind_a_proxy(program: &HostProgram) {
    let host = RunningHost::start(program, &[("SCIM_LISTEN", "0.0.0.0:0"), ("SCIM_BEHIND_TLS_PROXY", "1")]);
    assert_eq!(host.send(get(&format!("{}/Users", host.base))).status(), 200);
}

/// Checks that `SCIM_PROFILE` sets the tolerated deviations.
///
/// # Panics
///
/// If the check fails.
pub fn the_profile_sets_the_tolerated_deviations(program: &HostProgram) {
    // Entra ID sends booleans like this.
    let user =
        br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea","active":"True"}"#;
    for (profile, status) in [("", 201), ("lenient", 201), ("interop", 400), ("strict", 400)] {
        let host = RunningHost::start(program, &[("SCIM_PROFILE", profile)]);
        let answer = host.send(post(&format!("{}/Users", host.base), user.to_vec()));
        assert_eq!(answer.status(), status, "{profile}: {}", String::from_utf8_lossy(answer.body()));
    }
}

fn group(members: Value) -> Vec<u8> {
    json!({ "schemas": [standard::GROUP], "displayName": "reef", "members": members })
        .to_string()
        .into_bytes()
}

/// Checks that two groups can have the same name only with `SCIM_UNIQUE_GROUP_NAMES=0`.
///
/// # Panics
///
/// If the check fails.
pub fn group_names_are_unique_unless_configured_otherwise(program: &HostProgram) {
    for (setting, status) in [("", 409), ("1", 409), ("0", 201)] {
        let host = RunningHost::start(program, &[("SCIM_UNIQUE_GROUP_NAMES", setting)]);
        let url = format!("{}/Groups", host.base);
        assert_eq!(host.send(post(&url, group(json!([])))).status(), 201);
        assert_eq!(host.send(post(&url, group(json!([])))).status(), status, "{setting}");
    }
}

/// Checks that a PATCH of a group is answered with 204, or with the group if `SCIM_GROUP_PATCH` is 200.
///
/// # Panics
///
/// If the check fails.
pub fn a_patch_of_a_group_returns_the_group_if_configured(program: &HostProgram) {
    for (setting, status) in [("", 204), ("204", 204), ("200", 200)] {
        let host = RunningHost::start(program, &[("SCIM_GROUP_PATCH", setting)]);
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
        let returned: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        assert_eq!(returned["displayName"] == "shoal", status == 200, "{returned}");
        assert_eq!(answer.body().is_empty(), status == 204);
    }
}

/// Checks that members that are not resources are kept only with `SCIM_UNKNOWN_MEMBERS=keep`.
///
/// # Panics
///
/// If the check fails.
pub fn unknown_members_are_refused_unless_configured_otherwise(program: &HostProgram) {
    for (setting, kept) in [("", false), ("refuse", false), ("keep", true)] {
        let host = RunningHost::start(program, &[("SCIM_UNKNOWN_MEMBERS", setting)]);
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
