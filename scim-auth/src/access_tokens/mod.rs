//! The access tokens that the token endpoint issues: JWTs that are signed with keys in the store, or, without a sealing key,
//! random texts that are kept as hashes.

mod sealing_key;
mod signing_keys;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::auth::{Failure, Verified};
use crate::credentials::{ClientRecord, decode, encode};
use crate::jwt::{InvalidJwt, Jwt};
use crate::secret::SecretHash;
use crate::urls::Urls;
use crate::{Collection, Credentials, Error, Secret};

pub use sealing_key::{InvalidSealingKey, SealingKey};
use signing_keys::SigningKeys;

/// The prefix of opaque access tokens.
pub(crate) const ACCESS_TOKEN_PREFIX: &str = "scimaccess_";
/// The media type of access tokens that are JWTs (RFC 9068 section 2.1).
const MEDIA_TYPE: &str = "at+jwt";

/// Issues and verifies access tokens.
#[derive(Debug)]
pub(crate) struct AccessTokens {
    /// How long an access token is valid.
    pub(crate) lifetime: TimeDelta,
    /// `None` if access tokens are opaque.
    signing_keys: Option<SigningKeys>,
}

/// What an access token is issued for.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) client: String,
    /// The id of the secret or trust that the client was known by. If it is removed, the access token ends.
    pub(crate) credential: String,
    pub(crate) scopes: Vec<String>,
}

/// What is stored of an opaque access token, by the hash of its text.
#[derive(Serialize, Deserialize)]
struct AccessTokenRecord {
    /// The client and its credential; `None` for the development token.
    client: Option<(String, String)>,
    scopes: Vec<String>,
    expires: DateTime<Utc>,
}

impl AccessTokens {
    /// The first of the sealing keys encrypts new signing keys; the others only decrypt.
    pub(crate) fn new(lifetime: TimeDelta, sealing_keys: Vec<SealingKey>) -> Self {
        let signing_keys = (!sealing_keys.is_empty()).then(|| SigningKeys::new(sealing_keys));
        Self { lifetime, signing_keys }
    }

    /// Issues an access token.
    ///
    /// # Errors
    ///
    /// If the store is not available.
    pub(crate) async fn issue(
        &self,
        credentials: &Credentials,
        urls: &Urls,
        grant: &Grant,
        now: DateTime<Utc>,
    ) -> Result<String, Error> {
        let expires = now + self.lifetime;
        let Some(signing_keys) = &self.signing_keys else {
            let client = Some((grant.client.clone(), grant.credential.clone()));
            let secret = issue_opaque(credentials, client, grant.scopes.clone(), expires).await?;
            return Ok(secret.expose().to_owned());
        };
        let key = signing_keys.to_sign(credentials, now).await?;
        let claims = json!({
            "iss": urls.issuer,
            "aud": urls.resource,
            "sub": grant.client,
            "client_id": grant.client,
            "scope": grant.scopes.join(" "),
            "credential": grant.credential,
            "iat": now.timestamp(),
            "exp": expires.timestamp(),
            "jti": scim_core::new_id(),
        });
        let claims: Map<String, Value> = claims.as_object().cloned().unwrap_or_default();
        Jwt::sign(MEDIA_TYPE, &key.id, &claims, &key.private).map_err(Error::unavailable)
    }

    /// Verifies a JWT whose issuer is this service.
    pub(crate) async fn verify_jwt(
        &self,
        credentials: &Credentials,
        urls: &Urls,
        jwt: &Jwt<'_>,
        now: DateTime<Utc>,
    ) -> Result<Verified, Failure> {
        let signing_keys = self.signing_keys.as_ref().ok_or(InvalidJwt::NotTrusted)?;
        let key = signing_keys.to_verify(credentials, &jwt.key_id, now).await?;
        jwt.verify(&key.ok_or(InvalidJwt::NotTrusted)?)?;
        if jwt.media_type != MEDIA_TYPE {
            return Err(InvalidJwt::NotTrusted.into());
        }
        let claims = &jwt.claims;
        if claims.single_audience() != Some(&urls.resource) {
            return Err(InvalidJwt::Audience.into());
        }
        let expires = claims.check_times(now, TimeDelta::zero())?;
        let (client, credential) = (claims.required_text("client_id")?, claims.required_text("credential")?);
        let scopes: Vec<&str> = claims.required_text("scope")?.split(' ').collect();
        verified_client(credentials, client, credential, &scopes, expires).await
    }

    /// Verifies an opaque access token.
    pub(crate) async fn verify_opaque(
        credentials: &Credentials,
        token: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Verified, Failure> {
        let hash = SecretHash::of(token);
        let text = credentials.store().get(Collection::AccessTokens, hash.as_str()).await?;
        let record: AccessTokenRecord = decode(&text.ok_or(Failure::Unknown)?)?;
        if record.expires <= now {
            return Err(InvalidJwt::Expired.into());
        }
        let scopes: Vec<&str> = record.scopes.iter().map(String::as_str).collect();
        match &record.client {
            Some((client, credential)) => {
                verified_client(credentials, client, credential, &scopes, record.expires).await
            }
            None => Ok(Verified::development(&scopes, record.expires)),
        }
    }

    /// The public keys, as a JWK Set (RFC 7517 section 5); `None` if access tokens are opaque.
    ///
    /// # Errors
    ///
    /// If the store is not available.
    pub(crate) async fn jwks(
        &self,
        credentials: &Credentials,
        now: DateTime<Utc>,
    ) -> Result<Option<Value>, Error> {
        match &self.signing_keys {
            Some(keys) => Ok(Some(json!({ "keys": keys.public_keys(credentials, now).await? }))),
            None => Ok(None),
        }
    }

    /// Whether access tokens are JWTs.
    pub(crate) fn are_signed(&self) -> bool {
        self.signing_keys.is_some()
    }
}

/// Issues an access token that is kept as a hash.
pub(crate) async fn issue_opaque(
    credentials: &Credentials,
    client: Option<(String, String)>,
    scopes: Vec<String>,
    expires: DateTime<Utc>,
) -> Result<Secret, Error> {
    let secret = Secret::random(ACCESS_TOKEN_PREFIX)?;
    let record = encode(&AccessTokenRecord { client, scopes, expires })?;
    // An expired token is kept for an hour, so that its client is told that it has expired.
    let kept_until = Some(expires + TimeDelta::hours(1));
    let hash = SecretHash::of(secret.expose());
    credentials.store().insert(Collection::AccessTokens, hash.as_str(), &record, kept_until).await?;
    Ok(secret)
}

/// The client of an access token, if the token's credential has not been removed. The tenant is that of the client, and the
/// scopes are those that both the token and the client have.
async fn verified_client(
    credentials: &Credentials,
    client_id: &str,
    credential: &str,
    scopes: &[&str],
    expires: DateTime<Utc>,
) -> Result<Verified, Failure> {
    let client: ClientRecord = credentials.client_record(client_id).await?.ok_or(Failure::Unknown)?;
    if !client.has_credential(credential) {
        return Err(Failure::Unknown);
    }
    let mut owner = client.owner;
    owner.scopes.retain(|scope| scopes.contains(&scope.as_str()));
    Ok(Verified::new(owner, client_id, Some(expires)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryCredentials;

    #[test]
    fn only_a_jwt_of_the_right_media_type_is_an_access_token() {
        let credentials = Credentials::new(MemoryCredentials::new());
        let urls = Urls::new("https://app.example.com/scim/v2").unwrap();
        let access_tokens = AccessTokens::new(TimeDelta::hours(1), vec!["a".repeat(64).parse().unwrap()]);
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let claims = json!({
            "aud": urls.resource, "exp": 1_000_100, "client_id": "c", "credential": "s", "scope": "read",
        });
        pollster::block_on(async {
            let keys = access_tokens.signing_keys.as_ref().unwrap();
            let key = keys.to_sign(&credentials, now).await.unwrap();
            for (media_type, is_one) in
                [("at+jwt", true), ("application/AT+JWT", true), ("JWT", false), ("", false)]
            {
                let token =
                    Jwt::sign(media_type, &key.id, claims.as_object().unwrap(), &key.private).unwrap();
                let jwt = Jwt::parse(token.as_bytes()).unwrap();
                let failure = access_tokens.verify_jwt(&credentials, &urls, &jwt, now).await.unwrap_err();
                // The client does not exist, which is found out later.
                assert_eq!(matches!(failure, Failure::Unknown), is_one, "{media_type}: {failure:?}");
            }
        });
    }
}
