//! The token endpoint: OAuth 2.0 client credentials (RFC 6749 section 4.4).

mod assertion;
mod authenticated_client;
mod client;
mod error;
mod parameters;
mod scope;

use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::json;

use crate::access_tokens::Grant;
use crate::json_response::not_stored;
use crate::{Auth, Error};

use error::TokenError;
use parameters::{MAX_BODY, Parameters};

pub use client::claimed_client_id;

/// Gives access tokens to clients: the grant `client_credentials` (RFC 6749 section 4.4) for clients that authenticate with
/// their secret, by HTTP Basic or in the form (section 2.3.1), or with a signed assertion (RFC 7523 section 2.2), which Entra
/// ID calls workload identity federation.
///
/// The host serves it at `POST /oauth/token` of the origin of the base URL, or at `/{tenant}/oauth/token` where each tenant has
/// a path; [`Auth::respond`] does that too.
///
/// ```
/// use chrono::Utc;
/// use scim_auth::{Auth, MemoryCredentials, NewClient, NewSecret};
///
/// # pollster::block_on(async {
/// let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new()).build()?;
/// let client = auth.credentials().create_client(NewClient::new("entra"), Utc::now()).await?;
/// let (_, secret) = auth.credentials().add_secret(&client.id, NewSecret::new(), Utc::now()).await?;
///
/// let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", client.id, secret.expose());
/// let request = http::Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
/// let (parts, ()) = request.body(())?.into_parts();
/// let response = auth.token_endpoint().answer(&parts, form.as_bytes(), Utc::now()).await;
/// assert_eq!(response.status(), 200);
/// let answer: serde_json::Value = serde_json::from_slice(response.body())?;
/// assert_eq!((&answer["token_type"], &answer["expires_in"]), (&"Bearer".into(), &3600.into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # Errors
///
/// Those of RFC 6749 section 5.2, as JSON with an `error_description` that says what to do. A client that is not known, or
/// whose secret or assertion is wrong, gets `invalid_client` with status 401. The host should limit how often an address may
/// fail, and never lock a client because others have tried its id.
#[derive(Clone, Debug)]
pub struct TokenEndpoint(Auth);

impl Auth {
    /// The token endpoint (RFC 6749 section 3.2).
    pub fn token_endpoint(&self) -> TokenEndpoint {
        TokenEndpoint(self.clone())
    }
}

impl TokenEndpoint {
    /// The longest body that it accepts, in bytes. The host should stop reading there.
    pub fn max_body(&self) -> usize {
        MAX_BODY
    }

    /// Answers a request for an access token.
    pub async fn answer(&self, parts: &Parts, body: &[u8], now: DateTime<Utc>) -> Response<Vec<u8>> {
        match self.grant(parts, body, now).await {
            Ok(response) => response,
            Err(error) => error.response(),
        }
    }

    async fn grant(
        &self,
        parts: &Parts,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Response<Vec<u8>>, TokenError> {
        let parameters = Parameters::parse(parts, body)?;
        match parameters.get("grant_type") {
            Some("client_credentials") => {}
            Some(_) => return Err(TokenError::unsupported_grant_type()),
            None => {
                return Err(TokenError::invalid_request(
                    "`grant_type` is missing; it must be `client_credentials`",
                ));
            }
        }
        let auth = &self.0;
        let client = client::authenticate(auth, &parts.headers, &parameters, now).await?;
        if parameters
            .get("resource")
            .is_some_and(|resource| resource.trim_end_matches('/') != auth.urls().resource)
        {
            return Err(TokenError::invalid_target(&auth.urls().resource));
        }
        let (scopes, scope) = scope::granted(parameters.get("scope"), &client.scopes)?;
        let grant = Grant { client: client.id, credential: client.credential, scopes };
        let token = self.issue(&grant, now).await?;
        Ok(not_stored(
            StatusCode::OK,
            &json!({
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": auth.access_tokens().lifetime.num_seconds(),
                "scope": scope,
            }),
        ))
    }

    async fn issue(&self, grant: &Grant, now: DateTime<Utc>) -> Result<String, Error> {
        self.0.clean(now).await?;
        self.0.access_tokens().issue(self.0.credentials(), self.0.urls(), grant, now).await
    }
}
