//! The same by hand: the statements that somebody would write who knows the tables, through the same
//! drivers, with the documents read as JSON.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio_postgres::types::ToSql;

const COLUMNS: &str = "SELECT r.place, r.id, r.version, r.created, r.modified, r.document FROM resource r";
const HERE: &str = "r.tenant = '' AND r.kind = 'User'";

pub(crate) const NAME: &str = "r.unique_name = $1";
pub(crate) const EXTERNAL: &str = "r.external_id = $1";
pub(crate) const EMAIL: &str = "r.place IN (SELECT v.place FROM value v WHERE v.tenant = '' AND v.attribute = 'emails' \
     AND v.value = $1 AND v.type = 'work')";
pub(crate) const OR: &str = "r.place IN (SELECT v.place FROM value v WHERE v.tenant = '' AND v.attribute = 'emails' \
     AND v.value = $3 AND v.type = 'work' \
     UNION SELECT r.place FROM resource r WHERE r.tenant = '' AND r.kind = 'User' AND r.unique_name = $1 \
     UNION SELECT r.place FROM resource r WHERE r.tenant = '' AND r.kind = 'User' AND r.external_id = $2)";
/// Written differently for each database.
pub(crate) const CONTAINS: &str = "contains";

pub(crate) enum Hand {
    Sqlite(Arc<Mutex<rusqlite::Connection>>),
    Postgres(tokio_postgres::Client),
}

impl Hand {
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
        Self::Postgres(client)
    }

    /// Runs statements one after the other in one transaction; the documents of the first one's rows.
    async fn run(&self, statements: Vec<(String, Vec<String>)>) -> (Duration, usize) {
        let begin = Instant::now();
        let documents = match self {
            Self::Sqlite(connection) => {
                let connection = connection.clone();
                // As any host must that is asynchronous.
                let work = tokio::task::spawn_blocking(move || {
                    let connection = connection.lock().expect("one at a time");
                    connection
                        .prepare_cached("BEGIN")
                        .and_then(|mut s| s.execute([]))
                        .expect("a transaction");
                    let mut documents = Vec::new();
                    let mut ids = Vec::new();
                    for (n, (sql, mut binds)) in statements.into_iter().enumerate() {
                        let sql = sql
                            .replace('$', "?")
                            .replace("= ANY (?1)", "IN (SELECT value FROM json_each(?1))");
                        if n > 0 {
                            binds = vec![Value::from(std::mem::take(&mut ids)).to_string()];
                        }
                        let mut statement = connection.prepare_cached(&sql).expect("a statement");
                        let mut rows = statement.query(rusqlite::params_from_iter(binds)).expect("rows");
                        while let Some(row) = rows.next().expect("a row") {
                            if n == 0 {
                                ids.push(row.get::<_, String>(1).expect("an id"));
                                documents.push(row.get::<_, String>(5).expect("a document"));
                            }
                        }
                    }
                    connection.prepare_cached("COMMIT").and_then(|mut s| s.execute([])).expect("its end");
                    documents
                });
                work.await.expect("a thread")
            }
            Self::Postgres(client) => {
                client.batch_execute("BEGIN READ ONLY").await.expect("a transaction");
                let (mut documents, mut ids) = (Vec::new(), Vec::<String>::new());
                for (n, (sql, binds)) in statements.into_iter().enumerate() {
                    let statement = self.prepared(client, &sql).await;
                    let binds: Vec<&(dyn ToSql + Sync)> = match n {
                        0 => binds.iter().map(|bind| bind as _).collect(),
                        _ => vec![&ids],
                    };
                    let rows = client.query(&statement, &binds).await.expect("rows");
                    if n == 0 {
                        ids.extend(rows.iter().map(|row| row.get::<_, String>(1)));
                        documents.extend(rows.iter().map(|row| row.get::<_, String>(5)));
                    }
                }
                client.batch_execute("COMMIT").await.expect("its end");
                documents
            }
        };
        for text in &documents {
            let document: Map<String, Value> = serde_json::from_str(text).expect("a document");
            std::hint::black_box(document);
        }
        (begin.elapsed(), documents.len())
    }

    async fn prepared(&self, client: &tokio_postgres::Client, sql: &str) -> tokio_postgres::Statement {
        static CACHE: Mutex<Option<(String, tokio_postgres::Statement)>> = Mutex::new(None);
        static GROUPS: Mutex<Option<tokio_postgres::Statement>> = Mutex::new(None);
        if sql == GROUPS_OF {
            if let Some(statement) = GROUPS.lock().expect("one at a time").clone() {
                return statement;
            }
            let statement = client.prepare(sql).await.expect("a statement");
            *GROUPS.lock().expect("one at a time") = Some(statement.clone());
            return statement;
        }
        let cached = CACHE.lock().expect("one at a time").clone();
        if let Some((_, statement)) = cached.filter(|(text, _)| text == sql) {
            return statement;
        }
        let statement = client.prepare(sql).await.expect("a statement");
        *CACHE.lock().expect("one at a time") = Some((sql.to_owned(), statement.clone()));
        statement
    }

    fn groups(&self) -> (String, Vec<String>) {
        // It takes the ids that the statement before found.
        (GROUPS_OF.to_owned(), Vec::new())
    }

    pub(crate) async fn get(&self, id: &str) -> Duration {
        let sql = format!("{COLUMNS} WHERE r.tenant = '' AND r.id = $1 AND r.kind = 'User'");
        self.run(vec![(sql, vec![id.to_owned()]), self.groups()]).await.0
    }

    /// A page of 100, and how many resources there are on it.
    pub(crate) async fn page(&self, condition: &str, binds: &[String]) -> (Duration, usize) {
        let (condition, mut binds) = (condition.to_owned(), binds.to_vec());
        let condition = match (condition.as_str(), self) {
            (CONTAINS, Self::Sqlite(_)) => {
                binds = binds.iter().map(|text| format!("unique_name : \"{text}\"")).collect();
                "r.place IN (SELECT rowid FROM search WHERE search MATCH $1)".to_owned()
            }
            (CONTAINS, Self::Postgres(_)) => {
                binds = binds.iter().map(|text| format!("%{text}%")).collect();
                "r.place IN (SELECT r.place FROM resource r WHERE r.unique_name LIKE $1 OFFSET 0)".to_owned()
            }
            _ => condition,
        };
        let page = format!("{COLUMNS} WHERE {HERE} AND {condition} ORDER BY r.place LIMIT 101");
        self.run(vec![(page, binds), self.groups()]).await
    }

    pub(crate) async fn after(&self, place: i64) -> Duration {
        let sql = format!("{COLUMNS} WHERE {HERE} AND r.place > {place} ORDER BY r.place LIMIT 101");
        self.run(vec![(sql, Vec::new()), self.groups()]).await.0
    }

    pub(crate) async fn skip(&self, skip: usize) -> Duration {
        let sql = format!(
            "SELECT r.place, r.id, r.version, r.created, r.modified, r.document FROM (SELECT r.place AS at \
             FROM resource r WHERE {HERE} ORDER BY r.place LIMIT 101 OFFSET {skip}) p \
             JOIN resource r ON r.place = p.at ORDER BY r.place"
        );
        self.run(vec![(sql, Vec::new()), self.groups()]).await.0
    }
}

const GROUPS_OF: &str = "SELECT m.member, g.id, g.document FROM member m JOIN resource g ON g.place = m.place \
     WHERE m.tenant = '' AND m.member = ANY ($1) ORDER BY g.place";
