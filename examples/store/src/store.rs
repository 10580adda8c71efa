//! The provider: each call begins here, whatever the database is.

use std::fmt;

use scim_core::schema::{Projection, ResourceType};
use scim_core::{
    Capabilities, Context, Deleted, Page, Precondition, Provider, Query, Resource, Result, Update,
    UpdateOptions, Updated, async_trait,
};
use scim_sql::Dialect;

use crate::database::{Database, Mode, OpenError, params};
use crate::error::Fault;
use crate::setup::{Rules, Setup};
use crate::tables::{MIGRATIONS, tenant_key};
use crate::write::{Attempts, password};
use crate::{read, write};

/// A provider over SQLite or PostgreSQL. One value serves all resource types; clones share it.
#[derive(Clone)]
pub struct Store(Setup);

impl Store {
    /// Opens a database and brings its tables up to date: `sqlite:scim.db`, `sqlite::memory:`, or
    /// `postgres://user:password@host/database`.
    ///
    /// # Errors
    ///
    /// If the URL is none of these, or the database cannot be reached.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Ok(Self::new(Database::open(url, MIGRATIONS).await?))
    }

    /// A store on a database that is open.
    pub(crate) fn new(database: Database) -> Self {
        Self(Setup::new(database))
    }

    /// Also requires the values of an attribute to differ among the resources of a type; for groups
    /// named by Entra ID, `unique("Group", "displayName")`.
    ///
    /// Attributes that the schema declares unique need not be named. The rule holds for what is written from
    /// now on.
    #[must_use]
    pub fn unique(self, resource_type: &str, attribute: &str) -> Self {
        self.with_rules(|rules| rules.unique.push((resource_type.to_owned(), attribute.to_owned())))
    }

    /// Keeps members whose id is not that of a resource; without this they are refused.
    #[must_use]
    pub fn keep_unknown_members(self) -> Self {
        self.with_rules(|rules| rules.keep_unknown_members = true)
    }

    /// Refuses filters that no index serves, with 400 `tooMany`.
    #[must_use]
    pub fn refuse_scans(self) -> Self {
        self.with_rules(|rules| rules.refuse_scans = true)
    }

    fn with_rules(self, change: impl FnOnce(&mut Rules)) -> Self {
        Self(self.0.with_rules(change))
    }

    /// Whether this is the password of a resource, for an application's own sign-in.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn verify_password(&self, tenant: Option<&str>, id: &str, password: &str) -> Result<bool> {
        let hash = async {
            let mut tx = self.0.database.begin(Mode::Single).await?;
            let sql = "SELECT password FROM resource WHERE tenant = ?1 AND id = ?2";
            let rows = tx.rows(sql, params![tenant_key(tenant), id]).await?;
            Ok(rows.first().and_then(|row| row.text(0).map(str::to_owned)))
        };
        let Some(hash) = hash.await.map_err(|fault: Fault| fault.into_error(None))? else { return Ok(false) };
        password::matches(password.to_owned(), hash).await
    }

    /// A secret that all processes on the database share: the [key](scim_core::ScimServiceBuilder::cursor_key) that
    /// makes the cursors of one good for the others, and after a restart.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn cursor_key(&self) -> Result<String> {
        let read = async {
            let mut tx = self.0.database.begin(Mode::Single).await?;
            let rows = tx.rows("SELECT value FROM meta WHERE name = 'cursor key'", params![]).await?;
            let key = rows.first().and_then(|row| row.text(0)).map(str::to_owned);
            key.ok_or_else(|| Fault::broken("the database has no key for cursors"))
        };
        read.await.map_err(|fault: Fault| fault.into_error(None))
    }

    /// The settings of the database that decide whether what it acknowledged survives a crash, by name.
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
            let mut found = Vec::new();
            for (name, sql) in settings {
                let rows = tx.rows(*sql, params![]).await?;
                let value = rows.first().and_then(|row| row.text(0));
                found.push((*name, value.unwrap_or_default().to_owned()));
            }
            Ok(found)
        };
        read.await.map_err(|fault: Fault| fault.into_error(None))
    }

    /// The plan by which the database answers a query, for tests and for the curious.
    ///
    /// # Errors
    ///
    /// As [`Provider::query`].
    pub async fn explain(&self, cx: &Context<'_>, query: &Query) -> Result<String> {
        let tables = self.0.tables(cx.resource_type()).map_err(|fault| fault.into_error(None))?;
        read::explain(&self.0, cx, &tables, query).await.map_err(|fault| fault.into_error(None))
    }
}

#[async_trait]
impl Provider for Store {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let tables = self.0.tables(cx.resource_type()).map_err(|fault| fault.into_error(None))?;
        read::page(&self.0, cx, tables, query).await.map_err(|fault| fault.into_error(None))
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        let password = password::change(cx).await?;
        let mut attempts = Attempts::new(&self.0, cx)?;
        loop {
            match write::create(&self.0, cx, &attempts.tables, resource.clone(), &password).await {
                Ok(created) => return Ok(created),
                Err(fault) => attempts.wait_or_fail(fault).await?,
            }
        }
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        let tables = self.0.tables(cx.resource_type()).map_err(|fault| fault.into_error(None))?;
        read::retrieve(&self.0, cx, tables, id, projection).await.map_err(|fault| fault.into_error(None))
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        let password = password::change(cx).await?;
        let mut attempts = Attempts::new(&self.0, cx)?;
        loop {
            match write::update(&self.0, cx, &attempts.tables, id, update, options, &password).await {
                Ok(updated) => return Ok(updated),
                Err(fault) => attempts.wait_or_fail(fault).await?,
            }
        }
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        let mut attempts = Attempts::new(&self.0, cx)?;
        loop {
            match write::delete(&self.0, cx, id, precondition).await {
                Ok(deleted) => return Ok(deleted),
                Err(fault) => attempts.wait_or_fail(fault).await?,
            }
        }
    }

    fn capabilities(&self, resource_type: &ResourceType) -> Capabilities {
        // A service asks this for each of its types when it is built. So the store knows all types that may
        // refer to a resource that is deleted. A type that cannot be mapped is refused when it is used.
        let _ = self.0.tables(resource_type);
        Capabilities::PAGE.with_memberships().with_change_password()
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
