//! Clients that are known.

use super::error::TokenError;
use crate::Auth;
use crate::credentials::ClientRecord;

/// A client that has proved who it is.
#[derive(Debug)]
pub(super) struct AuthenticatedClient {
    pub(super) id: String,
    /// The id of the secret or trust that it was known by.
    pub(super) credential: String,
    pub(super) scopes: Vec<String>,
}

/// The client with this id, if it may be known here.
pub(super) async fn known_client(auth: &Auth, id: &str) -> Result<Option<ClientRecord>, TokenError> {
    // The ids of clients are short, and no store should be asked for others.
    if id.len() > 64 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(None);
    }
    let client = auth.credentials().client_record(id).await?;
    Ok(client.filter(|client| auth.accepts_tenant(client.owner.tenant.as_deref())))
}
