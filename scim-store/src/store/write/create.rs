//! Creates a resource.

use scim_core::patch::ListDelta;
use scim_core::schema::Projection;
use scim_core::{Context, Resource, new_id};
use serde_json::{Map, Value};

use super::commit::{CommitEvidence, commit};
use super::members::{self, Comparison};
use super::resource_row::insert;
use super::retry::Attempts;
use super::value_rows::{insert_unique_values, value_statements};
use crate::password::PasswordChange;
use crate::store::error::StoreError;
use crate::store::read::memberships::Lists;
use crate::store::tables::{ResourceRows, StoredResource, tenant_of};

/// Creates a resource, and returns it as it is stored, with its members.
pub(crate) async fn create(
    attempts: &Attempts<'_>,
    cx: &Context<'_>,
    resource: Resource,
    password: &PasswordChange,
) -> Result<Resource, StoreError> {
    let (setup, layout) = (attempts.setup, &*attempts.layout);
    let tenant = tenant_of(cx)?;
    let mut resource = resource.stamp_new(cx, &new_id());
    let list = layout.members.as_ref().map(|target| target.attribute().name());
    let members = list.and_then(|list| resource.as_map_mut().remove(list));
    let members: Vec<&Map<String, Value>> =
        members.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_object).collect();
    let rows = ResourceRows::new(layout, &resource)?;
    let id = resource.id().to_owned();

    let mut tx = attempts.begin().await?;
    let delta = ListDelta::ExactKeys(members);
    let member_rows = match &layout.members {
        Some(_) => tx.query_all(members::select_for_change(&tx, &tenant, &id, &delta)?).await?,
        None => Vec::new(),
    };
    let layouts = setup.layouts();
    let change = members::resolve_delta(
        &mut tx,
        (layout, &layouts),
        &tenant,
        &delta,
        Comparison::AsReturned,
        &member_rows,
    )
    .await?;
    let keep_unknown = setup.rules.keep_unknown_members;
    members::check_references(&mut tx, layout, &tenant, &id, &change, keep_unknown).await?;
    let place = insert(&mut tx, cx, &tenant, &resource, &rows, password).await?;
    insert_unique_values(&mut tx, layout, &tenant, place, None, &rows).await?;
    let mut statements = value_statements(&tx, &tenant, place, None, &rows);
    statements.extend(members::write_statements(tx.dialect(), layout, &tenant, place, &change)?);
    let mut stored = StoredResource { place, resource };
    if list.is_some() {
        tx.execute(std::mem::take(&mut statements)).await?;
        let projection = Projection::new(cx.resource_type());
        let lists = Lists::read(&mut tx, layout, &tenant, &projection, &[(place, &id)]).await?;
        lists.insert_into(layout, [stored.resource.as_map_mut()])?;
    }
    commit(setup, tx, statements, &tenant, &id, CommitEvidence::Created).await?;
    Ok(stored.resource)
}
