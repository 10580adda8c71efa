//! `token create`, `token list` and `token revoke`, and the same of `admin`.

use chrono::Utc;
use clap::ArgMatches;
use scim_auth::{Credentials, NewToken, Token};

use super::{CommandError, List, expiry, optional_tenant, scope_names, scopes, tenant, text, time};
use crate::Settings;

/// Whose tokens a command is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    Client,
    Administrator,
}

pub(super) async fn run(
    credentials: &Credentials,
    settings: &Settings,
    owner: Owner,
    matches: &ArgMatches,
) -> Result<String, CommandError> {
    match matches.subcommand() {
        Some(("create", matches)) => {
            let mut token = NewToken::new(text(matches, "name")).with_scopes(scopes(matches));
            let tenant = match owner {
                Owner::Client => tenant(settings, matches)?,
                // Who has none sees all of them.
                Owner::Administrator => optional_tenant(settings, matches)?,
            };
            if let Some(tenant) = tenant {
                token = token.in_tenant(tenant);
            }
            if let Some(expires) = expiry(matches, Utc::now())? {
                token = token.expires(expires);
            }
            let (token, secret) = match owner {
                Owner::Client => credentials.create_token(token, Utc::now()).await?,
                Owner::Administrator => credentials.create_admin_token(token, Utc::now()).await?,
            };
            Ok(format!("id={}\ntoken={}\n", token.id, secret.expose()))
        }
        Some(("revoke", matches)) => {
            let id = text(matches, "id");
            match owner {
                Owner::Client => credentials.revoke_token(id).await?,
                Owner::Administrator => credentials.revoke_admin_token(id).await?,
            }
            Ok(String::new())
        }
        _ => Ok(list(match owner {
            Owner::Client => credentials.tokens().await?,
            Owner::Administrator => credentials.admin_tokens().await?,
        })),
    }
}

fn list(tokens: Vec<Token>) -> String {
    let mut list = List::new(["ID", "NAME", "TENANT", "SCOPES", "CREATED", "EXPIRES", "LAST USE"]);
    for token in tokens {
        let values = [
            Some(token.id),
            Some(token.name),
            token.tenant,
            Some(scope_names(&token.scopes)),
            Some(time(token.created)),
            token.expires.map(time),
            token.last_use.map(time),
        ];
        list.row(values, Vec::new());
    }
    list.to_string()
}
