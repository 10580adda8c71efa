//! Reads the catalog of PostgreSQL.

use super::index_key::normalize;
use super::{CatalogColumn, CatalogIndex, CatalogTable, ColumnKind};
use crate::database::{DatabaseError, Row, Statement, Transaction, params};
use crate::table_store::sql::quote_name;

const COLUMNS: &str = "SELECT a.attname::text, t.typname::text, a.attnotnull, \
     pg_get_expr(d.adbin, d.adrelid)::text, (a.attidentity <> '' OR a.attgenerated <> ''), a.atttypmod::bigint, \
     (t.typtype = 'e') FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     WHERE a.attrelid = to_regclass($1::text) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const INDEXES: &str = "SELECT c.relname::text, i.indisunique, pg_get_expr(i.indpred, i.indrelid)::text, \
     pg_get_indexdef(i.indexrelid, k.n::int, true)::text FROM pg_index i \
     JOIN pg_class c ON c.oid = i.indexrelid CROSS JOIN LATERAL generate_series(1, i.indnkeyatts::int) k(n) \
     WHERE i.indrelid = to_regclass($1::text) AND i.indisvalid ORDER BY c.relname, k.n";

const TRIGGERS: &str =
    "SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = to_regclass($1::text) AND NOT t.tgisinternal";

/// The table with this name; `None` if there is none.
pub(super) async fn load(
    tx: &mut dyn Transaction,
    name: &str,
) -> Result<Option<CatalogTable>, DatabaseError> {
    let quoted = quote_name(name);
    let found = tx
        .query(vec![
            Statement::new(COLUMNS, params![quoted.as_str()]),
            Statement::new(INDEXES, params![quoted.as_str()]),
            Statement::new(TRIGGERS, params![quoted.as_str()]),
        ])
        .await?;
    let [columns, indexes, triggers] = found.as_slice() else { return Ok(None) };
    if columns.is_empty() {
        return Ok(None);
    }
    let mut loaded = CatalogTable { has_trigger: !triggers.is_empty(), ..CatalogTable::default() };
    for row in columns.iter() {
        loaded.columns.insert(row.text(0).unwrap_or_default().to_owned(), column(row));
    }
    for row in indexes.iter() {
        add_index_key(&mut loaded, row);
    }
    Ok(Some(loaded))
}

fn column(row: Row<'_>) -> CatalogColumn {
    let type_name = row.text(1).unwrap_or_default();
    let kind = match type_name {
        _ if row.boolean(6) == Some(true) => ColumnKind::Text,
        "text" | "varchar" | "bpchar" | "name" => ColumnKind::Text,
        "citext" => ColumnKind::CaseInsensitiveText,
        "int2" | "int4" | "int8" => ColumnKind::Integer,
        "bool" => ColumnKind::Boolean,
        "uuid" => ColumnKind::Uuid,
        "timestamptz" => ColumnKind::TimestampWithZone,
        "timestamp" => ColumnKind::Timestamp,
        "json" | "jsonb" => ColumnKind::Json,
        _ => ColumnKind::Other,
    };
    // The modifier of `varchar(n)` is n plus the four bytes of a length field; it is -1 without a length.
    let modifier = row.int(5).filter(|_| matches!(type_name, "varchar" | "bpchar"));
    CatalogColumn {
        kind,
        type_name: type_name.to_owned(),
        not_null: row.boolean(2) == Some(true),
        default: row.text(3).map(str::to_owned),
        is_generated: row.boolean(4) == Some(true),
        max_length: modifier.and_then(|modifier| usize::try_from(modifier - 4).ok()),
    }
}

/// Adds one key of an index. The rows of one index follow each other.
fn add_index_key(table: &mut CatalogTable, row: Row<'_>) {
    let name = row.text(0).unwrap_or_default();
    if table.indexes.last().is_none_or(|last| last.name != name) {
        table.indexes.push(CatalogIndex {
            name: name.to_owned(),
            is_unique: row.boolean(1) == Some(true),
            keys: Vec::new(),
            predicate: row.text(2).map(normalize),
        });
    }
    if let Some(index) = table.indexes.last_mut() {
        index.keys.push(normalize(row.text(3).unwrap_or_default()));
    }
}
