//! Compiles the attributes in the columns of a table to fields.

use scim_core::schema::{AttributeRef, ResourceType, Type};
use scim_sql::Dialect;

use super::checks::{check_key_column, find_column};
use super::columns::ComparedText;
use super::compiler::{Compiler, Known};
use super::field::{Codec, Field, FieldTarget, FieldWrite};
use super::mapping::{Related, Searched};
use crate::table_store::catalog::{CatalogColumn, ColumnKind, column_key};
use crate::table_store::expression::Expression;
use crate::table_store::expression::ExpressionType;
use crate::table_store::problems::Problems;
use crate::table_store::sql::{as_text, quote};
use crate::table_store::table::{DeclaredAttribute, Place};

impl Compiler<'_, '_> {
    /// The field of an attribute, and how it is searched.
    pub(super) fn field(
        &self,
        resource_type: &ResourceType,
        declared: &DeclaredAttribute,
        target: AttributeRef,
        problems: &mut Problems,
    ) -> Option<(Field, Searched)> {
        let DeclaredAttribute { path, place } = declared;
        match place {
            Place::Text(name) => self.text_field(resource_type, path, target, name, None, problems),
            Place::Element(name, element_type) => {
                self.text_field(resource_type, path, target, name, Some(element_type), problems)
            }
            Place::Integer(name) => {
                self.plain_field(resource_type, path, target, name, ExpressionType::Integer, problems)
            }
            Place::Boolean(name) => {
                self.plain_field(resource_type, path, target, name, ExpressionType::Boolean, problems)
            }
            Place::Time(name) | Place::TrueUnless(name) => {
                let is_flag = matches!(place, Place::TrueUnless(_));
                self.time_field(resource_type, path, target, name, is_flag, problems)
            }
            Place::Reference(name, type_name) => {
                self.reference_field(path, target, name, type_name, problems)
            }
            Place::Expression(expression) => {
                self.expression_field(resource_type, path, target, expression, problems)
            }
            Place::Constant(_) => None,
        }
    }

    /// The field of a text column; of the only element of a list if there is an `element_type`.
    fn text_field(
        &self,
        resource_type: &ResourceType,
        path: &str,
        target: AttributeRef,
        name: &str,
        element_type: Option<&String>,
        problems: &mut Problems,
    ) -> Option<(Field, Searched)> {
        let Known { table, catalog, .. } = self.known;
        let value = match element_type {
            Some(_) => target.sub_attribute("value").cloned().unwrap_or_else(|| target.clone()),
            None => target.clone(),
        };
        if element_type.is_none() {
            self.expect_type(path, &target, Type::String, problems)?;
        }
        let column = find_column(&table.name, catalog, name, problems)?;
        let is_text =
            matches!(column.kind, ColumnKind::Text | ColumnKind::CaseInsensitiveText | ColumnKind::Uuid);
        if !is_text {
            problems.mistake(format!(
                "`{}`.`{name}` is of type {}, but `{path}` is a text; use `.expression(..)` to convert it",
                table.name, column.type_name
            ));
            return None;
        }
        let folded = table.folded.iter().find(|(folded, _)| folded.eq_ignore_ascii_case(path));
        let folded = folded.map(|(_, column)| column.as_str());
        if let Some(folded) = folded {
            find_column(&table.name, catalog, folded, problems)?;
        }
        let compared = ComparedText::new(&value, ("t", name), column, folded, catalog, self.declared.dialect);
        let quoted = quote(name);
        let field = Field {
            read: as_text(&format!("t.{quoted}")),
            target: match element_type {
                Some(element_type) => FieldTarget::Element(target.clone(), element_type.clone()),
                None => field_target(resource_type, target.clone()),
            },
            codec: Codec::Text,
            write: Some(FieldWrite::Value {
                column: quoted,
                value: "{}".to_owned(),
                unassigned: unassigned(column),
                folded: folded.map(quote),
            }),
        };
        let is_indexed = catalog.is_indexed(&compared.index_prefixes(table.tenant.as_deref()));
        let (name, element_type) = (name.to_owned(), element_type.cloned());
        Some((field, Searched::Text { target, name, element_type, compared, is_indexed }))
    }

    /// The field of an integer or boolean column.
    fn plain_field(
        &self,
        resource_type: &ResourceType,
        path: &str,
        target: AttributeRef,
        name: &str,
        column_type: ExpressionType,
        problems: &mut Problems,
    ) -> Option<(Field, Searched)> {
        let Known { table, catalog, .. } = self.known;
        let is_flag = column_type == ExpressionType::Boolean;
        self.expect_type(path, &target, if is_flag { Type::Boolean } else { Type::Integer }, problems)?;
        let column = find_column(&table.name, catalog, name, problems)?;
        let quoted = quote(name);
        let sql = format!("t.{quoted}");
        let sqlite = self.declared.dialect == Dialect::Sqlite;
        let (read, value) = match (is_flag, column.kind) {
            (true, ColumnKind::Boolean) => (sql, "{}".to_owned()),
            (true, ColumnKind::Integer) if sqlite => (sql, "{}".to_owned()),
            (true, ColumnKind::Integer) => {
                (format!("({sql} <> 0)"), "CASE WHEN {} THEN 1 ELSE 0 END".to_owned())
            }
            (false, ColumnKind::Integer) => (format!("CAST({sql} AS bigint)"), "{}".to_owned()),
            _ => {
                if path == "active" {
                    problems.mistake(format!(
                        "`{0}`.`{name}` is of type {1}, but `active` is a boolean; if the column is NULL while the user is \
                         active, write `.active_unless(\"{name}\")`, else use `.expression(..)`",
                        table.name, column.type_name
                    ));
                    return None;
                }
                let wanted = if is_flag { "a boolean" } else { "an integer" };
                problems.mistake(format!(
                    "`{}`.`{name}` is of type {}, but `{path}` is {wanted}; use `.expression(..)` to convert it",
                    table.name, column.type_name
                ));
                return None;
            }
        };
        let write = FieldWrite::Value { column: quoted, value, unassigned: unassigned(column), folded: None };
        let (codec, search) = match is_flag {
            true => (Codec::Boolean, Searched::Boolean(target.clone(), read.clone())),
            false => (Codec::Integer, Searched::Integer(target.clone(), read.clone())),
        };
        Some((Field { target: field_target(resource_type, target), codec, read, write: Some(write) }, search))
    }

    /// The field of a column for times: a time, or `active` if `is_flag`.
    fn time_field(
        &self,
        resource_type: &ResourceType,
        path: &str,
        target: AttributeRef,
        name: &str,
        is_flag: bool,
        problems: &mut Problems,
    ) -> Option<(Field, Searched)> {
        let wanted = if is_flag { Type::Boolean } else { Type::DateTime };
        self.expect_type(path, &target, wanted, problems)?;
        let time = self.time(Some(name), problems)?;
        let codec = if is_flag { Codec::Boolean } else { Codec::Time };
        let (read, searched) = match is_flag {
            true => {
                let sql = format!("(t.{} IS NULL)", time.column);
                (sql.clone(), sql)
            }
            false => (time.select.clone(), time.read.clone()),
        };
        let write = match is_flag {
            true => FieldWrite::NullWhileTrue(time),
            false => FieldWrite::Value {
                column: time.column,
                value: time.write,
                unassigned: self.known.catalog.columns.get(name).map_or("NULL".to_owned(), unassigned),
                folded: None,
            },
        };
        let field =
            Field { target: field_target(resource_type, target.clone()), codec, read, write: Some(write) };
        let search =
            if is_flag { Searched::Boolean(target, searched) } else { Searched::Time(target, searched) };
        Some((field, search))
    }

    /// The field of an expression.
    fn expression_field(
        &self,
        resource_type: &ResourceType,
        path: &str,
        target: AttributeRef,
        expression: &Expression,
        problems: &mut Problems,
    ) -> Option<(Field, Searched)> {
        let data_type = match expression.result {
            ExpressionType::Text => Type::String,
            ExpressionType::Integer => Type::Integer,
            ExpressionType::Boolean => Type::Boolean,
        };
        self.expect_type(path, &target, data_type, problems)?;
        let write = match &expression.write {
            Some((name, value)) => {
                let column = find_column(&self.known.table.name, self.known.catalog, name, problems)?;
                let (value, unassigned) = (value.clone(), unassigned(column));
                Some(FieldWrite::Value { column: quote(name), value, unassigned, folded: None })
            }
            None => None,
        };
        let (codec, search, read) = match expression.result {
            ExpressionType::Text => {
                let read = as_text(&expression.read);
                (Codec::Text, Searched::TextExpression(target.clone(), read.clone()), read)
            }
            ExpressionType::Integer => {
                let read = format!("CAST({} AS bigint)", expression.read);
                (Codec::Integer, Searched::Integer(target.clone(), read.clone()), read)
            }
            ExpressionType::Boolean => {
                let read = format!("({})", expression.read);
                (Codec::Boolean, Searched::Boolean(target.clone(), read.clone()), read)
            }
        };
        Some((Field { target: field_target(resource_type, target), codec, read, write }, search))
    }

    /// The field of a foreign key.
    fn reference_field(
        &self,
        path: &str,
        target: AttributeRef,
        name: &str,
        type_name: &str,
        problems: &mut Problems,
    ) -> Option<(Field, Searched)> {
        let Known { table, catalog, .. } = self.known;
        let value = target.sub_attribute("value").cloned()?;
        let referred = self.all.into_iter().flatten().find(|known| known.kind.name() == type_name);
        let Some(referred) = referred else {
            problems.mistake(format!("`{path}` refers to `{type_name}`, for which no table is declared"));
            return None;
        };
        let column = find_column(&table.name, catalog, name, problems)?;
        check_key_column(&table.name, name, column, &referred.codec, self.declared.dialect, problems);
        let quoted = quote(name);
        let sql = format!("t.{quoted}");
        // A foreign key ensures that the row exists, but not that it is of the same tenant, or not marked as deleted.
        let shown = match referred.table.tenant.is_some() || referred.table.soft_delete.is_some() {
            true => Related::new(referred, self.declared.dialect).visible_key(&sql),
            false => as_text(&sql),
        };
        let field = Field {
            target: FieldTarget::SubAttribute(target, value.clone()),
            codec: Codec::Reference(referred.kind, referred.codec.clone()),
            read: shown.clone(),
            write: Some(FieldWrite::Value {
                column: quoted,
                value: "{}".to_owned(),
                unassigned: unassigned(column),
                folded: None,
            }),
        };
        let keys = [
            vec![column_key(name)],
            table.tenant.iter().map(|t| column_key(t)).chain([column_key(name)]).collect(),
        ];
        let is_indexed = catalog.is_indexed(&keys);
        let (name, codec) = (name.to_owned(), referred.codec.clone());
        Some((field, Searched::Id { target: value, name, shown, codec, is_indexed }))
    }

    /// Reports an attribute whose type does not fit its column.
    fn expect_type(
        &self,
        path: &str,
        target: &AttributeRef,
        wanted: Type,
        problems: &mut Problems,
    ) -> Option<()> {
        let table = &self.known.table.name;
        let definition = target.definition();
        let is_list = target.attribute().is_multi_valued();
        let has_value = target.sub_attribute("value").is_some();
        let reason = if !is_list && target.is_complex() && has_value {
            format!("`{path}` refers to a resource; use `.reference(\"{path}\", \"column\", \"User\")`")
        } else if is_list {
            format!(
                "`{path}` is a list; use `.one(..)` for one element in a column, or `.many(..)` for a child table"
            )
        } else if target.is_complex() {
            let subs: Vec<&str> = target.sub_attributes().iter().map(|sub| sub.definition().name()).collect();
            format!("`{path}` has sub-attributes; name one of them: {}", subs.join(", "))
        } else if definition.data_type() == wanted
            || wanted == Type::String && matches!(definition.data_type(), Type::Reference | Type::Binary)
        {
            return Some(());
        } else {
            let method = match definition.data_type() {
                Type::Boolean if path == "active" => ".boolean(..)` or `.active_unless(..)",
                Type::Boolean => ".boolean(..)",
                Type::Integer => ".integer(..)",
                Type::DateTime => ".time(..)",
                _ => ".text(..)",
            };
            format!("`{path}` is of type {}; use `{method}`", definition.data_type())
        };
        problems.mistake(format!("`{table}`: {reason}"));
        None
    }
}

/// The value of a column when its attribute is unassigned: NULL, or the default of a column that is never NULL.
fn unassigned(column: &CatalogColumn) -> String {
    match &column.default {
        Some(default) if column.not_null => default.clone(),
        _ => "NULL".to_owned(),
    }
}

/// The attribute, or the sub-attribute of a singular attribute, that a column holds.
fn field_target(resource_type: &ResourceType, target: AttributeRef) -> FieldTarget {
    match resource_type.parent_attribute(&target) {
        Some(parent) if target.sub_attribute_definition().is_some() => {
            FieldTarget::SubAttribute(parent.clone(), target)
        }
        _ => FieldTarget::Attribute(target),
    }
}
