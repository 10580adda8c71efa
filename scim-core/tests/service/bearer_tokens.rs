//! Bearer tokens: which headers are accepted, and the challenges for the others (RFC 6750).

use http::header::AUTHORIZATION;
use http::{Request, request::Parts};
use scim_core::{Authenticate, BearerTokens, Identity, Scopes};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The Authorization headers of a request, and either whose they are or the refusal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    headers: Vec<String>,
    principal: Option<String>,
    challenge: Option<String>,
    detail: Option<String>,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

fn tokens() -> BearerTokens {
    BearerTokens::new()
        .token("twice", Identity::new("first"))
        .token("secret", Identity::new("entra").in_tenant("contoso"))
        .token("", Identity::new("nobody"))
        .token("other", Identity::new("reports").with_scopes(Scopes::read_only()))
        .token("twice", Identity::new("second"))
}

fn parts(headers: &[String]) -> Parts {
    let mut request = Request::get("/Users");
    for header in headers {
        request = request.header(AUTHORIZATION, header);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn each_header_has_its_identity_or_refusal() {
    let cases: Vec<Case> = testdata::load("authenticate/bearer-tokens.json");
    assert!(cases.len() >= 15);
    let basic = scim_core::AuthenticationScheme::basic();
    let builder = scim_core::ScimService::builder().base_url("https://example.com").authentication([basic]);
    let service = builder.users(scim_core::MemoryProvider::new()).build().unwrap();
    for case in cases {
        let mut parts = parts(&case.headers);
        match pollster::block_on(service.authenticate(&mut parts, &tokens())) {
            Ok(()) => {
                let identity = parts.extensions.get::<Identity>().unwrap();
                assert_eq!(Some(&identity.principal), case.principal.as_ref(), "{}", case.name);
            }
            Err(refused) => {
                assert_eq!(refused.status(), 401, "{}", case.name);
                // The first challenge is the announced one, which is of another scheme.
                let challenge = refused.headers().get_all("www-authenticate").iter().nth(1).unwrap();
                assert_eq!(Some(challenge.to_str().unwrap()), case.challenge.as_deref(), "{}", case.name);
                let error: serde_json::Value = serde_json::from_slice(refused.body()).unwrap();
                assert_eq!(error["detail"].as_str(), case.detail.as_deref(), "{}", case.name);
                assert!(parts.extensions.get::<Identity>().is_none(), "{}", case.name);
            }
        }
    }
}

#[test]
fn a_token_has_its_whole_identity() {
    let parts = parts(&["Bearer other".to_owned()]);
    let expected = Identity::new("reports").with_scopes(Scopes::read_only());
    assert_eq!(pollster::block_on(tokens().authenticate(&parts)).unwrap(), expected);
    assert_eq!(tokens().identify(&parts.headers).unwrap(), expected);
    assert_eq!(BearerTokens::new().identify(&parts.headers).unwrap_err().status(), 401);
}

#[test]
fn neither_tokens_nor_hashes_are_in_debug_output() {
    let shown = format!("{:?}", BearerTokens::new().token("secret", Identity::new("entra")));
    assert_eq!(shown, "BearerTokens[Identity { principal: \"entra\", tenant: None, scopes: None }]");
}
