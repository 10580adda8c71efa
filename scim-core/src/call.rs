//! Executing one operation: the policy, the provider, the monitor.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::{Extensions, StatusCode};
use scim_filter::Budget;
use scim_schema::{Fired, Mutability, Projection, ResourceType, Target};

use crate::access::Reads;
use crate::context::Secrets;
use crate::error::Hint;
use crate::monitor;
use crate::operation::{Change, Kind};
use crate::search::sensitive;
use crate::service::Answer;
use crate::trace;
use crate::{
    Access, Action, Context, Error, Event, Permit, Precondition, Provider, Resource, Result, ScimService,
    Update,
};

/// What the provider calls of one operation have in common.
pub(crate) struct Call<'a> {
    pub(crate) service: &'a ScimService,
    base: &'a str,
    extensions: &'a Extensions,
    budget: &'a Arc<Budget>,
    secrets: Secrets,
    fired: Vec<Fired>,
    pub(crate) now: DateTime<Utc>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        service: &'a ScimService,
        base: &'a str,
        extensions: &'a Extensions,
        budget: &'a Arc<Budget>,
        fired: Vec<Fired>,
    ) -> Self {
        Self { service, base, extensions, budget, secrets: Secrets::default(), fired, now: Utc::now() }
    }

    pub(crate) fn provider(&self, on: usize) -> Result<&'a dyn Provider> {
        Ok(&*self.service.registration(on)?.provider)
    }

    pub(crate) fn resource_type(&self, on: usize) -> Result<&'a ResourceType> {
        Ok(&self.service.registration(on)?.resource_type)
    }

    pub(crate) fn context<'c>(&'c self, on: usize, permit: &'c Permit) -> Result<Context<'c>> {
        Ok(Context {
            resource_type: self.resource_type(on)?,
            base_url: self.base,
            identity: self.extensions.get(),
            secrets: &self.secrets,
            permit,
            extensions: self.extensions,
            now: self.now,
            unique_types: self.service.config().unique_types,
            budget: Arc::clone(self.budget),
        })
    }

    /// Asks the host's policy.
    pub(crate) fn permit(
        &self,
        action: Action,
        on: usize,
        id: Option<&str>,
        writes: &[Target],
        reads: Reads<'_>,
    ) -> Result<Permit> {
        self.service.config().policy.check(&Access {
            action,
            resource_type: self.resource_type(on)?,
            id,
            writes,
            identity: self.extensions.get(),
            extensions: self.extensions,
            reads,
        })
    }

    pub(crate) async fn execute(mut self, kind: Kind) -> Result<Answer> {
        match kind {
            Kind::Search(search) => self.search(search).await,
            Kind::Create { on, resource, secrets, projection, writes } => {
                self.secrets = secrets;
                self.create(on, resource, projection, &writes).await
            }
            Kind::Retrieve { on, id, projection, precondition } => {
                self.retrieve(on, &id, projection, &precondition).await
            }
            Kind::Update(change) => self.update(*change).await,
            Kind::Delete { on, id, precondition } => {
                let permit = self.permit(Action::Delete, on, Some(&id), &[], Reads::Nothing)?;
                self.delete(on, &id, &precondition, &permit).await
            }
            Kind::Discover { documents, precondition } => {
                let version = documents.version(self.service);
                let known = precondition.is_known(&version);
                Ok(if known { Answer::NotModified { version } } else { Answer::Documents(documents) })
            }
            Kind::Redirect(location) => Ok(Answer::Redirect(location)),
            Kind::Bulk(_) => Err(Error::invalid_syntax("a bulk request cannot be part of another")),
        }
    }

    async fn create(
        &self,
        on: usize,
        resource: Resource,
        mut projection: Projection,
        writes: &[Target],
    ) -> Result<Answer> {
        let permit = self.permit(Action::Create, on, None, writes, Reads::Shown(&projection))?;
        check_writes(&permit, writes)?;
        let cx = self.context(on, &permit)?;
        permit.restrict(&mut projection, cx.resource_type);
        let call = self.provider(on)?.create(&cx, resource);
        let resource = trace::provider(Action::Create, cx.resource_type, call).await?;
        check_id(&resource)?;
        let change = monitor::Change::Created(&resource);
        let event = self.event(&cx, Action::Create, resource.id(), change, StatusCode::CREATED);
        self.tell(&Event { after: resource.version().as_ref(), ..event });
        Ok(Answer::Resource { on, resource, projection, created: true })
    }

    async fn retrieve(
        &self,
        on: usize,
        id: &str,
        mut projection: Projection,
        precondition: &Precondition,
    ) -> Result<Answer> {
        let permit = self.permit(Action::Retrieve, on, Some(id), &[], Reads::Shown(&projection))?;
        let cx = self.context(on, &permit)?;
        permit.restrict(&mut projection, cx.resource_type);
        let call = self.provider(on)?.retrieve(&cx, id, &projection);
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
        Ok(Answer::Resource { on, resource, projection, created: false })
    }

    async fn update(mut self, change: Change) -> Result<Answer> {
        let Change { on, id, action, update, secrets, mut options, writes, selects, protected } = change;
        self.secrets = secrets;
        let reads = Reads::Changed(options.returning.as_ref(), &selects);
        let permit = self.permit(action, on, Some(&id), &writes, reads)?.protecting(protected);
        if let Some(target) = selects.iter().find(|target| !permit.may_read(target)) {
            return Err(sensitive(target));
        }
        if let Some(target) = writes.iter().find(|target| is_compared_unseen(&permit, target)) {
            return Err(Error::not_writable(target));
        }
        match update {
            Update::Patch(_) => check_writes(&permit, &writes)?,
            // A replacement may repeat a value as it is, which shows when it is applied; but a list
            // that is kept by its keys may be split off before.
            Update::Replace(_) => {
                check_writes(&permit, writes.iter().filter(|target| target.holds_members()))?
            }
        }
        let cx = self.context(on, &permit)?;
        if let Some(projection) = &mut options.returning {
            permit.restrict(projection, cx.resource_type);
        }
        let call = self.provider(on)?.update(&cx, &id, &update, &options);
        let updated = trace::provider(action, cx.resource_type, call).await;
        let updated = updated.map_err(|error| in_operation(error, &update))?;
        let answer = match (options.returning, updated.resource) {
            (Some(projection), Some(resource)) => {
                Answer::Resource { on, resource, projection, created: false }
            }
            (Some(_), None) => return Err(Error::internal("the provider did not return the resource")),
            (None, _) => Answer::NoContent { version: Some(updated.version.clone()) },
        };
        if updated.before != updated.version {
            let event = self.event(&cx, action, &id, monitor::Change::Updated(&update), answer.status());
            self.tell(&Event { before: Some(&updated.before), after: Some(&updated.version), ..event });
        }
        Ok(answer)
    }

    async fn delete(
        &self,
        on: usize,
        id: &str,
        precondition: &Precondition,
        permit: &Permit,
    ) -> Result<Answer> {
        let cx = self.context(on, permit)?;
        let call = self.provider(on)?.delete(&cx, id, precondition);
        let deleted = trace::provider(Action::Delete, cx.resource_type, call).await?;
        let answer = Answer::NoContent { version: None };
        let event = self.event(&cx, Action::Delete, id, monitor::Change::Deleted, answer.status());
        self.tell(&Event { before: Some(&deleted.version), ..event });
        Ok(answer)
    }

    /// Takes back a creation that could not be completed. The policy is not asked, since whoever may
    /// create something may fail to.
    pub(crate) async fn take_back(&self, on: usize, id: &str) -> Result<()> {
        self.delete(on, id, &Precondition::NONE, &Permit::all()).await.map(|_| ())
    }

    /// An event with everything but the versions.
    fn event<'e>(
        &'e self,
        cx: &Context<'e>,
        action: Action,
        id: &'e str,
        change: monitor::Change<'e>,
        status: StatusCode,
    ) -> Event<'e> {
        Event {
            action,
            resource_type: cx.resource_type,
            id,
            identity: cx.identity,
            before: None,
            after: None,
            change,
            secrets: !self.secrets.is_empty(),
            fired: &self.fired,
            status,
        }
    }

    /// Tells the host's monitor of a change.
    fn tell(&self, event: &Event<'_>) {
        if let Some(monitor) = &self.service.config().monitor {
            monitor.finished(event);
        }
    }
}

/// The error, with the operation of a PATCH that it is about if that is known only now.
fn in_operation(error: Error, update: &Update) -> Error {
    let operation = match (update, error.hint()) {
        (Update::Patch(patch), Some(Hint::Member { list, id })) => patch.operation_adding(list, id),
        _ => None,
    };
    match operation {
        Some(index) => error.in_operation(index),
        None => error,
    }
}

/// Refuses to write what the caller may not.
fn check_writes<'t>(permit: &Permit, writes: impl IntoIterator<Item = &'t Target>) -> Result<()> {
    match writes.into_iter().find(|target| !permit.may_write(target)) {
        Some(target) => Err(Error::not_writable(target)),
        None => Ok(()),
    }
}

/// Whether writing an attribute tells what the caller may not read: what is immutable is compared with what
/// is stored, and refused or not. Members are told apart by their `value`, and none is refused.
fn is_compared_unseen(permit: &Permit, target: &Target) -> bool {
    let unseen = |target: &Target| {
        target.definition().mutability() == Mutability::Immutable && !permit.may_read(target)
    };
    unseen(target) || !target.holds_members() && target.sub_attributes().iter().any(unseen)
}

/// RFC 7643 section 3.1: an id is not empty, and never holds the word that bulk requests use.
fn check_id(resource: &Resource) -> Result<()> {
    if resource.id().is_empty() || resource.id().contains("bulkId") {
        return Err(Error::internal("the provider made an id that is empty or holds `bulkId`"));
    }
    Ok(())
}
