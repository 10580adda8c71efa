//! Maps the attributes of a resource type to the SQL by which they are searched and sorted.

use scim_core::schema::{AttributeRef, ResourceType};
use scim_sql::{Column, Dialect, Elements, InvalidMapping, Mapping, MappingBuilder};

use super::placement::{Placement, is_group_list, key_name, leaves, placement, value_column};

/// The mapping of all attributes of a resource type. `unique` is the attribute that is stored in `unique_name`.
pub(super) fn mapping(
    resource_type: &ResourceType,
    unique: Option<&AttributeRef>,
    dialect: Dialect,
) -> Result<Mapping, InvalidMapping> {
    let mut mapping = Mapping::builder(resource_type, "resource r", "r.place")
        .scoped_by("r.tenant", 1)
        .scoped_by("r.kind", 2);
    for target in resource_type.all_attributes() {
        let path = target.path().as_str();
        mapping = match placement(target) {
            Placement::Dedicated if target.holds_members() => mapping.elements(path, members(target)),
            Placement::Dedicated if is_group_list(target) => {
                let [direct, indirect] = groups(target, dialect);
                mapping.elements(path, direct).elements(path, indirect)
            }
            // An attribute that has a column of its own keeps it even if a rule makes it unique.
            Placement::Dedicated => dedicated_columns(mapping, path, dialect),
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

/// Adds an attribute that has one or more columns of its own.
fn dedicated_columns(mapping: MappingBuilder, path: &str, dialect: Dialect) -> MappingBuilder {
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

/// The elements of an attribute in the table `value`.
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

/// A column with its trigram index: in SQLite a column of the table `search`, in PostgreSQL an index of the column
/// itself.
fn with_trigrams(column: Column, search_column: &str, rowid: &str, dialect: Dialect) -> Column {
    match dialect {
        Dialect::Sqlite => column.fts5("search", search_column, rowid).fts5_pending("search_pending"),
        _ => column.trigrams(),
    }
}

/// The expression for one member of the JSON object in a column.
fn json_value(column: &str, name: &str, dialect: Dialect) -> String {
    let name = name.replace('\'', "''");
    match dialect {
        Dialect::Sqlite => format!("({column}->>'$.\"{name}\"')"),
        _ => format!("({column}->>'{name}')"),
    }
}

/// The members of a group in the table `member`.
fn members(target: &AttributeRef) -> Elements {
    let elements = Elements::table("member m", "m.place")
        .scoped_by("m.tenant", 1)
        .order("m.added, m.member")
        // The ids of resources are UUIDs in lower case, so they need no folding.
        .column("value", Column::key("m.member").not_null().indexed());
    match target.sub_attribute("type") {
        Some(_) => elements.column("type", Column::key("m.kind")),
        None => elements,
    }
}

/// The groups that contain a resource directly, and those that contain it through other groups.
///
/// The indirect groups come from a recursive query over the groups in groups of one tenant, so that its cost does
/// not depend on other tenants. Only the direct groups count for sorting: a resource that has an indirect group
/// also has the direct group that leads to it, and responses list direct groups first.
fn groups(target: &AttributeRef, dialect: Dialect) -> [Elements; 2] {
    let tenant = dialect.parameter(1);
    let join_member = "JOIN resource u ON u.tenant = g.tenant AND u.id = m.member";
    let direct =
        format!("member m JOIN resource g ON g.tenant = m.tenant AND g.place = m.place {join_member}");
    // Scalar subqueries and LATERAL .. OFFSET 0 look up each row by an index. With plain joins the planner may read
    // whole tables, although few groups are in groups.
    let id = format!("(SELECT a.id FROM resource a WHERE a.tenant = {tenant} AND a.place = m.place)");
    let place = format!("(SELECT a.place FROM resource a WHERE a.tenant = {tenant} AND a.id = m.member)");
    let contains = format!("m.tenant = {tenant} AND m.member = up.id");
    let next_level = match dialect {
        Dialect::Sqlite => format!("JOIN member m ON {contains}"),
        _ => format!("CROSS JOIN LATERAL (SELECT m.place FROM member m WHERE {contains} OFFSET 0) m"),
    };
    let indirect = format!(
        "(WITH RECURSIVE up (place, ancestor, id) AS (SELECT {place}, m.place, {id} FROM member m \
         WHERE m.tenant = {tenant} AND m.nested = TRUE \
         UNION SELECT up.place, m.place, {id} FROM up {next_level}) SELECT place, ancestor FROM up) n \
         JOIN resource g ON g.tenant = {tenant} AND g.place = n.ancestor \
         JOIN member m ON m.tenant = g.tenant AND m.place = n.place {join_member}"
    );
    [(direct, "direct"), (indirect, "indirect")].map(|(table, kind)| {
        let elements = Elements::table(table, "u.place").scoped_by("g.tenant", 1).scoped_by("m.tenant", 1);
        let mut elements = match kind {
            "direct" => elements.order("g.place"),
            // A resource that is in a group both ways is shown as a direct member only.
            _ => elements.condition(
                "NOT EXISTS (SELECT 1 FROM member d WHERE d.tenant = m.tenant AND d.place = n.ancestor AND d.member = m.member)",
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
