//! Creates a resource.

use scim_core::patch::ListDelta;
use scim_core::schema::Projection;
use scim_core::{ChangedMembers, Context, ETag, Resource};
use serde_json::{Map, Value};

use super::adopt::find_adopted;
use super::assignments::{Assignment, of_new_row};
use super::commit::TransactionId;
use super::finish::LastSteps;
use super::stored::RowId;
use super::update::adopt;
use super::{children, members, references};
use crate::database::{DatabaseError, Mode, Param, Statement, Transaction};
use crate::password::PasswordChange;
use crate::table_store::error::TableError;
use crate::table_store::layout::Layout;
use crate::table_store::on_write::WriteAction;
use crate::table_store::read::WantedLists;
use crate::table_store::sql::{SqlBuilder, as_text};
use crate::table_store::tables::Tables;

/// A resource as it is stored.
pub(crate) struct Created {
    pub(crate) resource: Resource,
    /// If it existed before: its version until then, and the members that it has got and lost.
    pub(crate) adopted: Option<(ETag, ChangedMembers)>,
}

/// Creates a resource, or lets the client adopt an existing one.
pub(crate) async fn create(
    tables: &Tables,
    layout: &Layout,
    cx: &Context<'_>,
    resource: &Resource,
    password: &PasswordChange,
) -> Result<Created, TableError> {
    let mut tx = tables.database.begin(Mode::Write).await?;
    if let Some(rule) = &tables.adopt
        && let Some(row) = find_adopted(tables, layout, cx, &mut *tx, rule, resource).await?
    {
        let updated = adopt(tables, layout, cx, tx, row, resource).await?;
        // The row was read in the transaction before.
        let vanished = || DatabaseError::unexpected("the adopted row does not exist any more");
        let resource = updated.resource.ok_or_else(vanished)?;
        return Ok(Created { resource, adopted: Some((updated.before, updated.members)) });
    }
    let resource = create_new(tables, layout, cx, tx, resource, password).await?;
    Ok(Created { resource, adopted: None })
}

async fn create_new(
    tables: &Tables,
    layout: &Layout,
    cx: &Context<'_>,
    mut tx: Box<dyn Transaction>,
    resource: &Resource,
    password: &PasswordChange,
) -> Result<Resource, TableError> {
    let tenant = layout.tenant_of(cx)?;
    let attributes = resource.as_map();
    let assignments = of_new_row(layout, cx, attributes, password)?;
    let references = references::new_references(tables, layout, tenant.as_ref(), &Map::new(), attributes)?;

    let list = layout.members.as_ref().and_then(|members| members.list.get(attributes));
    let elements =
        list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect();
    let delta = ListDelta::ExactKeys(elements);
    let changes = delta.changes(std::iter::empty::<(&str, ())>(), |(), _| true);

    let mut checks: Vec<Statement> = references.iter().map(|reference| reference.query.clone()).collect();
    if let (Some(_), Some(users)) = (&layout.members, &tables.users) {
        checks.extend(members::select_referred(users, tenant.as_ref(), &changes.added));
    }
    let found = if checks.is_empty() { Vec::new() } else { tx.query(checks).await? };
    let (found_references, found_members) = found.split_at_checked(references.len()).unwrap_or_default();
    references::check(&references, found_references)?;
    if let (Some(members), Some(users)) = (&layout.members, &tables.users) {
        members::check_added(layout, users, members, &changes, found_members.first())?;
    }
    let inserted = tx.query(vec![insert(layout, tenant.clone(), assignments)]).await?;
    let key = inserted.first().and_then(|rows| rows.first()?.text(0).map(str::to_owned));
    let key = key.ok_or_else(|| DatabaseError::unexpected("the database returned no key for a new row"))?;
    let row = RowId::new(tenant, layout.codec.param(&key));
    let id = TransactionId::read(inserted.first(), 1);

    let mut statements = children::statements(layout, &row, &Map::new(), attributes);
    if let (Some(members), Some(users)) = (&layout.members, &tables.users) {
        statements.extend(members::statements(layout, users, members, &row, &changes));
    }
    let wanted = WantedLists::shown(layout, &Projection::new(&layout.resource_type));
    let members = ChangedMembers::from(&changes);
    let steps = LastSteps {
        tables,
        layout,
        cx,
        row: &row,
        transaction: &id,
        action: WriteAction::Create,
        before: None,
        members: &members,
        wanted,
    };
    steps.run(tx, statements).await
}

/// The statement that inserts the row, and returns its key and the number of the transaction.
fn insert(layout: &Layout, tenant: Option<Param>, assignments: Vec<Assignment>) -> Statement {
    let mut columns: Vec<String> = Vec::new();
    let mut values = SqlBuilder::new(layout.dialect);
    let mut separate = |values: &mut SqlBuilder, column: &str| {
        values.push(if columns.is_empty() { "" } else { ", " });
        columns.push(column.to_owned());
    };
    if let (Some(column), Some(tenant)) = (&layout.tenant, tenant) {
        separate(&mut values, &column.column);
        values.bind(tenant);
    }
    if let Some(key) = layout.codec.new_key() {
        separate(&mut values, &layout.key_column);
        values.bind(key);
    }
    for assignment in assignments {
        separate(&mut values, &assignment.column);
        assignment.push_value(&mut values);
    }
    let Statement { sql: values, params } = values.finish();
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({values}) RETURNING {}{}",
        layout.table,
        columns.join(", "),
        as_text(&layout.key_column),
        TransactionId::select(layout)
    );
    Statement::new(sql, params)
}
