//! A [`Provider`](scim_core::Provider) over SQLite and PostgreSQL. The example hosts use it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use scim_core::ScimService;
//! use scim_store::Store;
//!
//! let store = Store::open("sqlite::memory:").await?.unique("Group", "displayName");
//! let service = ScimService::builder()
//!     .base_url("https://example.com/scim/v2")
//!     .users(store.clone())
//!     .groups(store)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! `scim-sql` translates filters and sorting to SQL. Beside the JSON document of each resource, the store keeps the
//! values that filters compare, case-folded in Rust, in indexed columns. All operations need a Tokio runtime.
//!
//! # Limits
//!
//! - A value in an index has at most 1,500 bytes of UTF-8 after folding. This concerns unique attributes,
//!   `externalId`, `displayName`, the `value` and `type` of elements, and attributes of extensions. Longer values
//!   are refused with 400 `invalidValue`.
//! - Groups can be nested up to 100 levels deep.
//! - Filters and `sortBy` can use the sub-attributes `value`, `type` and `$ref` of members. Others, such as
//!   `display`, are refused with 400 `invalidFilter`, or `invalidValue` for `sortBy`.
//! - A statement takes at most 30 seconds. It is cancelled when the future of its operation is dropped.
//! - Only the owner can read and write an SQLite file that the store creates.
//! - The tables are `resource`, `value`, `unique_value`, `member`, `tombstone` and `meta`; SQLite also has `search`.
//!   If a PostgreSQL database already has tables with these names, run `CREATE SCHEMA scim` and use the URL
//!   `postgres://user@host/database?options=-c%20search_path%3Dscim`.

#[cfg(not(any(feature = "rusqlite-0_37", feature = "sqlx-0_8", feature = "tokio-postgres-0_7")))]
compile_error!(
    "scim-store needs a driver: enable the feature `sqlite` (rusqlite), `postgres` (tokio-postgres) or `sqlx-0_8`"
);

// - `database`: transactions, statements and rows on SQLite and PostgreSQL, for any tables.
// - `store`: a provider with tables of its own.
// - `table_store`: a provider over the tables of an application.
// - `paging`, `password`, `retry`: what both providers do in the same way.
mod database;
mod paging;
mod password;
mod retry;
mod store;
mod table_store;

#[cfg(feature = "tokio-postgres-0_7")]
pub use database::Postgres;
#[cfg(feature = "rusqlite-0_37")]
pub use database::Sqlite;
#[cfg(feature = "sqlx-0_8")]
pub use database::SqlxPostgres;
pub use database::{
    CancelOnDrop, Database, DatabaseError, Mode, OpenError, Param, Row, Rows, Source, Statement, Transaction,
    open,
};
pub use store::Store;
pub use table_store::{
    ChildTable, Expression, Ids, InvalidTables, Table, TableStore, TableStoreBuilder, TimeUnit, Write,
    WriteAction, WriteFuture,
};
