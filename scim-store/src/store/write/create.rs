//! Creates a resource, or changes the existing one that the client adopts.

use scim_core::schema::Projection;
use scim_core::{Context, Error, Resource, UpdateOptions, new_id};

use super::adopt::find_adopted;
use super::new_resource::{NewResource, Origin};
use super::retry::Attempts;
use super::update::Change;
use crate::adopt::adopting_update;
use crate::outbox::ChangeKind;
use crate::password::PasswordChange;
use crate::store::error::StoreError;

/// A resource as it is stored, with its members.
pub(crate) struct Created {
    pub(crate) resource: Resource,
    /// Whether it existed before.
    pub(crate) is_adopted: bool,
}

/// Creates a resource, or lets the client adopt an existing one.
pub(crate) async fn create(
    attempts: &Attempts<'_>,
    cx: &Context<'_>,
    resource: Resource,
    password: &PasswordChange,
) -> Result<Created, StoreError> {
    let new = NewResource::new(&attempts.layout, resource.clone().stamp_new(cx, &new_id()))?;
    let mut tx = attempts.begin().await?;
    if let Some(rule) = &attempts.setup.rules.adopt
        && let Some(id) = find_adopted(attempts, cx, &mut tx, rule, &resource).await?
    {
        let change = Change {
            kind: ChangeKind::Adopted,
            id: &id,
            update: &adopting_update(cx, &resource)?,
            options: &UpdateOptions::new().returning(Projection::new(cx.resource_type())),
            password: &PasswordChange::Keep,
        };
        let updated = change.write(attempts, cx, tx).await?;
        let resource = updated.resource.ok_or_else(|| StoreError::Refused(Error::not_found(&id)))?;
        return Ok(Created { resource, is_adopted: true });
    }
    let resource = new.insert(attempts, cx, tx, password, Origin::created()).await?;
    Ok(Created { resource, is_adopted: false })
}
