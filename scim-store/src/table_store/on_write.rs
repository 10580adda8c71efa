//! The rule of the application that runs in the transaction of each write.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use scim_core::{ChangedMembers, Context, Identity, Resource, Result};
use scim_sql::Dialect;

use crate::database::{Param, Rows};
use crate::rule::RuleTransaction;

/// The future that a rule returns.
pub type WriteFuture<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// A rule of the application.
pub(crate) type OnWrite = Arc<dyn for<'a> Fn(&'a mut Write<'_>) -> WriteFuture<'a> + Send + Sync>;

/// What a request writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteAction {
    /// A resource is created.
    Create,
    /// A resource that exists is adopted by a client that wanted to create it; see
    /// [`TableStoreBuilder::adopt`](crate::TableStoreBuilder::adopt).
    Adopt,
    /// A resource is changed.
    Update,
    /// A resource is deleted.
    Delete,
}

/// A write in its transaction, for a rule of the application; see
/// [`TableStoreBuilder::on_write`](crate::TableStoreBuilder::on_write).
pub struct Write<'t> {
    pub(crate) tx: RuleTransaction<'t>,
    pub(crate) dialect: Dialect,
    pub(crate) action: WriteAction,
    pub(crate) resource_type: &'t str,
    pub(crate) key: Param,
    pub(crate) cx: &'t Context<'t>,
    pub(crate) before: Option<&'t Resource>,
    pub(crate) after: Option<&'t Resource>,
    pub(crate) members: &'t ChangedMembers,
}

impl Write<'_> {
    /// What is written.
    pub fn action(&self) -> WriteAction {
        self.action
    }

    /// The name of the resource type: `User` or `Group`.
    pub fn resource_type(&self) -> &str {
        self.resource_type
    }

    /// The key of the row.
    pub fn key(&self) -> &Param {
        &self.key
    }

    /// Who makes the request; `None` only if the host allows anonymous requests.
    pub fn identity(&self) -> Option<&Identity> {
        self.cx.identity()
    }

    /// The tenant of the request.
    pub fn tenant(&self) -> Option<&str> {
        self.cx.tenant()
    }

    /// The resource before the write; `None` if it is created. It has no `groups`, and a group may be without its members;
    /// see [`added_members`](Self::added_members).
    pub fn before(&self) -> Option<&Resource> {
        self.before
    }

    /// The resource after the write; `None` if it is deleted. A user may have its `groups`, and a group may be without its
    /// members; see [`added_members`](Self::added_members).
    pub fn after(&self) -> Option<&Resource> {
        self.after
    }

    /// The ids of the users that the write adds to a group. Those that were members before are not among them.
    pub fn added_members(&self) -> &[String] {
        &self.members.added
    }

    /// The ids of the users that the write removes from a group. A DELETE of the group does not list its members.
    pub fn removed_members(&self) -> &[String] {
        &self.members.removed
    }

    /// Whether the write sets or clears the password, which is not in the resource. An adoption does not.
    pub fn has_secrets(&self) -> bool {
        self.action != WriteAction::Adopt && !self.cx.secrets().is_empty()
    }

    /// The dialect of the database. The parameters of statements are `$1`, `$2` in PostgreSQL, which SQLite accepts too
    /// if they are in this order.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Runs a query in the transaction.
    ///
    /// # Errors
    ///
    /// 503 if the database does not answer; an internal error if the statement is wrong. After a conflict with another
    /// transaction, the whole write is run again with the rule.
    pub async fn query(&mut self, sql: &str, params: impl IntoIterator<Item = Param>) -> Result<Rows> {
        self.tx.query(sql, params).await
    }

    /// Runs a statement in the transaction. Returns how many rows it changed.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub async fn execute(&mut self, sql: &str, params: impl IntoIterator<Item = Param>) -> Result<u64> {
        self.tx.execute(sql, params).await
    }

    /// Runs statements on the connection of `rusqlite`, on the thread of the transaction. `None` if the database is
    /// another one. The transaction must not be ended.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    #[cfg(feature = "rusqlite-0_37")]
    pub async fn with_rusqlite<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        use crate::database::SqliteTransaction;
        let Some(transaction) = self.tx.inner.driver().downcast_mut::<SqliteTransaction>() else {
            return Ok(None);
        };
        let done = transaction.with_connection(work).await;
        done.map(Some).map_err(|error| self.tx.error(error))
    }

    /// The connection of `tokio-postgres`, in the transaction; `None` if the database is another one. The transaction
    /// must not be ended.
    #[cfg(feature = "tokio-postgres-0_7")]
    pub fn tokio_postgres(&mut self) -> Option<&tokio_postgres::Client> {
        use crate::database::PostgresTransaction;
        self.tx.inner.driver().downcast_mut::<PostgresTransaction>()?.connection()
    }

    /// The connection of `sqlx`, in the transaction; `None` if the database is another one. The transaction must not be
    /// ended. A transaction that the application begins on the connection is a savepoint.
    #[cfg(feature = "sqlx-0_8")]
    pub fn sqlx(&mut self) -> Option<&mut sqlx::PgConnection> {
        use crate::database::SqlxTransaction;
        self.tx.inner.driver().downcast_mut::<SqlxTransaction>()?.connection().ok()
    }
}

impl fmt::Debug for Write<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write")
            .field("action", &self.action)
            .field("resource_type", &self.resource_type)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
