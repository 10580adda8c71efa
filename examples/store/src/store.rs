//! The provider: what each call comes to, whatever the database.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use scim_core::schema::{Projection, ResourceType};
use scim_core::{
    Capabilities, Context, Deleted, Page, Precondition, Provider, Query, Resource, Result, Update,
    UpdateOptions, Updated, async_trait,
};

use crate::database::{Database, Mode, Transaction};
use crate::fault::Fault;
use crate::param::params;
use crate::tables::Tables;
use crate::{delete, password, query, write};

/// A provider over SQLite or PostgreSQL. One value serves all resource types; clones share it.
#[derive(Clone)]
pub struct Store {
    pub(crate) database: Arc<Database>,
    pub(crate) rules: Arc<Rules>,
    /// Of each resource type that was used so far, by these rules.
    tables: Arc<RwLock<Vec<Arc<Tables>>>>,
}

/// What the store enforces beyond the schemas.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    unique: Vec<(String, String)>,
    pub(crate) unknown_members: bool,
    pub(crate) refuse_scans: bool,
}

/// Why a database could not be opened. Its text holds no passwords.
#[derive(Debug)]
pub struct OpenError(String);

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}

impl Store {
    /// Opens a database and brings its tables up to date: `sqlite:scim.db`, `sqlite::memory:`, or
    /// `postgres://user:password@host/database`.
    ///
    /// # Errors
    ///
    /// If the URL is none of these, or the database cannot be reached.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let database = match url.split_once(':') {
            #[cfg(feature = "sqlite")]
            Some(("sqlite", path)) if !path.is_empty() => {
                let path = path.strip_prefix("//").unwrap_or(path);
                crate::sqlite::Pool::open(path).await.map(Database::Sqlite)
            }
            #[cfg(feature = "postgres")]
            Some(("postgres" | "postgresql", _)) => {
                crate::postgres::Pool::open(url).await.map(Database::Postgres)
            }
            Some((scheme, _)) => {
                return Err(OpenError(format!("`{scheme}:` is not a database that this store is built for")));
            }
            None => return Err(OpenError("a database URL begins with `sqlite:` or `postgres:`".to_owned())),
        };
        let database = database.map_err(|fault| {
            let error = fault.into_error(None);
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), chain);
            OpenError(format!("the database cannot be opened: {cause}"))
        })?;
        Ok(Self::on(database))
    }

    /// A store on a database that is open.
    pub(crate) fn on(database: Database) -> Self {
        Self { database: Arc::new(database), rules: Arc::default(), tables: Arc::default() }
    }

    /// Also requires the values of an attribute to differ among the resources of a type; for groups
    /// named by Entra ID, `unique("Group", "displayName")`.
    ///
    /// What the schema says to be unique is so anyhow. This is about what is written from now on.
    #[must_use]
    pub fn unique(self, resource_type: &str, attribute: &str) -> Self {
        self.rule(|rules| rules.unique.push((resource_type.to_owned(), attribute.to_owned())))
    }

    /// Keeps members whose id is not that of a resource; without this they are refused.
    #[must_use]
    pub fn keep_unknown_members(self) -> Self {
        self.rule(|rules| rules.unknown_members = true)
    }

    /// Refuses filters that no index serves, with 400 `tooMany`.
    #[must_use]
    pub fn refuse_scans(self) -> Self {
        self.rule(|rules| rules.refuse_scans = true)
    }

    fn rule(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.rules));
        self.tables = Arc::default();
        self
    }

    /// Whether this is the password of a resource, for an application's own sign-in.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn verify_password(&self, tenant: Option<&str>, id: &str, password: &str) -> Result<bool> {
        let hash = async {
            let mut tx = self.database.begin(Mode::Single).await?;
            let sql = "SELECT password FROM resource WHERE tenant = ?1 AND id = ?2";
            let rows = tx.rows(sql, params![tenant_key(tenant), id]).await?;
            Ok(rows.first().and_then(|row| row.text(0).map(str::to_owned)))
        };
        let Some(hash) = hash.await.map_err(|fault: Fault| fault.into_error(None))? else { return Ok(false) };
        password::matches(password.to_owned(), hash).await
    }

    /// A secret that all processes on the database share: the [key](scim_core::Builder::cursor_key) that
    /// makes the cursors of one good for the others, and after a restart.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn cursor_key(&self) -> Result<String> {
        let read = async {
            let mut tx = self.database.begin(Mode::Single).await?;
            let rows = tx.rows("SELECT value FROM meta WHERE name = 'cursor key'", params![]).await?;
            let key = rows.first().and_then(|row| row.text(0)).map(str::to_owned);
            key.ok_or_else(|| Fault::broken("the database has no key for cursors"))
        };
        read.await.map_err(|fault: Fault| fault.into_error(None))
    }

    /// What the database says of its own durability, by the name of each setting.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn durability(&self) -> Result<Vec<(&'static str, String)>> {
        let settings: &[_] = match self.database.dialect() {
            scim_sql::Dialect::Sqlite => &[
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
            let mut tx: Transaction = self.database.begin(Mode::Write).await?;
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
        let tables = self.tables(cx.resource_type()).map_err(|fault| fault.into_error(None))?;
        query::explain(self, cx, &tables, query).await.map_err(|fault| fault.into_error(None))
    }

    /// The resource types that services on this store have.
    pub(crate) fn types(&self) -> Vec<Arc<Tables>> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The resource type as the store sees it.
    pub(crate) fn tables(&self, on: &ResourceType) -> Result<Arc<Tables>, Fault> {
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = known.iter().find(|tables| is_same(&tables.on, on)) {
            return Ok(tables.clone());
        }
        drop(known);
        let own = self.rules.unique.iter().filter(|(name, _)| name == on.name());
        let unique: Vec<&str> = own.map(|(_, path)| path.as_str()).collect();
        let tables = Arc::new(Tables::new(on, &unique, self.database.dialect())?);
        let mut known = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        // Another call may have been faster.
        known.retain(|tables| !is_same(&tables.on, on));
        known.push(tables.clone());
        Ok(tables)
    }
}

/// Whether two resource types have the same name and schemas.
fn is_same(one: &ResourceType, other: &ResourceType) -> bool {
    one.name() == other.name()
        && one.schema().id() == other.schema().id()
        && one.extensions().map(|one| one.schema().id()).eq(other.extensions().map(|one| one.schema().id()))
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// The tenant as it is stored. No tenant is not the same as one without a name, and not an empty text
/// either: the address of one points nowhere, which makes comparing it many times as slow.
pub(crate) fn tenant_key(tenant: Option<&str>) -> String {
    tenant.map_or_else(|| ".".to_owned(), |tenant| format!(":{tenant}"))
}

pub(crate) fn tenant_of(cx: &Context<'_>) -> Result<String, Fault> {
    match cx.tenant() {
        Some(tenant) if tenant.contains('\0') || tenant.len() > 500 => {
            Err(Fault::broken("the tenant's name cannot be stored"))
        }
        tenant => Ok(tenant_key(tenant)),
    }
}

#[async_trait]
impl Provider for Store {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let tables = self.tables(cx.resource_type()).map_err(|fault| fault.into_error(None))?;
        query::page(self, cx, tables, query).await.map_err(|fault| fault.into_error(None))
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        let password = password::change(cx).await?;
        let mut attempt = Attempt::new(self, cx)?;
        loop {
            match write::create(self, cx, &attempt.tables, resource.clone(), &password).await {
                Ok(created) => return Ok(created),
                Err(fault) => attempt.again(fault).await?,
            }
        }
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        let tables = self.tables(cx.resource_type()).map_err(|fault| fault.into_error(None))?;
        query::retrieve(self, cx, tables, id, projection).await.map_err(|fault| fault.into_error(None))
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        let password = password::change(cx).await?;
        let mut attempt = Attempt::new(self, cx)?;
        loop {
            match write::update(self, cx, &attempt.tables, id, update, options, &password).await {
                Ok(updated) => return Ok(updated),
                Err(fault) => attempt.again(fault).await?,
            }
        }
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        let mut attempt = Attempt::new(self, cx)?;
        loop {
            match delete::delete(self, cx, id, precondition).await {
                Ok(deleted) => return Ok(deleted),
                Err(fault) => attempt.again(fault).await?,
            }
        }
    }

    fn capabilities(&self, on: &ResourceType) -> Capabilities {
        // A service asks for each of its types at first. So the store knows all that may refer to what
        // is deleted; a type that cannot be mapped is refused when it is used.
        let _ = self.tables(on);
        Capabilities::PAGE.with_memberships().with_change_password()
    }

    fn unique(&self, on: &ResourceType) -> Vec<String> {
        self.rules.unique.iter().filter(|(name, _)| name == on.name()).map(|(_, path)| path.clone()).collect()
    }
}

/// How often a call that another was in the way of is made again.
const RETRIES: u32 = 5;

/// A call that is made again if another transaction was in its way.
struct Attempt {
    tables: Arc<Tables>,
    retries: u32,
}

impl Attempt {
    fn new(store: &Store, cx: &Context<'_>) -> Result<Self> {
        let tables = store.tables(cx.resource_type()).map_err(|fault| fault.into_error(None))?;
        Ok(Self { tables, retries: 0 })
    }

    /// Waits until it is to be made again.
    async fn again(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Conflict(_) if self.retries < RETRIES => {
                self.retries += 1;
                tokio::time::sleep(pause(self.retries)).await;
                Ok(())
            }
            fault => Err(fault.into_error(self.tables.unique.as_ref().map(|target| target.path().as_str()))),
        }
    }
}

/// A pause that gets longer, and is different for each of those that wait.
fn pause(retries: u32) -> std::time::Duration {
    use std::hash::{BuildHasher, RandomState};
    let most = 4_000_u64 << retries;
    std::time::Duration::from_micros(most / 2 + RandomState::new().hash_one(retries) % (most / 2))
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({:?})", self.database.dialect())
    }
}
