//! The state that the provider calls of one operation share: the policy, the context, the monitor.

use std::sync::{Arc, Mutex, OnceLock};

use chrono::{DateTime, Utc};
use http::{Extensions, StatusCode};
use scim_filter::Budget;
use scim_schema::{AttributeRef, Projection, ReadContext, ResourceType, ToleratedQuirk};

use super::adoption::CreatedIds;
use crate::adoption::Adoptions;
use crate::noted_quirks::NotedQuirks;
use crate::policy::{Reads, check_scopes};
use crate::secrets::Secrets;
use crate::setup::Setup;
use crate::type_index::TypeIndex;
use crate::{
    Access, Action, ChangedMembers, Context, Event, Identity, Permit, Provider, Result, monitor, trace,
};

/// What all operations of one HTTP request share.
#[derive(Clone, Copy)]
pub(super) struct RequestScope<'a> {
    pub(super) setup: &'a Setup,
    pub(super) base_url: &'a str,
    pub(super) extensions: &'a Extensions,
    pub(super) budget: &'a Arc<Budget>,
    /// The ids of the resources that a bulk request has created so far.
    pub(super) created: &'a CreatedIds,
    /// The deviations that were tolerated since the request was parsed.
    pub(super) noted: &'a NotedQuirks,
}

impl RequestScope<'_> {
    /// Adds what was tolerated while one operation was executed.
    pub(super) fn report(&self, noted: &NotedQuirks) {
        let noted = noted.all();
        trace::quirks(&noted);
        self.noted.add(noted);
    }
}

/// One operation that is being executed.
pub(super) struct Execution<'a> {
    pub(super) scope: RequestScope<'a>,
    pub(super) secrets: Secrets,
    /// The deviations that were tolerated when the operation was parsed.
    tolerated: Vec<ToleratedQuirk>,
    /// Those that were tolerated since then.
    pub(super) noted: NotedQuirks,
    /// All of them, for an event.
    all_tolerated: OnceLock<Vec<ToleratedQuirk>>,
    pub(super) now: DateTime<Utc>,
}

impl<'a> Execution<'a> {
    pub(super) fn new(scope: RequestScope<'a>, tolerated: Vec<ToleratedQuirk>) -> Self {
        let (secrets, noted, all_tolerated) = Default::default();
        Self { scope, secrets, tolerated, noted, all_tolerated, now: Utc::now() }
    }

    pub(super) fn setup(&self) -> &'a Setup {
        self.scope.setup
    }

    pub(super) fn provider(&self, type_index: TypeIndex) -> Result<&'a dyn Provider> {
        Ok(&*self.setup().registration(type_index)?.provider)
    }

    pub(super) fn resource_type(&self, type_index: TypeIndex) -> Result<&'a ResourceType> {
        Ok(&self.setup().registration(type_index)?.resource_type)
    }

    /// The context of a provider call.
    pub(super) fn context<'c>(&'c self, type_index: TypeIndex, permit: &'c Permit) -> Result<Context<'c>> {
        Ok(Context {
            resource_type: self.resource_type(type_index)?,
            base_url: self.scope.base_url,
            identity: self.scope.extensions.get(),
            secrets: &self.secrets,
            permit,
            extensions: self.scope.extensions,
            now: self.now,
            unique_types: self.setup().config.unique_types,
            budget: Arc::clone(self.scope.budget),
            noted: self.noted.clone(),
            defaults: &[],
            adoptions: Adoptions::Forbidden,
            adopted: Mutex::default(),
        })
    }

    /// Checks the caller's scopes, and asks the host's policy.
    pub(super) fn permit(
        &self,
        action: Action,
        type_index: TypeIndex,
        id: Option<&str>,
        writes: &[AttributeRef],
        reads: Reads<'_>,
    ) -> Result<Permit> {
        check_scopes(self.scope.extensions, action)?;
        self.setup().config.policy.check(&Access {
            action,
            resource_type: self.resource_type(type_index)?,
            id,
            writes,
            identity: self.scope.extensions.get(),
            extensions: self.scope.extensions,
            reads,
        })
    }

    /// Whether the caller's scopes allow it to see resources.
    pub(super) fn may_read(&self) -> bool {
        self.scope.extensions.get::<Identity>().is_none_or(Identity::may_read)
    }

    /// Restricts what the response to a change shows to the attributes that are always returned, if the caller may
    /// not see resources. Otherwise a change that changes nothing would show it everything.
    pub(super) fn restrict_to_scopes(
        &self,
        projection: &mut Projection,
        type_index: TypeIndex,
    ) -> Result<()> {
        if !self.may_read() {
            let mut read_context = ReadContext::new(&self.setup().config.tolerance);
            *projection = Projection::only(self.resource_type(type_index)?, "id", &mut read_context);
        }
        Ok(())
    }

    /// An event for the monitor, without versions.
    pub(super) fn event<'e>(
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
            resource: None,
            members: const { &ChangedMembers { added: Vec::new(), removed: Vec::new() } },
            writes: &[],
            secrets: !self.secrets.is_empty(),
            tolerated: self.all_tolerated.get_or_init(|| [self.tolerated.clone(), self.noted.all()].concat()),
            status,
        }
    }

    /// Whether somebody wants to know of changes.
    pub(super) fn has_monitor(&self) -> bool {
        self.setup().config.monitor.is_some()
    }

    /// Notifies the host's monitor of a change.
    pub(super) fn notify(&self, event: &Event<'_>) {
        if let Some(monitor) = &self.setup().config.monitor {
            monitor.changed(event);
        }
    }
}
