//! `admin create`, `admin list` and `admin revoke`.

use chrono::Utc;
use clap::ArgMatches;
use scim_auth::{Credentials, NewToken};

use super::{CommandError, expiry, list_of_tokens, optional_tenant, scopes, text};
use crate::Settings;

pub(super) async fn run(
    credentials: &Credentials,
    settings: &Settings,
    matches: &ArgMatches,
) -> Result<String, CommandError> {
    match matches.subcommand() {
        Some(("create", matches)) => {
            let mut token = NewToken::new(text(matches, "name")).with_scopes(scopes(matches));
            if let Some(tenant) = optional_tenant(settings, matches)? {
                token = token.in_tenant(tenant);
            }
            if let Some(expires) = expiry(matches, Utc::now())? {
                token = token.expires(expires);
            }
            let (token, secret) = credentials.create_admin_token(token, Utc::now()).await?;
            Ok(format!("id={}\ntoken={}\n", token.id, secret.expose()))
        }
        Some(("revoke", matches)) => {
            credentials.revoke_admin_token(text(matches, "id")).await?;
            Ok(String::new())
        }
        _ => Ok(list_of_tokens(credentials.admin_tokens().await?)),
    }
}
