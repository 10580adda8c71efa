//! Creates a resource, or changes the existing one that the client adopts.

use scim_core::schema::Projection;
use scim_core::{ChangedMembers, Context, ETag, Error, Resource, UpdateOptions, async_trait, new_id};

use super::adopt::find_adopted;
use super::new_resource::{NewResource, Origin};
use super::run::{Scope, Write};
use super::update::Change;
use crate::adopt::adopting_update;
use crate::outbox::ChangeKind;
use crate::password::PasswordChange;
use crate::store::connection::Transaction;
use crate::store::error::StoreError;
use crate::store::setup::Setup;

/// Creates a resource, or lets the client adopt an existing one.
pub(crate) struct Create {
    new: NewResource,
    /// The resource as it was requested, if the store has a rule for adoptions.
    requested: Option<Resource>,
    password: PasswordChange,
}

/// A resource as it is stored, with its members.
pub(crate) struct Created {
    pub(crate) resource: Resource,
    /// If it existed before: its version until then, and the members that it has got and lost.
    pub(crate) adopted: Option<(ETag, ChangedMembers)>,
}

impl Create {
    /// # Errors
    ///
    /// If a value is too long for its column, or contains U+0000.
    pub(crate) fn new(
        setup: &Setup,
        cx: &Context<'_>,
        resource: Resource,
        password: PasswordChange,
    ) -> Result<Self, StoreError> {
        let requested = setup.rules.adopt.is_some().then(|| resource.clone());
        let layout = setup.layout(cx.resource_type())?;
        let new = NewResource::new(&layout, resource.stamp_new(cx, &new_id()))?;
        Ok(Self { new, requested, password })
    }
}

#[async_trait]
impl Write for Create {
    type Output = Created;

    async fn run(&self, scope: &Scope, cx: &Context<'_>, mut tx: Transaction) -> Result<Created, StoreError> {
        if let (Some(rule), Some(requested)) = (&scope.setup.rules.adopt, &self.requested)
            && let Some(id) = find_adopted(scope, cx, &mut tx, rule, requested).await?
        {
            let change = Change {
                kind: ChangeKind::Adopted,
                id,
                update: adopting_update(cx, requested)?,
                options: UpdateOptions::new().returning(Projection::new(cx.resource_type())),
                password: PasswordChange::Keep,
            };
            let updated = change.run(scope, cx, tx).await?;
            let resource =
                updated.resource.ok_or_else(|| StoreError::Refused(Error::not_found(&change.id)))?;
            return Ok(Created { resource, adopted: Some((updated.before, updated.members)) });
        }
        let resource = self.new.insert(scope, cx, tx, &self.password, Origin::created()).await?;
        Ok(Created { resource, adopted: None })
    }
}
