//! The mapping by which filters and orders become SQL.

use scim_core::schema::{AttributeRef, Comparison};
use scim_sql::{Column, Dialect, Elements, Mapping, MappingBuilder};
use serde_json::Value;

use super::columns::{ComparedText, id_column, id_column_shown};
use super::compiler::Known;
use super::json::{json_path, json_value};
use super::names::{required_name, shown_name};
use super::{ChildLayout, Layout, RestColumn};
use crate::table_store::catalog::ColumnKind;
use crate::table_store::ids::KeyCodec;
use crate::table_store::problems::Problems;
use crate::table_store::sql::{as_text, literal, quote, quote_name};
use crate::table_store::table::LinkTable;

/// How an attribute is searched.
pub(super) enum Searched {
    Text {
        target: AttributeRef,
        /// The name of the column.
        name: String,
        element_type: Option<String>,
        compared: ComparedText,
        is_indexed: bool,
    },
    TextExpression(AttributeRef, String),
    Integer(AttributeRef, String),
    Boolean(AttributeRef, String),
    Time(AttributeRef, String),
    Id {
        target: AttributeRef,
        /// The name of the column with the foreign key.
        name: String,
        /// The SQL of the key as a text, which is NULL if the resource does not exist for SCIM.
        shown: String,
        codec: KeyCodec,
        is_indexed: bool,
    },
    Constant(AttributeRef, Value),
}

/// The other table, whose rows are the members or the groups of a row.
pub(super) struct Related {
    /// A query for its rows that exist for SCIM in the tenant of the request, with the columns `k` (the key) and `n` (the
    /// name). The tenant is the first parameter.
    rows: String,
    codec: KeyCodec,
}

impl Related {
    pub(super) fn new(related: &Known<'_>, dialect: Dialect) -> Self {
        let Known { table, catalog, codec, .. } = related;
        let mut conditions = String::new();
        if let Some(deleted) = &table.soft_delete {
            let is_flag =
                catalog.columns.get(deleted).is_some_and(|column| column.kind == ColumnKind::Boolean);
            let condition = if is_flag { "IS NOT TRUE" } else { "IS NULL" };
            conditions.push_str(&format!(" AND t.{} {condition}", quote(deleted)));
        }
        if let Some(name) = required_name(table) {
            conditions.push_str(&format!(" AND {name} <> ''"));
        }
        let tenant = table.tenant.as_ref();
        let tenant = tenant.map(|tenant| format!("t.{} = {}", quote(tenant), dialect.parameter(1)));
        let rows = format!(
            "(SELECT t.{} AS k, {} AS n FROM {} t WHERE {}{conditions})",
            quote(&table.key),
            shown_name(table, dialect),
            quote_name(&table.name),
            tenant.as_deref().unwrap_or("TRUE"),
        );
        Self { rows, codec: codec.clone() }
    }

    /// The key in a foreign key, as a text, if its row exists for SCIM in the tenant of the request; NULL otherwise.
    pub(super) fn visible_key(&self, foreign_key: &str) -> String {
        format!("(SELECT {} FROM {} p WHERE p.k = {foreign_key})", as_text("p.k"), self.rows)
    }

    /// The rows of the link table that refer to rows of this table, as elements of `list`. `owner` and `member` are the
    /// columns of the link table.
    fn elements(
        &self,
        list: &AttributeRef,
        link: &LinkTable,
        owner: &str,
        member: &str,
        kind: &str,
    ) -> Elements {
        let member = format!("m.{}", quote(member));
        let table = format!("{} m JOIN {} p ON p.k = {member}", quote_name(&link.name), self.rows);
        let owner = format!("m.{}", quote(owner));
        let mut elements = Elements::table(table, owner.as_str())
            .order(member.clone())
            .condition(format!("{owner} IS NOT NULL"));
        if let Some(tenant) = &link.tenant {
            elements = elements.scoped_by(format!("m.{}", quote(tenant)), 1);
        }
        elements = elements.column("value", id_column(&member, &self.codec).not_null().indexed());
        for sub in list.sub_attributes() {
            elements = match sub.definition().name() {
                "display" => elements.column("display", text_expression(sub, "p.n")),
                "type" => elements.column("type", Column::constant(kind)),
                _ => elements,
            };
        }
        elements
    }
}

/// A text expression as a column; folded by `lower()` unless the attribute is `caseExact`.
fn text_expression(target: &AttributeRef, sql: &str) -> Column {
    let column = Column::text(sql);
    match target.comparison() {
        Comparison::Folded | Comparison::UserName => column.folded(format!("lower({sql})")),
        _ => column,
    }
}

/// The mapping of a layout. `related` is the other table, and `link` the table between the two.
pub(super) fn mapping(
    layout: &Layout,
    searched: Vec<Searched>,
    related: Option<&Related>,
    link: Option<&LinkTable>,
    problems: &mut Problems,
) -> Option<Mapping> {
    let key = layout.key();
    let mut mapping = Mapping::builder(&layout.resource_type, format!("{} t", layout.table), key.as_str());
    if let Some(tenant) = &layout.tenant {
        mapping = mapping.scoped_by(format!("t.{}", tenant.column), 1);
    }
    mapping = mapping.column("id", id_column(&key, &layout.codec).not_null().indexed());
    for (path, time) in [("meta.created", &layout.created), ("meta.lastModified", &layout.updated)] {
        if let Some(time) = time {
            mapping = mapping.column(path, Column::unix_time(time.read.as_str(), 1000));
        }
    }
    for search in searched {
        mapping = add_searched(mapping, layout, search);
    }
    for child in &layout.children {
        mapping = mapping.elements(child.list.path().as_str(), child_elements(child));
    }
    if let (Some(related), Some(link)) = (related, link) {
        if let Some(members) = &layout.members {
            let elements = related.elements(&members.list, link, &link.group, &link.member, "User");
            mapping = mapping.elements("members", elements);
        }
        if let Some(groups) = &layout.groups {
            let elements = related.elements(&groups.list, link, &link.member, &link.group, "direct");
            mapping = mapping.elements("groups", elements);
        }
    }
    if let Some(rest) = &layout.rest {
        for attribute in &rest.attributes {
            if attribute.attribute().is_multi_valued() {
                mapping = mapping.elements(attribute.path().as_str(), rest_elements(layout, rest, attribute));
                continue;
            }
            for (path, column) in rest_columns(rest, attribute, layout.dialect) {
                mapping = mapping.column(&path, column);
            }
        }
    }
    let refused = |error: scim_sql::InvalidMapping| {
        for reason in error.reasons() {
            problems.mistake(format!("{}: {reason}", layout.table));
        }
    };
    mapping.build().map_err(refused).ok()
}

/// Adds an attribute in the columns of the row.
fn add_searched(mapping: MappingBuilder, layout: &Layout, search: Searched) -> MappingBuilder {
    let (target, column) = match search {
        Searched::Text { target, element_type, compared, is_indexed, .. } => {
            let is_required = target.definition().is_required()
                && element_type.is_none()
                && target.sub_attribute_definition().is_none();
            let column = compared.column(is_indexed, is_required, layout.dialect);
            let Some(element_type) = element_type else {
                return mapping.column(target.path().as_str(), column);
            };
            let mut elements =
                Elements::row().column("value", column).column("type", Column::constant(element_type));
            if target.sub_attribute("primary").is_some() {
                elements = elements.column("primary", Column::constant(true));
            }
            return mapping.elements(target.path().as_str(), elements);
        }
        Searched::TextExpression(target, sql) => {
            let column = text_expression(&target, &sql);
            (target, column)
        }
        Searched::Integer(target, sql) => (target, Column::integer(sql)),
        Searched::Boolean(target, sql) => (target, Column::boolean(sql)),
        Searched::Time(target, sql) => (target, Column::unix_time(sql, 1000)),
        Searched::Id { target, name, shown, codec, is_indexed } => {
            let column = id_column_shown(&format!("t.{}", quote(&name)), &shown, &codec);
            (target, if is_indexed { column.indexed() } else { column })
        }
        Searched::Constant(target, value) => (target, Column::constant(value)),
    };
    mapping.column(target.path().as_str(), column)
}

/// The elements of a list in a child table.
fn child_elements(child: &ChildLayout) -> Elements {
    // A resource is sorted by its primary element, else by its first one.
    let primary = child.columns.iter().find(|column| column.sub.is_primary());
    let order = match primary {
        Some(primary) => format!("CASE WHEN {} THEN 0 ELSE 1 END, {}", primary.read, child.order),
        None => child.order.clone(),
    };
    let owner = format!("c.{}", child.owner);
    let mut elements = Elements::table(format!("{} c", child.table), owner.as_str())
        .order(order)
        .condition(format!("{owner} IS NOT NULL"));
    if let Some(tenant) = &child.tenant {
        elements = elements.scoped_by(format!("c.{tenant}"), 1);
    }
    for column in &child.columns {
        let name = column.sub.definition().name();
        elements = elements.column(name, column.searched.clone());
    }
    elements
}

/// The columns of a singular attribute in the JSON of the rest.
fn rest_columns(rest: &RestColumn, attribute: &AttributeRef, dialect: Dialect) -> Vec<(String, Column)> {
    let leaves =
        if attribute.is_complex() { attribute.sub_attributes() } else { std::slice::from_ref(attribute) };
    let mut columns = Vec::new();
    for leaf in leaves.iter().filter(|leaf| !leaf.is_derived()) {
        let mut names = rest_path(attribute);
        names.extend(leaf.sub_attribute_definition().map(|sub| sub.name()));
        let column = json_column(leaf, &json_value(&format!("t.{}", rest.column), &names, dialect), dialect);
        columns.extend(column.map(|column| (leaf.path().as_str().to_owned(), column)));
    }
    columns
}

/// The elements of a list in the JSON of the rest.
fn rest_elements(layout: &Layout, rest: &RestColumn, attribute: &AttributeRef) -> Elements {
    let (json, key) = (format!("r.{}", rest.column), format!("r.{}", layout.key_column));
    let names = rest_path(attribute);
    let table = match layout.dialect {
        Dialect::Sqlite => {
            format!(
                "{} r JOIN json_each({json}, {}) e",
                layout.table,
                literal(&json_path(&names, layout.dialect))
            )
        }
        _ => format!(
            "{} r CROSS JOIN LATERAL jsonb_array_elements(CAST(CAST({json} AS text) AS jsonb) #> {}) \
             WITH ORDINALITY e(value, key)",
            layout.table,
            literal(&json_path(&names, layout.dialect))
        ),
    };
    let mut elements = Elements::table(table, key).order(match layout.dialect {
        Dialect::Sqlite => "(json_extract(e.value, '$.primary') IS TRUE) DESC, e.key",
        _ => "((e.value #>> '{primary}') = 'true') IS TRUE DESC, e.key",
    });
    if let Some(tenant) = &layout.tenant {
        elements = elements.scoped_by(format!("r.{}", tenant.column), 1);
    }
    for sub in attribute.sub_attributes().iter().filter(|sub| !sub.is_derived()) {
        let name = sub.definition().name();
        if let Some(column) =
            json_column(sub, &json_value("e.value", &[name], layout.dialect), layout.dialect)
        {
            elements = elements.column(name, column);
        }
    }
    if !attribute.is_complex() {
        let value = match layout.dialect {
            Dialect::Sqlite => "e.value".to_owned(),
            _ => "(e.value #>> '{}')".to_owned(),
        };
        elements = match json_column(attribute, &value, layout.dialect) {
            Some(column) => elements.value(column),
            None => elements,
        };
    }
    elements
}

/// The names that lead to an attribute in the JSON of the rest.
fn rest_path(attribute: &AttributeRef) -> Vec<&str> {
    let mut names: Vec<&str> = attribute.extension().into_iter().collect();
    names.push(attribute.attribute().name());
    names
}

/// The column of a value in JSON; `None` for types that cannot be compared there.
fn json_column(target: &AttributeRef, sql: &str, dialect: Dialect) -> Option<Column> {
    match target.comparison() {
        Comparison::Boolean if dialect == Dialect::Sqlite => Some(Column::boolean(sql)),
        Comparison::Boolean => Some(Column::boolean(format!("CAST({sql} AS boolean)"))),
        Comparison::Number | Comparison::Instant | Comparison::Complex | Comparison::Reference => None,
        _ => Some(text_expression(target, sql)),
    }
}
