//! A provider over SQLite and PostgreSQL, which the example hosts use.
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
//! Filters and sorting are translated by `scim-sql`. What a filter looks for is kept beside the
//! documents as keys that Rust has folded. Calls need a Tokio runtime.
//!
//! # Limits
//!
//! - What an index holds is 1,500 bytes of UTF-8 at most, once folded: unique names, `externalId`,
//!   `displayName`, the `value` and `type` of elements, and attributes of extensions. Longer ones are
//!   refused with 400 `invalidValue`.
//! - Groups are nested to 100 levels at most.
//! - Members are found and sorted by `value`, `type` and `$ref`; by their `display`, and by what else a type
//!   says of members, they are not: 400 `invalidFilter`, or `invalidValue` for `sortBy`.
//! - A statement takes 30 seconds at most, and ends when the call that it belongs to is dropped.
//! - An SQLite file that the store makes can be read and written by its owner only.
//! - The tables are `resource`, `value`, `unique_value`, `member`, `tombstone` and `meta`. In a PostgreSQL
//!   database that has others of these names, give the store a schema of its own:
//!   `postgres://user@host/database?options=-c%20search_path%3Dscim`, after `CREATE SCHEMA scim`.

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("the store needs a database: the feature `sqlite` or `postgres`");

// Each folder uses those below it:
//
// - `store`: the provider; every call begins here.
// - `write`: creates, changes and deletes. `members` adds a member to a group, `commit` commits, and `resource_row`
//   compares the version that was read with the one that is stored.
// - `read`: one resource, and pages. `query_sql` turns a filter into SQL.
// - `tables`: the store's own tables and their migrations, and where in them each attribute is.
// - `database`: transactions, statements and rows on SQLite and PostgreSQL; knows no table.
mod database;
mod error;
mod read;
mod setup;
mod store;
mod tables;
mod write;

pub use database::OpenError;
pub use store::Store;
