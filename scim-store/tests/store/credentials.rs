//! Credentials in a table.

use std::sync::Arc;

use scim_auth::testing::check_store;
use scim_auth::{Collection, CredentialStore};
use scim_store::{CredentialTable, Mode, Statement};

use crate::support;

/// Opens a table in a new SQLite database, and in a new schema of PostgreSQL.
async fn tables() -> Vec<CredentialTable> {
    let mut urls = vec!["sqlite::memory:".to_owned()];
    if let Some(postgres) = support::postgres() {
        let schema = format!("credentials_{}", support::tenant().replace('-', "_"));
        support::connect(&postgres).await.simple_query(&format!("CREATE SCHEMA {schema}")).await.unwrap();
        let separator = if postgres.contains('?') { '&' } else { '?' };
        urls.push(format!("{postgres}{separator}options=-c%20search_path%3D{schema}"));
    }
    let mut tables = Vec::new();
    for url in urls {
        let database = scim_store::open(&url).await.unwrap();
        // Several processes that create the table at the same time.
        let opened = support::join_all((0..8).map(|_| CredentialTable::open(database.clone()))).await;
        let mut opened: Vec<CredentialTable> = opened.into_iter().map(Result::unwrap).collect();
        tables.extend(opened.pop());
    }
    tables
}

#[test]
fn a_table_keeps_the_contract() {
    support::runtime().block_on(async {
        for table in tables().await {
            check_store(&table).await.unwrap();
        }
    });
}

#[test]
fn of_many_that_add_the_same_key_one_succeeds() {
    support::runtime().block_on(async {
        for table in tables().await {
            let table = Arc::new(table);
            let add = |_| {
                let table = table.clone();
                tokio::spawn(async move {
                    table.insert(Collection::UsedAssertions, "jti", "{}", None).await.unwrap()
                })
            };
            let added = support::join_all((0..32).map(add)).await;
            assert_eq!(added.into_iter().filter(|added| *added.as_ref().unwrap()).count(), 1);
        }
    });
}

#[test]
fn credentials_in_a_file_stay() {
    let file = support::file();
    support::runtime().block_on(async {
        for expected in [None, Some("{}".to_owned())] {
            let database = scim_store::open(&file.url).await.unwrap();
            let table = CredentialTable::open(database).await.unwrap();
            assert_eq!(table.get(Collection::Clients, "c").await.unwrap(), expected);
            table.insert(Collection::Clients, "c", "{}", None).await.unwrap();
        }
    });
}

#[test]
fn without_the_table_credentials_are_unavailable() {
    support::runtime().block_on(async {
        let database = scim_store::open("sqlite::memory:").await.unwrap();
        let table = CredentialTable::open(database.clone()).await.unwrap();
        let drop = vec![Statement::new("DROP TABLE scim_credential", [])];
        database.begin(Mode::Write).await.unwrap().commit(drop).await.unwrap();
        let error = table.get(Collection::Tokens, "t").await.unwrap_err();
        assert_eq!(error.kind(), scim_auth::ErrorKind::Unavailable);
        assert!(table.list(Collection::Tokens).await.is_err());
        assert!(table.insert(Collection::Tokens, "t", "{}", None).await.is_err());
    });
}
