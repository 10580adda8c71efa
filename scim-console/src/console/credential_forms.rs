//! The forms that create, renew and revoke credentials.

use chrono::{Days, Utc};
use http::Response;
use scim_auth::{ErrorKind, NewClient, NewSecret, NewToken};
use scim_core::Scopes;

use super::connection::{Done, NewCredential};
use super::connections::Connection;
use super::form::{Form, query};
use super::respond::{Failure, Page, redirect};
use super::{ConsoleBody, Shared, connection, connections};

/// The longest lifetime that can be entered, in days.
const MAX_DAYS: u64 = 10 * 366;

/// Creates the first credential of a connection.
pub(super) async fn create(
    shared: &Shared,
    page: Page<'_>,
    form: &Form,
) -> Result<Response<ConsoleBody>, Failure> {
    check_may_write(page)?;
    // An administrator of a tenant creates credentials of this tenant only.
    let tenant = page.administrator.tenant().unwrap_or(form.get("tenant")).to_owned();
    let form = form.with("tenant", &tenant);
    if shared.options.tenants == tenant.is_empty() {
        let problem = match tenant.is_empty() {
            true => "The service has tenants, so enter the tenant that the provider works for.",
            false => "The service has no tenants.",
        };
        return connections::page(shared, page, Some(problem.to_owned())).await;
    }
    match new_credential(shared, &form).await {
        Ok(created) => connection::page(shared, page, &form, Some(Done::Created(created))).await,
        Err(error) => connections::page(shared, page, Some(problem(error)?)).await,
    }
}

/// Changes the credentials of a connection.
pub(super) async fn change(
    shared: &Shared,
    page: Page<'_>,
    form: &Form,
) -> Result<Response<ConsoleBody>, Failure> {
    check_may_write(page)?;
    let key = (form.get("tenant").to_owned(), form.get("name").to_owned());
    let found = connections::all(shared, page.administrator).await?.remove(&key);
    let found = found.ok_or(Failure::NotFound)?;
    let done = match form.get("action") {
        "create" => new_credential(shared, form).await.map(|created| Some(Done::Created(created))),
        action => revoke_or_add(shared, &found, action, form).await,
    };
    match done {
        Ok(Some(done)) => connection::page(shared, page, form, Some(done)).await,
        // Reloading the page does not send the form again.
        Ok(None) => {
            let left = connections::all(shared, page.administrator).await?.remove(&key);
            if left.is_none_or(|left| left.has_no_credential()) {
                shared.log.forget_milestones(&key.0, &key.1).await?;
                return Ok(redirect(&format!("{}/connections", shared.options.root)));
            }
            let query = query([("tenant", key.0.as_str()), ("name", key.1.as_str())]);
            Ok(redirect(&format!("{}/connection?{query}", shared.options.root)))
        }
        Err(error) => connection::page(shared, page, form, Some(Done::Problem(problem(error)?))).await,
    }
}

fn check_may_write(page: Page<'_>) -> Result<(), Failure> {
    if page.administrator.may_write() { Ok(()) } else { Err(Failure::ReadOnly) }
}

/// What is wrong with the form.
///
/// # Errors
///
/// If the store is not available.
fn problem(error: scim_auth::Error) -> Result<String, Failure> {
    match error.kind() {
        ErrorKind::Unavailable => Err(error.into()),
        _ => Ok(format!("{error}.")),
    }
}

async fn new_credential(shared: &Shared, form: &Form) -> Result<NewCredential, scim_auth::Error> {
    let (credentials, now) = (&shared.credentials, Utc::now());
    let scopes = match form.get("scopes") {
        "read" => Scopes::read_only(),
        _ => Scopes::new(["read", "write"]),
    };
    let days = form.get("days").parse::<u64>().ok().map(|days| days.min(MAX_DAYS));
    let expires = days.and_then(|days| now.checked_add_days(Days::new(days)));
    let (name, tenant) = (form.get("name"), form.filled("tenant"));
    if form.get("kind") == "client" {
        let mut client = NewClient::new(name).with_scopes(scopes);
        if let Some(tenant) = tenant {
            client = client.in_tenant(tenant);
        }
        let client = credentials.create_client(client, now).await?;
        let secret = match expires {
            Some(expires) => NewSecret::new().expires(expires).any_lifetime(),
            None => NewSecret::new(),
        };
        let (_, text) = credentials.add_secret(&client.id, secret, now).await?;
        let text = text.expose().to_owned();
        return Ok(NewCredential { label: "Client secret", text, client_id: Some(client.id) });
    }
    let mut token = NewToken::new(name).with_scopes(scopes);
    if let Some(tenant) = tenant {
        token = token.in_tenant(tenant);
    }
    if let Some(expires) = expires {
        token = token.expires(expires);
    }
    let (_, text) = credentials.create_token(token, now).await?;
    Ok(NewCredential { label: "Token", text: text.expose().to_owned(), client_id: None })
}

/// Revokes a credential, or adds a secret to a client, if it belongs to the connection.
async fn revoke_or_add(
    shared: &Shared,
    connection: &Connection,
    action: &str,
    form: &Form,
) -> Result<Option<Done>, scim_auth::Error> {
    let credentials = &shared.credentials;
    let id = form.get("id");
    let has_token = connection.tokens.iter().any(|token| token.id == id);
    let has_client = connection.clients.iter().any(|client| client.id == id);
    match action {
        "revoke-token" if has_token => credentials.revoke_token(id).await?,
        "revoke-client" if has_client => credentials.revoke_client(id).await?,
        "remove-secret" if has_client => credentials.remove_secret(id, form.get("secret")).await?,
        "add-secret" if has_client => {
            let (_, text) = credentials.add_secret(id, NewSecret::new(), Utc::now()).await?;
            let (text, client_id) = (text.expose().to_owned(), Some(id.to_owned()));
            return Ok(Some(Done::Created(NewCredential { label: "Client secret", text, client_id })));
        }
        _ => {
            let problem = "This credential does not belong to the connection any more. Reload the page.";
            return Ok(Some(Done::Problem(problem.to_owned())));
        }
    }
    Ok(None)
}
