//! The page with all connections. A connection is a client of the service by its name: whoever has a token or a client
//! secret with this name, and is named so in the log.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use http::{Response, StatusCode};
use scim_auth::{Client, Token};

use super::form::query;
use super::requests::shows_tenants;
use super::respond::{Failure, Page, html};
use super::sent_forms::SentForms;
use super::{Administrator, ConsoleBody, Shared};
use crate::Milestone;

/// What is known of a connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) tokens: Vec<Token>,
    pub(super) clients: Vec<Client>,
    pub(super) reached: Vec<(Milestone, DateTime<Utc>)>,
}

impl Connection {
    /// When a credential of it was last used, to the minute.
    pub(super) fn last_use(&self) -> Option<DateTime<Utc>> {
        let tokens = self.tokens.iter().map(|token| token.last_use);
        let clients = self.clients.iter().map(|client| client.last_use);
        let reached = self.reached.iter().map(|(_, time)| Some(*time));
        tokens.chain(clients).chain(reached).flatten().max()
    }

    pub(super) fn has_no_credential(&self) -> bool {
        self.tokens.is_empty() && self.clients.is_empty()
    }
}

/// All connections that an administrator may see, by tenant and name. The tenant is empty for none.
pub(super) async fn all(
    shared: &Shared,
    administrator: &Administrator,
) -> Result<BTreeMap<(String, String), Connection>, Failure> {
    let mut all: BTreeMap<(String, String), Connection> = BTreeMap::new();
    let of = |tenant: &Option<String>, name: &str| {
        let tenant = tenant.clone().unwrap_or_default();
        let is_seen = administrator.sees(&tenant);
        is_seen.then_some((tenant, name.to_owned()))
    };
    for token in shared.credentials.tokens().await? {
        if let Some(key) = of(&token.tenant, &token.name) {
            all.entry(key).or_default().tokens.push(token);
        }
    }
    for client in shared.credentials.clients().await? {
        if let Some(key) = of(&client.tenant, &client.name) {
            all.entry(key).or_default().clients.push(client);
        }
    }
    for known in shared.log.milestones(administrator.tenant()).await? {
        all.entry((known.tenant, known.client)).or_default().reached = known.reached;
    }
    Ok(all)
}

#[derive(Template)]
#[template(path = "connections.html")]
struct ConnectionsPage<'a> {
    page: Page<'a>,
    shows_tenants: bool,
    needs_tenant: bool,
    connections: Vec<ConnectionRow>,
    problem: Option<String>,
    /// The id of the form that creates a credential.
    form_id: String,
}

struct ConnectionRow {
    tenant: String,
    name: String,
    /// The query of its page.
    query: String,
    credentials: String,
    last_use: String,
    reached: usize,
}

pub(super) async fn page(
    shared: &Shared,
    page: Page<'_>,
    problem: Option<String>,
) -> Result<Response<ConsoleBody>, Failure> {
    let connections =
        all(shared, page.administrator).await?.into_iter().map(|((tenant, name), connection)| {
            ConnectionRow {
                query: query([("tenant", tenant.as_str()), ("name", name.as_str())]),
                credentials: credentials(&connection),
                last_use: connection.last_use().map_or_else(|| "never".to_owned(), time),
                reached: connection.reached.len(),
                tenant,
                name,
            }
        });
    let shows_tenants = shows_tenants(shared, page.administrator);
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(html(
        status,
        &ConnectionsPage {
            page,
            shows_tenants,
            needs_tenant: shows_tenants,
            connections: connections.collect(),
            problem,
            form_id: SentForms::new_id(),
        },
    ))
}

/// The credentials of a connection in words.
fn credentials(connection: &Connection) -> String {
    let count = |number: usize, one: &str, many: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        number => Some(format!("{number} {many}")),
    };
    let tokens = count(connection.tokens.len(), "token", "tokens");
    let clients = count(connection.clients.len(), "client", "clients");
    let words: Vec<String> = tokens.into_iter().chain(clients).collect();
    if words.is_empty() { "in the settings of the host, or revoked".to_owned() } else { words.join(", ") }
}

/// A time to the minute.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}
