//! Recording under load, and while the database is not available.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Request, StatusCode};
use scim_console::{Entry, LogOptions, ProvisioningLog};
use scim_core::{Identity, MemoryProvider, ScimService};
use scim_store::{Database, Mode, Statement};

use crate::unreliable::UnreliableDatabase;

const OK: StatusCode = StatusCode::OK;
const TIME: Duration = Duration::from_micros(300);

/// Begins to record a request that was parsed by a service.
fn begin(log: &ProvisioningLog, service: &ScimService, method: &str) -> Option<Entry> {
    let mut request = Request::builder().method(method).uri("/Users/7").body(()).unwrap();
    let identity = Identity::new("okta");
    request.extensions_mut().insert(identity.clone());
    let (parts, ()) = request.into_parts();
    let mut entry = log.begin(&parts)?;
    entry.set_identity(&identity);
    entry.set_operation(&service.parse(&parts, b"").unwrap());
    Some(entry)
}

/// Records a request.
fn record(log: &ProvisioningLog, service: &ScimService, method: &str, status: StatusCode) {
    if let Some(entry) = begin(log, service, method) {
        log.record(entry, status, TIME);
    }
}

fn service() -> ScimService {
    let builder = ScimService::builder().base_url("https://app.example.com/scim/v2");
    builder.users(MemoryProvider::new()).build().unwrap()
}

async fn count(database: &dyn Database, condition: &'static str) -> i64 {
    let sql = format!("SELECT count(*) FROM scim_request WHERE {condition}");
    let mut transaction = database.begin(Mode::Single).await.unwrap();
    let rows = transaction.query(vec![Statement::new(sql, [])]).await.unwrap();
    rows.first().unwrap().first().unwrap().int(0).unwrap()
}

#[tokio::test]
async fn a_slow_database_drops_reads_before_changes() {
    let (database, service) = (UnreliableDatabase::open().await, service());
    let log = ProvisioningLog::open(database.clone(), LogOptions::new()).await.unwrap();
    // Nothing can be written from here on. What the writer has taken already does not count.
    let all = database.writes.acquire_many(u32::MAX >> 4).await.unwrap();
    let rest = database.writes.available_permits();
    database.writes.forget_permits(rest);
    for _ in 0..3_000 {
        record(&log, &service, "GET", OK);
    }
    // Nothing is copied for a request that would be left out.
    assert!(begin(&log, &service, "GET").is_none());
    // The writer takes what it can.
    tokio::task::yield_now().await;
    let dropped = log.dropped();
    assert!(dropped >= 1_000, "{dropped}");
    // Half of the queue is left for changes, and for refusals of them.
    for _ in 0..500 {
        record(&log, &service, "DELETE", StatusCode::NO_CONTENT);
        record(&log, &service, "DELETE", StatusCode::NOT_FOUND);
    }
    assert_eq!(log.dropped(), dropped);
    for _ in 0..3_000 {
        record(&log, &service, "DELETE", StatusCode::NO_CONTENT);
    }
    assert!(log.dropped() > dropped);

    database.writes.add_permits(100_000);
    drop(all);
    log.flush().await;
    assert_eq!(count(&database, "status = 404").await, 500);
    assert!(count(&database, "operation = 'delete'").await >= 500);
    let recorded = u64::try_from(count(&database, "1 = 1").await).unwrap();
    assert_eq!(recorded + log.dropped(), 3_000 + 1 + 1_000 + 3_000);
}

#[tokio::test]
async fn requests_are_counted_while_the_database_is_down() {
    let (database, service) = (UnreliableDatabase::open().await, service());
    let log = ProvisioningLog::open(database.clone(), LogOptions::new()).await.unwrap();
    database.is_down.store(true, Ordering::Relaxed);
    record(&log, &service, "DELETE", StatusCode::NO_CONTENT);
    log.flush().await;
    assert_eq!(log.dropped(), 1);
    database.is_down.store(false, Ordering::Relaxed);
    record(&log, &service, "DELETE", StatusCode::NO_CONTENT);
    log.flush().await;
    assert_eq!(log.dropped(), 1);
    assert_eq!(count(&database, "1 = 1").await, 1);
}

#[tokio::test]
async fn large_bodies_do_not_fill_the_memory() {
    let (database, service) = (UnreliableDatabase::open().await, service());
    let log = ProvisioningLog::open(database.clone(), LogOptions::new()).await.unwrap();
    let all = database.writes.acquire_many(u32::MAX >> 4).await.unwrap();
    let rest = database.writes.available_permits();
    database.writes.forget_permits(rest);
    let body = format!("[\"{}\"]", "x".repeat(200_000));
    for _ in 0..400 {
        let mut entry = begin(&log, &service, "DELETE").unwrap();
        entry.set_body(body.as_bytes());
        log.record(entry, OK, TIME);
    }
    database.writes.add_permits(100_000);
    drop(all);
    log.flush().await;
    // 16 MiB of bodies are kept in memory; of the other requests, only the size is recorded.
    let kept = count(&database, "content LIKE '%not of the form%'").await;
    assert!((70..=160).contains(&kept), "{kept}");
    assert_eq!(count(&database, "content LIKE '%200004 bytes%'").await, 400 - kept);
}

#[tokio::test]
async fn requests_without_a_good_credential_leave_room_for_others() {
    let (database, service) = (UnreliableDatabase::open().await, service());
    let log = ProvisioningLog::open(database.clone(), LogOptions::new()).await.unwrap();
    for _ in 0..10_000 {
        let (parts, ()) = Request::post("/Users").body(()).unwrap().into_parts();
        log.record(log.begin(&parts).unwrap(), StatusCode::UNAUTHORIZED, TIME);
    }
    record(&log, &service, "GET", StatusCode::NOT_FOUND);
    log.flush().await;
    // They are not counted as dropped, since nobody misses them.
    assert_eq!(log.dropped(), 0);
    assert_eq!(count(&database, "client = 'okta'").await, 1);
    let recorded = count(&database, "client = ''").await;
    assert!((20..=100).contains(&recorded), "{recorded}");
}
