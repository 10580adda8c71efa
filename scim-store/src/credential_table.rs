//! Credentials in a table (feature `auth`).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_auth::{Collection, CredentialStore, Error, StoredCredential};
use scim_core::async_trait;
use scim_sql::Dialect;

use crate::database::params;
use crate::{Database, DatabaseError, Mode, Param, Rows, Statement};

/// Keeps the credentials of [scim-auth](scim_auth) in the table `scim_credential` of a database: the application's own, or
/// that of a [`Store`](crate::Store). Cheap to clone.
///
/// ```
/// use scim_auth::Auth;
/// use scim_store::{CredentialTable, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::open("sqlite::memory:").await?;
/// let credentials = CredentialTable::open(store.database()).await?;
/// let auth = Auth::builder("https://app.example.com/scim/v2", credentials).build()?;
/// # Ok(())
/// # }
/// ```
///
/// A write is one statement in a transaction of its own. The table contains hashes of tokens and secrets, and encrypted keys; see
/// [`CredentialStore`].
#[derive(Clone, Debug)]
pub struct CredentialTable(Arc<dyn Database>);

// In all statements the parameters are numbered in the order in which they appear: SQLite takes `$1` as a name.

const CREATE: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS scim_credential (collection text NOT NULL, key text NOT NULL, value text NOT NULL, \
     expires bigint, PRIMARY KEY (collection, key))",
    "CREATE INDEX IF NOT EXISTS scim_credential_expires ON scim_credential (expires)",
];

/// The key of the lock under which PostgreSQL creates the table: two processes that both find no table would collide.
const CREATE_LOCK: &str = "SELECT CAST(pg_advisory_xact_lock(7318349394477056) AS text)";

impl CredentialTable {
    /// Opens the table, and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// If the database is not available, or the table cannot be created.
    pub async fn open(database: impl Database + 'static) -> Result<Self, DatabaseError> {
        let table = Self(Arc::new(database));
        let find = match table.0.dialect() {
            Dialect::Sqlite => {
                "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = 'scim_credential_expires'"
            }
            // A user who may not create tables can use one that exists.
            _ => "SELECT 1 WHERE to_regclass('scim_credential_expires') IS NOT NULL",
        };
        if table.rows(Statement::new(find, [])).await?.is_empty() {
            let lock = (table.0.dialect() != Dialect::Sqlite).then_some(CREATE_LOCK);
            let statements = lock.into_iter().chain(CREATE).map(|sql| Statement::new(sql, [])).collect();
            table.0.begin(Mode::Write).await?.commit(statements).await?;
        }
        Ok(table)
    }

    async fn rows(&self, statement: Statement) -> Result<Rows, DatabaseError> {
        let mut transaction = self.0.begin(Mode::Single).await?;
        let rows = transaction.query(vec![statement]).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Runs a statement that writes. Returns how many rows it changed.
    async fn write(&self, sql: &'static str, params: Vec<Param>) -> Result<u64, Error> {
        let write = async {
            let mut transaction = self.0.begin(Mode::Write).await?;
            let changed = transaction.execute(vec![Statement::new(sql, params)]).await?;
            transaction.commit(Vec::new()).await?;
            Ok::<_, DatabaseError>(changed.first().copied().unwrap_or(0))
        };
        write.await.map_err(Error::unavailable)
    }
}

#[async_trait]
impl CredentialStore for CredentialTable {
    async fn get(&self, collection: Collection, key: &str) -> Result<Option<String>, Error> {
        let sql = "SELECT value FROM scim_credential WHERE collection = $1 AND key = $2";
        let rows = self.rows(Statement::new(sql, params![collection.as_str(), key])).await;
        let rows = rows.map_err(Error::unavailable)?;
        Ok(rows.first().and_then(|row| row.text(0)).map(str::to_owned))
    }

    async fn list(&self, collection: Collection) -> Result<Vec<StoredCredential>, Error> {
        let sql = "SELECT key, value FROM scim_credential WHERE collection = $1";
        let rows = self.rows(Statement::new(sql, params![collection.as_str()])).await;
        let rows = rows.map_err(Error::unavailable)?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(rows
            .iter()
            .map(|row| StoredCredential { key: text(row.text(0)), value: text(row.text(1)) })
            .collect())
    }

    async fn insert(
        &self,
        collection: Collection,
        key: &str,
        value: &str,
        expires: Option<DateTime<Utc>>,
    ) -> Result<bool, Error> {
        let sql = "INSERT INTO scim_credential (collection, key, value, expires) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (collection, key) DO NOTHING";
        let expires = expires.map(|expires| expires.timestamp());
        Ok(self.write(sql, params![collection.as_str(), key, value, expires]).await? == 1)
    }

    async fn replace(&self, collection: Collection, key: &str, old: &str, new: &str) -> Result<bool, Error> {
        let sql = "UPDATE scim_credential SET value = $1 WHERE collection = $2 AND key = $3 AND value = $4";
        Ok(self.write(sql, params![new, collection.as_str(), key, old]).await? == 1)
    }

    async fn delete(&self, collection: Collection, key: &str) -> Result<bool, Error> {
        let sql = "DELETE FROM scim_credential WHERE collection = $1 AND key = $2";
        Ok(self.write(sql, params![collection.as_str(), key]).await? == 1)
    }

    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<u64, Error> {
        self.write("DELETE FROM scim_credential WHERE expires < $1", params![now.timestamp()]).await
    }
}
