//! The forms that create, renew and revoke credentials.

use chrono::{DateTime, Days, Utc};
use http::Response;
use scim_auth::{ErrorKind, NewClient, NewSecret, NewToken, fits_path};
use scim_core::Scopes;

use super::connection::{Done, NewCredential};
use super::connections::Connection;
use super::form::{Form, query};
use super::respond::{Failure, Page, redirect};
use super::{ConsoleBody, Shared, connection, connections};

/// The longest lifetime that can be entered, in days.
const MAX_DAYS: u64 = 3_660;

/// Why a form changes nothing.
enum Refused {
    /// What the administrator should do.
    Problem(String),
    Failure(Failure),
}

impl From<scim_auth::Error> for Refused {
    fn from(error: scim_auth::Error) -> Self {
        match error.kind() {
            ErrorKind::Unavailable => Self::Failure(error.into()),
            _ => Self::Problem(format!("{error}.")),
        }
    }
}

/// A refusal that the administrator can do something about.
fn problem<T>(text: &str) -> Result<T, Refused> {
    Err(Refused::Problem(text.to_owned()))
}

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
    match new_credential(shared, &form).await {
        Ok(created) => connection::page(shared, page, &form, Some(Done::Created(created))).await,
        Err(Refused::Problem(problem)) => connections::page(shared, page, Some(problem)).await,
        Err(Refused::Failure(failure)) => Err(failure),
    }
}

/// Changes the credentials of a connection.
pub(super) async fn change(
    shared: &Shared,
    page: Page<'_>,
    form: &Form,
) -> Result<Response<ConsoleBody>, Failure> {
    check_may_write(page)?;
    let (tenant, name) = (form.get("tenant"), form.get("name"));
    let key = (tenant.to_owned(), name.to_owned());
    let found = connections::all(shared, page.administrator).await?.remove(&key);
    let found = found.ok_or(Failure::NotFound)?;
    match changed(shared, &found, form).await {
        Ok(Some(created)) => connection::page(shared, page, form, Some(Done::Created(created))).await,
        // Reloading the page does not send the form again.
        Ok(None) => {
            let left = connections::all(shared, page.administrator).await?.remove(&key);
            if left.is_none_or(|left| left.has_no_credential()) {
                shared.log.forget_milestones(tenant, name).await;
                return Ok(redirect(&format!("{}/connections", shared.options.root)));
            }
            let query = query([("tenant", tenant), ("name", name)]);
            Ok(redirect(&format!("{}/connection?{query}", shared.options.root)))
        }
        Err(Refused::Problem(problem)) => {
            connection::page(shared, page, form, Some(Done::Problem(problem))).await
        }
        Err(Refused::Failure(failure)) => Err(failure),
    }
}

fn check_may_write(page: Page<'_>) -> Result<(), Failure> {
    if page.administrator.may_write() { Ok(()) } else { Err(Failure::ReadOnly) }
}

/// Creates a token, or a client with a secret.
async fn new_credential(shared: &Shared, form: &Form) -> Result<NewCredential, Refused> {
    let (credentials, now) = (&shared.credentials, Utc::now());
    let tenant = form.filled("tenant");
    check_tenant(shared, tenant)?;
    let expires = expiry(form, now)?;
    let scopes = match form.get("scopes") {
        "read" => Scopes::read_only(),
        _ => Scopes::new(["read", "write"]),
    };
    if !shared.forms.is_new(form.get("form")) {
        return problem(
            "This form was sent before, and the credential was created then. Its text cannot be shown again; if nobody has \
             copied it, revoke the credential and create another one.",
        );
    }
    let name = form.get("name");
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

/// Checks that a credential has a tenant if the service has tenants, and only then.
fn check_tenant(shared: &Shared, tenant: Option<&str>) -> Result<(), Refused> {
    match tenant {
        None if shared.options.tenants => {
            problem("The service has tenants, so enter the tenant that the provider works for.")
        }
        Some(_) if !shared.options.tenants => problem("The service has no tenants."),
        Some(tenant) if shared.options.base_url.contains("{tenant}") && !fits_path(tenant) => problem(
            "The tenant is a part of the URL, so it must consist of letters, digits and -._~, and not begin with a point.",
        ),
        _ => Ok(()),
    }
}

/// When a credential shall expire; `None` if nothing is entered.
fn expiry(form: &Form, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Refused> {
    let Some(text) = form.filled("days") else { return Ok(None) };
    let days = text.parse::<u64>().ok().filter(|days| (1..=MAX_DAYS).contains(days));
    let expires = days.and_then(|days| now.checked_add_days(Days::new(days)));
    match expires {
        Some(expires) => Ok(Some(expires)),
        None => problem(&format!("The number of days must be from 1 to {MAX_DAYS}.")),
    }
}

/// Creates or revokes a credential of a connection, as the form wants. Returns what was created.
async fn changed(
    shared: &Shared,
    connection: &Connection,
    form: &Form,
) -> Result<Option<NewCredential>, Refused> {
    let credentials = &shared.credentials;
    let id = form.get("id");
    let has_token = connection.tokens.iter().any(|token| token.id == id);
    let has_client = connection.clients.iter().any(|client| client.id == id);
    match form.get("action") {
        "create" => return new_credential(shared, form).await.map(Some),
        "revoke-token" if has_token => credentials.revoke_token(id).await?,
        "revoke-client" if has_client => credentials.revoke_client(id).await?,
        "remove-secret" if has_client => credentials.remove_secret(id, form.get("secret")).await?,
        "add-secret" if has_client => {
            if !shared.forms.is_new(form.get("form")) {
                return problem("This form was sent before, and the secret was created then.");
            }
            let (_, text) = credentials.add_secret(id, NewSecret::new(), Utc::now()).await?;
            let (text, client_id) = (text.expose().to_owned(), Some(id.to_owned()));
            return Ok(Some(NewCredential { label: "Client secret", text, client_id }));
        }
        // What is left of it is deleted by the caller.
        "forget" if connection.has_no_credential() => {}
        _ => return problem("This credential does not belong to the connection any more. Reload the page."),
    }
    Ok(None)
}
