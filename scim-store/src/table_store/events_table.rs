//! The tables of an application for events: their names, and what they must have.

use scim_sql::Dialect;

use super::catalog::{Catalog, CatalogTable, ColumnKind, column_key};
use super::layout::TenantColumn;
use super::problems::Problems;
use super::sql::{create_index, quote_name};
use crate::outbox::{EVENT_COLUMNS, EventLog, OutboxTables, READER_COLUMNS, TenantKeys};

/// The declared table for events, and the one for readers beside it.
pub(super) struct EventsTable {
    events: String,
    readers: String,
    dialect: Dialect,
}

impl EventsTable {
    pub(super) fn new(events: String, dialect: Dialect) -> Self {
        let readers = format!("{events}_reader");
        Self { events, readers, dialect }
    }

    /// The names of the tables.
    pub(super) fn names(&self) -> [&str; 2] {
        [&self.events, &self.readers]
    }

    /// Reports tables and columns that do not exist.
    pub(super) fn check(&self, catalog: &Catalog, problems: &mut Problems) {
        let [events_ddl, readers_ddl] = self.ddl();
        let has_generated_position = |table: &CatalogTable| {
            let position = table.columns.get("position");
            position.is_some_and(|column| column.is_generated || column.default.is_some())
                && !table.reuses_keys
        };
        match catalog.get(&self.events) {
            Some(table) if !has_generated_position(table) => problems.mistake(format!(
                "`{}`: the database does not assign the column `position` of new events; create the table with: {events_ddl}",
                self.events
            )),
            table => check_columns(&self.events, table, &EVENT_COLUMNS, &events_ddl, problems),
        }
        let table = catalog.get(&self.readers);
        let key = [column_key("tenant"), column_key("name")];
        let has_key = |table: &CatalogTable| {
            table
                .indexes
                .iter()
                .any(|index| index.is_unique && index.predicate.is_none() && index.keys == key)
        };
        if table.is_some_and(|table| !has_key(table)) {
            problems.mistake(format!(
                "`{}`: no unique index has the columns `tenant` and `name`; create the table with: {readers_ddl}",
                self.readers
            ));
        }
        let table = catalog.get(&self.events);
        let keys = [vec![column_key("tenant"), column_key("position")]];
        if table.is_some_and(|table| !table.is_indexed(&keys)) {
            problems.mistake(format!(
                "`{}`: no index begins with `tenant` and `position`; create the table with: {events_ddl}",
                self.events
            ));
        }
        let table = catalog.get(&self.readers);
        check_columns(&self.readers, table, &READER_COLUMNS, &readers_ddl, problems);
    }

    /// The outbox, for tables that were checked.
    pub(super) fn into_log(self, tenant: Option<&TenantColumn>) -> EventLog {
        let tenants = match tenant.map(|column| column.kind) {
            Some(ColumnKind::Integer) => TenantKeys::Integer,
            Some(ColumnKind::Uuid) => TenantKeys::Uuid,
            _ => TenantKeys::Text,
        };
        let (events, readers) = (quote_name(&self.events), quote_name(&self.readers));
        EventLog::new(OutboxTables::new(self.dialect, events, readers), tenants)
    }

    /// The statements that create the tables.
    fn ddl(&self) -> [String; 2] {
        let (events, readers) = (quote_name(&self.events), quote_name(&self.readers));
        let (position, big, key, index) = match self.dialect {
            Dialect::Sqlite => {
                let keys = ["tenant".to_owned(), "position".to_owned()];
                let index = create_index(self.dialect, false, &self.events, "tenant", &keys, None);
                ("INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER", "", format!("; {index}"))
            }
            _ => {
                let identity = "bigint GENERATED ALWAYS AS IDENTITY";
                (identity, "bigint", ", PRIMARY KEY (tenant, position)", String::new())
            }
        };
        [
            format!(
                "CREATE TABLE {events} (position {position}, tenant text NOT NULL, time {big} NOT NULL, \
                 resource_type text NOT NULL, resource_id text NOT NULL, kind text NOT NULL, version_before text, \
                 version_after text, principal text, attributes text NOT NULL, added_members text NOT NULL, \
                 removed_members text NOT NULL{key}){index}"
            ),
            format!(
                "CREATE TABLE {readers} (tenant text NOT NULL, name text NOT NULL, position {big} NOT NULL, \
                 PRIMARY KEY (tenant, name))"
            ),
        ]
    }
}

fn check_columns(
    name: &str,
    table: Option<&CatalogTable>,
    columns: &[&str],
    ddl: &str,
    problems: &mut Problems,
) {
    let missing = match table {
        None => Some("there is no such table".to_owned()),
        Some(table) => {
            let missing = columns.iter().find(|column| !table.columns.contains_key(**column));
            missing.map(|column| format!("it has no column `{column}`"))
        }
    };
    if let Some(missing) = missing {
        problems.mistake(format!("`{name}`: {missing}; create the table with: {ddl}"));
    }
}
