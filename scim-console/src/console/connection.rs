//! The page of a connection: its progress, its credentials, and what to enter on the provider's side.

use askama::Template;
use chrono::{DateTime, Utc};
use http::{Response, StatusCode};
use scim_auth::{ClientSecret, ClientTrust};

use super::connections::{Connection, all, time};
use super::form::{Form, query};
use super::providers::{ProviderCard, Values, cards};
use super::requests::shows_tenants;
use super::respond::{Failure, Page, html};
use super::sent_forms::SentForms;
use super::{ConsoleBody, Shared};
use crate::Milestone;

/// A secret that was created by the request that shows this page. It is never shown again.
#[derive(Debug)]
pub(super) struct NewCredential {
    /// What it is called on the provider's side.
    pub(super) label: &'static str,
    pub(super) text: String,
    /// The `client_id` that belongs to it.
    pub(super) client_id: Option<String>,
}

/// What the request that shows this page has done.
#[derive(Debug)]
pub(super) enum Done {
    Created(NewCredential),
    Problem(String),
}

#[derive(Template)]
#[template(path = "connection.html")]
struct ConnectionPage<'a> {
    page: Page<'a>,
    tenant: &'a str,
    name: &'a str,
    shows_tenant: bool,
    created: Option<NewCredential>,
    problem: Option<String>,
    last_use: Option<String>,
    steps: Vec<Step>,
    tokens: Vec<TokenRow>,
    clients: Vec<ClientRow>,
    cards: Vec<ProviderCard>,
    /// The query that finds its requests.
    requests: String,
    /// The id of the forms that create credentials.
    form_id: String,
    /// Whether the newest credential may only read, so that the next one shall, too.
    only_reads: bool,
    /// Whether credentials can be created here: not for what is left of the time before the service had tenants.
    can_create: bool,
    is_empty: bool,
    /// Whether no provider in the cloud reaches the service by its URL.
    is_local: bool,
}

/// A milestone in the checklist.
struct Step {
    title: &'static str,
    hint: &'static str,
    reached: Option<String>,
}

struct TokenRow {
    id: String,
    scopes: String,
    created: String,
    expires: String,
    is_expired: bool,
    last_use: String,
}

struct ClientRow {
    id: String,
    scopes: String,
    created: String,
    last_use: String,
    secrets: Vec<SecretRow>,
    trusts: Vec<String>,
}

struct SecretRow {
    id: String,
    created: String,
    expires: String,
    is_expired: bool,
}

/// The title of a milestone, and what makes the provider reach it.
fn step(milestone: Milestone) -> (&'static str, &'static str) {
    match milestone {
        Milestone::Connection => {
            ("Connection test", "Choose the button that tests the connection on the provider's side.")
        }
        Milestone::User => ("First user created", "Assign a person, or provision one on demand."),
        Milestone::Update => {
            ("First user updated", "Change the department or the name of this person in the directory.")
        }
        Milestone::Deactivation => {
            ("First user deactivated", "Take the assignment from the person, or disable the account.")
        }
        Milestone::Group => ("First group created", "Assign or push a group, if groups are provisioned."),
        Milestone::Members => ("First members of a group", "Add a provisioned person to this group."),
    }
}

pub(super) async fn page(
    shared: &Shared,
    page: Page<'_>,
    form: &Form,
    done: Option<Done>,
) -> Result<Response<ConsoleBody>, Failure> {
    let (tenant, name) = (form.get("tenant"), form.get("name"));
    // What the administrator may not see is not found.
    let found = all(shared, page.administrator).await?.remove(&(tenant.to_owned(), name.to_owned()));
    let connection = match found {
        Some(connection) => connection,
        // The last credential was revoked by the request.
        None if done.is_some() => Connection::default(),
        None => return Err(Failure::NotFound),
    };
    let now = Utc::now();
    let (created, problem) = match done {
        Some(Done::Created(created)) => (Some(created), None),
        Some(Done::Problem(problem)) => (None, Some(problem)),
        None => (None, None),
    };
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let values =
        Values::new(&shared.options, tenant, connection.clients.iter().map(|client| client.id.clone()));
    let has_tenant = !tenant.is_empty();
    let newest = connection.tokens.iter().map(|token| (token.created, &token.scopes));
    let newest = newest.chain(connection.clients.iter().map(|client| (client.created, &client.scopes)));
    let newest = newest.max_by_key(|(created, _)| *created);
    Ok(html(
        status,
        &ConnectionPage {
            form_id: SentForms::new_id(),
            only_reads: newest.is_some_and(|(_, scopes)| !scopes.may_write()),
            can_create: page.administrator.may_write() && has_tenant == shared.options.tenants,
            is_empty: connection.has_no_credential(),
            is_local: is_local(&shared.options.base_url),
            page,
            tenant,
            name,
            shows_tenant: shows_tenants(shared, page.administrator),
            created,
            problem,
            last_use: connection.last_use().map(time),
            steps: steps(&connection),
            cards: cards(&shared.options, &values),
            requests: query([("tenant", tenant), ("client", name)]),
            tokens: connection.tokens.iter().map(|token| token_row(token, now)).collect(),
            clients: connection.clients.into_iter().map(|client| client_row(client, now)).collect(),
        },
    ))
}

/// Whether a URL is one that only this machine or network reaches, or one without TLS.
fn is_local(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or_default();
    let starts = ["localhost", "127.", "[::1]", "10.", "192.168."];
    !url.starts_with("https://") || starts.iter().any(|start| host.starts_with(start))
}

fn steps(connection: &Connection) -> Vec<Step> {
    let steps = Milestone::ALL.into_iter().map(|milestone| {
        let (title, hint) = step(milestone);
        let reached = connection.reached.iter().find(|(reached, _)| *reached == milestone);
        Step { title, hint, reached: reached.map(|(_, at)| time(*at)) }
    });
    steps.collect()
}

fn token_row(token: &scim_auth::Token, now: DateTime<Utc>) -> TokenRow {
    TokenRow {
        id: token.id.clone(),
        scopes: scopes(&token.scopes),
        created: time(token.created),
        expires: token.expires.map_or_else(|| "never".to_owned(), time),
        is_expired: token.expires.is_some_and(|expires| expires <= now),
        last_use: token.last_use.map_or_else(|| "never".to_owned(), time),
    }
}

fn client_row(client: scim_auth::Client, now: DateTime<Utc>) -> ClientRow {
    let secret = |secret: ClientSecret| SecretRow {
        created: time(secret.created),
        expires: time(secret.expires),
        is_expired: secret.expires <= now,
        id: secret.id,
    };
    let trust = |trust: ClientTrust| match trust.audience {
        Some(audience) => {
            let keys = trust.jwks_url.unwrap_or_default();
            format!("{} for {} and {audience}, with the keys at {keys}", trust.issuer, trust.subject)
        }
        None => "keys of the client's own".to_owned(),
    };
    ClientRow {
        scopes: scopes(&client.scopes),
        created: time(client.created),
        last_use: client.last_use.map_or_else(|| "never".to_owned(), time),
        secrets: client.secrets.into_iter().map(secret).collect(),
        trusts: client.trusts.into_iter().map(trust).collect(),
        id: client.id,
    }
}

fn scopes(scopes: &scim_core::Scopes) -> String {
    scopes.names().collect::<Vec<_>>().join(" and ")
}
