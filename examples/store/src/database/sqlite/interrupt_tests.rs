//! Tests: statements of SQLite that take long end, by their time or with the call that they belong to.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::{Method, Response};
use rusqlite::Connection;
use scim_core::patch::PATCH_OP;
use scim_core::{Identity, ScimService};
use serde_json::{Value, json};

use super::Pool;
use crate::Store;
use crate::database::{Database, DatabaseError, Mode, params};
use crate::tables::MIGRATIONS;

/// A query that takes half a minute if nothing ends it.
const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT count(*) FROM n";

/// What is far from the end of such a query, and far below what a call waits for a connection.
const SOON: Duration = Duration::from_secs(3);

/// A time that only what takes long exceeds.
const SHORT: Duration = Duration::from_millis(500);

/// A time that nothing exceeds.
const NEVER: Duration = Duration::from_secs(600);

/// A service on a file whose resources can be made slow to read.
struct Slow {
    service: ScimService,
    file: PathBuf,
    user: String,
}

impl Slow {
    async fn new(limit: Duration) -> Self {
        let file = std::env::temp_dir().join(format!("scim-slow-{}.db", scim_core::new_id()));
        let pool = Pool::open_with_timeout(&file.display().to_string(), MIGRATIONS, limit).await.unwrap();
        let service = ScimService::builder()
            .base_url("https://scim.example.com")
            .users(Store::new(Database::Sqlite(pool)))
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

    /// One call of each kind.
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

    /// Makes whatever reads a resource take long, or ends that.
    fn set_slow(&self, slow: bool) {
        let connection = Connection::open(&self.file).unwrap();
        // What refers to the table is to stay as it is.
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

impl Drop for Slow {
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
async fn a_call_that_takes_too_long_is_told_to_come_again() {
    let slow = Slow::new(SHORT).await;
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
async fn a_call_that_is_given_up_ends_soon() {
    let slow = Slow::new(NEVER).await;
    slow.set_slow(true);
    // More than there are connections, so that one that is kept is missed.
    for round in 0..3 {
        let calls =
            async { tokio::join!(slow.call(0), slow.call(1), slow.call(2), slow.call(0), slow.call(1)) };
        let begun = Instant::now();
        assert!(tokio::time::timeout(SHORT, calls).await.is_err(), "{round}: it is slow");
        assert!(begun.elapsed() < SOON);
    }
    // Who changes the tables waits for whoever writes.
    slow.set_slow(false);
    let begun = Instant::now();
    for (number, status) in [200, 200, 200, 204].into_iter().enumerate() {
        assert_eq!(slow.call(number).await.status(), status);
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ended_leaves_a_clean_connection() {
    for mode in [Mode::Single, Mode::Read, Mode::Write] {
        for (by_its_time, limit) in [(true, SHORT), (false, NEVER)] {
            // There is one connection only.
            let pool = Pool::open_with_timeout(":memory:", MIGRATIONS, limit).await.unwrap();
            let mut tx = pool.begin(mode).await.unwrap();
            if mode == Mode::Write {
                let insert = "INSERT INTO meta (name, value) VALUES ('half', '') RETURNING name";
                tx.rows_of(vec![(insert.into(), params![])]).await.unwrap();
            }
            let begun = Instant::now();
            let (cancel_on_drop, long) = (tx.cancel_on_drop(), vec![(LONG.into(), params![])]);
            let thread = tokio::spawn(async move { tx.rows_of(long).await });
            if !by_its_time {
                tokio::time::sleep(SHORT / 5).await;
                drop(cancel_on_drop);
            }
            let done = thread.await.unwrap();
            assert!(matches!(done, Err(DatabaseError::Unavailable(_))), "{mode:?}");
            let took = begun.elapsed();
            assert!((took >= SHORT || !by_its_time) && took < SOON, "{mode:?}: {took:?}");

            let mut tx = pool.begin(Mode::Write).await.unwrap();
            let count = "SELECT count(*) FROM meta WHERE name = 'half'";
            let rows = tx.rows_of(vec![(count.into(), params![])]).await.unwrap();
            assert_eq!(rows.first().and_then(|rows| rows.first()?.int(0)), Some(0), "{mode:?}");
            tx.execute(Vec::new(), true).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_does_not_begin() {
    let pool = Pool::open(":memory:", MIGRATIONS).await.unwrap();
    let mut tx = pool.begin(Mode::Write).await.unwrap();
    drop(tx.cancel_on_drop());
    let done = tx.rows_of(vec![("SELECT 1".into(), params![])]).await;
    assert!(matches!(done, Err(DatabaseError::Unavailable(_))));
}
