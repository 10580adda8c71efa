//! What the catalog of the database says about the tables of the application.

mod index_key;
mod postgres;
mod sqlite;

use std::collections::HashMap;

use scim_sql::Dialect;

use crate::database::{Database, DatabaseError, Mode, Statement, Transaction};

pub(crate) use index_key::{column_key, normalize};

/// The types of columns, as far as the store treats them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Text,
    /// `citext` of PostgreSQL, which compares without regard to case.
    CaseInsensitiveText,
    Integer,
    Boolean,
    Uuid,
    /// `timestamptz` of PostgreSQL.
    TimestampWithZone,
    /// `timestamp` of PostgreSQL, or a text with a time in SQLite.
    Timestamp,
    Json,
    Other,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct CatalogColumn {
    pub(crate) kind: ColumnKind,
    /// The type as the database names it, for messages.
    pub(crate) type_name: String,
    pub(crate) not_null: bool,
    /// The SQL expression of the default value.
    pub(crate) default: Option<String>,
    /// Whether the database computes the value, such as an identity, or an integer primary key of SQLite.
    pub(crate) is_generated: bool,
    /// The largest number of characters.
    pub(crate) max_length: Option<usize>,
}

/// An index of a table.
#[derive(Clone, Debug)]
pub(crate) struct CatalogIndex {
    pub(crate) name: String,
    pub(crate) is_unique: bool,
    /// The columns and expressions, as [`normalize`] writes them.
    pub(crate) keys: Vec<String>,
    /// The condition of a partial index, normalized.
    pub(crate) predicate: Option<String>,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatalogTable {
    pub(crate) columns: HashMap<String, CatalogColumn>,
    pub(crate) indexes: Vec<CatalogIndex>,
    /// Whether the database may assign the key of a deleted row to a new row: an integer key of SQLite without
    /// AUTOINCREMENT.
    pub(crate) reuses_keys: bool,
    /// Whether the table has a trigger.
    pub(crate) has_trigger: bool,
}

impl CatalogTable {
    /// The columns in alphabetical order, for messages.
    pub(crate) fn column_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.columns.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// Whether an index begins with one of these lists of keys.
    pub(crate) fn is_indexed(&self, keys: &[Vec<String>]) -> bool {
        self.indexes.iter().any(|index| keys.iter().any(|keys| index.keys.starts_with(keys)))
    }
}

/// The tables that the declarations name, as far as they exist.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    tables: HashMap<String, CatalogTable>,
    /// The names of all tables of the database, if one that is declared does not exist.
    existing: Vec<String>,
}

impl Catalog {
    /// The table with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&CatalogTable> {
        self.tables.get(name)
    }

    /// The mistake of declaring a table that does not exist.
    pub(crate) fn no_table(&self, name: &str) -> String {
        match self.existing.as_slice() {
            [] => format!("there is no table `{name}`; the database has no tables: is it the right one?"),
            existing => format!("there is no table `{name}`; the database has {}", existing.join(", ")),
        }
    }
}

/// Reads the tables with these names.
pub(crate) async fn load(database: &dyn Database, names: &[&str]) -> Result<Catalog, DatabaseError> {
    let mut catalog = Catalog::default();
    for name in names {
        if catalog.tables.contains_key(*name) {
            continue;
        }
        let mut tx = database.begin(Mode::Read).await?;
        let table = match database.dialect() {
            Dialect::Sqlite => sqlite::load(&mut *tx, name).await?,
            _ => postgres::load(&mut *tx, name).await?,
        };
        if let Some(table) = table {
            catalog.tables.insert((*name).to_owned(), table);
        } else if catalog.existing.is_empty() {
            catalog.existing = names_of_tables(&mut *tx, database.dialect()).await?;
        }
    }
    Ok(catalog)
}

/// The names of the tables of the database, at most fifty.
async fn names_of_tables(tx: &mut dyn Transaction, dialect: Dialect) -> Result<Vec<String>, DatabaseError> {
    let sql = match dialect {
        Dialect::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%' \
             ORDER BY name LIMIT 50"
        }
        _ => {
            "SELECT CASE WHEN schemaname = current_schema() THEN '' ELSE schemaname || '.' END || tablename \
             FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 LIMIT 50"
        }
    };
    let found = tx.query(vec![Statement::new(sql, [])]).await?;
    let rows = found.first().into_iter().flat_map(|rows| rows.iter());
    Ok(rows.filter_map(|row| row.text(0).map(str::to_owned)).collect())
}
