//! By what SQL the attributes of a resource type are searched and sorted.

use scim_core::schema::{AttributeRef, ResourceType};
use scim_sql::{Column, Dialect, Elements, InvalidMapping, Mapping, MappingBuilder};

use super::placement::{Placement, is_groups, key_name, leaves, placement, value_column};

/// The mapping for all attributes of a resource type; `unique` is the attribute with the unique name.
pub(super) fn mapping(
    on: &ResourceType,
    unique: Option<&AttributeRef>,
    dialect: Dialect,
) -> Result<Mapping, InvalidMapping> {
    let mut mapping =
        Mapping::builder(on, "resource r", "r.place").scoped_by("r.tenant", 1).scoped_by("r.kind", 2);
    for target in on.all_attributes() {
        let path = target.path().as_str();
        mapping = match placement(target) {
            Placement::Promoted if target.holds_members() => mapping.elements(path, members(target)),
            Placement::Promoted if is_groups(target) => {
                let [direct, indirect] = groups(target, dialect);
                mapping.elements(path, direct).elements(path, indirect)
            }
            // A promoted attribute keeps its column even if a rule makes it unique.
            Placement::Promoted => promoted(mapping, path, dialect),
            _ if unique == Some(target) => {
                let column = Column::key("r.unique_name").indexed();
                let column = with_trigrams(column, "unique_name", "r.place", dialect);
                let required = target.attribute().is_required();
                mapping.column(path, if required { column.not_null() } else { column })
            }
            Placement::Keys => leaves(target).fold(mapping, |mapping, leaf| {
                let column = Column::key(json_value("r.keys", key_name(leaf), dialect));
                mapping.column(leaf.path().as_str(), column)
            }),
            Placement::Rows => mapping.elements(path, value_rows(target, dialect)),
        };
    }
    mapping.build()
}

/// An attribute that has columns of its own.
fn promoted(mapping: MappingBuilder, path: &str, dialect: Dialect) -> MappingBuilder {
    let time = |column| Column::unix_time(column, 1000).not_null();
    match path {
        "id" => mapping.column("id", Column::text("r.id").not_null().indexed()),
        "externalId" => mapping.column(path, Column::key("r.external_id").indexed()),
        "displayName" => {
            let column = Column::key("r.display").indexed();
            mapping.column(path, with_trigrams(column, "display", "r.place", dialect))
        }
        "active" => mapping.column(path, Column::boolean("r.active")),
        _ => mapping
            .column("meta.created", time("r.created"))
            .column("meta.lastModified", time("r.modified").indexed())
            .column("meta.version", Column::text("r.version").not_null()),
    }
}

/// The rows of the table `value`.
fn value_rows(target: &AttributeRef, dialect: Dialect) -> Elements {
    let mut elements = Elements::table("value v", "v.place")
        .scoped_by("v.tenant", 1)
        .condition(format!("v.attribute = '{}'", target.path().as_str().replace('\'', "''")))
        .order("CASE WHEN v.main = 'true' THEN 0 ELSE 1 END, v.element");
    for leaf in leaves(target) {
        let column = match value_column(leaf) {
            Some("value") => with_trigrams(Column::key("v.value").indexed(), "value", "v.place", dialect),
            Some(column) => Column::key(format!("v.{column}")),
            None => Column::key(json_value("v.keys", key_name(leaf), dialect)),
        };
        elements = match leaf.sub_attribute_definition() {
            Some(sub) => elements.column(sub.name(), column),
            None => elements.value(column),
        };
    }
    elements
}

/// The column with its index of trigrams; in SQLite this is a column of the table `search`.
fn with_trigrams(column: Column, search_column: &str, rowid: &str, dialect: Dialect) -> Column {
    match dialect {
        Dialect::Sqlite => column.fts5("search", search_column, rowid),
        _ => column.trigrams(),
    }
}

/// The expression for one value of a column with a JSON object.
fn json_value(column: &str, name: &str, dialect: Dialect) -> String {
    let name = name.replace('\'', "''");
    match dialect {
        Dialect::Sqlite => format!("({column}->>'$.\"{name}\"')"),
        _ => format!("({column}->>'{name}')"),
    }
}

/// The rows of the table `member`.
fn members(target: &AttributeRef) -> Elements {
    let elements = Elements::table("member m", "m.place")
        .scoped_by("m.tenant", 1)
        .order("m.added, m.member")
        // The ids of resources are UUIDs in lower case, so folded already.
        .column("value", Column::key("m.member").not_null().indexed());
    match target.sub_attribute("type") {
        Some(_) => elements.column("type", Column::key("m.kind")),
        None => elements,
    }
}

/// The groups that hold a resource itself, and those that hold it through other groups. How groups are
/// nested is found out in the tenant alone, whatever others have. Only the first count for sorting: what is
/// in a group through another is in that one itself, and that one is before the group.
fn groups(target: &AttributeRef, dialect: Dialect) -> [Elements; 2] {
    let tenant = dialect.parameter(1);
    let holds = "JOIN resource u ON u.tenant = g.tenant AND u.id = m.member";
    let direct = format!("member m JOIN resource g ON g.place = m.place {holds}");
    // What is above a row is looked up row by row: of so small a part no planner should read a table.
    let id = "(SELECT a.id FROM resource a WHERE a.place = m.place)";
    let place = format!("(SELECT a.place FROM resource a WHERE a.tenant = {tenant} AND a.id = m.member)");
    let is_in = format!("m.tenant = {tenant} AND m.member = up.id");
    let above = match dialect {
        Dialect::Sqlite => format!("JOIN member m ON {is_in}"),
        _ => format!("CROSS JOIN LATERAL (SELECT m.place FROM member m WHERE {is_in} OFFSET 0) m"),
    };
    let indirect = format!(
        "(WITH RECURSIVE up (place, ancestor, id) AS (SELECT {place}, m.place, {id} FROM member m \
         WHERE m.tenant = {tenant} AND m.nested = TRUE \
         UNION SELECT up.place, m.place, {id} FROM up {above}) SELECT place, ancestor FROM up) n \
         JOIN resource g ON g.place = n.ancestor JOIN member m ON m.place = n.place {holds}"
    );
    [(direct, "direct"), (indirect, "indirect")].map(|(table, kind)| {
        let elements = Elements::table(table, "u.place").scoped_by("g.tenant", 1).scoped_by("m.tenant", 1);
        let mut elements = match kind {
            "direct" => elements.order("g.place"),
            // Who is in a group both ways is in it directly.
            _ => elements.condition(
                "NOT EXISTS (SELECT 1 FROM member d WHERE d.place = n.ancestor AND d.member = m.member)",
            ),
        };
        for sub in target.sub_attributes().iter().filter(|sub| !sub.is_derived()) {
            elements = match sub.definition().name() {
                "value" => elements.column("value", Column::key("g.id").not_null().indexed()),
                "display" => elements.column("display", Column::key("g.display")),
                "type" => elements.column("type", Column::constant(kind)),
                _ => elements,
            };
        }
        elements
    })
}
