//! Tests that slow statements of SQLite are interrupted by their timeout, and when their request is cancelled.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::{Method, Response};
use rusqlite::Connection;
use scim_core::patch::PATCH_OP;
use scim_core::{Identity, ScimService};
use serde_json::{Value, json};

use super::Sqlite;
use crate::Store;
use crate::database::{Database as _, DatabaseError, Mode, Statement};
use crate::store::connection::Database;
use crate::store::tables::MIGRATIONS;

/// A query that takes half a minute if nothing interrupts it.
const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT count(*) FROM n";

/// Much less than the time of that query, and less than the time that a request waits for a connection.
const SOON: Duration = Duration::from_secs(3);

/// A time that only slow statements exceed.
const SHORT: Duration = Duration::from_millis(500);

/// A time that no statement exceeds.
const NEVER: Duration = Duration::from_secs(600);

/// A service on a database file in which reading a resource can be made slow.
struct SlowService {
    service: ScimService,
    file: PathBuf,
    user: String,
}

impl SlowService {
    async fn new(timeout: Duration) -> Self {
        let file = std::env::temp_dir().join(format!("scim-slow-{}.db", scim_core::new_id()));
        let database =
            Sqlite::open_with_timeout(&file.display().to_string(), Some(MIGRATIONS), timeout).await.unwrap();
        let service = ScimService::builder()
            .base_url("https://scim.example.com")
            .users(Store::new(Database::new(std::sync::Arc::new(database))))
            .build()
            .unwrap();
        let mut slow = Self { service, file, user: String::new() };
        let created = slow.send(Method::POST, "/Users", Some(user("bea"))).await;
        let created: Value = serde_json::from_slice(created.body()).unwrap();
        slow.user = format!("/Users/{}", created["id"].as_str().unwrap());
        slow
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response<Vec<u8>> {
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("Content-Type", "application/scim+json");
        let request = request.extension(Identity::new("tests")).body(body).unwrap();
        self.service.handle(request).await
    }

    /// Sends one request; the number selects which of four kinds.
    async fn call(&self, number: usize) -> Response<Vec<u8>> {
        let patch = json!({
            "schemas": [PATCH_OP],
            "Operations": [{ "op": "replace", "path": "title", "value": "Diver" }],
        });
        match number % 4 {
            0 => self.send(Method::GET, &self.user, None).await,
            1 => self.send(Method::GET, "/Users?filter=userName+eq+%22bea%22", None).await,
            2 => self.send(Method::PATCH, &self.user, Some(patch)).await,
            _ => self.send(Method::DELETE, &self.user, None).await,
        }
    }

    /// Makes all statements that read a resource slow, or fast again.
    fn set_slow(&self, slow: bool) {
        let connection = Connection::open(&self.file).unwrap();
        // References to the renamed table stay as they are.
        connection.execute_batch("PRAGMA legacy_alter_table = ON").unwrap();
        connection.busy_timeout(SOON).unwrap();
        let sql = match slow {
            true => format!(
                "BEGIN IMMEDIATE; ALTER TABLE resource RENAME TO fast; \
                 CREATE VIEW resource AS SELECT * FROM fast WHERE ({LONG}) > 0; COMMIT"
            ),
            false => {
                "BEGIN IMMEDIATE; DROP VIEW resource; ALTER TABLE fast RENAME TO resource; COMMIT".to_owned()
            }
        };
        connection.execute_batch(&sql).unwrap();
    }
}

impl Drop for SlowService {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.file.display()));
        }
    }
}

fn user(name: &str) -> Value {
    json!({ "schemas": [scim_core::schema::standard::USER], "userName": name })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_answered_with_503() {
    let slow = SlowService::new(SHORT).await;
    slow.set_slow(true);
    for number in 0..4 {
        let begun = Instant::now();
        let answer = slow.call(number).await;
        assert_eq!(answer.status(), 503, "{number}: {}", String::from_utf8_lossy(answer.body()));
        assert!(answer.headers().contains_key("Retry-After"));
        let took = begun.elapsed();
        assert!(took >= SHORT && took < SOON, "{number}: {took:?}");
    }
    slow.set_slow(false);
    for (number, status) in [200, 200, 200, 204].into_iter().enumerate() {
        assert_eq!(slow.call(number).await.status(), status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_request_stops_soon() {
    let slow = SlowService::new(NEVER).await;
    slow.set_slow(true);
    // More requests than there are connections: if one were not returned, a later request would wait for it.
    for round in 0..3 {
        let calls =
            async { tokio::join!(slow.call(0), slow.call(1), slow.call(2), slow.call(0), slow.call(1)) };
        let begun = Instant::now();
        assert!(tokio::time::timeout(SHORT, calls).await.is_err(), "{round}: the requests are not slow");
        assert!(begun.elapsed() < SOON);
    }
    // Changing the tables waits for a transaction that writes.
    slow.set_slow(false);
    let begun = Instant::now();
    for (number, status) in [200, 200, 200, 204].into_iter().enumerate() {
        assert_eq!(slow.call(number).await.status(), status);
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_transaction_is_rolled_back() {
    for mode in [Mode::Single, Mode::Read, Mode::Write] {
        for (by_timeout, timeout) in [(true, SHORT), (false, NEVER)] {
            // A database in memory has one connection only, so the next transaction uses the same one.
            let pool = Sqlite::open_with_timeout(":memory:", Some(MIGRATIONS), timeout).await.unwrap();
            let mut tx = pool.begin(mode).await.unwrap();
            if mode == Mode::Write {
                let insert = "INSERT INTO meta (name, value) VALUES ('half', '') RETURNING name";
                tx.query(vec![Statement::new(insert, [])]).await.unwrap();
            }
            let begun = Instant::now();
            let (cancel_on_drop, long) = (tx.block_calling_thread(), vec![Statement::new(LONG, [])]);
            let task = tokio::spawn(async move { tx.query(long).await });
            if !by_timeout {
                tokio::time::sleep(SHORT / 5).await;
                drop(cancel_on_drop);
            }
            let result = task.await.unwrap();
            assert!(matches!(result, Err(DatabaseError::Unavailable(_))), "{mode:?}");
            let took = begun.elapsed();
            assert!((took >= SHORT || !by_timeout) && took < SOON, "{mode:?}: {took:?}");

            let mut tx = pool.begin(Mode::Write).await.unwrap();
            let count = "SELECT count(*) FROM meta WHERE name = 'half'";
            let rows = tx.query(vec![Statement::new(count, [])]).await.unwrap();
            assert_eq!(rows.first().and_then(|rows| rows.first()?.int(0)), Some(0), "{mode:?}");
            tx.commit(Vec::new()).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_of_a_cancelled_request_does_not_start() {
    let pool = Sqlite::open_with_migrations(":memory:", Some(MIGRATIONS)).await.unwrap();
    let mut tx = pool.begin(Mode::Write).await.unwrap();
    drop(tx.block_calling_thread());
    let result = tx.query(vec![Statement::new("SELECT 1", [])]).await;
    assert!(matches!(result, Err(DatabaseError::Unavailable(_))));
}
