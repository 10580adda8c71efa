//! Tokens, clients, tenants, and the commands that create them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use chrono::Utc;
use http::{Method, Request};
use serde_json::{Value, json};

use super::super::fake_issuer::FakeIssuer;
use super::super::{Directory, HostProgram, MEMORY, RunningHost, run_until_refused};
use super::{origin, post_form, printed, program_with_file, send, start, status, user};

/// The time after which a revocation counts.
const REVOCATION: Duration = Duration::from_millis(5_500);

const JWT_BEARER: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

/// Checks the commands `token` and `client`, and that a running host takes up what they change.
///
/// # Panics
///
/// If the check fails.
pub fn credentials_are_created_replaced_and_revoked_by_commands(path: &'static str) {
    for sealing_key in ["", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="] {
        let directory = Directory::new();
        let program = program_with_file(path, &directory);
        let token = program.run(&["token", "create", "okta"], &[]);
        let (id, token) = (printed(&token, "id"), printed(&token, "token"));
        let client = program.run(&["client", "create", "entra", "--expires", "400d"], &[]);
        let (client_id, old_secret) = (printed(&client, "client_id"), printed(&client, "client_secret"));

        let host = start(&program, &[("SCIM_KEY", sealing_key)]);
        assert_eq!(host.greeting.len(), 1, "no token is generated: {:?}", host.greeting);
        assert_eq!((status(&host, token), status(&host, "guessed")), (200, 401));

        let url = format!("{}/oauth/token", origin(&host));
        let access_token = |secret: &str| {
            let form = format!(
                "grant_type=client_credentials&client_id={client_id}&client_secret={secret}&scope=scim"
            );
            let (status, body) = post_form(&host, &url, &form);
            (status, body["access_token"].as_str().unwrap_or_default().to_owned())
        };
        let (_, with_old) = access_token(old_secret);
        assert_eq!(with_old.matches('.').count(), if sealing_key.is_empty() { 0 } else { 2 }, "{with_old}");
        assert_eq!(status(&host, &with_old), 200);

        // The secret is replaced.
        let added = program.run(&["client", "secret", "add", client_id], &[]);
        let new_secret = printed(&added, "client_secret");
        assert_eq!((access_token(old_secret).0, access_token(new_secret).0), (200, 200));
        let (_, with_new) = access_token(new_secret);
        program.run(&["client", "secret", "remove", client_id, printed(&client, "secret_id")], &[]);
        assert_eq!((access_token(old_secret).0, access_token(new_secret).0), (401, 200));

        program.run(&["token", "revoke", id], &[]);
        std::thread::sleep(REVOCATION);
        assert_eq!(
            (status(&host, token), status(&host, &with_old), status(&host, &with_new)),
            (401, 401, 200)
        );

        let (tokens, clients) = (program.run(&["token", "list"], &[]), program.run(&["client", "list"], &[]));
        assert!(!tokens.contains("okta") && clients.contains("entra"), "{tokens}{clients}");
        for secret in [token, old_secret, new_secret] {
            assert!(!clients.contains(secret), "{clients}");
        }
        program.run(&["client", "revoke", client_id], &[]);
        assert_eq!(access_token(new_secret).0, 401);
        // There are no credentials left, so a host makes a token again.
        drop(host);
        assert_eq!(
            RunningHost::start_with(&program, &[("SCIM_LISTEN", "127.0.0.1:0")], "curl ").greeting.len(),
            3
        );
    }
}

/// Checks that a token with the scope `read` changes nothing, in a bulk request either.
///
/// # Panics
///
/// If the check fails.
pub fn a_token_that_may_read_cannot_write(path: &'static str) {
    let directory = Directory::new();
    let program = program_with_file(path, &directory);
    let token = program.run(&["token", "create", "reports", "--read-only"], &[]);
    let (token, host) = (printed(&token, "token"), start(&program, &[]));
    assert_eq!(status(&host, token), 200);
    let refused = send(&host, Method::POST, &format!("{}/Users", host.base), token, &user("bea"));
    assert_eq!(refused.status(), 403);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{ "method": "POST", "path": "/Users", "bulkId": "1", "data": user("bea") }],
    });
    let answer = send(&host, Method::POST, &format!("{}/Bulk", host.base), token, &bulk);
    assert!(matches!(answer.status().as_u16(), 200 | 403), "{answer:?}");
    let query = send(&host, Method::GET, &format!("{}/Users", host.base), token, &Value::Null);
    assert!(String::from_utf8_lossy(query.body()).contains("\"totalResults\":0"));
}

/// Serves a document at every path of a free port, until the process ends. Returns the URL.
fn serve_document(document: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head = BufReader::new(stream.try_clone().unwrap()).lines();
            // The request is read up to its empty line.
            let _ = head.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).count();
            let response = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{document}",
                document.len()
            );
            let _ = stream.write_all(response.as_bytes());
        }
    });
    url
}

/// Checks workload identity federation: a client without a secret is known by the assertions of an issuer.
///
/// # Panics
///
/// If the check fails.
pub fn federation_gives_access_tokens(path: &'static str) {
    let directory = Directory::new();
    let program = program_with_file(path, &directory);
    let issuer = FakeIssuer::at(Utc::now().timestamp(), "entra");
    let url = serve_document(issuer.jwks().to_string());
    let hosts = [("SCIM_JWKS_HOSTS", "127.0.0.1")];
    let client = program.run(&["client", "create", "entra", "--without-secret"], &hosts);
    let client_id = printed(&client, "client_id");
    let iss = "https://login.microsoftonline.com/3d1e2c4b-7a60-4f5d-9c88-0e1f2a3b4c5d/v2.0";
    let trust = [
        "client",
        "trust",
        client_id,
        "--issuer",
        iss,
        "--subject",
        "s-1",
        "--audience",
        "api://app",
        "--jwks-url",
        &url,
    ];
    // Keys are fetched from hosts that are allowed only.
    assert_eq!(run_until_refused(&program.with_arguments(&trust), &[]).0, Some(2));
    let trust = program.run(&trust, &hosts);
    let host = start(&program, &hosts);
    let claims = json!({ "iss": iss, "sub": "s-1", "aud": "api://app", "exp": { "after": 600 } });
    let assertion = issuer.sign(&json!({ "alg": "RS256" }), &claims);
    let form = format!(
        "grant_type=client_credentials&client_id={client_id}&scope=scim&client_assertion_type={JWT_BEARER}&client_assertion={assertion}"
    );
    let token_url = format!("{}/oauth/token", origin(&host));
    // It is used again until it expires.
    for _ in 0..2 {
        let (answered, body) = post_form(&host, &token_url, &form);
        assert_eq!(answered, 200, "{body}");
        assert_eq!(status(&host, body["access_token"].as_str().unwrap()), 200);
    }
    program.run(&["client", "trust", client_id, "--remove", printed(&trust, "trust_id")], &[]);
    let (refused, body) = post_form(&host, &token_url, &form);
    assert_eq!((refused, &body["error"]), (401, &json!("invalid_client")));
}

/// Checks a client that signs its assertions itself: each is accepted once.
///
/// # Panics
///
/// If the check fails.
pub fn a_client_with_its_own_keys_gets_access_tokens(path: &'static str) {
    let directory = Directory::new();
    let program = program_with_file(path, &directory);
    let keys = FakeIssuer::at(Utc::now().timestamp(), "own");
    let file = directory.0.join("keys.json");
    std::fs::write(&file, keys.jwks().to_string()).unwrap();
    let client = program.run(&["client", "create", "batch", "--without-secret"], &[]);
    let client_id = printed(&client, "client_id");
    program.run(&["client", "trust", client_id, "--own-keys", file.to_str().unwrap()], &[]);
    let host = start(&program, &[]);
    let url = format!("{}/oauth/token", origin(&host));
    let send = |jwt_id: &str| {
        let claims =
            json!({ "iss": client_id, "sub": client_id, "aud": url, "exp": { "after": 60 }, "jti": jwt_id });
        let assertion = keys.sign(&json!({ "alg": "EdDSA" }), &claims);
        let form = format!(
            "grant_type=client_credentials&client_assertion_type={JWT_BEARER}&client_assertion={assertion}"
        );
        post_form(&host, &url, &form)
    };
    let (granted, body) = send("1");
    assert_eq!(
        (granted, status(&host, body["access_token"].as_str().unwrap_or_default())),
        (200, 200),
        "{body}"
    );
    assert_eq!((send("1").0, send("2").0), (401, 200));
}

/// Checks that JWTs of the issuer of `SCIM_JWT_ISSUER` are accepted.
///
/// # Panics
///
/// If the check fails.
pub fn jwts_of_a_trusted_issuer_are_accepted(path: &'static str) {
    let issuer = FakeIssuer::at(Utc::now().timestamp(), "idp");
    let url = serve_document(issuer.jwks().to_string());
    let variables = [
        ("SCIM_JWT_ISSUER", "https://login.example.com"),
        ("SCIM_JWT_AUDIENCE", "scim"),
        ("SCIM_JWT_JWKS", url.as_str()),
        ("SCIM_JWT_SUBJECT", "svc"),
    ];
    let host = start(&HostProgram::new(path, MEMORY), &variables);
    let token = |subject: &str, audience: &str| {
        let claims = json!({ "iss": "https://login.example.com", "sub": subject, "aud": audience, "exp": { "after": 60 } });
        issuer.sign(&json!({ "alg": "ES256" }), &claims)
    };
    for (subject, audience, expected) in [("svc", "scim", 200), ("other", "scim", 401), ("svc", "other", 401)]
    {
        assert_eq!(status(&host, &token(subject, audience)), expected, "{subject} {audience}");
    }
    assert_eq!(host.greeting.len(), 1, "no token is generated: {:?}", host.greeting);
}

/// Checks that the credentials, resources and cursors of a tenant are of no use for another one.
///
/// # Panics
///
/// If the check fails.
pub fn tenants_do_not_see_each_other(path: &'static str) {
    for mode in ["path", "credential"] {
        let directory = Directory::new();
        let (program, tenants) = (program_with_file(path, &directory), [("SCIM_TENANTS", mode)]);
        let create = |tenant: &str| {
            let token = program.run(&["token", "create", "okta", "--tenant", tenant], &tenants);
            printed(&token, "token").to_owned()
        };
        let (contoso, fabrikam) = (create("contoso"), create("fabrikam"));
        let host = start(&program, &tenants);
        let base = |tenant: &str| host.base.replace("{tenant}", tenant);
        let users = |tenant: &str| format!("{}/Users", base(tenant));
        let created = send(&host, Method::POST, &users("contoso"), &contoso, &user("bea"));
        assert_eq!(created.status(), 201, "{}", String::from_utf8_lossy(created.body()));
        let location = created.headers()["location"].to_str().unwrap().to_owned();
        assert!(location.starts_with(&users("contoso")), "{location}");
        // The same name is free in another tenant.
        assert_eq!(send(&host, Method::POST, &users("fabrikam"), &fabrikam, &user("bea")).status(), 201);
        let read = |url: &str, token: &str| {
            let response = send(&host, Method::GET, url, token, &Value::Null);
            (response.status().as_u16(), String::from_utf8_lossy(response.body()).into_owned())
        };
        assert_eq!(read(&location, &contoso).0, 200);
        let foreign = location.replace("contoso", "fabrikam");
        assert_eq!(read(&foreign, &fabrikam).0, 404);
        let never = format!("{}/{}", users("fabrikam"), location.rsplit('/').next().unwrap());
        assert_eq!(read(&foreign, &fabrikam), read(&never, &fabrikam));
        if mode == "path" {
            assert_eq!(read(&users("fabrikam"), &contoso).0, 401, "the token of another tenant");
            assert_eq!(read(&users("nobody"), &contoso).0, 401, "a tenant that does not exist");
            assert_eq!(read(&format!("{}/scim/v2/Users", origin(&host)), &contoso).0, 404, "no tenant");
            let metadata = format!("{}/.well-known/oauth-protected-resource/contoso/scim/v2", origin(&host));
            assert!(read(&metadata, &contoso).1.contains(&base("contoso")));
        }
        // A cursor of one tenant is none of another.
        assert_eq!(send(&host, Method::POST, &users("contoso"), &contoso, &user("ida")).status(), 201);
        let page = read(&format!("{}?cursor&count=1", users("contoso")), &contoso).1;
        let page: Value = serde_json::from_str(&page).unwrap();
        let cursor = page["nextCursor"].as_str().unwrap();
        assert_eq!(read(&format!("{}?cursor={cursor}&count=1", users("contoso")), &contoso).0, 200);
        assert_eq!(read(&format!("{}?cursor={cursor}&count=1", users("fabrikam")), &fabrikam).0, 400);
    }
}

/// Checks that a host with tenants does not start with a credential that has none.
///
/// # Panics
///
/// If the check fails.
pub fn a_credential_without_a_tenant_is_refused_where_there_are_tenants(path: &'static str) {
    let directory = Directory::new();
    let program = program_with_file(path, &directory);
    let token = program.run(&["token", "create", "okta"], &[]);
    let tenants = [("SCIM_TENANTS", "credential"), ("SCIM_LISTEN", "127.0.0.1:0")];
    let (code, error) = run_until_refused(&program, &tenants);
    assert!(code == Some(2) && error.contains(printed(&token, "id")), "{error}");
    let create = program.with_arguments(&["token", "create", "okta"]);
    let (code, error) = run_until_refused(&create, &tenants);
    assert!(code == Some(2) && error.contains("--tenant"), "{error}");
}

/// Checks `GET /scim/token`.
///
/// # Panics
///
/// If the check fails.
pub fn the_development_token_is_off_unless_asked_for(path: &'static str) {
    let program = HostProgram::new(path, MEMORY);
    for (setting, expected) in [("0", 404), ("1", 200)] {
        let host = start(&program, &[("SCIM_DEV", setting)]);
        let get = || Request::get(format!("{}/scim/token", origin(&host)));
        let response = host.send(get().body(Vec::new()).unwrap());
        assert_eq!(response.status(), expected);
        if expected == 200 {
            let token: Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(status(&host, token["token"].as_str().unwrap()), 200);
        }
    }
    for other in [("SCIM_BEHIND_TLS_PROXY", "1"), ("SCIM_LISTEN", "0.0.0.0:0")] {
        let variables = [("SCIM_LISTEN", "127.0.0.1:0"), ("SCIM_DEV", "1"), ("SCIM_TLS", "dev"), other];
        assert_eq!(run_until_refused(&program, &variables).0, Some(2), "{other:?}");
    }
}

/// Checks `--help`, `--check`, and that a mistake in an argument is not ignored.
///
/// # Panics
///
/// If the check fails.
pub fn unknown_arguments_are_refused_and_the_help_is_complete(path: &'static str) {
    let program = HostProgram::new(path, MEMORY);
    for arguments in [&["--lisen", "127.0.0.1:0"][..], &["deploy"], &["token"], &["--rate", "1"]] {
        let (code, error) = run_until_refused(&program.with_arguments(arguments), &[]);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
    }
    let secret = "marked-token-of-the-environment";
    let help = program.run(&["--help"], &[("SCIM_TOKEN", secret)]);
    assert!(help.contains("--tls-cert") && !help.contains(secret) && help.lines().count() < 70, "{help}");
    assert!(program.run(&["--check"], &[]).contains("the options are valid"));
    let output = Command::new(path).args(["--check", "--listen", "nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let mut text = String::new();
    output.stderr.as_slice().read_to_string(&mut text).unwrap();
    assert!(text.contains("SCIM_LISTEN must be an address"), "{text}");
}
