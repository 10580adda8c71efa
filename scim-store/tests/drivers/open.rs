//! Opens a database with a driver.

use std::sync::Arc;

use scim_store::Database;

/// Opens a database: by sqlx with a pool of this many connections, or by the driver for the URL with its own pool. The
/// settings are those of the connections to PostgreSQL.
pub(crate) async fn open(
    url: &str,
    by_sqlx: bool,
    connections: u32,
    settings: &[(&str, &str)],
) -> Arc<dyn Database> {
    #[cfg(feature = "sqlx-0_8")]
    if by_sqlx {
        let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(std::time::Duration::from_secs(5))
            .connect_with(options.options(settings.iter().copied()));
        return Arc::new(scim_store::SqlxPostgres::new(pool.await.unwrap()));
    }
    let _ = (by_sqlx, connections);
    let settings: String = settings.iter().map(|(name, value)| format!("-c%20{name}%3D{value}%20")).collect();
    let url = if settings.is_empty() { url.to_owned() } else { format!("{url}?options={settings}") };
    scim_store::open(&url).await.unwrap()
}
