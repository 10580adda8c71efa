//! Tests that a database of any version can be upgraded to the latest, and keeps its content.

use scim_core::schema::standard;
use scim_core::{Identity, ScimService};
use scim_sql::Dialect;
use serde_json::Value;

use super::migrations::{LATEST, META, create};
use crate::Store;

/// Rows as the first version of the store wrote them: a user, and a group that contains it.
const ROWS: &str = r#"
    INSERT INTO resource (tenant, kind, id, version, created, modified, unique_name, active, keys, document)
    VALUES ('{T}', 'User', '{T}-u', 'W/"1"', 1000, 2000, 'bea', {YES}, '{"title":"dr"}',
        '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Bea","title":"Dr","active":true,"emails":[{"value":"Bea@example.com"}]}');
    INSERT INTO resource (tenant, kind, id, version, created, modified, display, keys, document)
    VALUES ('{T}', 'Group', '{T}-g', 'W/"2"', 1000, 2000, 'all', '{}',
        '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"All"}');
    INSERT INTO value (place, attribute, element, tenant, value, keys)
    SELECT place, 'emails', 0, '{T}', 'bea@example.com', '{}' FROM resource WHERE id = '{T}-u';
    INSERT INTO member (place, member, tenant, kind, nested, added, element)
    SELECT place, '{T}-u', '{T}', 'user', {NO}, 1, '{"type":"User"}' FROM resource WHERE id = '{T}-g';
"#;

/// The stored names that the first version used for a tenant and for no tenant.
const TENANTS: [&str; 2] = [":old", ""];

/// The statements that create a database of this version, whose rows the first version has written.
fn database_of(version: usize, dialect: Dialect) -> String {
    let mut statements = vec![META.to_owned()];
    statements.extend(create(1..=1, dialect));
    let (yes, no) = if dialect == Dialect::Sqlite { ("1", "0") } else { ("true", "false") };
    for tenant in TENANTS {
        statements.push(ROWS.replace("{T}", tenant).replace("{YES}", yes).replace("{NO}", no));
    }
    statements.extend(create(2..=version, dialect));
    statements.join(";\n")
}

/// Opens the database, and checks that a service on it finds the user and the group.
async fn check(url: &str, tenant: &str) {
    let store = Store::open(url).await.unwrap();
    let service = ScimService::builder()
        .base_url("https://scim.example.com")
        .users(store.clone())
        .groups(store.clone())
        .build()
        .unwrap();
    let get = async |path: &str| -> Value {
        let request = http::Request::get(path)
            .extension(match tenant.strip_prefix(':') {
                Some(tenant) => Identity::new("tests").in_tenant(tenant),
                None => Identity::new("tests"),
            })
            .body(Vec::new())
            .unwrap();
        serde_json::from_slice(service.handle(request).await.body()).unwrap()
    };
    let found = get("/Users?filter=emails%20co%20%22ea@ex%22%20and%20title%20eq%20%22DR%22").await;
    let user = &found["Resources"][0];
    assert_eq!(user["userName"], "Bea", "{found}");
    assert_eq!(user["groups"][0]["display"], "All", "{found}");
    assert_eq!(user["meta"]["created"], "1970-01-01T00:00:01.000Z");
    let group = get(&format!("/Groups/{tenant}-g")).await;
    assert_eq!(group["members"][0]["display"], "Bea", "{group}");
    assert_eq!(group["schemas"][0], standard::GROUP);
    drop(store);
    // Opening the upgraded database again must work.
    Store::open(url).await.unwrap();
}

#[cfg(feature = "rusqlite-0_37")]
#[tokio::test]
async fn a_store_on_an_open_database_needs_tables_of_its_version() {
    let file = std::env::temp_dir().join(format!("scim-version-{}.db", scim_core::new_id()));
    let url = format!("sqlite:{}", file.display());
    let open = async || Store::with_database(crate::open(&url).await.unwrap()).await;
    assert!(open().await.unwrap_err().to_string().contains("no such table"));
    rusqlite::Connection::open(&file).unwrap().execute_batch(&database_of(3, Dialect::Sqlite)).unwrap();
    assert!(open().await.unwrap_err().to_string().contains("of an earlier version"));
    drop(Store::open(&url).await.unwrap());
    drop(open().await.unwrap());
    check(&url, TENANTS[0]).await;
    std::fs::remove_file(file).unwrap();
}

#[cfg(feature = "rusqlite-0_37")]
#[tokio::test]
async fn sqlite_databases_of_all_versions_are_upgraded() {
    for version in 1..LATEST {
        let file = std::env::temp_dir().join(format!("scim-upgrade-{}-{version}.db", std::process::id()));
        let clean = || {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", file.display()));
            }
        };
        clean();
        let connection = rusqlite::Connection::open(&file).unwrap();
        connection.execute_batch(&database_of(version, Dialect::Sqlite)).unwrap();
        drop(connection);
        let url = format!("sqlite:{}", file.display());
        // Two processes that start at the same time.
        let (first, second) = tokio::join!(Store::open(&url), Store::open(&url));
        drop((first.unwrap(), second.unwrap()));
        for tenant in TENANTS {
            check(&url, tenant).await;
        }
        clean();
    }
}

/// A database of its own in the server of `SCIM_TEST_POSTGRES`. Reports to standard error if there is no server.
#[cfg(feature = "tokio-postgres-0_7")]
struct PostgresDatabase {
    server: tokio_postgres::Client,
    name: String,
    url: String,
}

#[cfg(feature = "tokio-postgres-0_7")]
impl PostgresDatabase {
    async fn create(name: &str) -> Option<Self> {
        use std::io::Write;
        let Some(url) = std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) else {
            let skipped = "SKIPPED: upgrades on PostgreSQL, since SCIM_TEST_POSTGRES is not set";
            let _ = writeln!(std::io::stderr(), "{skipped}");
            return None;
        };
        let server = Self::connect(&url).await;
        let name = format!("{name}_{}", std::process::id());
        server.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let (base, _) = url.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}");
        Some(Self { server, name, url })
    }

    async fn connect(url: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn run(&self, sql: &str) {
        Self::connect(&self.url).await.batch_execute(sql).await.unwrap();
    }

    async fn drop(self) {
        self.server.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await.unwrap();
    }
}

#[cfg(feature = "tokio-postgres-0_7")]
#[tokio::test]
async fn postgres_databases_of_all_versions_are_upgraded() {
    for version in 0..LATEST {
        let Some(database) = PostgresDatabase::create(&format!("upgrade_{version}")).await else { return };
        if version > 0 {
            database.run(&database_of(version, Dialect::Postgres)).await;
        }
        // Two processes that start at the same time.
        let (first, second) = tokio::join!(Store::open(&database.url), Store::open(&database.url));
        drop((first.unwrap(), second.unwrap()));
        for tenant in TENANTS.into_iter().filter(|_| version > 0) {
            check(&database.url, tenant).await;
        }
        database.drop().await;
    }
}

/// An index that a process began to build and was killed is built again.
#[cfg(feature = "tokio-postgres-0_7")]
#[tokio::test]
async fn an_index_that_was_left_invalid_is_built_again() {
    let Some(database) = PostgresDatabase::create("upgrade_invalid").await else { return };
    database.run(&database_of(7, Dialect::Postgres)).await;
    // Building a unique index over equal rows fails and leaves it invalid.
    database.run("INSERT INTO unique_value (tenant, kind, attribute, value, place) VALUES ('.', 'User', 'a', '1', 1), ('.', 'User', 'a', '2', 1)").await;
    let build = "CREATE UNIQUE INDEX CONCURRENTLY unique_value_resource ON unique_value (tenant, place)";
    let client = PostgresDatabase::connect(&database.url).await;
    client.batch_execute(build).await.unwrap_err();
    drop(Store::open(&database.url).await.unwrap());
    let valid = "SELECT bool_and(indisvalid), bool_or(indisunique AND indexrelid = 'unique_value_resource'::regclass) FROM pg_index";
    let row = client.query_one(valid, &[]).await.unwrap();
    assert_eq!((row.get::<_, bool>(0), row.get::<_, bool>(1)), (true, false));
    database.drop().await;
}

/// A transaction that has read the tables and stays open delays the upgrade, but no other transaction for long.
#[cfg(feature = "tokio-postgres-0_7")]
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_waits_for_a_lock_lets_others_go_on() {
    use std::time::{Duration, Instant};
    let Some(database) = PostgresDatabase::create("upgrade_waits").await else { return };
    database.run(&database_of(LATEST - 1, Dialect::Postgres)).await;
    let open = PostgresDatabase::connect(&database.url).await;
    open.batch_execute("BEGIN; SELECT count(*) FROM resource").await.unwrap();
    let url = database.url.clone();
    let upgrade = tokio::spawn(async move { Store::open(&url).await.map(drop) });
    let other = PostgresDatabase::connect(&database.url).await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) {
        let read = Instant::now();
        other.batch_execute("SELECT document FROM resource LIMIT 1").await.unwrap();
        assert!(read.elapsed() < Duration::from_secs(3), "{:?}", read.elapsed());
    }
    assert!(!upgrade.is_finished());
    open.batch_execute("COMMIT").await.unwrap();
    upgrade.await.unwrap().unwrap();
    check(&database.url, TENANTS[0]).await;
    database.drop().await;
}

/// Every key and index of PostgreSQL begins with the tenant, but those of `meta`.
#[cfg(feature = "tokio-postgres-0_7")]
#[tokio::test]
async fn the_tenant_is_first_in_every_index_of_postgres() {
    let Some(database) = PostgresDatabase::create("upgrade_indexes").await else { return };
    drop(Store::open(&database.url).await.unwrap());
    let client = PostgresDatabase::connect(&database.url).await;
    let first = "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid, 1, true) FROM pg_index i \
                 JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace";
    let indexes = client.query(first, &[]).await.unwrap();
    assert!(indexes.len() > 15, "only {} indexes", indexes.len());
    for index in indexes.iter().filter(|index| index.get::<_, &str>(0) != "meta_pkey") {
        assert_eq!(index.get::<_, &str>(1), "tenant", "{}", index.get::<_, &str>(0));
    }
    database.drop().await;
}

/// With `SCIM_SOAK=1`: while a database of 200,000 users is upgraded, a process of the earlier version goes on to read and to
/// write, and never waits for long.
#[cfg(feature = "tokio-postgres-0_7")]
#[tokio::test(flavor = "multi_thread")]
async fn a_large_database_is_upgraded_while_others_read_and_write() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};
    if std::env::var("SCIM_SOAK").is_err() {
        return;
    }
    let Some(database) = PostgresDatabase::create("upgrade_large").await else { return };
    database.run(&database_of(6, Dialect::Postgres)).await;
    database
        .run(
            "INSERT INTO resource (tenant, kind, id, version, created, modified, unique_name, display, keys, document)
             SELECT '.', 'User', 'u' || n, 'W/\"1\"', 0, 0, 'user' || n, 'person ' || n, '{}', '{\"userName\":\"user\"}'
             FROM generate_series(1, 200000) n;
             INSERT INTO value (place, attribute, element, tenant, value, keys)
             SELECT place, 'emails', e, tenant, unique_name || e || '@example.com', '{}' FROM resource, generate_series(0, 3) e
             WHERE id LIKE 'u%'",
        )
        .await;
    let done = Arc::new(AtomicBool::new(false));
    let statements = [
        "SELECT document FROM resource WHERE tenant = '.' AND id = 'u4711'",
        "UPDATE resource SET version = 'W/\"2\"' WHERE place = (SELECT place FROM resource WHERE tenant = '.' AND id = 'u4712')",
    ];
    let mut others = Vec::new();
    for sql in statements {
        let (client, done) = (PostgresDatabase::connect(&database.url).await, done.clone());
        others.push(tokio::spawn(async move {
            let (mut longest, mut count) = (Duration::ZERO, 0);
            while !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                client.batch_execute(sql).await.unwrap();
                longest = longest.max(start.elapsed());
                count += 1;
            }
            (longest, count)
        }));
    }
    let start = Instant::now();
    drop(Store::open(&database.url).await.unwrap());
    let upgrade = start.elapsed();
    done.store(true, Ordering::Relaxed);
    for other in others {
        let (longest, count) = other.await.unwrap();
        println!("upgraded in {upgrade:?}; {count} statements beside it, the longest {longest:?}");
        assert!(longest < Duration::from_secs(3) && count > 100);
    }
    database.drop().await;
}
