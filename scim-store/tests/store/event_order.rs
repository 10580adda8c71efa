//! Tests that a reader of the outbox misses nothing while others write.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use scim_core::async_trait;
use scim_store::{
    ChangeEvent, ChangeKind, Database, DatabaseError, Mode, Rows, Statement, Store, Transaction,
};
use serde_json::json;
use tokio::sync::Notify;

use crate::support;
use crate::support::service::{Client, patch, user};

/// Writers change the same resources at once, while a reader takes what it finds. It finds each change once, and those of a
/// resource in their order.
#[test]
fn a_reader_misses_nothing_while_others_write() {
    const WRITERS: usize = 8;
    const CHANGES: usize = 25;
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database).record_events();
        let client = Client::new(&runtime, &store);
        let outbox = store.outbox();
        let path = |created: &serde_json::Value| format!("/Users/{}", created["id"].as_str().unwrap());
        let paths: Vec<String> =
            (0..3).map(|n| path(&client.create("/Users", user(&format!("user{n}"))))).collect();
        let total = paths.len() + WRITERS * CHANGES;
        let writers = (0..WRITERS).map(|writer| {
            let (client, paths) = (&client, &paths);
            async move {
                for n in 0..CHANGES {
                    let path = &paths[(writer + n) % paths.len()];
                    let change =
                        json!({ "op": "replace", "path": "title", "value": format!("{writer}.{n}") });
                    loop {
                        let (status, body) = client.call(Method::PATCH, path, patch(change.clone())).await;
                        match status {
                            200 => break,
                            503 => tokio::time::sleep(Duration::from_millis(5)).await,
                            _ => panic!("{body}"),
                        }
                    }
                }
            }
        });
        let read = async {
            let (mut found, mut position) = (Vec::new(), 0);
            while found.len() < total {
                let batch = outbox.events(Some(&client.tenant), position, 7).await.unwrap();
                position = batch.position;
                found.extend(batch.events);
                tokio::task::yield_now().await;
            }
            found
        };
        let (_, found) = runtime.block_on(async { tokio::join!(support::join_all(writers), read) });
        assert_eq!(found.len(), total);
        for path in &paths {
            let id = path.rsplit('/').next().unwrap();
            let of_resource: Vec<&ChangeEvent> = found.iter().filter(|event| event.id == id).collect();
            assert_eq!(of_resource[0].kind, ChangeKind::Created);
            for pair in of_resource.windows(2) {
                assert_eq!(pair[0].version_after, pair[1].version_before, "{}", database.url);
            }
            let (_, now) = client.send(Method::GET, path, None);
            let last = of_resource.last().unwrap().version_after.as_ref().unwrap();
            assert_eq!(now["meta"]["version"], last.to_string());
        }
    }
}

/// A database whose transactions wait between their last statement and the COMMIT.
#[derive(Debug)]
struct HeldCommits {
    database: Arc<dyn Database>,
    /// Wakes the test when a transaction waits, and the transaction when it may commit.
    waits: Arc<Notify>,
    goes_on: Arc<Notify>,
}

struct HeldTransaction {
    inner: Box<dyn Transaction>,
    waits: Arc<Notify>,
    goes_on: Arc<Notify>,
}

#[async_trait]
impl Database for HeldCommits {
    fn dialect(&self) -> scim_store::Dialect {
        self.database.dialect()
    }

    async fn begin(&self, mode: Mode) -> Result<Box<dyn Transaction>, DatabaseError> {
        let inner = self.database.begin(mode).await?;
        let (waits, goes_on) = (self.waits.clone(), self.goes_on.clone());
        Ok(Box::new(HeldTransaction { inner, waits, goes_on }))
    }
}

#[async_trait]
impl Transaction for HeldTransaction {
    async fn query(&mut self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        self.inner.query(statements).await
    }

    async fn execute(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, DatabaseError> {
        self.inner.execute(statements).await
    }

    async fn commit(mut self: Box<Self>, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let rows = self.inner.query(statements).await?;
        self.waits.notify_one();
        self.goes_on.notified().await;
        self.inner.commit(Vec::new()).await?;
        Ok(rows)
    }

    fn driver(&mut self) -> &mut dyn Any {
        self.inner.driver()
    }
}

/// The transaction that commits first has the later event. SQLite runs one transaction at a time.
#[test]
fn an_event_is_not_read_before_an_earlier_one_is_committed() {
    let Some(url) = support::postgres() else { return };
    let runtime = support::runtime();
    let store = support::open(&runtime, &support::database_at(&url)).record_events();
    let (waits, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let database = Arc::new(runtime.block_on(scim_store::open(&url)).unwrap());
    let held = HeldCommits { database, waits: waits.clone(), goes_on: goes_on.clone() };
    let held = runtime.block_on(Store::with_database(held)).unwrap().record_events();
    let client = Client::new(&runtime, &store);
    let slow = Client::in_tenant(&runtime, held, &client.tenant);
    let outbox = store.outbox();
    let tenant = Some(client.tenant.as_str());
    // The first event of a tenant also adds the tenant to the table of readers.
    client.create("/Users", user("cy"));
    runtime.block_on(async {
        let fast_one = async {
            waits.notified().await;
            assert_eq!(client.call(Method::POST, "/Users", Some(user("ada"))).await.0, 201);
            let early = tokio::time::timeout(Duration::from_millis(300), outbox.events(tenant, 0, 10)).await;
            assert!(early.is_err(), "{early:?}");
            // Another tenant has to wait for nobody.
            assert_eq!(outbox.events(Some("another tenant"), 0, 10).await.unwrap().events, []);
            goes_on.notify_one();
        };
        tokio::join!(slow.call(Method::POST, "/Users", Some(user("bea"))), fast_one);
        assert_eq!(outbox.events(tenant, 0, 10).await.unwrap().events.len(), 3);
    });
}
