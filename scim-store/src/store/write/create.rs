//! Creates a resource.

use scim_core::{Context, Resource, new_id};

use super::new_resource::{NewResource, Origin};
use super::retry::Attempts;
use crate::password::PasswordChange;
use crate::store::error::StoreError;

/// Creates a resource, and returns it as it is stored, with its members.
pub(crate) async fn create(
    attempts: &Attempts<'_>,
    cx: &Context<'_>,
    resource: Resource,
    password: &PasswordChange,
) -> Result<Resource, StoreError> {
    let new = NewResource::new(&attempts.layout, resource.stamp_new(cx, &new_id()))?;
    let tx = attempts.begin().await?;
    new.insert(attempts, cx, tx, password, Origin::created()).await
}
