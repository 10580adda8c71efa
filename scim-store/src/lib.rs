// The examples use SQLite, so they are compiled only with it.
#![cfg_attr(any(feature = "rusqlite-0_37", not(doctest)), doc = include_str!("../README.md"))]

/// Compiles the example in the README of the repository.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct RepositoryReadme;

/// Compiles the example in the pages about identity providers.
#[cfg(all(doctest, feature = "auth", feature = "rusqlite-0_37"))]
#[doc = include_str!("../../docs/README.md")]
struct ProviderPages;

#[cfg(not(any(feature = "rusqlite-0_37", feature = "sqlx-0_8", feature = "tokio-postgres-0_7")))]
compile_error!(
    "scim-store needs a driver: enable the feature `sqlite` (rusqlite), `postgres` (tokio-postgres) or `sqlx-0_8`"
);

// - `database`: transactions, statements and rows on SQLite and PostgreSQL, for any tables.
// - `store`: a provider with tables of its own.
// - `table_store`: a provider over the tables of an application.
// - `adopt`: existing resources that a client takes over.
// - `outbox`: the events of changes.
// - `credential_table`: tokens and clients of scim-auth.
// - `paging`, `password`, `retry`, `rule`: what both providers do in the same way.
mod adopt;
#[cfg(feature = "auth")]
mod credential_table;
mod database;
mod outbox;
mod paging;
mod password;
mod retry;
mod rule;
mod store;
mod table_store;

pub use adopt::{AdoptFuture, Adoption, Candidate};
#[cfg(feature = "auth")]
pub use credential_table::CredentialTable;
#[cfg(feature = "tokio-postgres-0_7")]
pub use database::Postgres;
#[cfg(feature = "rusqlite-0_37")]
pub use database::Sqlite;
#[cfg(feature = "sqlx-0_8")]
pub use database::SqlxPostgres;
pub use database::{
    CancelOnDrop, Database, DatabaseError, Dependencies, Mode, OpenError, Param, PoolStatus, Row, Rows,
    Source, Statement, Transaction, open,
};
pub use outbox::{ChangeEvent, ChangeKind, EventBatch, Outbox};
pub use scim_sql::Dialect;
pub use store::Store;
pub use table_store::{
    ChildTable, Expression, Ids, InvalidTables, Table, TableStore, TableStoreBuilder, TimeUnit, Write,
    WriteAction, WriteFuture,
};
