//! Tests that a database of the first version can be upgraded to the latest, and keeps its content.

use scim_core::schema::standard;
use scim_core::{Identity, ScimService};
use scim_sql::Dialect;
use serde_json::Value;

use super::migrations::{META, create};
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

/// The statements that create a database of the first version.
fn first_version(dialect: Dialect) -> String {
    let mut statements = vec![META.to_owned()];
    statements.extend(create(1, dialect));
    let (yes, no) = if dialect == Dialect::Sqlite { ("1", "0") } else { ("true", "false") };
    for tenant in TENANTS {
        statements.push(ROWS.replace("{T}", tenant).replace("{YES}", yes).replace("{NO}", no));
    }
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
async fn a_sqlite_database_of_the_first_version_is_upgraded() {
    let file = std::env::temp_dir().join(format!("scim-upgrade-{}.db", std::process::id()));
    let clean = || {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
        }
    };
    clean();
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch(&first_version(Dialect::Sqlite)).unwrap();
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

#[cfg(feature = "tokio-postgres-0_7")]
#[tokio::test]
async fn a_postgres_database_of_the_first_version_is_upgraded() {
    use std::io::Write;
    let Some(url) = std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) else {
        let skipped = "SKIPPED: upgrades on PostgreSQL, since SCIM_TEST_POSTGRES is not set";
        let _ = writeln!(std::io::stderr(), "{skipped}");
        return;
    };
    let name = format!("upgrade_{}", std::process::id());
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (base, _) = url.rsplit_once('/').unwrap();
    let url = format!("{base}/{name}");
    let (old, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    old.batch_execute(&first_version(Dialect::Postgres)).await.unwrap();
    drop(old);
    let (first, second) = tokio::join!(Store::open(&url), Store::open(&url));
    drop((first.unwrap(), second.unwrap()));
    for tenant in TENANTS {
        check(&url, tenant).await;
    }
    client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    // Two processes that create the tables at the same time.
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (first, second) = tokio::join!(Store::open(&url), Store::open(&url));
    drop((first.unwrap(), second.unwrap()));
    client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}
