//! Authentication before the body is read: refusals with their headers, and requests that need no identity.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Request, Response};
use scim_core::{
    Authenticate, AuthenticationScheme, BearerTokens, Challenge, Identity, MemoryProvider, Refusal,
    ScimService, ScimServiceBuilder,
};
use serde_json::{Value, json};

use crate::client::json_of;

fn builder() -> ScimServiceBuilder {
    ScimService::builder().base_url("https://example.com/scim/v2").users(MemoryProvider::new())
}

fn parts(method: &str, path: &str) -> Parts {
    Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0
}

/// The response to a request that is refused.
fn refused(
    service: &ScimService,
    method: &str,
    refuse: impl Fn() -> Refusal + Send + Sync,
) -> Response<Vec<u8>> {
    let refuse = |_: &Parts| Err(refuse());
    pollster::block_on(service.authenticate(&mut parts(method, "/Users"), &refuse)).unwrap_err()
}

fn challenges(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

/// A refusal, its status, its detail, its challenges, and its `Retry-After`.
type RefusalCase<'a> = (fn() -> Refusal, u16, &'a str, &'a [&'a str], Option<&'a str>);

#[test]
fn a_refusal_is_a_scim_error_with_the_headers_of_its_status() {
    let service = builder().build().unwrap();
    let expired = || {
        let challenge = Challenge::bearer().error("invalid_token").error_description("expired");
        Refusal::unauthorized(challenge).with_detail("the token has expired").with_source("clock")
    };
    let no_credentials = || Refusal::unauthorized(Challenge::bearer());
    let ended = || Refusal::forbidden("the contract has ended");
    let plain = "Bearer realm=\"scim\"";
    let invalid = "Bearer realm=\"scim\", error=\"invalid_token\", error_description=\"expired\"";
    let later = "authentication is not available; try again later";
    let cases: [RefusalCase<'_>; 5] = [
        (expired, 401, "the token has expired", &[invalid], None),
        (no_credentials, 401, "authentication is required", &[plain], None),
        (ended, 403, "the contract has ended", &[], None),
        (|| Refusal::too_many_requests(7), 429, "too many requests; try again later", &[], Some("7")),
        (|| Refusal::unavailable(30), 503, later, &[], Some("30")),
    ];
    for (refuse, status, detail, expected, retry_after) in cases {
        assert_eq!((refuse().status().as_u16(), refuse().detail()), (status, detail));
        let response = refused(&service, "GET", refuse);
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "application/scim+json");
        assert_eq!(challenges(response.headers()), expected);
        let header = response.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(header, retry_after);
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"];
        let error = json!({ "schemas": schemas, "status": status.to_string(), "detail": detail });
        assert_eq!(json_of(&response), error);
    }
}

#[test]
fn the_response_to_head_has_no_body() {
    let service = builder().build().unwrap();
    let response = refused(&service, "HEAD", || Refusal::forbidden("no"));
    assert!(response.body().is_empty() && response.headers()["content-length"] != "0");
}

#[test]
fn challenges_are_joined_with_the_announced_ones_of_their_scheme() {
    let schemes = || [AuthenticationScheme::bearer(), AuthenticationScheme::basic()];
    let service = builder().authentication(schemes()).build().unwrap();
    let refuse = || {
        let invalid = Refusal::unauthorized(Challenge::bearer().error("invalid_token"));
        invalid.with_challenge(Challenge::new("Negotiate"))
    };
    assert_eq!(
        challenges(refused(&service, "GET", refuse).headers()),
        ["Bearer realm=\"scim\", error=\"invalid_token\"", "Basic realm=\"scim\"", "Negotiate"]
    );
    // A refusal without challenges gets none.
    let forbidden = || Refusal::forbidden("no").with_challenge(Challenge::bearer());
    assert!(challenges(refused(&service, "GET", forbidden).headers()).is_empty());
}

#[test]
fn a_refusal_with_401_is_no_obstacle_where_no_identity_is_needed() {
    let tokens = BearerTokens::new();
    let closed = builder().build().unwrap();
    let discovery = builder().public_discovery().build().unwrap();
    let open = builder().allow_anonymous().build().unwrap();
    for (service, users, schemas) in [(&closed, 401, 401), (&discovery, 401, 200), (&open, 200, 200)] {
        for (path, expected) in [("/Users", users), ("/scim/v2/Schemas", schemas)] {
            let mut parts = parts("GET", path);
            // Middleware must not be able to leave an identity that the authentication refuses.
            parts.extensions.insert(Identity::new("left"));
            let status = match pollster::block_on(service.authenticate(&mut parts, &tokens)) {
                Err(refused) => refused.status().as_u16(),
                Ok(()) => {
                    assert!(parts.extensions.get::<Identity>().is_none());
                    pollster::block_on(service.handle(Request::from_parts(parts, ""))).status().as_u16()
                }
            };
            assert_eq!(status, expected, "{path}");
        }
        for refuse in
            [|| Refusal::forbidden("no"), || Refusal::too_many_requests(1), || Refusal::unavailable(1)]
        {
            let refuse = |_: &Parts| Err(refuse());
            let mut parts = parts("GET", "/Schemas");
            assert!(pollster::block_on(service.authenticate(&mut parts, &refuse)).is_err());
        }
    }
}

#[test]
fn the_identity_is_that_of_the_authentication() {
    let service = builder().build().unwrap();
    let from_header = |parts: &Parts| match parts.headers.get("x-client") {
        Some(name) => Ok(Identity::new(name.to_str().unwrap())),
        None => Err(Refusal::forbidden("no client")),
    };
    // An authentication may also rely on middleware.
    let from_middleware = |parts: &Parts| Ok(parts.extensions.get::<Identity>().cloned().unwrap());
    let shared: Arc<dyn Authenticate> = Arc::new(from_header);
    let boxed: Box<dyn Authenticate> = Box::new(Arc::clone(&shared));
    let all: [(&dyn Authenticate, &str); 5] = [
        (&from_header, "header"),
        (&Arc::new(from_header), "header"),
        (&shared, "header"),
        (&boxed, "header"),
        (&from_middleware, "middleware"),
    ];
    for (authenticate, expected) in all {
        let mut parts = parts("GET", "/Users");
        parts.headers.insert("x-client", "header".parse().unwrap());
        parts.extensions.insert(Identity::new("middleware"));
        assert!(pollster::block_on(service.authenticate(&mut parts, authenticate)).is_ok());
        assert_eq!(parts.extensions.get::<Identity>().unwrap().principal, expected);
    }
}

#[test]
fn the_cause_of_a_refusal_is_for_the_log_only() {
    let refusal = || Refusal::unavailable(1).with_source(std::io::Error::other("directory down"));
    assert!(format!("{:?}", refusal()).contains("directory down"));
    assert_eq!(std::error::Error::source(&refusal()).unwrap().to_string(), "directory down");
    assert!(!refusal().to_string().contains("directory"));
    let service = builder().build().unwrap();
    let answer: Value = json_of(&refused(&service, "GET", refusal));
    assert!(!answer.to_string().contains("directory"));
}
