//! A provider with tables of its own. Each operation starts here, and continues in `read` or `write`.

// Each module uses only those below it:
//
// - `write`: creates, changes and deletes resources.
// - `read`: reads one resource, and pages of lists.
// - `setup`: the state of a store.
// - `tables`: the store's own tables and their migrations, and where each attribute is stored.
// - `error`: the errors of the store.
// - `connection`: the database, with statements in the syntax of SQLite for both dialects; `syntax` translates them.
pub(crate) mod connection;
mod error;
mod read;
mod setup;
mod syntax;
pub(crate) mod tables;
mod write;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use scim_core::schema::{Projection, ResourceType};
use scim_core::{
    Capabilities, Context, Deleted, Identity, Page, Precondition, Provider, Query, Resource, Result, Update,
    UpdateOptions, Updated, async_trait,
};
use scim_sql::Dialect;

use crate::database::{self, Mode, OpenError, open_with_migrations, params};
use connection::Database;
use error::StoreError;
use setup::{Rules, Setup};
use tables::{MIGRATIONS, tenant_key};
use write::{Change, Create, Delete, Restore};

use crate::adopt::{AdoptFuture, Candidate};
use crate::outbox::{ChangeKind, Outbox};
use crate::password::{PasswordChange, verify_password};

/// A provider over SQLite or PostgreSQL. One store serves all resource types. Clones share the database.
#[derive(Clone)]
pub struct Store(Setup);

impl Store {
    /// Opens a database, and creates or upgrades its tables. The URL is `sqlite:scim.db`, `sqlite::memory:` or
    /// `postgres://user:password@host/database`, with [parameters](crate#a-postgresql-server-in-production) for TLS,
    /// for several hosts and for the pool.
    ///
    /// # Errors
    ///
    /// If the URL has another form, the database cannot be opened, or a later version of the store has upgraded it.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let database = open_with_migrations(url, Some(MIGRATIONS)).await?;
        Ok(Self::new(Database::new(database)))
    }

    /// A store on a database that is open already: the pool of the application, or a driver that [`open`](Self::open) does
    /// not know. The tables must exist, so open the database once with [`open`](Self::open) first.
    ///
    /// # Errors
    ///
    /// If the tables do not exist, or are of another version of this crate.
    ///
    /// ```no_run
    /// # async fn example(pool: impl scim_store::Database + 'static) -> Result<(), scim_store::OpenError> {
    /// use scim_store::Store;
    ///
    /// drop(Store::open("postgres://owner@localhost/scim").await?);
    /// let store = Store::with_database(pool).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn with_database(database: impl database::Database + 'static) -> Result<Self, OpenError> {
        let database = Database::new(Arc::new(database));
        let version = database.begin(Mode::Single).await?.query(MIGRATIONS.select_version, params![]).await?;
        let version = version.first().and_then(|row| row.text(0)).unwrap_or_default();
        match (MIGRATIONS.next)(version, database.dialect())? {
            Some(_) => Err(OpenError::earlier_version()),
            None => Ok(Self::new(database)),
        }
    }

    /// The database of the store, for other tables in it.
    pub fn database(&self) -> Arc<dyn database::Database> {
        self.0.database.inner()
    }

    /// A store on an open database.
    pub(crate) fn new(database: Database) -> Self {
        Self(Setup::new(database))
    }

    /// Makes an attribute of a resource type unique: two resources of the type cannot have the same value. For
    /// example, `unique("Group", "displayName")` for Entra ID, which identifies groups by their name.
    ///
    /// Attributes that the schema declares unique are unique without this. The rule applies to values that are
    /// written from now on, not to those already stored.
    #[must_use]
    pub fn unique(self, resource_type: &str, attribute: &str) -> Self {
        self.with_rules(|rules| rules.unique.push((resource_type.to_owned(), attribute.to_owned())))
    }

    /// Accepts members whose `value` is not the id of a resource. Without this they are refused with 400
    /// `invalidValue`.
    #[must_use]
    pub fn keep_unknown_members(self) -> Self {
        self.with_rules(|rules| rules.keep_unknown_members = true)
    }

    /// Refuses filters that no index serves with 400 `tooMany`. Without this the database reads all resources of the
    /// type for them.
    #[must_use]
    pub fn refuse_scans(self) -> Self {
        self.with_rules(|rules| rules.refuse_scans = true)
    }

    /// Keeps deleted resources for this number of days, so that [`restore`](Self::restore) can bring them back. For
    /// clients they are deleted: reading one is 404, and its unique values are free. Without this nothing is kept.
    ///
    /// Call [`purge`](Self::purge) regularly; otherwise they are kept for ever.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use scim_store::Store;
    ///
    /// let store = Store::open("sqlite::memory:").await?.retain(30);
    /// // Later, for example once a day:
    /// store.purge(chrono::Utc::now()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn retain(self, days: u32) -> Self {
        self.with_rules(|rules| rules.retention = Some(TimeDelta::days(days.into())))
    }

    /// Restores a resource that was deleted, with its id, its password and, if it is a group, those of its members that
    /// still exist. It is in no group, even if it was before, and no resource refers to it. It has lost references to resources
    /// that were deleted meanwhile, such as its `manager`. It has a new version.
    ///
    /// # Errors
    ///
    /// 404 if the resource is not kept; 409 `uniqueness` if another resource has one of its unique values meanwhile. An
    /// internal error if no service with this store, or with a clone of it, has its resource type.
    pub async fn restore(&self, tenant: Option<&str>, id: &str) -> Result<Resource> {
        let layout = write::type_of_deleted(&self.0, &tenant_key(tenant), id).await;
        let layout = layout.map_err(|error| error.into_error(None))?;
        let mut identity = Identity::new("restore");
        identity.tenant = tenant.map(str::to_owned);
        let context = Context::builder(&layout.resource_type).identity(identity);
        let cx = context.context();
        write::run(&self.0, &cx, Restore { id: id.to_owned() }).await
    }

    /// Deletes for good what [`retain`](Self::retain) has kept long enough, tenant by tenant, in small transactions. Returns
    /// the number of resources. Their ids are never used again.
    ///
    /// # Errors
    ///
    /// If the database does not answer. What was deleted until then stays deleted.
    pub async fn purge(&self, now: DateTime<Utc>) -> Result<u64> {
        write::purge(&self.0, now.timestamp_millis()).await.map_err(|error| error.into_error(None))
    }

    /// Lets a client that wants to create a resource adopt an existing one of the tenant, if this rule allows it. Without it
    /// such a request is refused with 409 if a unique value is in use.
    ///
    /// The rule is asked about each existing resource with the same `externalId`, with a common value of `emails.value`, or
    /// with the same value of a unique attribute, such as `userName`; for groups, also with the same `displayName`. It can
    /// compare more than that, and query the database; the rows are locked meanwhile, and in SQLite all other writes wait. At
    /// most one can be adopted; if the rule adopts several, the answer is 409. It is asked about 100 at most, the oldest.
    ///
    /// An adoption changes the resource, so the [policy](scim_core::Policy) of the service is asked about a PATCH of it. A POST to
    /// `/Me` adopts nothing.
    ///
    /// The answer to an adoption is 201 with the existing id. What the request has replaces what the resource had; the rest
    /// stays, and so does the password. A resource is adopted once, whoever has created it: later the rule is not asked about it
    /// any more.
    ///
    /// Compare what only the owner of the account can have. Anybody whom the identity provider lets choose a
    /// `userName` or an e-mail address could otherwise take over an account.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use scim_store::{Adoption, Store};
    ///
    /// let store = Store::open("sqlite::memory:").await?.adopt(|candidate| {
    ///     Box::pin(async move {
    ///         let is_same = candidate.matches("externalId") && candidate.matches("userName");
    ///         Ok(if is_same { Adoption::Adopt } else { Adoption::Refuse })
    ///     })
    /// });
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn adopt(
        self,
        rule: impl for<'a> Fn(&'a mut Candidate<'_>) -> AdoptFuture<'a> + Send + Sync + 'static,
    ) -> Self {
        self.with_rules(|rules| rules.adopt = Some(Arc::new(rule)))
    }

    /// Records an event for each change, in the transaction of the change. [`outbox`](Self::outbox) reads them. Without this
    /// none are recorded.
    ///
    /// Call [`Outbox::prune`] regularly; otherwise they are kept for ever.
    #[must_use]
    pub fn record_events(self) -> Self {
        self.with_rules(|rules| rules.record_events = true)
    }

    /// The events of the changes that were made since [`record_events`](Self::record_events).
    pub fn outbox(&self) -> Outbox {
        self.0.events.reader(self.0.database.inner())
    }

    fn with_rules(self, change: impl FnOnce(&mut Rules)) -> Self {
        Self(self.0.with_rules(change))
    }

    /// Whether this is the password of the resource with this id, for the sign-in of an application. False if the
    /// resource does not exist or has no password.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn verify_password(&self, tenant: Option<&str>, id: &str, password: &str) -> Result<bool> {
        let hash = async {
            let mut tx = self.0.database.begin(Mode::Single).await?;
            let sql = "SELECT password FROM resource WHERE tenant = ?1 AND id = ?2";
            let rows = tx.query(sql, params![tenant_key(tenant), id]).await?;
            Ok(rows.first().and_then(|row| row.text(0).map(str::to_owned)))
        };
        let Some(hash) = hash.await.map_err(|error: StoreError| error.into_error(None))? else {
            return Ok(false);
        };
        verify_password(password.to_owned(), hash).await
    }

    /// The secret for [`ScimServiceBuilder::cursor_key`](scim_core::ScimServiceBuilder::cursor_key). It is stored in the
    /// database, so all processes on the database accept each other's cursors, and cursors survive a restart.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn cursor_key(&self) -> Result<String> {
        let read = async {
            let mut tx = self.0.database.begin(Mode::Single).await?;
            let rows = tx.query("SELECT value FROM meta WHERE name = 'cursor key'", params![]).await?;
            let key = rows.first().and_then(|row| row.text(0)).map(str::to_owned);
            key.ok_or_else(|| StoreError::internal("the table `meta` has no cursor key"))
        };
        read.await.map_err(|error: StoreError| error.into_error(None))
    }

    /// The settings of the database, each a name and a value, that determine whether acknowledged writes survive a
    /// crash.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn durability(&self) -> Result<Vec<(&'static str, String)>> {
        let settings: &[_] = match self.0.database.dialect() {
            Dialect::Sqlite => &[
                ("journal_mode", "SELECT journal_mode FROM pragma_journal_mode"),
                ("synchronous", "SELECT CAST(synchronous AS text) FROM pragma_synchronous"),
            ],
            _ => &[
                ("synchronous_commit", "SELECT current_setting('synchronous_commit')"),
                ("fsync", "SELECT current_setting('fsync')"),
                ("full_page_writes", "SELECT current_setting('full_page_writes')"),
            ],
        };
        let read = async {
            let mut tx = self.0.database.begin(Mode::Write).await?;
            let mut durability = Vec::new();
            for (name, sql) in settings {
                let rows = tx.query(*sql, params![]).await?;
                let value = rows.first().and_then(|row| row.text(0));
                durability.push((*name, value.unwrap_or_default().to_owned()));
            }
            Ok(durability)
        };
        read.await.map_err(|error: StoreError| error.into_error(None))
    }

    /// The query plan by which the database reads the page, in its own words. For tests and for analyzing slow
    /// queries.
    ///
    /// # Errors
    ///
    /// The same as for [`Provider::query`].
    pub async fn explain(&self, cx: &Context<'_>, query: &Query) -> Result<String> {
        let layout = self.0.layout(cx.resource_type()).map_err(|error| error.into_error(None))?;
        read::explain(&self.0, cx, &layout, query).await.map_err(|error| error.into_error(None))
    }
}

#[async_trait]
impl Provider for Store {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let layout = self.0.layout(cx.resource_type()).map_err(|error| error.into_error(None))?;
        read::page(&self.0, cx, layout, query).await.map_err(|error| error.into_error(None))
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        let password = PasswordChange::from_context(cx).await?;
        let create = Create::new(&self.0, cx, resource, password).map_err(|error| error.into_error(None))?;
        let created = write::run(&self.0, cx, create).await?;
        if let Some((before, members)) = created.adopted {
            cx.mark_adopted(before, members);
        }
        Ok(created.resource)
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        let layout = self.0.layout(cx.resource_type()).map_err(|error| error.into_error(None))?;
        read::retrieve(&self.0, cx, layout, id, projection).await.map_err(|error| error.into_error(None))
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        let password = PasswordChange::from_context(cx).await?;
        let change = Change {
            kind: ChangeKind::Updated,
            id: id.to_owned(),
            update: update.clone(),
            options: options.clone(),
            password,
        };
        write::run(&self.0, cx, change).await
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        let delete = Delete { id: id.to_owned(), precondition: precondition.clone() };
        write::run(&self.0, cx, delete).await
    }

    fn capabilities(&self, resource_type: &ResourceType) -> Capabilities {
        // A service calls this for each of its types when it is built. So this is where the store learns of all types
        // whose resources may refer to a deleted resource. An error is ignored here, since the first operation on
        // the type reports it.
        let _ = self.0.layout(resource_type);
        Capabilities::QUERY.with_memberships().with_change_password()
    }

    fn unique(&self, resource_type: &ResourceType) -> Vec<String> {
        self.0.rules.unique_attributes(resource_type).map(str::to_owned).collect()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({:?})", self.0.database.dialect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_and_errors_can_be_shared_between_threads() {
        fn is_shared<T: Send + Sync + 'static>() {}
        is_shared::<Store>();
        is_shared::<OpenError>();
    }
}
