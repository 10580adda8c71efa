//! Builds a table store: reads the catalog, and checks the declarations against it.

use std::fmt;
use std::sync::Arc;

use super::TableStore;
use super::catalog;
use super::events_table::EventsTable;
use super::layout::{Declared, Layout, compile, count_rows_that_do_not_exist};
use super::on_write::{OnWrite, Write, WriteFuture};
use super::problems::{InvalidTables, Problems};
use super::sql::quote_name;
use super::table::Table;
use super::tables::Tables;
use crate::adopt::{AdoptFuture, AdoptRule, Candidate};
use crate::database::{Database, DatabaseError};

/// Builds a [`TableStore`].
#[must_use]
pub struct TableStoreBuilder {
    database: Arc<dyn Database>,
    users: Option<Table>,
    groups: Option<Table>,
    on_write: Option<OnWrite>,
    adopt: Option<AdoptRule>,
    events_table: Option<String>,
}

impl TableStoreBuilder {
    pub(super) fn new(database: Arc<dyn Database>) -> Self {
        Self { database, users: None, groups: None, on_write: None, adopt: None, events_table: None }
    }

    /// Declares the table of users.
    pub fn users(mut self, table: Table) -> Self {
        self.users = Some(table);
        self
    }

    /// Declares the table of groups.
    pub fn groups(mut self, table: Table) -> Self {
        self.groups = Some(table);
        self
    }

    /// Sets a rule of the application, which runs in the transaction of each write, after the row was written. The rule
    /// can read and write other tables; its error refuses the write, and nothing is written.
    ///
    /// The rule runs once for each request that changes a resource, and for each operation of a bulk request; not for a
    /// request that changes nothing. A DELETE of a user changes its groups and the users whose `manager` it is; the rule runs
    /// for the deleted user only. If the write conflicts with another transaction, it is run again with the rule.
    ///
    /// ```
    /// # async fn example(database: scim_store::Sqlite, people: scim_store::Table) -> Result<(), scim_store::InvalidTables> {
    /// use scim_core::{Error, Result};
    /// use scim_store::{TableStore, Write};
    ///
    /// /// Writes an audit trail. The last administrator stays.
    /// async fn audit(write: &mut Write<'_>) -> Result<()> {
    ///     let who = write.identity().map_or("anonymous", |identity| identity.principal.as_str());
    ///     let id = write.after().or(write.before()).map_or("", |resource| resource.id());
    ///     let mut entry = format!("{who}: {:?} {id}", write.action());
    ///     if !write.added_members().is_empty() {
    ///         entry.push_str(&format!(", added {}", write.added_members().join(", ")));
    ///     }
    ///     write.execute("INSERT INTO audit (entry) VALUES ($1)", [entry.into()]).await?;
    ///     let rows = write.query("SELECT count(*) FROM people WHERE is_admin", []).await?;
    ///     match rows.first().and_then(|row| row.int(0)) {
    ///         Some(0) => Err(Error::forbidden("the last administrator cannot be removed")),
    ///         _ => Ok(()),
    ///     }
    /// }
    ///
    /// let store = TableStore::builder(database)
    ///     .users(people)
    ///     .on_write(|write| Box::pin(audit(write)))
    ///     .build()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_write(
        mut self,
        rule: impl for<'a> Fn(&'a mut Write<'_>) -> WriteFuture<'a> + Send + Sync + 'static,
    ) -> Self {
        self.on_write = Some(Arc::new(rule));
        self
    }

    /// Lets a client that wants to create a resource adopt an existing row, if this rule allows it; see
    /// [`Store::adopt`](crate::Store::adopt). So an application that has its users already can be connected to an identity
    /// provider. Each table of which rows can be adopted has a column for the mark: [`Table::adopted_by`].
    ///
    /// The rule can query columns that are no attributes, such as whether an e-mail address was verified:
    ///
    /// ```
    /// # async fn example(database: scim_store::Sqlite, people: scim_store::Table) -> Result<(), scim_store::InvalidTables> {
    /// use scim_core::Result;
    /// use scim_store::{Adoption, Candidate, TableStore};
    ///
    /// async fn is_same_person(candidate: &mut Candidate<'_>) -> Result<Adoption> {
    ///     if candidate.matches("externalId") {
    ///         return Ok(Adoption::Adopt);
    ///     }
    ///     let key = candidate.key().clone();
    ///     let sql = "SELECT 1 FROM people WHERE person_id = $1 AND mail_verified";
    ///     let is_verified = !candidate.query(sql, [key]).await?.is_empty();
    ///     let is_same = is_verified && candidate.matches("userName") && candidate.matches("emails.value");
    ///     Ok(if is_same { Adoption::Adopt } else { Adoption::Refuse })
    /// }
    ///
    /// let store = TableStore::builder(database)
    ///     .users(people.adopted_by("scim_client"))
    ///     .adopt(|candidate| Box::pin(is_same_person(candidate)))
    ///     .build()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn adopt(
        mut self,
        rule: impl for<'a> Fn(&'a mut Candidate<'_>) -> AdoptFuture<'a> + Send + Sync + 'static,
    ) -> Self {
        self.adopt = Some(Arc::new(rule));
        self
    }

    /// Records an event for each change in a table of the application, in the transaction of the change;
    /// [`TableStore::outbox`] reads them. Without this none are recorded.
    ///
    /// A second table, whose name ends in `_reader`, keeps the positions of readers. If one of them does not exist,
    /// [`build`](Self::build) says how to create it. Statements of the application that change users or groups by
    /// themselves record nothing.
    ///
    /// ```
    /// # async fn example(database: scim_store::Sqlite, people: scim_store::Table) -> Result<(), scim_store::InvalidTables> {
    /// use scim_store::TableStore;
    ///
    /// let store = TableStore::builder(database).users(people).events_table("scim_event").build().await?;
    /// let outbox = store.outbox();
    /// # Ok(())
    /// # }
    /// ```
    pub fn events_table(mut self, table: impl Into<String>) -> Self {
        self.events_table = Some(table.into());
        self
    }

    /// Reads the catalog of the database, checks the declarations and builds the store.
    ///
    /// # Errors
    ///
    /// All mistakes in the declarations, each with what to write instead; or that the catalog cannot be read.
    pub async fn build(self) -> Result<TableStore, InvalidTables> {
        let Self { database, users, groups, on_write, adopt, events_table } = self;
        let events = events_table.map(|name| EventsTable::new(name, database.dialect()));
        let mut names = table_names([&users, &groups]);
        names.extend(events.iter().flat_map(EventsTable::names));
        let catalog = catalog::load(&*database, &names).await?;
        let mut problems = Problems::default();
        if users.is_none() && groups.is_none() {
            problems.mistake("no table is declared; add `.users(..)`");
        }
        if adopt.is_some() {
            check_adopted_by([&users, &groups], &mut problems);
        }
        let declared = Declared {
            users: users.as_ref(),
            groups: groups.as_ref(),
            catalog: &catalog,
            dialect: database.dialect(),
        };
        let (users, groups) = compile(&declared, &mut problems);
        for layout in users.iter().chain(&groups) {
            warn_of_hidden_rows(&*database, layout, &mut problems).await?;
        }
        if let Some(events) = &events {
            events.check(&catalog, &mut problems);
        }
        let warnings = problems.finish()?;
        let (users, groups) = (users.map(Arc::new), groups.map(Arc::new));
        let tenant = users.iter().chain(&groups).find_map(|layout| layout.tenant.as_ref());
        let events = events.map(|events| events.into_log(tenant));
        Ok(TableStore(Arc::new(Tables { database, users, groups, on_write, adopt, events, warnings })))
    }
}

/// The names of all tables that the declarations mention.
fn table_names(tables: [&Option<Table>; 2]) -> Vec<&str> {
    let mut names = Vec::new();
    for table in tables.into_iter().flatten() {
        names.push(table.name.as_str());
        names.extend(table.children.iter().map(|(_, child)| child.name.as_str()));
        names.extend(table.members.iter().map(|members| members.name.as_str()));
    }
    names
}

/// Reports a rule for adoptions without any table whose rows can be adopted.
fn check_adopted_by(tables: [&Option<Table>; 2], problems: &mut Problems) {
    let mut tables = tables.into_iter().flatten();
    if let Some(table) = tables.clone().next()
        && tables.all(|table| table.adopted_by.is_none())
    {
        problems.mistake(format!(
            "`adopt` needs a column that marks the adopted rows; declare it with `.adopted_by(\"scim_client\")`, and add it \
             with: ALTER TABLE {} ADD COLUMN \"scim_client\" text",
            quote_name(&table.name)
        ));
    }
}

/// Warns of rows that do not exist for SCIM.
async fn warn_of_hidden_rows(
    database: &dyn Database,
    layout: &Layout,
    problems: &mut Problems,
) -> Result<(), DatabaseError> {
    // Counting reads the whole table, which is for nothing if no column can be NULL.
    if !layout.may_hide_rows {
        return Ok(());
    }
    let hidden = count_rows_that_do_not_exist(database, layout).await?;
    if hidden > 0 {
        problems.warning(format!(
            "{hidden} rows of {} do not exist for SCIM, since they have no tenant or no value for a required attribute",
            layout.table
        ));
    }
    Ok(())
}

impl fmt::Debug for TableStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableStoreBuilder")
            .field("database", &self.database)
            .field("users", &self.users)
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}
