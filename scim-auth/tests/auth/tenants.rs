//! Credentials of several tenants.

use scim_auth::{Auth, MemoryCredentials, NewClient, NewToken, NewTrust};
use serde_json::json;

use crate::support::{FakeIssuer, access_token, basic, body, client_with_secret, post, principal, start};

const BY_PATH: &str = "https://app.example.com/{tenant}/scim/v2";

#[test]
fn a_credential_works_at_the_path_of_its_tenant_only() {
    for sealing_key in [None, Some("a".repeat(64))] {
        let builder = Auth::builder(BY_PATH, MemoryCredentials::new());
        let builder = match &sealing_key {
            Some(key) => builder.sealing_key(key.parse().unwrap()),
            None => builder,
        };
        let auth = builder.build().unwrap();
        let (contoso, fabrikam) = (auth.in_tenant("contoso"), auth.in_tenant("fabrikam"));

        let new = NewToken::new("okta").in_tenant("contoso");
        let (_, token) = pollster::block_on(auth.credentials().create_token(new, start())).unwrap();
        assert_eq!(principal(&contoso, token.expose(), start()).unwrap(), "okta");
        // The same answer as for a token that nobody has.
        let unknown = principal(&fabrikam, "scim_guessed", start()).unwrap_err();
        assert_eq!(principal(&fabrikam, token.expose(), start()).unwrap_err(), unknown);
        assert_eq!(principal(&auth, token.expose(), start()).unwrap_err(), unknown);

        let (client, secret) = client_with_secret(&auth, NewClient::new("entra").in_tenant("contoso"));
        let authorization = basic(&client.id, secret.expose());
        let form = "grant_type=client_credentials";
        let access = access_token(&contoso, &authorization, form, start());
        assert_eq!(principal(&contoso, &access, start()).unwrap(), "entra");
        assert_eq!(principal(&fabrikam, &access, start()).unwrap_err().0, 401);
        let refused = post(&fabrikam, &authorization, form, start());
        let nobody = post(&fabrikam, &basic("nobody", secret.expose()), form, start());
        assert_eq!((refused.status().as_u16(), body(&refused)), (401, body(&nobody)));
    }
}

#[test]
fn a_federation_of_one_tenant_is_no_use_for_another() {
    let issuer = FakeIssuer::at(start().timestamp(), "idp");
    let jwks = issuer.jwks();
    let fetch = move |_: &str| -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(jwks.to_string().into_bytes())
    };
    let auth = Auth::builder(BY_PATH, MemoryCredentials::new()).fetch_keys(fetch).build().unwrap();
    let add = |tenant: &str, audience: &str| {
        pollster::block_on(async {
            let client = auth
                .credentials()
                .create_client(NewClient::new("entra").in_tenant(tenant), start())
                .await
                .unwrap();
            let trust = NewTrust::federated(
                "https://idp.example.com",
                tenant,
                audience,
                "https://idp.example.com/keys",
            );
            auth.credentials().add_trust(&client.id, trust, start()).await.unwrap();
            client.id
        })
    };
    let (of_contoso, of_fabrikam) = (add("contoso", "scim"), add("fabrikam", "scim"));
    let claims =
        json!({ "iss": "https://idp.example.com", "sub": "contoso", "aud": "scim", "exp": { "after": 600 } });
    let assertion = issuer.sign(&json!({ "alg": "ES256" }), &claims);
    let status = |tenant: &str, client_id: &str| {
        let form = format!(
            "grant_type=client_credentials{client_id}&client_assertion={assertion}\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        );
        post(&auth.in_tenant(tenant), "", &form, start()).status().as_u16()
    };
    assert_eq!(status("contoso", &format!("&client_id={of_contoso}")), 200);
    assert_eq!(status("contoso", ""), 200);
    assert_eq!(status("fabrikam", ""), 401);
    assert_eq!(status("fabrikam", &format!("&client_id={of_fabrikam}")), 401);
    assert_eq!(status("contoso", &format!("&client_id={of_fabrikam}")), 401);
}

#[test]
fn a_credential_without_a_tenant_is_refused_where_tenants_are_required() {
    let url = "https://app.example.com/scim/v2";
    let auth = Auth::builder(url, MemoryCredentials::new()).require_tenant().build().unwrap();
    let token = |new| pollster::block_on(auth.credentials().create_token(new, start())).unwrap().1;
    assert_eq!(principal(&auth, token(NewToken::new("okta")).expose(), start()).unwrap_err().0, 401);
    assert!(principal(&auth, token(NewToken::new("okta").in_tenant("contoso")).expose(), start()).is_ok());
    let (client, secret) = client_with_secret(&auth, NewClient::new("entra"));
    assert_eq!(
        post(&auth, &basic(&client.id, secret.expose()), "grant_type=client_credentials", start()).status(),
        401
    );
}
