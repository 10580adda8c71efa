//! Operations on one resource: create, retrieve, update, delete.

use std::sync::Arc;

use http::StatusCode;
use scim_schema::{AttributeRef, Projection, ResourceType};
use serde_json::Map;

use super::adoption::AdoptionPolicy;
use super::execution::Execution;
use crate::adoption::{Adopted, Adoptions};
use crate::error::Hint;
use crate::operation::{CreateOperation, UpdateOperation};
use crate::outcome::{Answer, Origin};
use crate::policy::{Reads, check_revealing, check_writes};
use crate::related_attributes::{groups_list, members_list};
use crate::type_index::TypeIndex;
use crate::{
    Action, ChangedMembers, Context, Error, Event, Permit, Precondition, Resource, Result, Update, monitor,
    trace,
};

impl Execution<'_> {
    pub(super) async fn create(mut self, create: CreateOperation) -> Result<Answer> {
        let CreateOperation { type_index, resource, secrets, mut projection, writes, defaults, through_me } =
            create;
        self.secrets = secrets;
        self.restrict_to_scopes(&mut projection, type_index)?;
        let permit = self.permit(Action::Create, type_index, None, &writes, Reads::Shown(&projection))?;
        check_writes(&permit, &writes)?;
        let adoptions = match through_me {
            true => Adoptions::Forbidden,
            false => {
                let policy = AdoptionPolicy {
                    policy: self.setup().config.policy.clone(),
                    writes: writes.clone(),
                    projection: projection.clone(),
                    created: self.scope.created.clone(),
                };
                Adoptions::Checked(Arc::new(move |resource_type, extensions, id| {
                    policy.check(resource_type, extensions, id)
                }))
            }
        };
        let cx = Context { defaults: &defaults, adoptions, ..self.context(type_index, &permit)? };
        permit.restrict(&mut projection, cx.resource_type);
        let call = self.provider(type_index)?.create(&cx, resource);
        let resource = trace::provider(Action::Create, cx.resource_type, call).await?;
        check_id(&resource)?;
        let adopted = cx.take_adopted();
        if adopted.is_some() {
            // The response shows what was there before, so what the caller may see of a change.
            let reads = Reads::Changed(Some(&projection), &[]);
            let id = Some(resource.id());
            let permit = self.permit(Action::Patch, type_index, id, &writes, reads)?;
            permit.restrict(&mut projection, cx.resource_type);
        }
        if self.has_monitor() {
            self.notify_of_creation(&cx, &resource, adopted.as_ref(), &writes);
        }
        let origin = if adopted.is_some() { Origin::Adopted } else { Origin::Created };
        Ok(Answer::Resource { type_index, resource, projection, origin })
    }

    fn notify_of_creation(
        &self,
        cx: &Context<'_>,
        resource: &Resource,
        adopted: Option<&Adopted>,
        writes: &[AttributeRef],
    ) {
        let change = match adopted {
            Some(_) => monitor::Change::Adopted(resource),
            None => monitor::Change::Created(resource),
        };
        let members = match (adopted, members_list(cx.resource_type)) {
            (Some(adopted), _) => adopted.members.clone(),
            (None, Some(list)) => ChangedMembers::between(list, &Map::new(), resource.as_map()),
            (None, None) => ChangedMembers::default(),
        };
        let after = resource.version();
        self.notify(&Event {
            before: adopted.map(|adopted| &adopted.before),
            after: after.as_ref(),
            resource: Some(resource),
            members: &members,
            writes,
            ..self.event(cx, Action::Create, resource.id(), change, StatusCode::CREATED)
        });
    }

    pub(super) async fn retrieve(
        &self,
        type_index: TypeIndex,
        id: &str,
        mut projection: Projection,
        precondition: &Precondition,
    ) -> Result<Answer> {
        let permit = self.permit(Action::Retrieve, type_index, Some(id), &[], Reads::Shown(&projection))?;
        let cx = self.context(type_index, &permit)?;
        permit.restrict(&mut projection, cx.resource_type);
        let call = self.provider(type_index)?.retrieve(&cx, id, &projection);
        let found = trace::provider(Action::Retrieve, cx.resource_type, call).await?;
        let resource = found.ok_or_else(|| Error::not_found(id))?;
        if !precondition.is_none()
            && let Some(version) = resource.version()
        {
            precondition.check_match(&version)?;
            if precondition.is_known(&version) {
                return Ok(Answer::NotModified { version });
            }
        }
        Ok(Answer::Resource { type_index, resource, projection, origin: Origin::Stored })
    }

    pub(super) async fn update(mut self, update: UpdateOperation) -> Result<Answer> {
        let UpdateOperation {
            type_index,
            id,
            action,
            update,
            secrets,
            mut options,
            writes,
            reads,
            protected,
        } = update;
        self.secrets = secrets;
        if let Some(projection) = &mut options.returning {
            self.restrict_to_scopes(projection, type_index)?;
        }
        let access = Reads::Changed(options.returning.as_ref(), &reads);
        let permit = self.permit(action, type_index, Some(&id), &writes, access)?.protecting(protected);
        if let Some(target) = reads.iter().find(|target| !self.may_read() || !permit.may_read(target)) {
            return Err(Error::sensitive(target));
        }
        check_revealing(&permit, &writes)?;
        match update {
            Update::Patch(_) => check_writes(&permit, &writes)?,
            // A replacement may repeat a protected value unchanged, which is checked when it is applied. But
            // a store may split a list of members off before, so that nothing is compared.
            Update::Replace(_) => {
                check_writes(&permit, writes.iter().filter(|target| target.holds_members()))?
            }
        }
        let cx = self.context(type_index, &permit)?;
        if let Some(projection) = &mut options.returning {
            permit.restrict(projection, cx.resource_type);
        }
        let shown = options.returning.clone();
        if self.has_monitor() {
            options.returning = Some(for_monitor(cx.resource_type, shown.as_ref()));
            options.members = members_list(cx.resource_type).cloned();
        }
        let call = self.provider(type_index)?.update(&cx, &id, &update, &options);
        let updated = trace::provider(action, cx.resource_type, call).await;
        let updated = updated.map_err(|error| locate_in_patch(error, &update))?;
        if shown.is_some() && updated.resource.is_none() {
            return Err(Error::internal("the provider did not return the resource"));
        }
        if updated.before != updated.version {
            let status = if shown.is_some() { StatusCode::OK } else { StatusCode::NO_CONTENT };
            let event = self.event(&cx, action, &id, monitor::Change::Updated(&update), status);
            self.notify(&Event {
                before: Some(&updated.before),
                after: Some(&updated.version),
                resource: updated.resource.as_ref(),
                members: &updated.members,
                ..event
            });
        }
        Ok(match (shown, updated.resource) {
            (Some(projection), Some(resource)) => {
                Answer::Resource { type_index, resource, projection, origin: Origin::Stored }
            }
            _ => Answer::NoContent { version: Some(updated.version) },
        })
    }

    pub(super) async fn delete(
        &self,
        type_index: TypeIndex,
        id: &str,
        precondition: &Precondition,
    ) -> Result<Answer> {
        let permit = self.permit(Action::Delete, type_index, Some(id), &[], Reads::Nothing)?;
        self.delete_permitted(type_index, id, precondition, &permit).await
    }

    /// Deletes a resource that a bulk request has created but could not complete. The policy is not checked:
    /// a caller who may create a resource may not be allowed to delete it.
    pub(super) async fn undo_create(&self, type_index: TypeIndex, id: &str) -> Result<()> {
        self.delete_permitted(type_index, id, &Precondition::NONE, &Permit::all()).await.map(|_| ())
    }

    async fn delete_permitted(
        &self,
        type_index: TypeIndex,
        id: &str,
        precondition: &Precondition,
        permit: &Permit,
    ) -> Result<Answer> {
        let cx = self.context(type_index, permit)?;
        let call = self.provider(type_index)?.delete(&cx, id, precondition);
        let deleted = trace::provider(Action::Delete, cx.resource_type, call).await?;
        let answer = Answer::NoContent { version: None };
        let event = self.event(&cx, Action::Delete, id, monitor::Change::Deleted, answer.status());
        self.notify(&Event { before: Some(&deleted.version), ..event });
        Ok(answer)
    }
}

/// What a provider returns of a changed resource for the monitor: everything, but lists of members and of groups only if the
/// response shows them too. They may be long, and the monitor knows which members have changed.
fn for_monitor(resource_type: &ResourceType, shown: Option<&Projection>) -> Projection {
    let mut everything = Projection::new(resource_type);
    for list in members_list(resource_type).into_iter().chain(groups_list(resource_type)) {
        everything.hide(list);
    }
    match shown {
        Some(shown) if shown.is_default() => shown.clone(),
        Some(shown) => everything.union(shown),
        None => everything,
    }
}

/// Adds to the error of a provider which operation of the PATCH it is about, if it is known.
fn locate_in_patch(error: Error, update: &Update) -> Error {
    let operation = match (update, error.hint()) {
        (Update::Patch(patch), Some(Hint::Member { list, id })) => patch.operation_adding(list, id),
        _ => None,
    };
    match operation {
        Some(index) => error.in_operation(index),
        None => error,
    }
}

/// Checks the id of a new resource: it is not empty and does not contain `bulkId` (RFC 7643 section 3.1).
fn check_id(resource: &Resource) -> Result<()> {
    if resource.id().is_empty() || resource.id().contains("bulkId") {
        return Err(Error::internal("the provider made an id that is empty or contains `bulkId`"));
    }
    Ok(())
}
