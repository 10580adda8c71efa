//! PostgreSQL: a pool of connections, READ COMMITTED for what writes.

use std::error::Error;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Timeouts};
use futures_util::future::try_join_all;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Config, NoTls, Statement};

use crate::database::Mode;
use crate::fault::Fault;
use crate::param::Param;
use crate::rows::Rows;

/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long what was sent may stay unacknowledged by the other machine.
const SILENCE: Duration = Duration::from_secs(15);

/// How many connections there are at most.
const CONNECTIONS: usize = 16;

/// How many statements a connection keeps prepared. Filters are of any shape, so it must be limited.
const STATEMENTS: usize = 256;

pub(crate) struct Pool(deadpool_postgres::Pool);

impl Pool {
    pub(crate) async fn open(url: &str) -> Result<Self, Fault> {
        let mut config: Config =
            url.parse().map_err(|_| Fault::broken("the URL is not one of PostgreSQL"))?;
        // What the URL says comes later, and counts.
        let given = config.get_options().unwrap_or_default();
        let options = format!("-c statement_timeout=30s -c lock_timeout=10s {given}");
        config.options(options.trim_end());
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        // A server that is gone without a word is noticed, too.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = deadpool_postgres::Pool::builder(Manager::from_config(config, NoTls, manager))
            .max_size(CONNECTIONS)
            .timeouts(Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) })
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .build()
            .map_err(|error| Fault::Broken(error.into()))?;
        let pool = Self(pool);
        pool.migrate().await?;
        Ok(pool)
    }

    async fn client(&self) -> Result<Object, Fault> {
        self.0.get().await.map_err(|error| Fault::Unavailable(error.into()))
    }

    /// Makes the tables, or the changes that a later version made to them. A lock of one row makes
    /// two processes that start at once do it one after the other.
    async fn migrate(&self) -> Result<(), Fault> {
        let mut client = self.client().await?;
        // Where nothing is missing nothing is written, which a replica would not take.
        let sql = "SELECT value FROM meta WHERE name = 'schema'";
        if let Ok(row) = client.query_one(sql, &[]).await
            && after(&row)?.is_empty()
        {
            return Ok(());
        }
        let mut tries = 0;
        // Two that make the first table at once collide in the catalogue, and the second try finds it.
        while let Err(error) = client.batch_execute(crate::migrations::META).await {
            tries += 1;
            if tries > 5 {
                return Err(fault(error));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let transaction = client.transaction().await.map_err(fault)?;
        // A large database takes long, and who waits for another process waits for that.
        let patient = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";
        transaction.batch_execute(patient).await.map_err(fault)?;
        let row = transaction.query_one(&format!("{sql} FOR UPDATE"), &[]).await.map_err(fault)?;
        for sql in after(&row)? {
            transaction.batch_execute(&sql).await.map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }

    pub(crate) async fn begin(&self, mode: Mode) -> Result<Transaction, Fault> {
        let client = self.client().await?;
        if client.statement_cache.size() > STATEMENTS {
            client.statement_cache.clear();
        }
        let begin = match mode {
            Mode::Single => None,
            Mode::Read => Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
            Mode::Write => Some("BEGIN ISOLATION LEVEL READ COMMITTED"),
        };
        Ok(Transaction { client: Some(client), begin, open: false, busy: false })
    }
}

/// The statements that are missing from a database that says so of its tables.
fn after(row: &tokio_postgres::Row) -> Result<Vec<String>, Fault> {
    crate::migrations::after(row.try_get(0).map_err(fault)?, scim_sql::Dialect::Postgres)
}

/// A transaction, begun with its first statement.
pub(crate) struct Transaction {
    client: Option<Object>,
    begin: Option<&'static str>,
    open: bool,
    /// Whether the answers to what was sent have not all come.
    busy: bool,
}

impl Transaction {
    /// The statement, which is in a transaction from here on.
    async fn prepare(&mut self, sql: &str) -> Result<Statement, Fault> {
        self.open |= self.begin.is_some();
        self.client()?.prepare_cached(sql).await.map_err(fault)
    }

    fn client(&self) -> Result<&Object, Fault> {
        self.client.as_ref().ok_or_else(|| Fault::broken("the transaction is over"))
    }

    async fn prepare_all(&mut self, statements: &[(String, Vec<Param>)]) -> Result<Vec<Statement>, Fault> {
        self.busy = true;
        let mut prepared = Vec::with_capacity(statements.len());
        for (sql, _) in statements {
            prepared.push(self.prepare(sql).await?);
        }
        Ok(prepared)
    }

    /// Runs statements and reads the rows of each; all are sent before the first is answered.
    pub(crate) async fn rows_of(&mut self, asked: Vec<(String, Vec<Param>)>) -> Result<Vec<Rows>, Fault> {
        let prepared = self.prepare_all(&asked).await?;
        let begin = self.begin.take();
        let client = self.client()?;
        let sent = prepared
            .iter()
            .zip(&asked)
            .map(async |(statement, (_, params))| client.query(statement, &borrowed(params)).await);
        let (begun, found) = futures_util::join!(start(client, begin), try_join_all(sent));
        self.busy = false;
        begun?;
        found.map_err(fault)?.iter().map(|rows| read(rows).map_err(fault)).collect()
    }

    /// Runs statements, and commits if they are the last ones; all are sent before the first is answered.
    /// If one fails the server makes a rollback of the commit.
    pub(crate) async fn execute(
        &mut self,
        statements: Vec<(String, Vec<Param>)>,
        commit: bool,
    ) -> Result<(), Fault> {
        let prepared = self.prepare_all(&statements).await?;
        let commit = commit && self.open;
        if prepared.is_empty() && !commit {
            self.busy = false;
            return Ok(());
        }
        let begin = self.begin.take();
        let client = self.client()?;
        let sent = prepared
            .iter()
            .zip(&statements)
            .map(async |(statement, (_, params))| client.execute(statement, &borrowed(params)).await);
        let end = async { if commit { client.batch_execute("COMMIT").await } else { Ok(()) } };
        let (begun, done, ended) = futures_util::join!(start(client, begin), try_join_all(sent), end);
        self.busy = false;
        // Of those that fail the first says why; but if the connection broke, or the commit failed, not
        // even whether it happened is known.
        let is_reported = |error: &tokio_postgres::Error| error.as_db_error().is_some();
        let lost = |error| match fault(error) {
            Fault::Unavailable(source) | Fault::Broken(source) => Fault::Lost(source),
            other => other,
        };
        begun?;
        let done = done.map_err(|error| match commit && !is_reported(&error) {
            true => lost(error),
            false => fault(error),
        })?;
        ended.map_err(lost)?;
        self.open &= !commit;
        if !commit && done.last() == Some(&0) { Err(Fault::late()) } else { Ok(()) }
    }
}

fn borrowed(params: &[Param]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as _).collect()
}

async fn start(client: &Object, begin: Option<&str>) -> Result<(), Fault> {
    match begin {
        Some(sql) => client.batch_execute(sql).await.map_err(fault),
        None => Ok(()),
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(client) = self.client.take().filter(|_| self.open || self.busy) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return drop(Object::take(client));
        };
        // Nobody needs to wait for that, and the connection goes back to the pool after it. A statement
        // that nobody waits for any more must not keep it.
        let cancel = self.busy.then(|| client.cancel_token());
        drop(runtime.spawn(async move {
            if let Some(cancel) = cancel {
                let _ = cancel.cancel_query(NoTls).await;
            }
            if client.batch_execute("ROLLBACK").await.is_err() {
                drop(Object::take(client));
            }
        }));
    }
}

fn read(found: &[tokio_postgres::Row]) -> Result<Rows, tokio_postgres::Error> {
    let mut rows = Rows::new(found.first().map_or(0, tokio_postgres::Row::len));
    for row in found {
        for (column, of) in row.columns().iter().enumerate() {
            match *of.type_() {
                Type::INT8 => row.try_get::<_, Option<i64>>(column)?.map(|number| rows.push_int(number)),
                Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(|flag| rows.push_bool(flag)),
                _ => row.try_get::<_, Option<&str>>(column)?.map(|text| rows.push_text(text)),
            }
            .unwrap_or_else(|| rows.push_null());
        }
    }
    Ok(rows)
}

impl ToSql for Param {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Text(text) => text.to_sql_checked(ty, out),
            Self::Int(number) => number.to_sql_checked(ty, out),
            Self::Real(number) => number.to_sql_checked(ty, out),
            Self::Bool(flag) => flag.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn fault(error: tokio_postgres::Error) -> Fault {
    let Some(reported) = error.as_db_error() else {
        return if error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()) {
            Fault::Unavailable(error.into())
        } else {
            Fault::Broken(error.into())
        };
    };
    match *reported.code() {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            Fault::Conflict(error.into())
        }
        SqlState::UNIQUE_VIOLATION
            if matches!(reported.constraint(), Some("resource_unique_name" | "unique_value_pkey")) =>
        {
            Fault::Taken(None)
        }
        SqlState::NOT_NULL_VIOLATION if reported.column() == Some("version") => Fault::late(),
        SqlState::PROGRAM_LIMIT_EXCEEDED
        | SqlState::CHARACTER_NOT_IN_REPERTOIRE
        | SqlState::UNTRANSLATABLE_CHARACTER
        | SqlState::STRING_DATA_RIGHT_TRUNCATION => Fault::Value,
        SqlState::QUERY_CANCELED
        | SqlState::LOCK_NOT_AVAILABLE
        | SqlState::READ_ONLY_SQL_TRANSACTION
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Fault::Unavailable(error.into()),
        // Connections, resources, an operator who stops the server, and its disks.
        ref code if ["08", "53", "57", "58"].iter().any(|class| code.code().starts_with(class)) => {
            Fault::Unavailable(error.into())
        }
        _ => Fault::Broken(error.into()),
    }
}
