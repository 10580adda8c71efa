//! The hand-written statements that the store is compared with: those of a developer who knows the tables, through the
//! same drivers, with the documents parsed as JSON.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

const COLUMNS: &str = "SELECT r.place, r.id, r.version, r.created, r.modified, r.document FROM resource r";
const SCOPE: &str = "r.tenant = '.' AND r.kind = 'User'";

pub(crate) const NAME: &str = "r.unique_name = $1";
pub(crate) const EXTERNAL: &str = "r.external_id = $1";
pub(crate) const EMAIL: &str = "r.place IN (SELECT v.place FROM value v WHERE v.tenant = '.' AND v.attribute = 'emails' \
     AND v.value = $1 AND v.type = 'work')";
pub(crate) const OR: &str = "r.place IN (SELECT v.place FROM value v WHERE v.tenant = '.' AND v.attribute = 'emails' \
     AND v.value = $3 AND v.type = 'work' \
     UNION SELECT r.place FROM resource r WHERE r.tenant = '.' AND r.kind = 'User' AND r.unique_name = $1 \
     UNION SELECT r.place FROM resource r WHERE r.tenant = '.' AND r.kind = 'User' AND r.external_id = $2)";
/// Stands for the condition of `co`, which differs between the databases.
pub(crate) const CONTAINS: &str = "contains";

#[expect(clippy::large_enum_variant, reason = "there is only one value at a time")]
pub(crate) enum HandWritten {
    Sqlite(Arc<Mutex<rusqlite::Connection>>),
    Postgres(Client),
}

/// A connection to PostgreSQL that keeps prepared statements.
pub(crate) struct Client {
    client: tokio_postgres::Client,
    prepared: Mutex<HashMap<String, Statement>>,
}

impl Client {
    async fn rows(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let cached = self.prepared.lock().expect("one at a time").get(sql).cloned();
        let statement = match cached {
            Some(statement) => statement,
            None => {
                let statement = self.client.prepare(sql).await?;
                self.prepared.lock().expect("one at a time").insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        self.client.query(&statement, values).await
    }
}

impl HandWritten {
    pub(crate) async fn open(url: &str) -> Self {
        if let Some(file) = url.strip_prefix("sqlite:") {
            let connection = rusqlite::Connection::open(file).expect("a database");
            connection.execute_batch("PRAGMA cache_size = -65536").expect("a setting");
            return Self::Sqlite(Arc::new(Mutex::new(connection)));
        }
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a database");
        tokio::spawn(connection);
        client.batch_execute("ANALYZE").await.expect("statistics");
        let client = Client { client, prepared: Mutex::default() };
        Self::Postgres(client)
    }

    /// Reads users with one statement, and their direct and indirect groups with others, in one transaction. Returns the
    /// time and the number of users.
    async fn run(&self, sql: String, values: Vec<String>) -> (Duration, usize) {
        let start = Instant::now();
        let documents = match self {
            Self::Sqlite(connection) => {
                let connection = connection.clone();
                // Any asynchronous host needs a blocking thread for SQLite.
                let work = tokio::task::spawn_blocking(move || {
                    let connection = connection.lock().expect("one at a time");
                    sqlite(&connection, &sql, values).expect("rows")
                });
                work.await.expect("a thread")
            }
            Self::Postgres(client) => postgres(client, &sql, &values).await.expect("rows"),
        };
        let read = |text: &String| serde_json::from_str(text).expect("a document");
        let page: Vec<Map<String, Value>> = documents.iter().map(read).collect();
        let time = start.elapsed();
        (time, std::hint::black_box(page).len())
    }

    /// Reads one user.
    pub(crate) async fn get(&self, id: &str) -> Duration {
        let sql = format!("{COLUMNS} WHERE r.tenant = '.' AND r.id = $1 AND r.kind = 'User'");
        self.run(sql, vec![id.to_owned()]).await.0
    }

    /// Reads a page of 100. Returns the time and the number of users, which is 101 if there is a next page.
    pub(crate) async fn page(&self, condition: &str, values: &[String]) -> (Duration, usize) {
        let (condition, mut values) = (condition.to_owned(), values.to_vec());
        let condition = match (condition.as_str(), self) {
            (CONTAINS, Self::Sqlite(_)) => {
                values = values.iter().map(|text| format!("unique_name : \"{text}\"")).collect();
                "r.place IN (SELECT rowid FROM search WHERE search MATCH $1)".to_owned()
            }
            (CONTAINS, Self::Postgres(_)) => {
                values = values.iter().map(|text| format!("%{text}%")).collect();
                "r.place IN (SELECT r.place FROM resource r WHERE r.unique_name LIKE $1 OFFSET 0)".to_owned()
            }
            _ => condition,
        };
        let page = format!("{COLUMNS} WHERE {SCOPE} AND {condition} ORDER BY r.place LIMIT 101");
        self.run(page, values).await
    }

    /// Reads the page after a user.
    pub(crate) async fn after(&self, place: i64) -> Duration {
        let sql = format!("{COLUMNS} WHERE {SCOPE} AND r.place > {place} ORDER BY r.place LIMIT 101");
        self.run(sql, Vec::new()).await.0
    }

    /// Reads the page after this number of users.
    pub(crate) async fn skip(&self, skip: usize) -> Duration {
        let sql = format!(
            "SELECT r.place, r.id, r.version, r.created, r.modified, r.document FROM (SELECT r.place AS at \
             FROM resource r WHERE {SCOPE} ORDER BY r.place LIMIT 101 OFFSET {skip}) p \
             JOIN resource r ON r.place = p.at ORDER BY r.place"
        );
        self.run(sql, Vec::new()).await.0
    }
}

const GROUPS: &str = "SELECT m.member, g.id, g.document FROM member m JOIN resource g ON g.place = m.place \
     WHERE m.tenant = '.' AND m.member";

fn sqlite(
    connection: &rusqlite::Connection,
    sql: &str,
    values: Vec<String>,
) -> rusqlite::Result<Vec<String>> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let (mut documents, mut ids) = (Vec::new(), Vec::new());
    let mut statement = connection.prepare_cached(&sql.replace('$', "?"))?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        ids.push(row.get::<_, String>(1)?);
        documents.push(row.get(5)?);
    }
    while !ids.is_empty() {
        let any = if ids.len() == 1 { "= ?1" } else { "IN (SELECT value FROM json_each(?1))" };
        let mut statement = connection.prepare_cached(&format!("{GROUPS} {any} ORDER BY g.place"))?;
        let ids_before = std::mem::take(&mut ids);
        let mut rows = match ids_before.as_slice() {
            [only] => statement.query([only])?,
            all => statement.query([Value::from(all).to_string()])?,
        };
        while let Some(row) = rows.next()? {
            ids.push(row.get(1)?);
        }
        ids.dedup();
    }
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(documents)
}

async fn postgres(
    client: &Client,
    sql: &str,
    values: &[String],
) -> Result<Vec<String>, tokio_postgres::Error> {
    client.client.batch_execute("BEGIN READ ONLY").await?;
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
    let rows = client.rows(sql, &values).await?;
    let documents = rows.iter().map(|row| row.get(5)).collect();
    let mut ids: Vec<String> = rows.iter().map(|row| row.get(1)).collect();
    while !ids.is_empty() {
        let rows = client.rows(&format!("{GROUPS} = ANY ($1) ORDER BY g.place"), &[&ids]).await?;
        ids = rows.iter().map(|row| row.get(1)).collect();
        ids.dedup();
    }
    client.client.batch_execute("COMMIT").await?;
    Ok(documents)
}
