//! The columns that a write sets.

use scim_core::schema::ScimType;
use scim_core::{Context, Error, Result};
use scim_sql::Dialect;
use serde_json::{Map, Value};

use super::stored::{RowId, push_row};
use crate::adopt::adopter;
use crate::database::{Param, Rows, Statement};
use crate::password::PasswordChange;
use crate::table_store::layout::{Codec, Field, FieldWrite, Layout, RestColumn, TimeColumn};
use crate::table_store::sql::SqlBuilder;

/// A column and its new value: SQL in which `{}` stands for the parameter, if there is one.
pub(super) struct Assignment {
    pub(super) column: String,
    sql: String,
    param: Option<Param>,
    /// Whether the value is the default of a column whose attribute is unassigned. The column may have it already.
    is_default: bool,
}

impl Assignment {
    fn new(column: &str, sql: impl Into<String>, param: Option<Param>) -> Self {
        Self { column: column.to_owned(), sql: sql.into(), param, is_default: false }
    }

    /// The value of a column whose attribute is unassigned: NULL, or its default.
    fn unassigned(column: &str, sql: impl Into<String>) -> Self {
        let assignment = Self::new(column, sql, None);
        Self { is_default: assignment.sql != "NULL", ..assignment }
    }

    fn time(column: &TimeColumn, now: i64) -> Self {
        Self::new(&column.column, column.write.as_str(), Some(Param::Int(now)))
    }

    /// Writes the value.
    pub(super) fn push_value(self, sql: &mut SqlBuilder) {
        match self.param {
            Some(param) => sql.bind_in(&self.sql, param),
            None => sql.push(&self.sql),
        };
    }
}

/// The columns of a new row that have a value. All others get their defaults.
pub(super) fn of_new_row(
    layout: &Layout,
    cx: &Context<'_>,
    resource: &Map<String, Value>,
    password: &PasswordChange,
) -> Result<Vec<Assignment>> {
    let now = cx.now().timestamp_millis();
    let mut assignments = Vec::new();
    for field in &layout.fields {
        let Some(value) = field.target.get(resource) else { continue };
        let Some(write) = &field.write else { continue };
        refuse_empty(field, Some(value))?;
        let param = field.codec.encode(field.target.attribute(), value)?;
        match write {
            FieldWrite::NullWhileTrue(column) => {
                if param == Param::Bool(false) {
                    assignments.push(Assignment::time(column, now));
                }
            }
            FieldWrite::Value { column, value: sql, folded, .. } => {
                push_folded(&mut assignments, field, folded.as_deref(), Some(value), "");
                assignments.push(Assignment::new(column, sql.as_str(), Some(param)));
            }
        }
    }
    assignments.extend(
        [&layout.created, &layout.updated].into_iter().flatten().map(|time| Assignment::time(time, now)),
    );
    assignments.extend(layout.version.iter().map(|column| Assignment::new(column, "1", None)));
    if let Some(rest) = &layout.rest {
        let json = rest_of(rest, resource);
        if !json.is_empty() {
            assignments.push(rest_assignment(rest, json));
        }
    }
    assignments.extend(of_password(layout, password));
    without_repetitions(assignments)
}

/// The mark of a row that the client adopts.
pub(super) fn of_adoption(layout: &Layout, cx: &Context<'_>) -> Option<Assignment> {
    let column = layout.adopted_by.as_ref()?;
    Some(Assignment::new(column, "{}", Some(Param::from(adopter(cx)))))
}

/// The columns of a row whose values differ after a change.
pub(super) fn of_changed_row(
    layout: &Layout,
    cx: &Context<'_>,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    password: &PasswordChange,
) -> Result<Vec<Assignment>> {
    let mut assignments = Vec::new();
    for field in &layout.fields {
        let Some(write) = &field.write else { continue };
        let (old, new) = (field.target.get(before), field.target.get(after));
        if old == new {
            continue;
        }
        refuse_empty(field, new)?;
        let encode = |value: &Value| field.codec.encode(field.target.attribute(), value);
        let param = new.map(encode).transpose()?;
        // Two values may differ and yet be the same in the column, such as times with different offsets.
        let stored = old.map(encode).transpose().ok().flatten();
        if param.is_some() && param == stored {
            continue;
        }
        match (write, param) {
            (FieldWrite::NullWhileTrue(column), Some(Param::Bool(false))) => {
                let now = cx.now().timestamp_millis();
                let sql = format!("coalesce(t.{}, {})", column.column, column.write);
                assignments.push(Assignment::new(&column.column, sql, Some(Param::Int(now))));
            }
            (FieldWrite::NullWhileTrue(column), _) => {
                assignments.push(Assignment::new(&column.column, "NULL", None));
            }
            (FieldWrite::Value { column, value: sql, folded, unassigned }, param) => {
                push_folded(&mut assignments, field, folded.as_deref(), new, unassigned);
                assignments.push(match param {
                    Some(param) => Assignment::new(column, sql.as_str(), Some(param)),
                    None => Assignment::unassigned(column, unassigned.as_str()),
                });
            }
        }
    }
    if let Some(rest) = &layout.rest {
        let json = rest_of(rest, after);
        if json != rest_of(rest, before) {
            assignments.push(rest_assignment(rest, json));
        }
    }
    assignments.extend(of_password(layout, password));
    drop_removals_of_other_values(layout, after, &mut assignments);
    without_repetitions(assignments)
}

/// Keeps a column that has the value of another attribute too: then that attribute decides, and clearing this one has no
/// effect.
fn drop_removals_of_other_values(
    layout: &Layout,
    after: &Map<String, Value>,
    assignments: &mut Vec<Assignment>,
) {
    let has_other_value = |column: &str| {
        layout.fields.iter().any(|field| match &field.write {
            Some(FieldWrite::Value { column: other, .. }) => {
                other == column && field.target.get(after).is_some()
            }
            _ => false,
        })
    };
    assignments.retain(|assignment| assignment.param.is_some() || !has_other_value(&assignment.column));
}

/// Removes repeated columns: an application may have one column for two attributes, such as the login and the e-mail.
fn without_repetitions(assignments: Vec<Assignment>) -> Result<Vec<Assignment>> {
    let mut kept: Vec<Assignment> = Vec::with_capacity(assignments.len());
    for assignment in assignments {
        match kept.iter().find(|other| other.column == assignment.column) {
            None => kept.push(assignment),
            Some(other) if other.sql == assignment.sql && other.param == assignment.param => {}
            Some(_) => {
                let detail = "two attributes are the same value in the application, but the request gives them different \
                              values; send one value for both";
                return Err(Error::from_scim_type(ScimType::InvalidValue, detail));
            }
        }
    }
    Ok(kept)
}

/// The query that tells, for each assignment of a default, whether the row has that value already; `None` if there is no
/// such assignment.
pub(super) fn select_defaults(layout: &Layout, row: &RowId, assignments: &[Assignment]) -> Option<Statement> {
    // `IS` compares any two values in SQLite, but only with a few constants in PostgreSQL.
    let is_same = if layout.dialect == Dialect::Sqlite { "IS" } else { "IS NOT DISTINCT FROM" };
    let compare = |assignment: &Assignment| format!("t.{} {is_same} ({})", assignment.column, assignment.sql);
    let compared: Vec<String> = assignments.iter().filter(|a| a.is_default).map(compare).collect();
    if compared.is_empty() {
        return None;
    }
    let mut sql = SqlBuilder::new(layout.dialect);
    sql.push("SELECT ").push(&compared.join(", ")).push(" FROM ").push(&layout.table).push(" t");
    push_row(&mut sql, layout, row);
    Some(sql.finish())
}

/// Removes the assignments of defaults that the row has already. `found` are the rows of [`select_defaults`].
pub(super) fn drop_stored_defaults(assignments: &mut Vec<Assignment>, found: &Rows) {
    let Some(row) = found.first() else { return };
    let mut columns = 0..row.len();
    assignments.retain(|assignment| {
        !assignment.is_default || columns.next().and_then(|column| row.boolean(column)) != Some(true)
    });
}

/// The columns that every change of a row sets: the time, and the count of changes.
pub(super) fn of_every_change(layout: &Layout, cx: &Context<'_>) -> Vec<Assignment> {
    let now = cx.now().timestamp_millis();
    let time = layout.updated.iter().map(|time| Assignment::time(time, now));
    let count = |column: &String| Assignment::new(column, format!("coalesce(t.{column}, 0) + 1"), None);
    time.chain(layout.version.iter().map(count)).collect()
}

/// Refuses an empty name: a row without it does not exist for SCIM.
fn refuse_empty(field: &Field, value: Option<&Value>) -> Result<()> {
    let is_empty = value.and_then(Value::as_str) == Some("");
    match is_empty && field.names_resource() {
        true => Err(Error::invalid_value(field.target.attribute().path().as_str(), "must not be empty")),
        false => Ok(()),
    }
}

/// Sets the folded column of a field, if it has one. `unassigned` is what its text column gets without a value.
fn push_folded(
    assignments: &mut Vec<Assignment>,
    field: &Field,
    folded: Option<&str>,
    value: Option<&Value>,
    unassigned: &str,
) {
    let Some(folded) = folded.filter(|_| matches!(field.codec, Codec::Text)) else { return };
    let rule = field.target.attribute().comparison();
    match value.and_then(Value::as_str) {
        Some(text) => {
            let param = Param::Text(rule.fold(text).into_owned());
            assignments.push(Assignment::new(folded, "{}", Some(param)));
        }
        None if unassigned == "NULL" => assignments.push(Assignment::unassigned(folded, "NULL")),
        None => assignments.push(Assignment::unassigned(folded, format!("lower({unassigned})"))),
    }
}

fn of_password(layout: &Layout, password: &PasswordChange) -> Option<Assignment> {
    let column = layout.password.as_ref()?;
    match password {
        PasswordChange::Keep => None,
        PasswordChange::Clear => Some(Assignment::new(column, "NULL", None)),
        PasswordChange::Set(hash) => Some(Assignment::new(column, "{}", Some(Param::from(hash.as_str())))),
    }
}

/// The attributes that are in the JSON of the rest.
fn rest_of(rest: &RestColumn, resource: &Map<String, Value>) -> Map<String, Value> {
    let mut json = Map::new();
    for attribute in &rest.attributes {
        if let Some(value) = attribute.get(resource) {
            attribute.set(&mut json, value.clone());
        }
    }
    json
}

fn rest_assignment(rest: &RestColumn, json: Map<String, Value>) -> Assignment {
    match json.is_empty() {
        true => Assignment::new(&rest.column, "NULL", None),
        false => Assignment::new(
            &rest.column,
            rest.value.as_str(),
            Some(Param::Text(Value::Object(json).to_string())),
        ),
    }
}
