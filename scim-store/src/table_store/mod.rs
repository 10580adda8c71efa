//! A provider over the tables that an application already has. Each operation starts here, and continues in `read` or
//! `write`.

// Each module uses only those below it:
//
// - `builder`: builds a store: reads the catalog, and checks the declarations against it.
// - `write`: creates, changes and deletes resources.
// - `read`: reads one resource, and pages of lists.
// - `tables`: what all operations share.
// - `on_write`: the rule of the application.
// - `error`: the errors of the store.
// - `events_table`: checks the tables for events.
// - `layout`: a declaration, turned into the SQL and the conversions that reads and writes use.
// - `catalog`: what the catalog of the database says.
// - `table`, `child`, `expression`, `ids`: the declaration.
// - `problems`, `sql`, `version`: mistakes, statements, versions.
mod builder;
mod catalog;
mod child;
mod error;
mod events_table;
mod expression;
mod ids;
mod layout;
mod on_write;
mod problems;
mod read;
mod sql;
mod table;
mod tables;
mod version;
mod write;

use std::fmt;
use std::sync::Arc;

use scim_core::schema::{Projection, ResourceType};
use scim_core::{
    Capabilities, Context, Deleted, Page, Precondition, Provider, Query, Resource, Result, ScimService,
    ScimServiceBuilder, Update, UpdateOptions, Updated, async_trait,
};

pub use builder::TableStoreBuilder;
pub use child::ChildTable;
pub use expression::Expression;
pub use ids::Ids;
pub use on_write::{Write, WriteAction, WriteFuture};
pub use problems::InvalidTables;
pub use table::{Table, TimeUnit};

use crate::database::{Database, Mode};
use crate::outbox::Outbox;
use crate::password::{PasswordChange, verify_password};
use crate::retry::{RETRIES, pause};
use error::TableError;
use layout::Layout;
use tables::Tables;

/// A provider over the tables that an application already has. Clones share the database.
///
/// The application declares once where the attributes are, and everything follows from that: the schema that is
/// published, filters, sorting, both paginations, PATCH, membership changes, the groups of a user, uniqueness, tenants
/// and versions. The application goes on to read and write its tables as before.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use scim_store::{Ids, Sqlite, Table, TableStore};
///
/// let database = Sqlite::connect(|| {
///     let connection = rusqlite::Connection::open_in_memory()?;
///     connection.execute_batch(
///         "CREATE TABLE people (person_id INTEGER PRIMARY KEY AUTOINCREMENT, login TEXT NOT NULL, first TEXT, mail TEXT);
///          CREATE UNIQUE INDEX people_login ON people (lower(login));",
///     )?;
///     Ok(connection)
/// })
/// .await?;
/// let people = Table::new("people", "person_id", Ids::prefixed("p"))
///     .key("userName", "login")
///     .text("name.givenName", "first")
///     .one("emails", "mail", "work");
/// let store = TableStore::builder(database).users(people).build().await?;
/// let service = store.service().base_url("https://example.com/scim/v2").build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TableStore(Arc<Tables>);

impl TableStore {
    /// Begins a store on a database.
    pub fn builder(database: impl Database + 'static) -> TableStoreBuilder {
        TableStoreBuilder::new(Arc::new(database))
    }

    /// Begins a service with the resource types of the store.
    pub fn service(&self) -> ScimServiceBuilder {
        let mut builder = ScimService::builder();
        if let Some(users) = &self.0.users {
            builder = builder.resource(users.resource_type.clone(), self.clone());
        }
        if let Some(groups) = &self.0.groups {
            builder = builder.large_resource(groups.resource_type.clone(), self.clone());
        }
        match self.0.layouts().any(|layout| layout.tenant.is_some()) {
            true => builder.multi_tenant(),
            false => builder,
        }
    }

    /// The resource types that follow from the declarations.
    pub fn resource_types(&self) -> Vec<ResourceType> {
        self.0.layouts().map(|layout| layout.resource_type.clone()).collect()
    }

    /// What the application should know: searches that no index serves, and rows that do not exist for SCIM.
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    /// The events of changes, if the builder has a table for them:
    /// [`TableStoreBuilder::events_table`].
    pub fn outbox(&self) -> Option<Outbox> {
        let log = self.0.events.as_ref()?;
        Some(log.reader(self.0.database.clone()))
    }

    /// Whether this is the password of the user with this id, for the sign-in of an application. False if the user does
    /// not exist or has no password.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn verify_password(&self, tenant: Option<&str>, id: &str, password: &str) -> Result<bool> {
        let Some(layout) = &self.0.users else { return Ok(false) };
        let (Some(column), Some(key)) = (&layout.password, layout.codec.key(id)) else { return Ok(false) };
        let tenant = layout.tenant_param(tenant)?;
        let mut sql = layout.select_from(&format!("t.{column}"), tenant.as_ref());
        sql.push(" AND ").push(&layout.key()).push(" = ").bind(key);
        let read = async {
            let mut tx = self.0.database.begin(Mode::Single).await?;
            let rows = tx.query(vec![sql.finish()]).await?;
            Ok(rows.first().and_then(|rows| rows.first()?.text(0).map(str::to_owned)))
        };
        let hash: Result<Option<String>, TableError> = read.await;
        match hash.map_err(|error| error.into_error(layout))? {
            Some(hash) => verify_password(password.to_owned(), hash).await,
            None => Ok(false),
        }
    }
}

/// Waits before the next attempt after a conflict. Returns all other errors, and the conflict after the last attempt.
async fn wait_or_fail(layout: &Layout, error: TableError, retries: &mut u32) -> Result<()> {
    if error.is_conflict() && *retries < RETRIES {
        *retries += 1;
        tokio::time::sleep(pause(*retries)).await;
        return Ok(());
    }
    Err(error.into_error(layout))
}

#[async_trait]
impl Provider for TableStore {
    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let layout = self.0.layout(cx.resource_type())?;
        read::page(&self.0, layout, cx, query).await.map_err(|error| error.into_error(layout))
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        let layout = self.0.layout(cx.resource_type())?;
        let password = PasswordChange::from_context(cx).await?;
        let mut retries = 0;
        loop {
            match write::create(&self.0, layout, cx, &resource, &password).await {
                Ok(created) => {
                    self.0.wake_readers();
                    if let Some((before, members)) = created.adopted {
                        cx.mark_adopted(before, members);
                    }
                    return Ok(created.resource);
                }
                Err(error) => wait_or_fail(layout, error, &mut retries).await?,
            }
        }
    }

    async fn retrieve(
        &self,
        cx: &Context<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Option<Resource>> {
        let layout = self.0.layout(cx.resource_type())?;
        read::retrieve(&self.0, layout, cx, id, projection).await.map_err(|error| error.into_error(layout))
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        let layout = self.0.layout(cx.resource_type())?;
        let password = PasswordChange::from_context(cx).await?;
        let mut retries = 0;
        loop {
            match write::update(&self.0, layout, cx, id, update, options, &password).await {
                Ok(updated) => {
                    self.0.wake_readers();
                    return Ok(updated);
                }
                Err(error) => wait_or_fail(layout, error, &mut retries).await?,
            }
        }
    }

    async fn delete(&self, cx: &Context<'_>, id: &str, precondition: &Precondition) -> Result<Deleted> {
        let layout = self.0.layout(cx.resource_type())?;
        let mut retries = 0;
        loop {
            match write::delete(&self.0, layout, cx, id, precondition).await {
                Ok(deleted) => {
                    self.0.wake_readers();
                    return Ok(deleted);
                }
                Err(error) => wait_or_fail(layout, error, &mut retries).await?,
            }
        }
    }

    fn capabilities(&self, resource_type: &ResourceType) -> Capabilities {
        let layouts: Vec<_> = self.0.layouts().collect();
        let has_members = layouts.iter().any(|layout| layout.members.is_some());
        let has_password = layouts
            .iter()
            .any(|layout| layout.resource_type.name() == resource_type.name() && layout.password.is_some());
        let capabilities = Capabilities::QUERY;
        let capabilities = if has_members { capabilities.with_memberships() } else { capabilities };
        if has_password { capabilities.with_change_password() } else { capabilities }
    }

    fn unique(&self, resource_type: &ResourceType) -> Vec<String> {
        let layouts = self.0.layouts().filter(|layout| layout.resource_type.name() == resource_type.name());
        let announced = layouts.flat_map(|layout| layout.unique.iter().filter(|unique| unique.is_announced));
        announced.map(|unique| unique.attribute.path().as_str().to_owned()).collect()
    }
}

impl fmt::Debug for TableStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TableStore").field(&self.0).finish()
    }
}
