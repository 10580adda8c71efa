//! `client create`, `client list`, `client revoke`, `client secret` and `client trust`.

use chrono::Utc;
use clap::ArgMatches;
use scim_auth::{Client, Credentials, NewClient, NewSecret, NewTrust};

use super::{CommandError, List, expiry, scope_names, scopes, tenant, text, time};
use crate::settings::host_of_url;
use crate::{InvalidSettings, Settings};

pub(super) async fn run(
    credentials: &Credentials,
    settings: &Settings,
    matches: &ArgMatches,
) -> Result<String, CommandError> {
    match matches.subcommand() {
        Some(("create", matches)) => create(credentials, settings, matches).await,
        Some(("revoke", matches)) => {
            credentials.revoke_client(text(matches, "id")).await?;
            Ok(String::new())
        }
        Some(("secret", matches)) => secret(credentials, matches).await,
        Some(("trust", matches)) => trust(credentials, settings, matches).await,
        _ => list(credentials).await,
    }
}

async fn create(
    credentials: &Credentials,
    settings: &Settings,
    matches: &ArgMatches,
) -> Result<String, CommandError> {
    let mut client = NewClient::new(text(matches, "name")).with_scopes(scopes(matches));
    if let Some(tenant) = tenant(settings, matches)? {
        client = client.in_tenant(tenant);
    }
    let secret = new_secret(matches)?;
    let client = credentials.create_client(client, Utc::now()).await?;
    let id = format!("client_id={}\n", client.id);
    match matches.get_flag("without-secret") {
        true => Ok(id),
        false => Ok(id + &add_secret(credentials, &client.id, secret).await?),
    }
}

fn new_secret(matches: &ArgMatches) -> Result<NewSecret, InvalidSettings> {
    let secret = match expiry(matches, Utc::now())? {
        Some(expires) => NewSecret::new().expires(expires),
        None => NewSecret::new(),
    };
    Ok(if matches.get_flag("any-lifetime") { secret.any_lifetime() } else { secret })
}

async fn add_secret(
    credentials: &Credentials,
    client: &str,
    secret: NewSecret,
) -> Result<String, CommandError> {
    let (secret, text) = credentials.add_secret(client, secret, Utc::now()).await?;
    Ok(format!(
        "client_secret={}\nsecret_id={}\nexpires={}\n",
        text.expose(),
        secret.id,
        time(secret.expires)
    ))
}

async fn secret(credentials: &Credentials, matches: &ArgMatches) -> Result<String, CommandError> {
    match matches.subcommand() {
        Some(("add", matches)) => add_secret(credentials, text(matches, "id"), new_secret(matches)?).await,
        Some((_, matches)) => {
            credentials.remove_secret(text(matches, "id"), text(matches, "secret")).await?;
            Ok(String::new())
        }
        None => Ok(String::new()),
    }
}

async fn trust(
    credentials: &Credentials,
    settings: &Settings,
    matches: &ArgMatches,
) -> Result<String, CommandError> {
    let client = text(matches, "id");
    if let Some(trust) = matches.get_one::<String>("remove") {
        credentials.remove_trust(client, trust).await?;
        return Ok(String::new());
    }
    let trust = match matches.get_one::<String>("own-keys") {
        Some(file) => own_keys(file)?,
        None => federated(settings, matches)?,
    };
    let trust = credentials.add_trust(client, trust, Utc::now()).await?;
    Ok(format!("trust_id={}\n", trust.id))
}

fn own_keys(file: &str) -> Result<NewTrust, CommandError> {
    let json = std::fs::read(file).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let jwks = NewTrust::own_keys_from_json(&json).map_err(|error| format!("{file}: {error}"))?;
    Ok(jwks)
}

fn federated(settings: &Settings, matches: &ArgMatches) -> Result<NewTrust, CommandError> {
    let url = text(matches, "jwks-url");
    let hosts = &settings.credentials.jwks_hosts;
    if !host_of_url(url).is_some_and(|host| hosts.contains(&host)) {
        return Err(InvalidSettings::new(format!(
            "the host of {url} is not one from which keys are fetched; add it to SCIM_JWKS_HOSTS of all hosts, which is {}",
            hosts.join(",")
        ))
        .into());
    }
    let trust = NewTrust::federated(
        text(matches, "issuer"),
        text(matches, "subject"),
        text(matches, "audience"),
        url,
    );
    Ok(if matches.get_flag("single-use") { trust.single_use() } else { trust })
}

async fn list(credentials: &Credentials) -> Result<String, CommandError> {
    let mut list = List::new(["CLIENT ID", "NAME", "TENANT", "SCOPES", "CREATED", "LAST USE"]);
    for client in credentials.clients().await? {
        let Client { id, name, tenant, scopes, created, last_use, secrets, trusts, .. } = client;
        let secrets = secrets
            .into_iter()
            .map(|secret| format!("secret {} expires {}", secret.id, time(secret.expires)));
        let trusts = trusts.into_iter().map(|trust| {
            let audience = trust.audience.as_deref().unwrap_or("the token endpoint");
            let keys = trust.jwks_url.map(|url| format!(", keys at {url}")).unwrap_or_default();
            format!("trust {} of {} for {} and {audience}{keys}", trust.id, trust.issuer, trust.subject)
        });
        let values = [
            Some(id),
            Some(name),
            tenant,
            Some(scope_names(&scopes)),
            Some(time(created)),
            last_use.map(time),
        ];
        list.row(values, secrets.chain(trusts).collect());
    }
    Ok(list.to_string())
}
