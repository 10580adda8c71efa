//! The triggers that increment the version of a group when the application changes its members.

use scim_sql::Dialect;

use crate::table_store::sql::{quote, quote_name, split_name};
use crate::table_store::table::{LinkTable, Table};

/// The DDL of triggers on the link table that increment the version column of the groups.
pub(super) fn trigger_ddl(table: &Table, version: &str, link: &LinkTable, dialect: Dialect) -> String {
    let (schema, plain) = split_name(&link.name);
    let (groups, links) = (quote_name(&table.name), quote_name(&link.name));
    let (key, version, group) = (quote(&table.key), quote(version), quote(&link.group));
    if dialect == Dialect::Sqlite {
        let trigger = |event: &str, row: &str| {
            let name = quote(&format!("{plain}_{}", event.to_ascii_lowercase()));
            format!(
                "CREATE TRIGGER {name} AFTER {event} ON {links} BEGIN UPDATE {groups} SET {version} = {version} + 1 \
                 WHERE {key} = {row}.{group}; END;"
            )
        };
        return [trigger("INSERT", "NEW"), trigger("DELETE", "OLD")].join(" ");
    }
    let name = quote(&format!("{plain}_changed"));
    let function = schema.map_or_else(|| name.clone(), |schema| format!("{}.{name}", quote(schema)));
    format!(
        "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE {groups} \
         SET {version} = {version} + 1 WHERE {key} = coalesce(NEW.{group}, OLD.{group}); RETURN NULL; END $$; \
         CREATE TRIGGER {name} AFTER INSERT OR DELETE ON {links} FOR EACH ROW EXECUTE FUNCTION {function}();"
    )
}
