//! Creates a resource.

use scim_core::patch::ListDelta;
use scim_core::schema::Projection;
use scim_core::{Context, Resource, new_id};
use serde_json::{Map, Value};

use super::commit::{CommitEvidence, commit};
use super::members::{self, Compared};
use super::password;
use super::resource_row::insert;
use super::value_rows::{insert_unique_values, value_statements};
use crate::database::Mode;
use crate::error::Fault;
use crate::read::memberships::Lists;
use crate::setup::Setup;
use crate::tables::{ResourceRows, Stored, Tables, tenant_of};

pub(crate) async fn create(
    setup: &Setup,
    cx: &Context<'_>,
    tables: &Tables,
    resource: Resource,
    password: &password::Change,
) -> Result<Resource, Fault> {
    let tenant = tenant_of(cx)?;
    let mut resource = resource.stamp_new(cx, &new_id());
    let list = tables.members.as_ref().map(|target| target.attribute().name());
    let members = list.and_then(|list| resource.as_map_mut().remove(list));
    let members: Vec<&Map<String, Value>> =
        members.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_object).collect();
    let rows = ResourceRows::new(tables, &resource)?;
    let id = resource.id().to_owned();

    let mut tx = setup.database.begin(Mode::Write).await?;
    let delta = ListDelta::ExactKeys(members);
    let found = match &tables.members {
        Some(_) => tx.rows_of(members::ask(&tx, &tenant, &id, &delta)?).await?,
        None => Vec::new(),
    };
    let change =
        members::change(&mut tx, (tables, &setup.types()), &tenant, &delta, Compared::AsReturned, &found)
            .await?;
    members::check(&mut tx, tables, &tenant, &id, &change, setup.rules.keep_unknown_members).await?;
    let place = insert(&mut tx, cx, &tenant, &resource, &rows, password).await?;
    insert_unique_values(&mut tx, tables, &tenant, place, None, &rows).await?;
    let mut statements = value_statements(tx.dialect(), &tenant, place, None, &rows);
    statements.extend(members::write(tables, &tenant, place, &change)?);
    let mut stored = Stored { place, resource };
    if list.is_some() {
        tx.execute(std::mem::take(&mut statements)).await?;
        let projection = Projection::new(cx.resource_type());
        let lists = Lists::read(&mut tx, tables, &tenant, &projection, &[(place, &id)]).await?;
        lists.put(tables, [&mut stored])?;
    }
    commit(setup, tx, statements, &tenant, &id, CommitEvidence::Created).await?;
    Ok(stored.resource)
}
