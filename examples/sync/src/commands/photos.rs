//! `sync photos`

use std::net::SocketAddr;
use std::process::ExitCode;

use scim_sync::Plan;

use super::{Parts, Result, exit_code, ordinary_options};
use crate::photos::{Photos, photo_server};
use crate::{Config, SqliteLedger};

const NOT_CONFIGURED: &str = "the configuration has no `photos`";

/// Copies the photos of all who have a user, or of one person.
pub(super) async fn copy(config: &Config, person: Option<&str>) -> Result<ExitCode> {
    let _lock = SqliteLedger::lock_run(&config.ledger)?;
    let mut parts = Parts::open(config).await?;
    let plan = copy_changed(config, &mut parts, person).await?;
    print!("{plan}");
    Ok(exit_code(plan.level()))
}

pub(super) async fn copy_changed(config: &Config, parts: &mut Parts, person: Option<&str>) -> Result<Plan> {
    let settings = config.photos.as_ref().ok_or(NOT_CONFIGURED)?;
    let Parts { synchronizer, directory, target, ledger } = parts;
    let mut store = Photos::new(ledger, &settings.base_url);
    let people = person.map(|person| vec![person.to_owned()]);
    let options = ordinary_options();
    Ok(synchronizer.photos(people.as_deref(), directory, &mut store, target, ledger, options).await?)
}

/// Serves the photos until the process is stopped.
pub(super) async fn serve(config: &Config, address: Option<SocketAddr>) -> Result<ExitCode> {
    let settings = config.photos.as_ref().ok_or(NOT_CONFIGURED)?;
    let ledger = SqliteLedger::open(&config.ledger)?;
    let listener = tokio::net::TcpListener::bind(address.unwrap_or(settings.listen)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, photo_server(ledger)).await?;
    Ok(ExitCode::SUCCESS)
}
