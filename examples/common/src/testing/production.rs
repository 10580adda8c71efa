//! Checks what a host needs in production: credentials, tenants, limits, TLS, logs and an orderly end.

mod credentials;
mod limits;
mod operation;
mod pages;
mod tls;

pub use credentials::*;
pub use limits::*;
pub use operation::*;
pub use pages::*;
pub use tls::*;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response};
use scim_core::schema::standard;
use serde_json::{Value, json};

use super::{Directory, HostProgram, RunningHost};

/// Defines a test for each check of this module, of the program with this path.
#[macro_export]
macro_rules! production_tests {
    ($program:expr) => {
        $crate::production_tests! {
            $program;
            credentials_are_created_replaced_and_revoked_by_commands
            a_token_that_may_read_cannot_write
            federation_gives_access_tokens
            a_client_with_its_own_keys_gets_access_tokens
            jwts_of_a_trusted_issuer_are_accepted
            tenants_do_not_see_each_other
            a_credential_without_a_tenant_is_refused_where_there_are_tenants
            the_development_token_is_off_unless_asked_for
            unknown_arguments_are_refused_and_the_help_is_complete
            a_flood_of_one_tenant_leaves_others_alone
            wrong_credentials_are_limited_by_address
            slow_clients_are_cut_off
            connections_that_send_nothing_keep_nobody_out
            slow_requests_are_ended_and_further_ones_refused
            only_allowed_networks_may_send_requests
            tls_has_modern_versions_only
            a_certificate_is_replaced_without_a_failed_request
            logs_and_metrics_have_no_secrets
            administrators_see_health_and_metrics
            the_pages_of_administrators_need_a_token
            requests_are_finished_before_the_host_stops
            the_host_recovers_when_the_database_is_back
        }
    };
    ($program:expr; $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $crate::testing::production::$check($program);
            }
        )*
    };
}

/// A host program with a database in a new file.
fn program_with_file(path: &'static str, directory: &Directory) -> HostProgram {
    HostProgram::new(path, format!("sqlite:{}", directory.0.join("scim.db").display()))
}

/// Starts a host without `SCIM_TOKEN`.
fn start(program: &HostProgram, variables: &[(&str, &str)]) -> RunningHost {
    let all = [&[("SCIM_LISTEN", "127.0.0.1:0")], variables].concat();
    RunningHost::start_with(program, &all, "listening on ")
}

/// The value of a line such as `token=..`.
fn printed<'o>(output: &'o str, name: &str) -> &'o str {
    let line = output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    line.unwrap_or_else(|| panic!("no {name} in {output}"))
}

/// The URL of a host without the path of the service.
fn origin(host: &RunningHost) -> String {
    host.base.replace("/{tenant}", "").replace("/scim/v2", "")
}

/// Sends a request with a bearer token.
fn send(host: &RunningHost, method: Method, url: &str, token: &str, body: &Value) -> Response<Vec<u8>> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(url).header(AUTHORIZATION, format!("Bearer {token}"));
    host.send(request.header(CONTENT_TYPE, "application/scim+json").body(body).unwrap())
}

/// The status of a query with a bearer token.
fn status(host: &RunningHost, token: &str) -> u16 {
    send(host, Method::GET, &format!("{}/Users?count=1", host.base), token, &Value::Null).status().as_u16()
}

/// Posts a form to the token endpoint at this URL.
fn post_form(host: &RunningHost, url: &str, form: &str) -> (u16, Value) {
    let request = Request::post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    // The host of the tests adds a token to requests without an Authorization header.
    let request = request.extension(testdata::transcript::Anonymous).body(form.as_bytes().to_vec());
    let response = host.send(request.unwrap());
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}

fn user(name: &str) -> Value {
    json!({ "schemas": [standard::USER], "userName": name })
}

/// Sets a flag when it is dropped, so that other threads end if this one panics.
struct SetOnDrop<'f>(&'f std::sync::atomic::AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
