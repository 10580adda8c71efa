//! Client authentication by a signed assertion (RFC 7521 section 4.2, RFC 7523 section 3).

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::authenticated_client::{AuthenticatedClient, known_client};
use super::error::TokenError;
use super::parameters::Parameters;
use crate::credentials::{ClientRecord, TrustRecord, trust_key};
use crate::jwt::{Claims, InvalidJwt, Jwt, KeyError};
use crate::secret::hex;
use crate::{Auth, Collection, Error};

/// The only type of assertions.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far in the future an assertion may expire.
const MAX_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// How much the clock of an issuer may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// Finds the client that an assertion is for, and checks the assertion.
pub(super) async fn authenticate(
    auth: &Auth,
    parameters: &Parameters,
    client_id: Option<&str>,
    assertion: &str,
    now: DateTime<Utc>,
) -> Result<AuthenticatedClient, TokenError> {
    if parameters.get("client_assertion_type") != Some(JWT_BEARER) {
        return Err(TokenError::invalid_client(format!("the `client_assertion_type` must be {JWT_BEARER}")));
    }
    let jwt = Jwt::parse(assertion.as_bytes())?;
    let (id, client, trust) = find(auth, &jwt.claims).await?.ok_or(InvalidJwt::NotTrusted)?;
    let key = auth.keys().key(&trust.keys, &jwt.key_id, now).await.map_err(|error| match error {
        KeyError::Unknown => InvalidJwt::NotTrusted.into(),
        KeyError::Unavailable(error) => TokenError::from(error),
    })?;
    jwt.verify(&key)?;
    // From here on, what is said helps only who has a real assertion.
    let accepted_until = jwt.claims.check_times(now, LEEWAY)?;
    if accepted_until > now + MAX_LIFETIME + LEEWAY {
        return Err(InvalidJwt::TooLong.into());
    }
    if client_id.is_some_and(|client_id| client_id != id) {
        return Err(TokenError::invalid_client("the assertion is for another client than `client_id`"));
    }
    if trust.single_use {
        use_once(auth, &trust, &jwt.claims, accepted_until).await?;
    }
    Ok(AuthenticatedClient { id, credential: trust.id, scopes: client.owner.scopes })
}

/// The client that is known by an assertion with these claims: by exactly its issuer, its subject and its one audience.
async fn find(
    auth: &Auth,
    claims: &Claims,
) -> Result<Option<(String, ClientRecord, TrustRecord)>, TokenError> {
    let (Some(issuer), Some(subject)) = (claims.text("iss"), claims.text("sub")) else { return Ok(None) };
    let Some(audience) = claims.single_audience() else { return Ok(None) };
    // A client that signs itself (RFC 7523 section 3 B) names itself as issuer and subject.
    if issuer == subject
        && (audience == auth.urls().token_endpoint() || audience == auth.urls().issuer)
        && let Some(client) = known_client(auth, subject).await?
        && let Some(trust) = client.trusts.iter().find(|trust| trust.audience.is_none()).cloned()
    {
        return Ok(Some((subject.to_owned(), client, trust)));
    }
    let key = trust_key(issuer, subject, audience);
    let Some(id) = auth.credentials().trusting_client(&key).await? else { return Ok(None) };
    let Some(client) = known_client(auth, &id).await? else { return Ok(None) };
    let is_equal = |trust: &&TrustRecord| {
        trust
            .audience
            .as_deref()
            .is_some_and(|audience| trust_key(&trust.issuer, &trust.subject, audience) == key)
    };
    let trust = client.trusts.iter().find(is_equal).cloned();
    Ok(trust.map(|trust| (id, client, trust)))
}

/// Refuses an assertion that any process has seen already.
async fn use_once(
    auth: &Auth,
    trust: &TrustRecord,
    claims: &Claims,
    accepted_until: DateTime<Utc>,
) -> Result<(), TokenError> {
    let jwt_id = claims.required_text("jti")?;
    let key = hex(&Sha256::digest(format!("{}\n{jwt_id}", trust.issuer)));
    let store = auth.credentials().store();
    // It is refused because of its age before the record is removed.
    let is_new: Result<bool, Error> =
        store.insert(Collection::UsedAssertions, &key, "{}", Some(accepted_until)).await;
    if is_new? { Ok(()) } else { Err(InvalidJwt::Used.into()) }
}

impl From<InvalidJwt> for TokenError {
    fn from(reason: InvalidJwt) -> Self {
        Self::invalid_client(reason.to_string().replacen("the token", "the assertion", 1))
    }
}
