//! The metadata of the issuer and of the service, and the development token.

use scim_auth::{Auth, MemoryCredentials};
use scim_core::{Error, MemoryProvider, ScimService};
use serde_json::{Value, json};

use crate::support::{after, bearer, body, principal, start};

fn get(auth: &Auth, path: &str) -> Option<Value> {
    let (parts, ()) = http::Request::get(path).body(()).unwrap().into_parts();
    pollster::block_on(auth.respond(&parts, b"", start())).map(|response| {
        assert_eq!(response.status(), 200, "{path}");
        body(&response)
    })
}

#[test]
fn metadata_is_at_the_well_known_paths() {
    let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new())
        .documentation_uri("https://docs.example.com/scim")
        .build()
        .unwrap();
    let issuer = get(&auth, "/.well-known/oauth-authorization-server").unwrap();
    assert_eq!(issuer["issuer"], "https://app.example.com");
    assert_eq!(issuer["token_endpoint"], "https://app.example.com/oauth/token");
    assert_eq!((issuer.get("jwks_uri"), &issuer["response_types_supported"]), (None, &json!([])));
    let resource = get(&auth, "/.well-known/oauth-protected-resource/scim/v2").unwrap();
    assert_eq!(resource["resource"], "https://app.example.com/scim/v2");
    assert_eq!(resource["authorization_servers"], json!(["https://app.example.com"]));
    assert_eq!(resource["resource_documentation"], "https://docs.example.com/scim");
    for path in [
        "/",
        "/scim/v2/Users",
        "/oauth",
        "/oauth/jwks",
        "/.well-known/oauth-protected-resource",
        "/oauth/token/",
    ] {
        assert_eq!(get(&auth, path), None, "{path}");
    }
}

#[test]
fn metadata_of_a_tenant_has_its_path() {
    let auth = Auth::builder("https://app.example.com/{tenant}/scim/v2", MemoryCredentials::new())
        .sealing_key("a".repeat(64).parse().unwrap())
        .build()
        .unwrap();
    let issuer = get(&auth, "/.well-known/oauth-authorization-server/contoso").unwrap();
    assert_eq!(issuer["issuer"], "https://app.example.com/contoso");
    assert_eq!(issuer["jwks_uri"], "https://app.example.com/contoso/oauth/jwks");
    let resource = get(&auth, "/.well-known/oauth-protected-resource/contoso/scim/v2").unwrap();
    assert_eq!(resource["resource"], "https://app.example.com/contoso/scim/v2");
    assert_eq!(get(&auth, "/contoso/oauth/jwks").unwrap()["keys"].as_array().unwrap().len(), 1);
    assert_eq!(get(&auth.in_tenant("contoso"), "/fabrikam/oauth/jwks"), None);
    assert_eq!(get(&auth, "/oauth/jwks"), None);

    let service = ScimService::builder()
        .base_url("https://app.example.com/scim/v2")
        .users(MemoryProvider::new())
        .authentication(auth.schemes())
        .build()
        .unwrap();
    let refused = auth.in_tenant("contoso");
    let refusal = pollster::block_on(refused.identify(&bearer("guessed"), start())).unwrap_err();
    let response = service.error_response(&Error::from(refusal));
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    let metadata = "https://app.example.com/.well-known/oauth-protected-resource/contoso/scim/v2";
    assert!(
        challenge.contains(&format!("resource_metadata=\"{metadata}\", error=\"invalid_token\"")),
        "{challenge}"
    );
}

#[test]
fn metadata_is_read_only() {
    let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new()).build().unwrap();
    let send = |method: &str| {
        let request = http::Request::builder().method(method).uri("/.well-known/oauth-authorization-server");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let response = pollster::block_on(auth.respond(&parts, b"", start())).unwrap();
        (response.status().as_u16(), response.body().is_empty())
    };
    assert_eq!([send("GET"), send("HEAD"), send("POST")], [(200, false), (200, true), (405, false)]);
}

#[test]
fn the_service_announces_both_ways_and_challenges_with_the_metadata() {
    let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new()).build().unwrap();
    let service = ScimService::builder()
        .base_url("https://app.example.com/scim/v2")
        .users(MemoryProvider::new())
        .authentication(auth.schemes())
        .public_discovery()
        .build()
        .unwrap();
    let send = |path: &str, authorization: &str| {
        let request = http::Request::get(path).header("authorization", authorization);
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        pollster::block_on(async {
            match service.authenticate(&mut parts, &auth).await {
                Ok(()) => service.handle(http::Request::from_parts(parts, b"")).await,
                Err(refused) => refused,
            }
        })
    };
    let config = body(&send("/ServiceProviderConfig", ""));
    let types: Vec<&str> = config["authenticationSchemes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scheme| scheme["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["oauth2", "oauthbearertoken"]);
    assert_eq!(config["authenticationSchemes"][0]["primary"], true);

    let metadata = "https://app.example.com/.well-known/oauth-protected-resource/scim/v2";
    let begin = format!("Bearer realm=\"scim\", resource_metadata=\"{metadata}\"");
    let missing = send("/Users", "");
    assert_eq!(
        (missing.status().as_u16(), missing.headers()["www-authenticate"].to_str().unwrap()),
        (401, begin.as_str())
    );
    let wrong = send("/Users", "Bearer guessed");
    let challenge = wrong.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with(&begin) && challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert!(challenge.contains("error_description=\"the bearer token is not known here"), "{challenge}");
    let scim: Value = body(&wrong);
    assert_eq!(scim["detail"], "the bearer token is not known here; it may have been revoked");
}

#[test]
fn the_development_token_is_for_this_machine_and_two_hours() {
    let auth = Auth::builder("http://127.0.0.1:8080/scim/v2", MemoryCredentials::new()).build().unwrap();
    let send = |method: &str, uri: &str, host: &str| {
        let request = http::Request::builder().method(method).uri(uri).header("host", host);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        pollster::block_on(auth.development_token(&parts, start()))
    };
    let response = send("GET", "/scim/token", "127.0.0.1:8080");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["cache-control"]),
        (200, &"no-store".parse().unwrap())
    );
    let answer = body(&response);
    let token = answer["token"].as_str().unwrap();
    assert_eq!(
        (principal(&auth, token, after(7199)).unwrap().as_str(), &answer["expires_in"]),
        ("development", &json!(7200))
    );
    assert!(principal(&auth, token, after(7200)).is_err());

    assert_eq!(send("GET", "http://localhost:8080/scim/token", "").status(), 200);
    let forwarded =
        http::Request::get("/scim/token").header("host", "localhost").header("x-forwarded-for", "192.0.2.1");
    let (parts, ()) = forwarded.body(()).unwrap().into_parts();
    assert_eq!(pollster::block_on(auth.development_token(&parts, start())).status(), 403);
    for (method, uri, host, status) in [
        ("GET", "/scim/token", "rebound.example.com", 403),
        ("GET", "/scim/token", "", 403),
        ("GET", "http://rebound.example.com/scim/token", "localhost", 403),
        ("POST", "/scim/token", "localhost", 405),
    ] {
        assert_eq!(send(method, uri, host).status(), status, "{method} {uri} {host}");
    }
}
