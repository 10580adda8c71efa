//! Reads the catalog of SQLite.

use super::index_key::{column_key, parse_create_index};
use super::{CatalogColumn, CatalogIndex, CatalogTable, ColumnKind};
use crate::database::{DatabaseError, Row, Statement, Transaction, params};
use crate::table_store::sql::{quote, split_name};

const COLUMNS: &str =
    "SELECT name, type, \"notnull\", dflt_value, hidden, pk FROM pragma_table_xinfo(?1, ?2)";

const INDEXES: &str = "SELECT l.name, l.\"unique\", i.name, i.coll, m.sql FROM pragma_index_list(?1, ?2) l \
     JOIN pragma_index_xinfo(l.name, ?2) i LEFT JOIN {}.sqlite_master m ON m.type = 'index' AND m.name = l.name \
     WHERE i.key = 1 ORDER BY l.seq, i.seqno";

const TABLE: &str = "SELECT sql FROM {}.sqlite_master WHERE type = 'table' AND lower(name) = lower(?1)";

const TRIGGERS: &str =
    "SELECT name FROM {}.sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?1)";

/// The table with this name; `None` if there is none.
pub(super) async fn load(
    tx: &mut dyn Transaction,
    name: &str,
) -> Result<Option<CatalogTable>, DatabaseError> {
    let (schema, table) = split_name(name);
    let schema = schema.unwrap_or("main");
    let in_schema = |sql: &str| sql.replace("{}", &quote(schema));
    let found = tx
        .query(vec![
            Statement::new(COLUMNS, params![table, schema]),
            Statement::new(in_schema(INDEXES), params![table, schema]),
            Statement::new(in_schema(TABLE), params![table]),
            Statement::new(in_schema(TRIGGERS), params![table]),
        ])
        .await?;
    let [columns, indexes, create, triggers] = found.as_slice() else { return Ok(None) };
    if columns.is_empty() {
        return Ok(None);
    }
    let create = create.first().and_then(|row| row.text(0)).unwrap_or_default().to_ascii_uppercase();
    let mut loaded = CatalogTable { has_trigger: !triggers.is_empty(), ..CatalogTable::default() };
    let mut primary_key: Vec<(i64, String)> = Vec::new();
    for row in columns.iter() {
        let name = row.text(0).unwrap_or_default().to_owned();
        if let Some(position) = row.int(5).filter(|position| *position > 0) {
            primary_key.push((position, name.clone()));
        }
        loaded.columns.insert(name, column(row));
    }
    primary_key.sort_unstable();
    if let [(_, only)] = primary_key.as_slice()
        && let Some(key) = loaded.columns.get_mut(only)
        && key.type_name.eq_ignore_ascii_case("integer")
        && !create.contains("WITHOUT ROWID")
    {
        // The key is the `rowid`, which SQLite assigns.
        key.is_generated = true;
        loaded.reuses_keys = !create.contains("AUTOINCREMENT");
    }
    if !primary_key.is_empty() {
        let keys = primary_key.into_iter().map(|(_, name)| column_key(&name)).collect();
        loaded.indexes.push(CatalogIndex {
            name: "PRIMARY KEY".to_owned(),
            is_unique: true,
            keys,
            predicate: None,
        });
    }
    for row in indexes.iter() {
        add_index_key(&mut loaded, row);
    }
    Ok(Some(loaded))
}

fn column(row: Row<'_>) -> CatalogColumn {
    let type_name = row.text(1).unwrap_or_default();
    CatalogColumn {
        kind: kind(type_name),
        type_name: type_name.to_owned(),
        not_null: row.int(2) == Some(1),
        default: row.text(3).map(str::to_owned),
        is_generated: row.int(4).unwrap_or_default() != 0,
        max_length: None,
    }
}

/// The kind of a declared type, by the words that SQLite itself looks for.
fn kind(type_name: &str) -> ColumnKind {
    let upper = type_name.to_ascii_uppercase();
    let contains = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if contains(&["INT"]) {
        ColumnKind::Integer
    } else if contains(&["BOOL"]) {
        ColumnKind::Boolean
    } else if contains(&["CHAR", "CLOB", "TEXT", "UUID"]) || upper.is_empty() {
        ColumnKind::Text
    } else if contains(&["DATE", "TIME"]) {
        ColumnKind::Timestamp
    } else if contains(&["JSON"]) {
        ColumnKind::Json
    } else {
        ColumnKind::Other
    }
}

/// Adds one key of an index. The rows of one index follow each other.
fn add_index_key(table: &mut CatalogTable, row: Row<'_>) {
    let (name, sql) = (row.text(0).unwrap_or_default(), row.text(4));
    let parsed = sql.map(parse_create_index);
    if table.indexes.last().is_none_or(|last| last.name != name) {
        table.indexes.push(CatalogIndex {
            name: name.to_owned(),
            is_unique: row.int(1) == Some(1),
            keys: Vec::new(),
            predicate: parsed.as_ref().and_then(|(_, predicate)| predicate.clone()),
        });
    }
    let Some(index) = table.indexes.last_mut() else { return };
    let position = index.keys.len();
    let key = match row.text(2) {
        Some(column) => {
            let is_nocase = row.text(3).is_some_and(|collation| collation.eq_ignore_ascii_case("nocase"));
            format!("{}{}", column_key(column), if is_nocase { " nocase" } else { "" })
        }
        None => parsed.and_then(|(keys, _)| keys.get(position).cloned()).unwrap_or_default(),
    };
    index.keys.push(key);
}
